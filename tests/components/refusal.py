"""What a rule says about an illegal value."""

import re
from collections.abc import Callable

import pytest

HIDDEN = "not shown, as it may be the secret itself"


def shown(key: str, value: object, show: Callable[[object], str]) -> str:
    """What a message about an argument repeats of its value."""
    if not re.search(r"secret_?arns?$", key, re.IGNORECASE):
        return show(value)
    if isinstance(value, str):
        hidden = bool(value) and not value.startswith("arn:")
    else:
        hidden = isinstance(value, list) and any("=arn:" not in str(entry) for entry in value)
    return HIDDEN if hidden else show(value)


def problem(check: Callable[..., object], *args: object) -> str:
    """Call a rule that must refuse its arguments, and return what it says."""
    with pytest.raises(ValueError, match=r"\w") as error:
        check(*args)
    return str(error.value)
