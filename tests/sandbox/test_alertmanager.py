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
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from sandbox import prometheus, receiver
from sandbox.binaries import ensure
from sandbox.state import find
from tests.sandbox.command import Account, Deployed, faster_checkout, processes, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="DNS and mounts of one's own need root")

FASTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 1s")],
    "docker/prometheus/rules.d/targets.yml": [("for: 10m", "for: 2s")],
    "docker/prometheus/alerting.yml": [("refresh_interval: 15s", "refresh_interval: 2s")],
    "docker/prometheus/scrape.d/alertmanager.yml": [
        ("refresh_interval: 15s", "refresh_interval: 2s")
    ],
    "docker/prometheus/entrypoint.sh": [
        ("exec prometheus", "exec prometheus --rules.alert.resend-delay=1s")
    ],
    "docker/alertmanager/entrypoint.sh": [
        ("cluster.reconnect-timeout=10m", "cluster.reconnect-timeout=10m --cluster.peer-timeout=2s")
    ],
    "components/alertmanager/configuration.py": [
        ('WATCHDOG_INTERVAL = "5m"', 'WATCHDOG_INTERVAL = "3s"'),
        ('"group_interval": "1m"', '"group_interval": "1s"'),
    ],
}
"""File -> what stands there, and what instead."""

SECOND_TURN_S = 5
"""After that, an Alertmanager whose turn comes second (peer timeout: 2 s) would have told, too."""

LIFE_S = 3
"""`WATCHDOG_INTERVAL`, faster."""


class Alerting(NamedTuple):
    """A sandbox that tells people."""

    account: Account
    file: Path
    """The receiver's."""

    def told(self, receiver_: str) -> list[dict[str, Any]]:
        """Return the notifications of a receiver, without Watchdogs of others."""
        return [dict(it) for it in receiver.read(self.file) if it.get("receiver") == receiver_]

    def pages(self) -> list[str]:
        return [page["status"] for page in self.told("page")]

    def signs(self) -> int:
        """Return how often life has been shown."""
        return len(self.told("watchdog"))

    def exporter(self) -> int:
        (identifier,) = self.account.outputs["host_ids"]
        address = self.account.instance(identifier)["PrivateIpAddress"]
        (found,) = processes(f"--web.listen-address={address}:")
        return found.pid

    def alertmanagers(self) -> list[str]:
        return prometheus.alertmanagers(self.account.url)


def _ask(alertmanager: str, path: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(f"{alertmanager}/api/v2/{path}", timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def _states(alertmanager: str, name: str = "JobDown") -> set[str]:
    return {
        alert["status"]["state"]
        for alert in _ask(alertmanager, "alerts")
        if alert["labels"]["alertname"] == name
    }


@pytest.fixture(scope="module")
def alerting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    checkout = faster_checkout(tmp_path_factory.mktemp("faster") / "checkout", FASTER)
    options = {
        # Ways that lead outside, and a secret that is not there.
        "pageWith": '["pagerduty", "slack", "sns"]',
        "pagerdutyRoutingKeySecretArn": (
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:theirs-abcdef"
        ),
        "groupWait": "1s",
        "groupInterval": "1s",
    }
    given = [f"--config=alertmanager.{key}={value}" for key, value in options.items()]
    given.append("--config=notifications={}")  # the topic
    up = ("--hosts", "1", "--runtime", "process", *given)
    with Deployed.up(*up, checkout=checkout) as deployed:
        yield Alerting(Account(deployed), find(deployed.name).notifications)


def test_the_watchdog_is_told(alerting: Alerting) -> None:
    until("a sign of life", 30, alerting.signs)
    life = alerting.told("watchdog")
    assert {alert["labels"]["alertname"] for it in life for alert in it["alerts"]} == {"Watchdog"}
    assert len(alerting.alertmanagers()) == 2
    assert alerting.pages() == []
    configuration = _ask(alerting.alertmanagers()[0], "status")["config"]["original"]
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
        assert _states(alertmanager) == {"active"}  # both know of it
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
    assert names == {"Watchdog": "firing", "JobDown": "firing", "TargetDown": "firing"}
    assert status["alertmanagers"] == alerting.alertmanagers()
    assert [it["status"] for it in status["notifications"] if it.get("receiver") == "page"] == [
        "firing"
    ]
    shown = run("status", "--name", alerting.account.status["name"]).stdout
    assert "\nFIRING   JobDown\n" in shown
    assert "page: FIRING JobDown: All targets of job node are down.\n" in shown


def test_whoever_has_paged_dies_and_nobody_pages_again(alerting: Alerting) -> None:
    before = alerting.alertmanagers()
    sent = 'topk(1, sum by (instance) (alertmanager_notifications_total{integration="webhook"}))'
    (first,) = prometheus.query(alerting.account.url, "query", query=sent)["result"]
    sender = first["metric"]["instance"]
    assert f"http://{sender}" in before
    (process,) = processes(f"--web.listen-address={sender}")
    os.kill(process.pid, signal.SIGKILL)
    (stays,) = [url for url in before if sender not in url]

    def replaced() -> bool:
        now = alerting.alertmanagers()
        return len(now) == 2 and sender not in "".join(now)

    until("another one has taken its place", 40, replaced)
    (new,) = [url for url in alerting.alertmanagers() if url != stays]
    until("they know of each other", 40, lambda: len(_ask(new, "status")["cluster"]["peers"]) == 2)
    until("the new one knows the alert", 40, lambda: _states(new) == {"active"})
    time.sleep(SECOND_TURN_S)
    assert alerting.pages() == ["firing"]


def test_the_end_is_told(alerting: Alerting) -> None:
    os.kill(alerting.exporter(), signal.SIGCONT)
    until("the end", 40, lambda: "resolved" in alerting.pages())
    (alert,) = alerting.told("page")[1]["alerts"]
    assert (alert["status"], alert["labels"]["alertname"]) == ("resolved", "JobDown")


def test_what_is_silenced_at_one_pages_nobody(alerting: Alerting) -> None:
    one, other = alerting.alertmanagers()
    amtool = ensure(["amtool"])["amtool"]
    silence = ("silence", "add", "alertname=JobDown", "--comment=test", "--duration=1h")
    subprocess.run([amtool, *silence, f"--alertmanager.url={one}"], check=True)
    until("the other one knows", 20, lambda: _ask(other, "silences"))
    # Until now, a scrape that a busy machine answers late may have paged.
    before = alerting.pages().count("firing")
    os.kill(alerting.exporter(), signal.SIGSTOP)
    until("it fires", 40, lambda: alerting.account.fires("JobDown"))
    until("both are silent", 20, lambda: _states(one) == _states(other) == {"suppressed"})
    time.sleep(SECOND_TURN_S)
    assert alerting.pages().count("firing") == before
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
        until("it has no Watchdog", 30, lambda: _states(url, "Watchdog") == set())  # noqa: B023
    time.sleep(SECOND_TURN_S)
    last = alerting.signs()
    time.sleep(2 * LIFE_S)
    assert alerting.signs() == last
    assert alerting.told("watchdog")[-1]["status"] == "firing"  # no end, which is a sign as well
    assert alerting.pages().count("firing") == pages
