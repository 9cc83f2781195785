"""What a rule says about an illegal value."""

from collections.abc import Callable

import pytest

HIDDEN = "not shown, as it may be the secret itself"


def shown(key: str, value: object, show: Callable[[object], str]) -> str:
    """What a message about an argument repeats of its value."""
    of_secret = key.lower().replace("_", "").endswith("secretarn")
    is_text = isinstance(value, str) and value
    return HIDDEN if of_secret and is_text and not str(value).startswith("arn:") else show(value)


def problem(check: Callable[..., object], *args: object) -> str:
    """Call a rule that must refuse its arguments, and return what it says."""
    with pytest.raises(ValueError, match=r"\w") as error:
        check(*args)
    return str(error.value)
