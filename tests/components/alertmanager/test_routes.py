"""The user's own file of routes: what is accepted, and how the rest is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.alertmanager.configuration import Routing, configuration
from components.alertmanager.routes import check_routes, check_with_amtool, read_routes
from sandbox.binaries import ensure

RECEIVERS = ["page", "notify", "none"]
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "alerting.md"


def test_the_example_of_the_guide_is_legal() -> None:
    [example] = re.findall(r"```yaml\n(routes:.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    check_routes(example, Routing(notify_with=["slack"]), ensure(["amtool"])["amtool"])


def test_a_file_is_checked_before_the_topic_is_known() -> None:
    routing = Routing(page_with=["sns"])
    amtool = ensure(["amtool"])["amtool"]
    check_routes('routes: [{matchers: [a="b"], receiver: sns}]', routing, amtool)
    with pytest.raises(ValueError, match=r"^amtool refuses it: "):
        check_routes("routes: [{matchers: [a]}]", routing, amtool)
    with pytest.raises(ValueError, match=r"receiver is 'slack': expected one of page, notify"):
        check_routes('routes: [{matchers: [a="b"], receiver: slack}]', routing, amtool)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "routes: []"])
def test_a_file_may_be_empty(text: str) -> None:
    found = read_routes(text, RECEIVERS)
    assert configuration(Routing(), found) == configuration(Routing())


def test_what_is_given_is_added() -> None:
    text = """
routes:
  - matchers: [team="shop"]
    receiver: page
    group_wait: 1m30s
    active_time_intervals: [notify-times, days]
inhibit_rules: [{source_matchers: [a="b"], target_matchers: [c="d"], equal: [e]}]
time_intervals: [{name: days, time_intervals: [{weekdays: [monday]}]}]
"""
    found = read_routes(text, RECEIVERS)
    composed = configuration(Routing(notify_days="monday"), found)
    watchdog, own, *defaults = composed["route"]["routes"]
    assert watchdog["matchers"] == ['alertname="Watchdog"']
    assert own == found["routes"][0]
    assert [route["receiver"] for route in defaults] == ["page", "none", "notify"]
    assert composed["inhibit_rules"][-1] == found["inhibit_rules"][0]
    assert [interval["name"] for interval in composed["time_intervals"]] == ["notify-times", "days"]
    check_with_amtool(composed, ensure(["amtool"])["amtool"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "it is no YAML: "),
        ("[1]", "expected the keys routes, inhibit_rules, time_intervals, not list"),
        ("route: {}", "route is unknown: expected one of routes, inhibit_rules, time_intervals"),
        ("receivers: []", "receivers is unknown: expected one of routes, "),
        ("routes: {}", "routes: expected a list of entries with keys"),
        ("routes: [x]", "routes: expected a list of entries with keys"),
        (
            "routes: [{receiver: page}]",
            "routes[1] has no matchers, such as team=shop: it would take every alert",
        ),
        (
            'routes: [{matchers: [a="b"], receiver: ops}]',
            "routes[1].receiver is 'ops': expected one of page, notify, none",
        ),
        ('routes: [{matchers: a="b"}]', "routes[1].matchers: expected a list of texts"),
        ("routes: [{match: {a: b}}]", "routes[1].match is deprecated: write matchers"),
        (
            'routes: [{matchers: [a="b"], groupBy: [c]}]',
            "routes[1].groupBy is unknown: expected one of receiver, continue, ",
        ),
        (
            'routes: [{matchers: [a="b"], continue: "yes"}]',
            "routes[1].continue is 'yes': expected true or false",
        ),
        (
            'routes: [{matchers: [a="b"], group_wait: 30}]',
            "routes[1].group_wait is 30: expected a duration such as 30s or 1h30m",
        ),
        ('routes: [{matchers: [a="b"], group_wait: ""}]', "routes[1].group_wait is ''"),
        (
            'routes: [{matchers: [a="b"], mute_time_intervals: [nights]}]',
            "routes[1].mute_time_intervals: there is no time interval 'nights'",
        ),
        (
            'routes: [{matchers: [a="b"], routes: [{receiver: page}, {receiver: x}]}]',
            "routes[1].routes[2].receiver is 'x': expected one of ",
        ),
        (
            'inhibit_rules: [{source_matchers: [a="b"]}]',
            "inhibit_rules[1] has no target_matchers: it would hide alerts that nobody means",
        ),
        (
            'inhibit_rules: [{source_matchers: [a="b"], target_matchers: [a="b"], equal: a}]',
            "inhibit_rules[1].equal: expected a list of texts",
        ),
        ("time_intervals: [{time_intervals: []}]", "time_intervals: one has no name"),
        (
            "time_intervals: [{name: a}, {name: a}]",
            "time_intervals: a is there more than once",
        ),
        (
            "time_intervals: [{name: notify-times}]",
            "time_intervals: notify-times is the configured times' name: take another",
        ),
    ],
)
def test_a_bad_file_is_refused_with_what_is_expected(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_routes(text, RECEIVERS)


def test_all_problems_are_told_at_once() -> None:
    text = 'routes: [{matchers: [a="b"], receiver: ops, continue: 1}, {}]\nother: 1'
    with pytest.raises(ValueError, match=r"^[^;]+(; [^;]+){3}$"):
        read_routes(text, RECEIVERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('routes: [{matchers: ["severity"]}]', "expected an operator such as"),
        ("routes: [{matchers: ['a=~\"(']}]", "missing end"),
        (
            "time_intervals: [{name: a, time_intervals: [{weekdays: [someday]}]}]",
            "someday is not a valid weekday",
        ),
    ],
)
def test_what_only_alertmanager_knows_amtool_refuses(text: str, expected: str) -> None:
    composed = configuration(Routing(), read_routes(text, RECEIVERS))
    check_with_amtool(composed, None)
    with pytest.raises(ValueError, match=r"^amtool refuses it: ") as raised:
        check_with_amtool(composed, ensure(["amtool"])["amtool"])
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
