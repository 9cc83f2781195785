"""How soon somebody is paged when an exporter dies, in the sandbox with the stack `prod`."""

import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import yaml

from benchmarks.figure import Figure, median_and_worst
from components.checks import duration_seconds
from sandbox import prometheus
from tests.sandbox.alerting import FASTER, GROUP_INTERVAL_S, Alerting, ask, hanging
from tests.sandbox.command import changed_checkout, until

ROUNDS = 3
ALERT = "JobDown"
PATIENCE_S = 180

SHORTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 5s")],
    "docker/prometheus/rules.d/targets.yml": [("for: 10m", "for: 20s")],
    # By default as long as JobDown's `for`.
    "docker/prometheus/entrypoint.sh": [
        ("exec prometheus", "exec prometheus --rules.alert.for-grace-period=20s")
    ],
    # A round's group is forgotten before the next round, in which it would not wait.
    "docker/alertmanager/entrypoint.sh": [
        ("exec alertmanager", "exec alertmanager --dispatch.maintenance-interval=1s"),
        *FASTER["docker/alertmanager/entrypoint.sh"],
    ],
}
"""So that a round takes half a minute. File -> what stands there, and what instead."""

SETTINGS = ("alertmanager.groupWait=5s", f"alertmanager.groupInterval={GROUP_INTERVAL_S}s")

RESTARTED_IN_PLACE_S = 60
"""A container that has run that long is restarted in its task (`sandbox.ecs`): samples stay."""


class Intervals(NamedTuple):
    """What is configured, in seconds, as the running servers tell."""

    scrape: float
    timeout: float
    """Of a scrape, which is how an exporter that does not answer is noticed."""
    evaluation: float
    hold: float
    """`for` of the alert."""
    group_wait: float

    @classmethod
    def of(cls, alerting: Alerting) -> Self:
        """Ask Prometheus and an Alertmanager."""
        url = alerting.account.url
        target = next(
            found
            for found in prometheus.query(url, "targets", state="active")["activeTargets"]
            if found["labels"]["job"] == "node"
        )
        group, rule = next(
            (group, rule)
            for group in prometheus.query(url, "rules")["groups"]
            for rule in group["rules"]
            if rule["name"] == ALERT
        )
        route = yaml.safe_load(ask(alerting.alertmanagers()[0], "status")["config"]["original"])
        return cls(
            duration_seconds(target["scrapeInterval"]),
            duration_seconds(target["scrapeTimeout"]),
            group["interval"],
            rule["duration"],
            duration_seconds(route["route"]["group_wait"]),
        )

    def __str__(self) -> str:
        """Say the sum, and what it consists of."""
        return (
            f"at most {sum(self):g} s: scrape {self.scrape:g} + its timeout {self.timeout:g}"
            f" + evaluation {self.evaluation:g} + for {self.hold:g}"
            f" + group_wait {self.group_wait:g}"
        )


def page() -> list[Figure]:
    """From an exporter's death to the page, and what a restart of Prometheus in between costs.

    Taken in turns in one sandbox. Prometheus is killed when half of the alert's `for` is over.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = changed_checkout(Path(folder) / "checkout", SHORTER)
        given = [f"--config={setting}" for setting in SETTINGS]
        with Alerting.up("--stack", "prod", "--hosts", "1", *given, checkout=checkout) as alerting:
            intervals = Intervals.of(alerting)
            undisturbed, restarted = [], []
            for _ in range(ROUNDS):
                undisturbed.append(_until_page(alerting, intervals, lambda: None))
                restarted.append(
                    _until_page(alerting, intervals, lambda: _kill_pending(alerting, intervals))
                )
    cost = statistics.median(restarted) - statistics.median(undisturbed)
    return [
        Figure(
            "exporter's death to page (median, worst)",
            median_and_worst(undisturbed),
            f"{intervals}",
        ),
        Figure(
            "  Prometheus killed in between (median, worst)",
            median_and_worst(restarted),
            f"{cost:+.1f} s, of which {intervals.hold / 2:g} s of `for` had passed",
        ),
    ]


def _until_page(alerting: Alerting, intervals: Intervals, meanwhile: Callable[[], object]) -> float:
    """Let the exporter hang; return the seconds until the receiver has the page."""
    until("the last round has ended", PATIENCE_S, lambda: _has_ended(alerting))
    # The next evaluation is near, or far.
    time.sleep(random.uniform(0, intervals.evaluation))  # noqa: S311 - no secret
    before = len(alerting.told("page"))
    died = time.time()
    with hanging(alerting.exporter()):
        meanwhile()
        until("the page", PATIENCE_S, lambda: len(alerting.told("page")) > before)
    paged: float = alerting.told("page")[before]["time"]
    return paged - died


def _has_ended(alerting: Alerting) -> bool:
    """Tell whether the end has been told, and Prometheus can be restarted."""
    age = alerting.query('time() - process_start_time_seconds{job="prometheus"}')
    old = bool(age) and float(age[0]["value"][1]) > RESTARTED_IN_PLACE_S
    return old and not alerting.account.raised(ALERT) and alerting.pages()[-1:] != ["firing"]


def _kill_pending(alerting: Alerting, intervals: Intervals) -> None:
    until("the alert is pending", PATIENCE_S, lambda: alerting.account.raised(ALERT))
    time.sleep(intervals.hold / 2)
    os.kill(alerting.account.prometheus_process().pid, signal.SIGKILL)
