"""The rules for the times in which warnings are told; what they let pass, amtool accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.alertmanager import times
from components.alertmanager.configuration import Routing, configuration
from components.alertmanager.routes import check_with_amtool
from sandbox.binaries import ensure

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = ["", "monday", "monday:friday", "sunday:saturday", "friday:friday"]
HOURS = ["", "08:00-18:00", "00:00-24:00", "23:58-23:59"]
ZONES = ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"]


@pytest.mark.parametrize(
    ("days", "hours", "zone"),
    [
        *((days, "08:00-18:00", "UTC") for days in DAYS),
        *(("monday", hours, "UTC") for hours in HOURS),
        *(("monday", "", zone) for zone in ZONES),
    ],
)
def test_what_is_accepted_is_legal(days: str, hours: str, zone: str) -> None:
    times.days(days)
    times.hours(hours)
    times.time_zone(zone)
    routing = Routing(notify_days=days, notify_hours=hours, time_zone=zone)
    check_with_amtool(configuration(routing), ensure(["amtool"])["amtool"])


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        *(
            (times.days, value)
            for value in (
                "mon",
                "Monday",
                "friday:monday",
                "monday-friday",
                "a:b",
                ":",
                " monday",
                "monday:",
            )
        ),
        (times.days, "monday:tuesday:friday"),
        (times.days, "saturday:sunday"),
        *(
            (times.hours, value)
            for value in ("8:00-18:00", "18:00-08:00", "08:00-08:00", "08:00-24:01", "08:60-09:00")
        ),
        *((times.hours, value) for value in ("08:00", "08:00-18:00\n", "24:00-24:00")),
        *((times.time_zone, value) for value in ("", "Berlin", "Europe/Berlin ", "+01:00")),
    ],
)
def test_what_is_not_is_refused(rule: Callable[[str], None], value: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        rule(value)
