"""The composed configuration: what it says, and where amtool says that alerts go."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components import assets
from components.alertmanager.configuration import (
    INTEGRATIONS,
    NOTIFY_TIMES,
    Routing,
    configuration,
    secret_variables,
)
from components.alertmanager.routes import check_with_amtool, read_routes, receivers_of
from sandbox.binaries import ensure

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"
ONLY_SNS = Routing(page_with=["sns"], notify_with=["sns"], topic_arn=TOPIC, region="eu-west-1")
ALL = replace(ONLY_SNS, page_with=INTEGRATIONS, notify_with=["sns", "slack"], watchdog=True)
NOBODY = Routing()
OWN = """
routes:
  - matchers: [team="shop"]
    receiver: slack
    mute_time_intervals: [nights]
    routes:
      - matchers: [severity="critical"]
        receiver: page
  - matchers: [alertname=~"Backup.*"]
    receiver: notify
    continue: true
    group_by: ["..."]
inhibit_rules:
  - source_matchers: [alertname="Maintenance"]
    target_matchers: [severity!="critical"]
    equal: [instance]
time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: "00:00", end_time: "06:00"}]
"""
WATCHDOG = {"alertname": "Watchdog", "severity": "none"}


def test_it_is_json_and_has_no_secret() -> None:
    text = json.dumps(configuration(ALL))
    assert json.loads(text) == configuration(ALL)
    named = {f"{name}_file" for name in ("api_url", "routing_key", "api_key", "url")}
    for receiver in configuration(ALL)["receivers"]:
        for configs in (value for key, value in receiver.items() if key != "name"):
            for config in configs:
                assert set(config) & named or "topic_arn" in config


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (
            ALL,
            {
                "slack": "SLACK_URL",
                "pagerduty": "PAGERDUTY_ROUTING_KEY",
                "opsgenie": "OPSGENIE_API_KEY",
                "webhook": "WEBHOOK_URL",
                "watchdog": "WATCHDOG_URL",
            },
        ),
        (ONLY_SNS, {}),
        (Routing(notify_with=["webhook"]), {"webhook": "WEBHOOK_URL"}),
        (NOBODY, {}),
    ],
)
def test_secrets_are_those_of_the_files_that_are_named(
    routing: Routing, expected: dict[str, str]
) -> None:
    assert secret_variables(routing) == expected
    text = json.dumps(configuration(routing))
    files = {f"secrets/{name.lower()}" for name in expected.values()}
    assert {word for word in text.split('"') if word.startswith("secrets/")} == files


def test_receivers_are_by_purpose_and_by_integration() -> None:
    receivers = {receiver["name"]: receiver for receiver in configuration(ALL)["receivers"]}
    assert set(receivers) == set(ALL.receivers)
    assert set(receivers["page"]) == {"name", *(f"{name}_configs" for name in INTEGRATIONS)}
    assert set(receivers["notify"]) == {"name", "sns_configs", "slack_configs"}
    assert receivers["none"] == {"name": "none"}
    for name in INTEGRATIONS:
        [config] = receivers[name][f"{name}_configs"]
        assert config == receivers["page"][f"{name}_configs"][0]
        assert config["send_resolved"] is True
    [config] = receivers["watchdog"]["webhook_configs"]
    assert config == {"url_file": "secrets/watchdog_url", "send_resolved": False}


def test_sns_signs_with_the_tasks_role() -> None:
    [receiver] = [one for one in configuration(ONLY_SNS)["receivers"] if one["name"] == "sns"]
    [config] = receiver["sns_configs"]
    assert config["topic_arn"] == TOPIC
    assert config["sigv4"] == {"region": "eu-west-1"}


def test_intervals_are_those_that_are_given() -> None:
    route = configuration(Routing(group_wait="1s", group_interval="2s", repeat_interval="3s"))[
        "route"
    ]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == (
        *("1s", "2s"),
        "3s",
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        (
            {"notify_days": "monday:friday"},
            {"weekdays": ["monday:friday"], "location": "UTC"},
        ),
        (
            {"notify_hours": "08:00-18:00", "time_zone": "Europe/Berlin"},
            {
                "times": [{"start_time": "08:00", "end_time": "18:00"}],
                "location": "Europe/Berlin",
            },
        ),
    ],
)
def test_warnings_wait_for_their_times_and_nothing_else_does(
    settings: dict[str, str], expected: dict[str, Any] | None
) -> None:
    found = configuration(Routing(**settings))  # type: ignore[arg-type] # all of them are texts
    *others, notify = found["route"]["routes"]
    assert not any("time_intervals" in key for route in others for key in route)
    if expected is None:
        assert "time_intervals" not in found
        assert notify == {"receiver": "notify"}
    else:
        assert found["time_intervals"] == [{"name": NOTIFY_TIMES, "time_intervals": [expected]}]
        assert notify["active_time_intervals"] == [NOTIFY_TIMES]


@pytest.mark.parametrize("own", ["", OWN], ids=["alone", "own"])
@pytest.mark.parametrize(
    "routing",
    [
        ALL,
        ONLY_SNS,
        NOBODY,
        Routing(notify_days="monday:friday", notify_hours="08:00-18:00", time_zone="Asia/Tokyo"),
    ],
    ids=["all", "sns", "nobody", "hours"],
)
def test_amtool_accepts_it(routing: Routing, own: str) -> None:
    routes = read_routes(own.replace("slack", "notify"), routing.receivers)
    check_with_amtool(configuration(routing, routes), ensure(["amtool"])["amtool"])


def test_amtool_accepts_what_the_image_brings() -> None:
    text = (assets.image_context("alertmanager") / "alertmanager.yml").read_text(encoding="utf-8")
    check_with_amtool(yaml.safe_load(text), ensure(["amtool"])["amtool"])


@pytest.mark.parametrize(
    ("routing", "own", "labels", "receivers"),
    [
        (ALL, "", {"alertname": "A", "severity": "critical"}, "page"),
        (ALL, "", {"alertname": "A", "severity": "warning"}, "notify"),
        (ALL, "", {"alertname": "A", "severity": "info"}, "none"),
        (ALL, "", {"alertname": "A", "severity": "none"}, "none"),
        (ALL, "", {"alertname": "A"}, "notify"),
        (ALL, "", {"alertname": "A", "severity": "disaster"}, "notify"),
        (ALL, "", {"alertname": "A", "severity": "critical", "team": "shop"}, "page"),
        (ALL, "", WATCHDOG, "watchdog"),
        (ONLY_SNS, "", {"alertname": "A", "severity": "critical"}, "page"),
        (ONLY_SNS, "", {"alertname": "A", "severity": "warning"}, "notify"),
        (ONLY_SNS, "", WATCHDOG, "none"),
        (NOBODY, "", {"alertname": "A", "severity": "critical"}, "page"),
        (NOBODY, "", WATCHDOG, "none"),
        (ALL, OWN, {"alertname": "A", "severity": "warning", "team": "shop"}, "slack"),
        (ALL, OWN, {"alertname": "A", "severity": "critical", "team": "shop"}, "page"),
        (ALL, OWN, {"alertname": "A", "severity": "info", "team": "shop"}, "slack"),
        (ALL, OWN, {"alertname": "A", "severity": "warning", "team": "other"}, "notify"),
        (ALL, OWN, {"alertname": "BackupOld", "severity": "critical"}, "notify,page"),
        (ALL, OWN, {**WATCHDOG, "team": "shop"}, "watchdog"),
    ],
)
def test_alerts_reach_their_receiver(
    routing: Routing, own: str, labels: dict[str, str], receivers: str
) -> None:
    composed = configuration(routing, read_routes(own, routing.receivers))
    assert receivers_of(composed, labels, ensure(["amtool"])["amtool"]) == receivers.split(",")
