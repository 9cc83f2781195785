"""What a dashboard is made of, as data; `dashboards.grafana` makes Grafana's JSON of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from dashboards.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COLUMNS = 24
"""Width of Grafana's grid."""

ANY = 1e-6
"""As a limit: what is above zero. Grafana colours from a limit on, a rule compares with `> 0`."""

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True)
class Query:
    """A PromQL expression."""

    expression: str
    """The word SCOPE in it stands for the matchers of the dashboard's variables."""
    legend: str = ""
    """Name of a series, with labels such as `{{instance}}`; of a table's query: its column."""
    unit: str = ""
    """Of a table's column; empty: the panel's."""
    limits: Limits | None = None
    """Of a table's column; None: the panel's."""
    empty_when_healthy: str = ""
    """Why a healthy system has no data for it. A test holds both those that say it and others."""
    needs: str = ""
    """Expression that has no result on some machines or installations, where it has none either."""


@dataclass(frozen=True)
class Limits:
    """From which value on a number is coloured: those of the alerts, where there are alerts."""

    info: float | None = None
    warning: float | None = None
    critical: float | None = None
    below: bool = False
    """It is low numbers that are bad."""

    def __iter__(self) -> Iterator[tuple[Severity, float]]:
        """Iterate over those that are there, from the harmless one."""
        if self.info is not None:
            yield "info", self.info
        if self.warning is not None:
            yield "warning", self.warning
        if self.critical is not None:
            yield "critical", self.critical


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture; made by `stat`, `graph`, `table`, `timeline` or `alert_list`."""

    kind: Literal["stat", "graph", "table", "timeline", "alert list"]
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    limits: Limits
    alerts: tuple[str, ...]
    """The alerts that it explains. It links to their runbooks, they lead to its dashboard."""
    width: int
    height: int
    maximum: float | None = None
    stacked: bool = False
    text: bool = False
    """Show the name of the series instead of its value."""
    labels: tuple[tuple[str, str], ...] = ()
    """Of a table: label -> title of its column, in their order."""
    links: tuple[tuple[str, str], ...] = ()
    """Of a table: title of a column -> URL that its cells lead to."""

    @property
    def identifier(self) -> int:
        """It follows from the title, so that links to a panel survive a change of the others."""
        return identifier(self.title)


def identifier(title: str) -> int:
    """Return a number for what has this title, other than 0."""
    return zlib.crc32(title.encode()) % 1_000_000 + 1


def stat(  # noqa: PLR0913 - each is a field of Panel
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    limits: Limits | None = None,
    alerts: tuple[str, ...] = (),
    width: int = 4,
    text: bool = False,
) -> Panel:
    """One number, large."""
    return Panel(
        kind="stat",
        title=title,
        description=description,
        unit=unit,
        queries=(query,),
        limits=limits or Limits(),
        alerts=alerts,
        width=width,
        height=4,
        text=text,
    )


def graph(  # noqa: PLR0913 - each is a field of Panel
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    limits: Limits | None = None,
    alerts: tuple[str, ...] = (),
    width: int = 12,
    maximum: float | None = None,
    stacked: bool = False,
) -> Panel:
    """Numbers over time."""
    return Panel(
        kind="graph",
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        limits=limits or Limits(),
        alerts=alerts,
        width=width,
        height=8,
        maximum=maximum,
        stacked=stacked,
    )


def table(  # noqa: PLR0913 - each is a field of Panel
    title: str,
    description: str,
    unit: str,
    labels: Mapping[str, str],
    *queries: Query,
    alerts: tuple[str, ...] = (),
    links: Mapping[str, str] | None = None,
    width: int = 24,
    height: int = 10,
) -> Panel:
    """Numbers now: a row for each combination of labels, a column for each query.

    Each query has exactly these labels: its rows are put together by them.
    """
    return Panel(
        kind="table",
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        limits=Limits(),
        alerts=alerts,
        width=width,
        height=height,
        labels=tuple(labels.items()),
        links=tuple((links or {}).items()),
    )


def timeline(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    alerts: tuple[str, ...] = (),
    width: int = 24,
) -> Panel:
    """Show from when to when something was there: a line for each series."""
    return Panel(
        kind="timeline",
        title=title,
        description=description,
        unit=unit,
        queries=(query,),
        limits=Limits(critical=ANY),
        alerts=alerts,
        width=width,
        height=12,
    )


def alert_list(title: str, description: str, *, width: int = 24) -> Panel:
    """Grafana's own list of what the data sources' rules raise, with their annotations."""
    return Panel(
        kind="alert list",
        title=title,
        description=description,
        unit="none",
        queries=(),
        limits=Limits(),
        alerts=(),
        width=width,
        height=10,
    )


@dataclass(frozen=True)
class Row:
    """A heading, and the panels below it from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Place:
    """Where something is on the grid."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Variable:
    """Something to choose at the top of a dashboard."""

    name: str
    label: str
    description: str
    query: Query
    several: bool = True
    """May several values, or all, be chosen?"""
    all_value: str = ""
    """What All stands for; empty: the values that there are, and nothing else."""


PLACE = 'environment=~"$environment|", region=~"$region|"'
"""A series without these labels counts as well: Prometheus gives them, as external labels, to what
it sends elsewhere (Alertmanager, remote write), and not to what it stores itself."""

ENVIRONMENT = Variable(
    "environment",
    "Environment",
    "Of the Prometheus servers that share a data source; one server has one.",
    Query("label_values(prometheus_environment_info, environment)"),
    all_value=".*",
)
REGION = Variable(
    "region",
    "Region",
    "AWS region of the Prometheus servers that share a data source; one server has one.",
    Query('label_values(prometheus_environment_info{environment=~"$environment"}, region)'),
    all_value=".*",
)


def cluster(selector: str) -> Variable:
    """Choose among the ECS clusters that have a metric.

    Args:
        selector: the metric, with matchers of variables that are chosen before.
    """
    return Variable(
        "cluster",
        "Cluster",
        "ECS cluster.",
        Query(f"label_values({selector}, cluster)"),
        all_value=".*",
    )


def job(selector: str, *, all_value: str = "") -> Variable:
    """Choose among the scrape jobs that have a metric.

    Args:
        selector: the metric, with matchers of variables that are chosen before.
        all_value: what All stands for; empty: these jobs, and no other.
    """
    return Variable(
        "job",
        "Job",
        "Scrape job.",
        Query(f"label_values({selector}, job)"),
        all_value=all_value,
    )


def instance(selector: str, *, several: bool = True, all_value: str = "") -> Variable:
    """Choose among the instances that have a metric; the arguments are those of `job`."""
    return Variable(
        "instance",
        "Instance",
        "Target: a host's name, or a server's address.",
        Query(f"label_values({selector}, instance)"),
        several=several,
        all_value=all_value,
    )


@dataclass(frozen=True)
class Dashboard:
    """A page of panels."""

    uid: str
    """Part of its URL and name of its file; it never changes."""
    title: str
    description: str
    variables: tuple[Variable, ...]
    """Besides the data source."""
    scope: str
    """What SCOPE in queries stands for."""
    rows: tuple[Row, ...]
    needs: str = ""
    """As in `Query`, for all its queries."""
    period: str = "6h"
    """What it shows when it is opened."""
    rules: Path = RULES
    """Folder of the rules with the alerts that its panels explain."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def scoped(self, query: Query) -> str:
        """Return a query's expression with this dashboard's matchers in it."""
        return query.expression.replace("SCOPE", self.scope)

    def layout(self) -> Iterator[tuple[Row | Panel, Place]]:
        """Say where everything is: from left to right, in a new line when one is full."""
        y = 0
        for row in self.rows:
            yield row, Place(0, y, COLUMNS, 1)
            y += 1
            for line in _lines(row.panels):
                x = 0
                for panel in line:
                    yield panel, Place(x, y, panel.width, panel.height)
                    x += panel.width
                y += max(panel.height for panel in line)


def _lines(panels: tuple[Panel, ...]) -> Iterator[tuple[Panel, ...]]:
    starts = [0]
    width = 0
    for number, panel in enumerate(panels):
        if width + panel.width > COLUMNS:
            starts.append(number)
            width = 0
        width += panel.width
    return (panels[start:end] for start, end in pairwise([*starts, len(panels)]))
