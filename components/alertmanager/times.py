"""Rules for the times in which warnings are told."""

from __future__ import annotations

import re
import zoneinfo

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""As Alertmanager counts: saturday:sunday is no range."""

_HOUR = r"([01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"({_HOUR})-({_HOUR}|24:00)", re.ASCII)


def days(value: str) -> None:
    """Check a day of the week or a range of them, such as monday:friday; empty: every day.

    Raises:
        ValueError: with what is expected.
    """
    first, _, last = value.partition(":")
    legal = first in _WEEKDAYS and (last or first) in _WEEKDAYS and not value.endswith(":")
    if value and (not legal or _WEEKDAYS.index(first) > _WEEKDAYS.index(last or first)):
        raise ValueError(
            "expected a day such as monday, or a range within the week, which begins on sunday,"
            " such as monday:friday"
        )


def hours(value: str) -> None:
    """Check a range of hours within a day, such as 08:00-18:00; empty: at any hour.

    Raises:
        ValueError: with what is expected.
    """
    match = _HOURS.fullmatch(value)
    if value and (match is None or match[1] >= match[3]):
        raise ValueError("expected a range within one day, such as 08:00-18:00, at most to 24:00")


def time_zone(value: str) -> None:
    """Check the name of a time zone, such as Europe/Berlin.

    Raises:
        ValueError: with what is expected.
    """
    known = zoneinfo.available_timezones() or {value}  # a machine may have no list of them
    if value not in known:
        raise ValueError("expected the name of a time zone, such as UTC or Europe/Berlin")
