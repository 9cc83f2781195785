"""What the benchmark reads of the pizza service is what the service and the receiver tell."""

from __future__ import annotations

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks import pizza
from examples.pizza_service.pizza.metrics import CREATED, FAILED, REJECTED, Metrics
from sandbox import show
from tests.sandbox.command import ROOT

RULES = ROOT / "examples/pizza_service/monitoring/prometheus/rules.d/pizza.yml"


def exposed(**orders: int) -> str:
    """Return the service's own metrics after some orders."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for outcome, count in orders.items():
        metrics.orders.labels(outcome).inc(count)
    return generate_latest(registry).decode()


def test_the_share_is_of_all_tasks_and_without_mistakes_of_customers() -> None:
    tasks = [exposed(**{CREATED: 30, FAILED: 1}), exposed(**{CREATED: 66, FAILED: 3, REJECTED: 90})]
    assert pizza.failed_share(tasks) == pytest.approx(0.04)


@pytest.mark.parametrize("tasks", [[], [exposed()], [exposed(**{CREATED: 1, REJECTED: 1})]])
def test_without_failures_there_is_no_share(tasks: list[str]) -> None:
    assert pizza.failed_share(tasks) == 0


def test_the_share_is_the_least_by_which_the_shipped_alert_fires() -> None:
    groups = {it["name"]: it["rules"] for it in yaml.safe_load(RULES.read_text())["groups"]}
    assert {*pizza.GROUPS} <= groups.keys()
    (rule,) = (
        it
        for it in groups[pizza.GROUPS[-1]]
        if (it["alert"], it["labels"]["severity"]) == (show.ALERT, "critical")
    )
    thresholds = {float(word.rstrip(")")) for word in rule["expr"].split() if word[0] == "0"}
    assert min(thresholds) == pizza.SHARE
