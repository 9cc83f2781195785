"""What Prometheus says about its targets, through its HTTP API."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sandbox.errors import SandboxError

_TIMEOUT_S = 10
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A loopback address is never asked for through a user's proxy."""


class PrometheusError(SandboxError):
    """Prometheus does not answer, or answers with an error."""


def has_pages(url: str) -> bool:
    """Tell whether Prometheus has web pages; built from its Go module, it has the API only."""
    try:
        with _DIRECT.open(f"{url}/query", timeout=_TIMEOUT_S):
            return True
    except urllib.error.HTTPError:
        return False
    except OSError as error:
        raise PrometheusError(f"{url}/query: {error}") from error


class Target(NamedTuple):
    """Something that Prometheus scrapes."""

    job: str
    instance: str
    zone: str
    address: str
    health: str
    """`up`, `down`, or `unknown` before the first scrape."""
    error: str
    """Why the last scrape failed; empty when it did not."""
    labels: Mapping[str, str]


def query(url: str, path: str, **parameters: str) -> Any:  # noqa: ANN401 - any JSON
    """Ask one of the API's questions, such as `targets` or `query`, and return its `data`.

    Args:
        url: of Prometheus.
        path: below `/api/v1/`.
        parameters: of the question.

    Raises:
        PrometheusError: no answer, or an error.
    """
    full = f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with _DIRECT.open(full, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)["data"]
    except (OSError, ValueError) as error:
        raise PrometheusError(f"{full}: {error}") from error


def targets(url: str) -> list[Target]:
    """Return the targets, sorted by job and instance (`exporter-2` before `exporter-10`).

    Raises:
        PrometheusError: Prometheus does not answer.
    """
    active = query(url, "targets", state="active")["activeTargets"]
    return sorted(
        map(_target, active), key=lambda found: (found.job, len(found.instance), found.instance)
    )


class Alert(NamedTuple):
    """An alert that is pending or fires."""

    state: str
    """`pending` or `firing`."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: str
    """Time, as RFC 3339 has it."""


def alerts(url: str) -> list[Alert]:
    """Return the alerts, those that fire first, sorted by name.

    Raises:
        PrometheusError: Prometheus does not answer.
    """
    found = [
        Alert(alert["state"], alert["labels"], alert["annotations"], alert["activeAt"])
        for alert in query(url, "alerts")["alerts"]
    ]
    return sorted(found, key=lambda alert: (alert.state, alert.labels["alertname"]))


def alertmanagers(url: str) -> list[str]:
    """Return the URLs of the Alertmanagers that get the alerts.

    Raises:
        PrometheusError: Prometheus does not answer.
    """
    active = query(url, "alertmanagers")["activeAlertmanagers"]
    return sorted(found["url"].removesuffix("/api/v2/alerts") for found in active)


def not_up(rows: Sequence[Target], refusals: Mapping[str, str]) -> list[str]:
    """Say of each target that is not UP why.

    Args:
        rows: all targets.
        refusals: address of a target -> why nothing can connect to it.
    """
    return [
        f"{row.job} {row.instance} at {row.address} is {row.health.upper()}:"
        f" {refusals.get(row.address) or row.error or 'not scraped yet'}"
        for row in rows
        if row.health != "up"
    ]


def failing_discovery(url: str) -> list[str]:
    """Say which discovery fails.

    Raises:
        PrometheusError: Prometheus does not answer.
    """
    failing = query(url, "query", query="increase(prometheus_sd_refresh_failures_total[2m]) > 0")
    discoveries = sorted({found["metric"]["mechanism"] for found in failing["result"]})
    return [
        f"Discovery ({mechanism}) fails: hosts that come or go are not noticed; the task's log"
        " says why"
        for mechanism in discoveries
    ]


def _target(target: Mapping[str, Any]) -> Target:
    labels = target["labels"]
    return Target(
        job=labels["job"],
        instance=labels["instance"],
        zone=labels.get("availability_zone", ""),
        address=urllib.parse.urlsplit(target["scrapeUrl"]).netloc,
        health=target["health"],
        error=target["lastError"],
        labels=labels,
    )


def table(rows: Sequence[Target]) -> str:
    """Lay targets out for people."""
    cells = [("JOB", "INSTANCE", "ZONE", "ADDRESS", "STATE")]
    cells += [(t.job, t.instance, t.zone or "-", t.address, t.health.upper()) for t in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
