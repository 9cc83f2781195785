"""components.notifications.addresses: lists of them; single ones are in the table of limits."""

import pytest

from components.notifications.addresses import emails, phone_numbers

MANY_EMAILS = [f"on-call+{n}@ops.example.com" for n in range(21)]
MANY_NUMBERS = [f"+49151123456{n:02}" for n in range(21)]


def test_twenty_are_enough() -> None:
    emails(MANY_EMAILS[:20])
    phone_numbers(MANY_NUMBERS[:20])
    with pytest.raises(ValueError, match=r"^expected at most 20 of them$"):
        emails(MANY_EMAILS)
    with pytest.raises(ValueError, match=r"^expected at most 20 of them$"):
        phone_numbers(MANY_NUMBERS)


def test_an_address_has_at_most_254_characters() -> None:
    domain = "@" + "a" * 60 + ".example.com"
    emails(["x" * (254 - len(domain)) + domain])
    with pytest.raises(ValueError, match="expected an e-mail address"):
        emails(["x" * (255 - len(domain)) + domain])
