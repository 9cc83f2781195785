"""The queries of the dashboards, with what Grafana puts in place of their variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashboards.grafana import FIRING
from tests.configuration.rules_files import RECORDS, RULES, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dashboards.model import Dashboard, Query

INTERVALS = {"__rate_interval": "1m", "__range": "5m"}
"""Grafana's own variables."""

OF_RULES = {name for rule in RULES for name in metrics(rule.expression)} | {
    rule.name for rule in RECORDS
}
"""The metrics that rules read, which the rules' own tests know, and those that they record."""


def queries(dashboard: Dashboard) -> Iterator[tuple[str, Query]]:
    """Yield where it is and the query, of its panels and of its annotation."""
    for panel in dashboard.panels:
        for query in panel.queries:
            yield f"{dashboard.uid}: {panel.title}: {query.legend}", query
    yield f"{dashboard.uid}: annotation", FIRING


def expression(text: str) -> str:
    """Return the expression whose series have the values that `label_values(...)` lists."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", text)
    assert found, text
    return f"group by ({found[2]}) ({found[1]})"


def label(text: str) -> str:
    """Return the label whose values `label_values(...)` lists."""
    return text.removesuffix(")").rsplit(", ", 1)[1]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of variables; a variable without a value fails."""
    return re.sub(r"\$(\w+)", lambda name: {**INTERVALS, **values}[name[1]], text)
