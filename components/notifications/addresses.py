"""Where notifications go to."""

import re
from collections.abc import Callable, Sequence

from components import checks
from components.values import shortened

MAX_ADDRESSES = 20
"""Of one kind. More people are what a mailing list, or a service for on-call duty, is for."""

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
    re.ASCII,
)
_MAX_EMAIL = 254
"""Source: RFC 5321, with its erratum 1690."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
"""Source: https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html"""


def emails(value: Sequence[str]) -> None:
    """Check e-mail addresses.

    Raises:
        ValueError: with the entry and what is expected.
    """
    expected = "expected an e-mail address such as on-call@example.com"
    _each(value, lambda entry: bool(_EMAIL.fullmatch(entry)) and len(entry) <= _MAX_EMAIL, expected)


def phone_numbers(value: Sequence[str]) -> None:
    """Check phone numbers.

    Raises:
        ValueError: with the entry and what is expected.
    """
    expected = "expected a phone number in E.164 format, such as +4915112345678"
    _each(value, lambda entry: bool(_E164.fullmatch(entry)), expected)


def _each(value: Sequence[str], legal: Callable[[str], bool], expected: str) -> None:
    if len(value) > MAX_ADDRESSES:
        raise ValueError(f"expected at most {MAX_ADDRESSES} of them")
    for entry in value:
        if not legal(entry):
            raise ValueError(f"{shortened(repr(entry))}: {expected}")
    checks.each_once([entry.lower() for entry in value], "each of them")
