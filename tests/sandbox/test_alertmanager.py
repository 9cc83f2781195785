"""Somebody is told: Prometheus, two Alertmanagers and the local receiver, all of them real.

In a checkout in which time runs faster: every duration is shorter, and nothing else is changed.
The tests are one story, in this order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dashboards.alertmanager import SUPPRESSED
from sandbox import receiver
from sandbox.binaries import ensure
from tests.sandbox.alerting import (
    FASTER,
    GROUP_INTERVAL_S,
    GROUP_WAIT_S,
    LIFE_S,
    PEER_TIMEOUT_S,
    SECOND_TURN_S,
    Alerting,
    ask,
    hanging,
    listening,
    peers,
    process,
    states,
)
from tests.sandbox.command import changed_checkout, processes, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="DNS and mounts of one's own need root")


@pytest.fixture(scope="module")
def alerting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    checkout = changed_checkout(tmp_path_factory.mktemp("faster") / "checkout", FASTER)
    options = {
        # Ways that lead outside, and a secret that is not there.
        "pageWith": '["pagerduty", "slack", "sns"]',
        "pagerdutyRoutingKeySecretArn": (
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:theirs-abcdef"
        ),
        "groupWait": f"{GROUP_WAIT_S}s",
        "groupInterval": f"{GROUP_INTERVAL_S}s",
    }
    given = [f"--config=alertmanager.{key}={value}" for key, value in options.items()]
    given.append("--config=notifications={}")  # the topic
    with Alerting.up("--hosts", "1", *given, checkout=checkout) as up:
        yield up


def _amtool(alertmanager: str, *arguments: str) -> None:
    amtool = ensure(["amtool"])["amtool"]
    subprocess.run([amtool, *arguments, f"--alertmanager.url={alertmanager}"], check=True)


def _lose(alerting: Alerting, lost: str) -> str:
    """Kill an Alertmanager; return its successor when that and the other one know each other."""
    (stays,) = {*alerting.alertmanagers()} - {lost}
    killed = process(lost)
    os.kill(killed.pid, signal.SIGKILL)

    def successor() -> str:
        """Return it: in a new task, or in the same one, if that had run for a minute."""
        (*others,) = {*alerting.alertmanagers()} - {stays}
        runs = len(others) == 1 and {it.pid for it in listening(others[0])} - {killed.pid}
        return others[0] if runs else ""

    new = until("another one has taken its place", 60, successor)
    until("they know of each other", 40, lambda: peers(new) == peers(stays) == 2)
    return new


def test_the_watchdog_is_told(alerting: Alerting) -> None:
    until("a sign of life", 30, alerting.signs)
    life = alerting.told("watchdog")
    assert {alert["labels"]["alertname"] for it in life for alert in it["alerts"]} == {"Watchdog"}
    assert len(alerting.alertmanagers()) == 2
    assert alerting.pages() == []
    configuration = ask(alerting.alertmanagers()[0], "status")["config"]["original"]
    assert "slack_configs" in configuration
    assert "pagerduty_configs" not in configuration  # it would lead outside


def test_names_lead_to_where_servers_listen(alerting: Alerting) -> None:
    discovery = alerting.account.client("servicediscovery")
    found = {
        service["Name"]: sorted(
            instance["Attributes"]["AWS_INSTANCE_IPV4"]
            for instance in discovery.list_instances(ServiceId=service["Id"])["Instances"]
        )
        for service in discovery.list_services()["Services"]
    }
    assert found == {
        "alertmanager": sorted(str(urlsplit(url).hostname) for url in alerting.alertmanagers()),
        "prometheus": [urlsplit(alerting.account.url).hostname],
    }


def test_an_exporter_that_stops_is_one_page_from_two_alertmanagers(alerting: Alerting) -> None:
    os.kill(alerting.exporter(), signal.SIGSTOP)
    until("the page", 40, alerting.pages)
    for alertmanager in alerting.alertmanagers():
        assert states(alertmanager) == {"active"}  # both know of it
    time.sleep(SECOND_TURN_S)
    (page,) = alerting.told("page")
    (alert,) = page["alerts"]
    assert (page["via"], page["status"]) == ("webhook", "firing")
    assert alert["labels"] == {
        "alertname": "JobDown",
        "job": "node",
        "severity": "critical",
        "environment": "dev",
        "region": "eu-central-1",
    }
    assert alert["annotations"]["runbook_url"].endswith("/targets.md#jobdown")
    others = [it for it in receiver.read(alerting.file) if it["via"] in ("slack", "sns")]
    assert sorted(it["via"] for it in others) == ["slack", "sns"]
    assert all("[FIRING:1] JobDown, dev" in receiver.line(it) for it in others)
    assert alerting.told("notify") == []  # what JobDown inhibits


def test_status_shows_alerts_and_notifications(alerting: Alerting) -> None:
    status = json.loads(run("status", "--json", "--name", alerting.account.status["name"]).stdout)
    names = {alert["labels"]["alertname"]: alert["state"] for alert in status["alerts"]}
    down = dict.fromkeys(("JobDown", "TargetDown", "NodeDown"), "firing")
    assert names == {"Watchdog": "firing", **down}
    assert status["alertmanagers"] == alerting.alertmanagers()
    assert [it["status"] for it in status["notifications"] if it.get("receiver") == "page"] == [
        "firing"
    ]
    shown = run("status", "--name", alerting.account.status["name"]).stdout
    assert "\nFIRING   JobDown\n" in shown
    assert "page: FIRING JobDown: All targets of job node are down.\n" in shown


def test_whoever_has_paged_dies_and_nobody_pages_again(alerting: Alerting) -> None:
    sent = 'topk(1, sum by (instance) (alertmanager_notifications_total{integration="webhook"}))'
    (first,) = alerting.query(sent)
    sender = first["metric"]["instance"]
    new = _lose(alerting, f"http://{sender}")
    until("the new one knows the alert", 40, lambda: states(new) == {"active"})
    time.sleep(SECOND_TURN_S)
    assert alerting.pages() == ["firing"]


def test_the_end_is_told(alerting: Alerting) -> None:
    os.kill(alerting.exporter(), signal.SIGCONT)
    until("the end", 40, lambda: "resolved" in alerting.pages())
    (alert,) = alerting.told("page")[1]["alerts"]
    assert (alert["status"], alert["labels"]["alertname"]) == ("resolved", "JobDown")


def test_whoever_would_page_first_dies_before_and_the_other_one_pages_once(
    alerting: Alerting,
) -> None:
    """The alert has a name of its own: a group that has been told of before does not wait."""
    first, second = until("they agree on turns", 40, alerting.in_turn)
    to_kill = process(first).pid
    raised = ("alert", "add", "Unheard", "severity=critical")
    for alertmanager in (second, first):
        _amtool(alertmanager, *raised)
    assert states(first, "Unheard") == states(second, "Unheard") == {"active"}
    os.kill(to_kill, signal.SIGKILL)
    assert alerting.pages("Unheard") == []
    # Nobody else knows of it.
    until("the page", 40, lambda: alerting.pages("Unheard"))
    # In a new task, or in the same one, if it had run for a minute.
    (new,) = {*until("they agree on turns", 60, alerting.in_turn)} - {second}
    _amtool(new, *raised)
    time.sleep(SECOND_TURN_S)
    assert alerting.pages("Unheard") == ["firing"]


def test_alertmanagers_that_do_not_answer_are_told_of(alerting: Alerting) -> None:
    """They hang, so that they stay discovered: one of them, then the other one too."""
    some = "PrometheusErrorSendingAlertsToSomeAlertmanagers"
    none = "PrometheusErrorSendingAlertsToAnyAlertmanager"
    first, second = until("they agree on turns", 40, alerting.in_turn)
    pages = alerting.pages("JobDown").count("firing")
    with hanging(process(first).pid):
        with hanging(alerting.exporter()):
            (alert,) = until("it fires", 40, lambda: alerting.firing(some))
            assert alert.labels["alertmanager"] == f"{first}/api/v2/alerts"
            until("the page", 40, lambda: alerting.pages("JobDown").count("firing") > pages)
        until("it is told", 40, lambda: some in alerting.names("notify"))
        assert not alerting.firing(none)
        assert alerting.alertmanagers() == sorted([first, second])
        with hanging(process(second).pid):
            until("it fires", 40, lambda: alerting.firing(none))
            assert alerting.pages(none) == []
    until("it is told after all", 40, lambda: alerting.pages(none))
    until("it ends", 40, lambda: not [*alerting.firing(some), *alerting.firing(none)])
    for url in (first, second):
        until("they are together", 40, lambda: peers(url) == 2)  # noqa: B023
        for name in ("JobDown", some, none):
            until("it has ended", 40, lambda: not states(url, name))  # noqa: B023
    time.sleep(PEER_TIMEOUT_S)  # whoever waits for a turn has had it


def test_what_is_silenced_at_one_pages_nobody_nor_after_the_loss_of_that_one(
    alerting: Alerting,
) -> None:
    one, other = alerting.alertmanagers()
    _amtool(one, "silence", "add", "alertname=JobDown", "--comment=test", "--duration=1h")
    (silence,) = until("the other one knows", 20, lambda: ask(other, "silences"))
    # Until now, a scrape that a busy machine answers late may have paged.
    before = alerting.pages("JobDown").count("firing")
    os.kill(alerting.exporter(), signal.SIGSTOP)
    until("it fires", 40, lambda: alerting.firing("JobDown"))
    until("both are silent", 20, lambda: states(one) == states(other) == {"suppressed"})
    new = _lose(alerting, one)
    # Killed, it has not written down what it knew: its successor has it from the other one.
    (known,) = until("the new one knows", 20, lambda: ask(new, "silences"))
    assert (known["id"], known["status"]) == (silence["id"], {"state": "active"})
    until("both are silent", 20, lambda: states(new) == states(other) == {"suppressed"})
    time.sleep(SECOND_TURN_S)
    assert alerting.pages("JobDown").count("firing") == before
    held_back = f'{SUPPRESSED}{{reason="silence"}} > 0'
    until("it is counted by the name that the dashboard has", 40, lambda: alerting.query(held_back))
    os.kill(alerting.exporter(), signal.SIGCONT)


def test_without_prometheus_there_is_no_sign_of_life(alerting: Alerting) -> None:
    account, alertmanagers = alerting.account, alerting.alertmanagers()
    before, pages = alerting.signs(), alerting.pages().count("firing")
    until("another sign of life", 4 * LIFE_S, lambda: alerting.signs() > before)
    os.kill(account.prometheus_process().pid, signal.SIGKILL)
    account.client("ecs").update_service(
        cluster=account.outputs["cluster_name"],
        service=account.outputs["service_name"],
        desiredCount=0,  # nor does it come back
    )
    until("it is gone", 20, lambda: not processes(f":{account.url.rpartition(':')[2]} "))
    for url in alertmanagers:
        until("it has no Watchdog", 30, lambda: states(url, "Watchdog") == set())  # noqa: B023
    time.sleep(SECOND_TURN_S)
    last = alerting.signs()
    time.sleep(2 * LIFE_S)
    assert alerting.signs() == last
    assert alerting.told("watchdog")[-1]["status"] == "firing"  # no end, which is a sign as well
    assert alerting.pages().count("firing") == pages
