"""A bad hour of the pizza service in a minute, in a real Prometheus that scrapes the real one.

The rules are those of the example, FACTOR times faster: the windows are shorter, and what is
counted in an hour is fewer. Rates and shares are as they stand there.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from components.prometheus.overlay import render
from components.prometheus.prometheus_args import overlay_variables
from examples.pizza_service.dashboard import DASHBOARD
from sandbox import prometheus
from sandbox.addresses import LOOPBACK, free_port
from sandbox.binaries import ensure
from sandbox.errors import SandboxError
from tests.dashboards import test_live as live
from tests.examples.shop import EXAMPLE, Service, loading, serving
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACTOR = 120
"""An hour is half a minute, the shortest window 2.5 s."""

TIMEOUT_S = 180.0
UNITS_S = {"m": 60, "h": 3600, "d": 86400}
HOURLY = {"> 20000": 20000, ">= 500": 500}
PAGES = {("PizzaOrdersFailing", "critical"), ("PizzaErrorBudgetBurn", "critical")}
HIGH = ("PizzaOrdersHigh", "warning")


def faster(rules: str) -> str:
    """Return the text of the rules with shorter windows and smaller counts of an hour."""
    text, windows = re.subn(
        r"(\[|interval: )(\d+)([mhd])(?=[\]\n])",
        lambda it: f"{it[1]}{int(it[2]) * UNITS_S[it[3]] * 1000 // FACTOR}ms",
        rules,
    )
    assert windows == 23  # all of them
    for comparison, number in HOURLY.items():
        assert text.count(f"{comparison}\n") == 1
        smaller = f"{comparison.split()[0]} {number / FACTOR:.3f}\n"
        text = text.replace(f"{comparison}\n", smaller)
    return text


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("pizza"), ALLOW_FAULTS="true") as found:
        yield found


@pytest.fixture(scope="module")
def url(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    render([EXAMPLE / "monitoring" / "prometheus"], overlay_variables(), folder)
    rules = folder / "rules.d" / "pizza.yml"
    rules.write_text(faster(rules.read_text(encoding="utf-8")), encoding="utf-8")
    target = f"{LOOPBACK}:{service.metrics_port}"
    configuration = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}
        | {"evaluation_interval": "500ms"},
        "rule_files": [str(rules), str(rules.with_name("targets.yml"))],
        "scrape_configs": [{"job_name": "pizza", "static_configs": [{"targets": [target]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    address = f"{LOOPBACK}:{free_port()}"
    command = [
        str(ensure(["prometheus"])["prometheus"]),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={}, stdout=output, stderr=output)
    try:
        until("a scrape", TIMEOUT_S, lambda: is_up(f"http://{address}", process, log))
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(60)


def is_up(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text(encoding="utf-8")
    with contextlib.suppress(SandboxError):
        return any(target.health == "up" for target in prometheus.targets(url))
    return False


def firing(url: str) -> set[tuple[str, str]]:
    """Return alert and severity of those about pizzas."""
    return {
        (alert.labels["alertname"], alert.labels["severity"])
        for alert in prometheus.alerts(url)
        if alert.state == "firing" and alert.labels["alertname"] != "Watchdog"
    }


def test_a_bad_hour(service: Service, url: str) -> None:
    # As many as are expected: 10,000 an hour.
    with loading(service.url, "--rate", "10000"):

        def problems() -> list[str]:
            try:
                chosen = live.values(url, DASHBOARD)
            except AssertionError as error:
                return [str(error)]
            return live.problems(url, DASHBOARD, chosen)

        with contextlib.suppress(AssertionError):  # the next line says what is wrong
            until("data", TIMEOUT_S, lambda: not problems())
        assert problems() == []
        assert firing(url) == set()

    # Six times as many, and half of them fail.
    with loading(service.url, "--rate", "60000", "--failures", "0.5"):
        until("the pages", TIMEOUT_S, lambda: firing(url) >= {*PAGES, HIGH})

    with loading(service.url, "--rate", "10000"):
        until("it is over", TIMEOUT_S, lambda: not firing(url) & {*PAGES, HIGH})
        # What was spent is spent: the ticket is there for the days after.
        assert ("PizzaErrorBudgetBurn", "warning") in firing(url)
