"""What a rule says about an illegal value."""

from collections.abc import Callable

import pytest


def problem(check: Callable[..., object], *args: object) -> str:
    """Call a rule that must refuse its arguments, and return what it says."""
    with pytest.raises(ValueError, match=r"\w") as error:
        check(*args)
    return str(error.value)
