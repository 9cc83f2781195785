"""Every query of every dashboard, asked of the Prometheus of a sandbox."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING

import pytest

from dashboards.alertmanager import SENT
from dashboards.catalogue import DASHBOARDS
from dashboards.model import Dashboard, Query
from dashboards.prometheus import ALERTMANAGER, DELIVERED
from sandbox import prometheus
from tests.configuration.rules_files import metrics
from tests.dashboards.queries import OF_RULES, expression, filled, label, queries
from tests.sandbox.command import Account, Deployed, until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OF_CLUSTERS = ("tasks", "containers")
"""Dashboards of what stack `prod` does not have."""

OF_PROD = {ALERTMANAGER, DELIVERED, SENT}
"""What queries need that stack `prod` has on every machine."""

MAY_LACK = {
    # Machines whose disks the kernel does not account for, such as some virtual ones.
    "node_disk_read_bytes_total",
    "node_disk_read_time_seconds_total",
    "node_disk_reads_completed_total",
    "node_disk_write_time_seconds_total",
    "node_disk_writes_completed_total",
    "node_disk_written_bytes_total",
    # Containers without a network of their own, as those of the sandbox are.
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    # Alertmanagers that have held nothing back; tests/sandbox/test_alertmanager.py has others.
    "alertmanager_notifications_suppressed_total",
}
"""Metrics that no rule reads, and that a sandbox need not have."""

FIRST_DATA_S = 90
"""Rules are evaluated every 15 s, and alerts are not stored at the first times."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Deployed.up(
        *("--stack", "prod", "--hosts", "2", "--runtime", "process"),
        *("--config", "prometheus.discoveryRefreshInterval=5s"),
        *("--config", "prometheus.scrapeInterval=2s"),
    ) as deployed:
        found = Account(deployed).url
        # What the variables list is recorded by a rule.
        until("a rule", FIRST_DATA_S, lambda: has_data(found, "prometheus_environment_info"))
        yield found


def has_data(url: str, text: str) -> bool:
    """Tell whether an expression has a result that is a number."""
    found = prometheus.query(url, "query", query=text)["result"]
    return any(not math.isnan(float(series["value"][1])) for series in found)


def verdict(query: Query, *, data: bool, needed: bool) -> str:
    """Say what is wrong; nothing: the empty text.

    Args:
        query: the one.
        data: does it have data?
        needed: is there what it needs?
    """
    if query.empty_when_healthy:
        return "has data, and is said to be empty: " + query.empty_when_healthy if data else ""
    if needed:
        return "" if data else "has no data"
    return f"has data without {query.needs}" if data else ""


def values(url: str, dashboard: Dashboard) -> dict[str, str]:
    """Choose what Grafana chooses when a dashboard is opened: all, or the first."""
    chosen: dict[str, str] = {}
    for variable in dashboard.variables:
        text = dashboard.scoped(variable.query)
        found = prometheus.query(url, "query", query=filled(expression(text), chosen))["result"]
        options = sorted(series["metric"][label(text)] for series in found)
        wrong = verdict(variable.query, data=bool(options), needed=True)
        assert not wrong, f"{dashboard.uid}: variable {variable.name} {wrong}"
        every = variable.all_value or f"({'|'.join(options)})"
        chosen[variable.name] = every if variable.several else options[0]
    return chosen


def misspelt(dashboard: Dashboard, query: Query, stored: set[str]) -> set[str]:
    """Return the metrics that nobody knows, of a query that needs something.

    A wrong name in what it needs would let it be empty everywhere; where there is not what it
    needs, so would one in itself.
    """
    if not query.needs:
        return set()
    named = metrics(query.needs) | metrics(dashboard.scoped(query))
    return named - OF_RULES - MAY_LACK - stored


def problems(
    url: str, dashboard: Dashboard, chosen: dict[str, str], there: Collection[str] = ()
) -> list[str]:
    """Ask all queries of a dashboard, and return what is wrong with them.

    Args:
        url: Prometheus's.
        dashboard: the one.
        chosen: values of its variables.
        there: what queries need that this stack has: they may not be empty for the lack of it.
    """
    stored = set(prometheus.query(url, "label/__name__/values"))
    found = []
    for where, query in queries(dashboard):
        data = has_data(url, filled(dashboard.scoped(query), chosen))
        needed = not query.needs or has_data(url, query.needs)
        if wrong := verdict(query, data=data, needed=needed):
            found.append(f"{where} {wrong}")
        if query.needs in there and not needed:
            found.append(f"{where} needs {query.needs}, which has no data")
        if unknown := misspelt(dashboard, query, stored):
            found.append(f"{where} has metrics that nobody knows: {', '.join(sorted(unknown))}")
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="DNS and mounts of one's own need root")
@pytest.mark.parametrize(
    # Those of clusters: tests/sandbox/test_pizza.py.
    "dashboard",
    [it for it in DASHBOARDS if it.uid not in OF_CLUSTERS],
    ids=lambda dashboard: dashboard.uid,
)
def test_every_query_has_data_or_says_why_not(url: str, dashboard: Dashboard) -> None:
    deadline = time.monotonic() + FIRST_DATA_S
    while True:
        found = problems(url, dashboard, values(url, dashboard), OF_PROD)
        if not found or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert not found


@pytest.mark.parametrize(
    ("query", "data", "needed", "expected"),
    [
        (Query("x"), True, True, ""),
        (Query("x"), False, True, "has no data"),
        (Query("x", empty_when_healthy="a"), True, True, "has data, and is said to be empty: a"),
        (Query("x", empty_when_healthy="a"), False, True, ""),
        (Query("x", needs="y"), True, True, ""),
        (Query("x", needs="y"), False, True, "has no data"),
        (Query("x", needs="y"), False, False, ""),
        (Query("x", needs="y"), True, False, "has data without y"),
    ],
)
def test_data_and_marks_have_to_agree(
    query: Query,
    data: bool,  # noqa: FBT001 - a table
    needed: bool,  # noqa: FBT001 - a table
    expected: str,
) -> None:
    assert verdict(query, data=data, needed=needed) == expected
