"""A sandbox that tells people, and the durations that make it fast."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox import prometheus, receiver
from sandbox.state import find
from tests.sandbox.command import ROOT, Account, Deployed, Process, processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEER_TIMEOUT_S = 2
"""How long an Alertmanager whose turn comes second waits for the first one."""

GROUP_INTERVAL_S = 3
"""Above `PEER_TIMEOUT_S`: else the second one, when its turn comes, tells once more what the first
one has told the end of meanwhile."""

GROUP_WAIT_S = 3
"""Long enough to kill an Alertmanager that knows of an alert, and has told nobody."""

SECOND_TURN_S = 6
"""After that, an Alertmanager whose turn comes second would have told, too: more than
`GROUP_WAIT_S` and `PEER_TIMEOUT_S`."""

LIFE_S = 3
"""`WATCHDOG_INTERVAL`, faster."""

FASTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 1s")],
    "docker/prometheus/rules.d/targets.yml": [("for: 10m", "for: 2s")],
    # As before, what has lasted for a moment only is out of the window before its time is over.
    "docker/prometheus/rules.d/prometheus_alerts.yml": [
        ('errors_total{job="prometheus"}[5m]', 'errors_total{job="prometheus"}[6s]'),
        ('sent_total{job="prometheus"}[5m]', 'sent_total{job="prometheus"}[6s]'),
        ("> 0.01\n        for: 15m", "> 0.01\n        for: 8s"),
        ("> 0.03\n        for: 15m", "> 0.03\n        for: 8s"),
    ],
    "docker/prometheus/alerting.yml": [
        ("refresh_interval: 15s", "refresh_interval: 2s"),
        ("- dns_sd_configs:", "- timeout: 2s\n      dns_sd_configs:"),
    ],
    "docker/prometheus/scrape.d/alertmanager.yml": [
        ("refresh_interval: 15s", "refresh_interval: 2s")
    ],
    "docker/prometheus/scrape.d/prometheus.yml": [
        ("refresh_interval: 15s", "refresh_interval: 2s")
    ],
    "docker/prometheus/entrypoint.sh": [
        ("exec prometheus", "exec prometheus --rules.alert.resend-delay=1s")
    ],
    "docker/alertmanager/entrypoint.sh": [
        (
            "reconnect-timeout=10m",
            f"reconnect-timeout=10m --cluster.peer-timeout={PEER_TIMEOUT_S}s",
        ),
    ],
    "components/alertmanager/configuration.py": [
        ('WATCHDOG_INTERVAL = "5m"', f'WATCHDOG_INTERVAL = "{LIFE_S}s"'),
        ('"group_interval": "1m"', '"group_interval": "1s"'),
    ],
}
"""File -> what stands there, and what instead."""


class Alerting(NamedTuple):
    """A sandbox that tells people."""

    account: Account
    file: Path
    """The receiver's."""

    @classmethod
    @contextlib.contextmanager
    def up(cls, *arguments: str, checkout: Path = ROOT) -> Iterator[Alerting]:
        """Start one whose servers are processes, and stop it at the end."""
        with Deployed.up("--runtime", "process", *arguments, checkout=checkout) as deployed:
            yield cls(Account(deployed), find(deployed.name).notifications)

    def told(self, receiver_: str) -> list[dict[str, Any]]:
        """Return the notifications of a receiver, without Watchdogs of others."""
        return [dict(it) for it in receiver.read(self.file) if it.get("receiver") == receiver_]

    def pages(self, name: str = "") -> list[str]:
        """Return whether pages told of alerts or of their end; only those on alerts of a name."""
        return [
            page["status"]
            for page in self.told("page")
            if name in ("", page["groupLabels"]["alertname"])
        ]

    def names(self, receiver_: str) -> set[str]:
        """Return the names of the alerts that a receiver has been told of."""
        alerts = [alert for it in self.told(receiver_) for alert in it["alerts"]]
        return {alert["labels"]["alertname"] for alert in alerts}

    def signs(self) -> int:
        """Return how often life has been shown."""
        return len(self.told("watchdog"))

    def exporter(self) -> int:
        """Return the process id of the only one."""
        (found,) = self.exporters()
        return found

    def exporters(self) -> list[int]:
        """Return the process ids of all."""
        found = []
        for identifier in self.account.outputs["host_ids"]:
            address = self.account.instance(identifier)["PrivateIpAddress"]
            (exporter,) = processes(f"--web.listen-address={address}:")
            found.append(exporter.pid)
        return found

    def alertmanagers(self) -> list[str]:
        return prometheus.alertmanagers(self.account.url)

    def in_turn(self) -> list[str]:
        """Return the Alertmanagers, first who tells first; none while they do not agree."""
        found = self.query("sort(alertmanager_peer_position)")
        urls = [f"http://{it['metric']['instance']}" for it in found]
        agreed = [it["value"][1] for it in found] == ["0", "1"]
        return urls if agreed and sorted(urls) == self.alertmanagers() else []

    def query(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        return prometheus.query(self.account.url, "query", query=expression)["result"]

    def firing(self, name: str) -> list[prometheus.Alert]:
        """Return the alerts of a name that fire."""
        return [
            alert
            for alert in prometheus.alerts(self.account.url)
            if (alert.labels["alertname"], alert.state) == (name, "firing")
        ]


def listening(alertmanager: str) -> list[Process]:
    """Return the process of an Alertmanager, or nothing, if it has ended."""
    return processes(f"--web.listen-address={alertmanager.removeprefix('http://')} ")


def process(alertmanager: str) -> Process:
    """Return the process of an Alertmanager that runs."""
    (found,) = listening(alertmanager)
    return found


@contextlib.contextmanager
def hanging(pid: int) -> Iterator[None]:
    """Let a process do nothing for a while; its connections are taken by the kernel."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask(alertmanager: str, path: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(f"{alertmanager}/api/v2/{path}", timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def peers(alertmanager: str) -> int:
    """Return how many an Alertmanager knows, itself among them; 0 while it does not answer."""
    try:
        return len(ask(alertmanager, "status")["cluster"]["peers"])
    except OSError:
        return 0


def states(alertmanager: str, name: str = "JobDown") -> set[str]:
    return {
        alert["status"]["state"]
        for alert in ask(alertmanager, "alerts")
        if alert["labels"]["alertname"] == name
    }
