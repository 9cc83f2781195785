"""The show of `make demo STACK=pizza`: orders, then failures, the alert, the page, the recovery."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import processes, prometheus
from sandbox.configuration import ROOT
from sandbox.errors import SandboxError
from sandbox.receiver import read

STACK = "pizza"

CONFIG: Mapping[str, str] = {
    "services.pizza.environment": '["ALLOW_FAULTS=true"]',
    "alertmanager.groupWait": "5s",
    "alertmanager.groupInterval": "15s",
}
"""What the show needs, in place of the stack's: an oven that can break, and people who are told
within seconds."""

QUERIES: Mapping[str, str] = {
    "orders a second": "sum by (outcome) (rate(pizza_orders_total[1m]))",
    "share that fails": "job:pizza_orders_failed:ratio_rate5m",
    "alerts": 'ALERTS{alertname=~"Pizza.*"}',
    "containers' CPU": 'sum by (container) (rate(container_cpu_usage_seconds_total{task!=""}[1m]))',
}

ALERT, _SEVERITY, _RECEIVER = "PizzaErrorBudgetBurn", "critical", "page"
"""What pages somebody, and Alertmanager's name of whom it pages: in a sandbox, those that are only
to be notified are told at the same place."""

_PORT = 8000
_USUAL, _BAD, _BUSY = (20, 0.0), (3, 0.5), (60, 0.0)
"""Orders a second, and the share of them that fails. After a few failures, many good orders soon
make their share small, as hours of good orders would."""
_WARM_UP_S = 20
_WITHIN_S = 300
_STOP_TIMEOUT_S = 15


def play(url: str, notifications: Path, logs: Path, say: Callable[[str], None]) -> None:
    """Play it once, to its end.

    Args:
        url: of Prometheus.
        notifications: what the receiver has been told.
        logs: where the customers' output goes.
        say: called with each line of the story.

    Raises:
        SandboxError: nobody is told in time.
    """
    tasks = [it.address for it in prometheus.targets(url) if it.job == STACK]
    shops = [f"http://{urlsplit(f'//{address}').hostname}:{_PORT}" for address in tasks]
    with _customers(shops, *_USUAL, logs):
        say(f"customers order {_USUAL[0]} pizzas a second, at {len(shops)} tasks of the service")
        time.sleep(_WARM_UP_S)
    with _customers(shops, *_BAD, logs):
        say(f"an oven breaks: of {_BAD[0]} orders a second, half fail")
        told = _wait(notifications, "firing", "the page")
        say(f"the page came: {told}")
    with _customers(shops, *_BUSY, logs):
        say(f"the oven is repaired: {_BUSY[0]} orders a second, none fails")
        _wait(notifications, "resolved", "the end of the alert")
        say("it is over, and they were told")


@contextmanager
def _customers(shops: Sequence[str], rate: float, failures: float, logs: Path) -> Iterator[None]:
    """Let customers order until the context ends, as many at each task."""
    load = [sys.executable, "-m", "examples.pizza_service.load"]
    an_hour = f"--rate={rate * 3600 / len(shops)}"
    children = [
        processes.start(
            [*load, shop, an_hour, f"--failures={failures}"],
            log=logs / "customers.log",
            environment=dict(os.environ),
            directory=ROOT,
        )
        for shop in shops
    ]
    try:
        yield
    finally:
        processes.stop(children, _STOP_TIMEOUT_S)


def told(
    notifications: Sequence[Mapping[str, Any]], after: float, status: str = "firing"
) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yield when somebody was paged with the alert of the show, and what was said.

    Args:
        notifications: as the receiver has them.
        after: seconds since the epoch.
        status: `firing`, or `resolved`: it is over.
    """
    for notification in notifications:
        if notification.get("receiver") != _RECEIVER:
            continue
        for alert in notification.get("alerts", ()):
            labels = alert["labels"]
            if (
                notification["time"] > after
                and alert["status"] == status
                and (labels["alertname"], labels.get("severity")) == (ALERT, _SEVERITY)
            ):
                yield float(notification["time"]), alert


def _wait(notifications: Path, status: str, what: str) -> str:
    """Wait until somebody is told; return the summary."""
    began = time.time()
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        for _, alert in told(read(notifications), began, status):
            return str(alert["annotations"]["summary"])
        time.sleep(0.5)
    raise SandboxError(f"{what} ({ALERT}) has not come within {_WITHIN_S} s: {notifications}")
