"""The tags of an ECS service by which Prometheus finds where its tasks' metrics are.

This is the whole contract with discovery (docker/prometheus/scrape.d/ecs_tasks.yml).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

from components import checks
from components.arguments import Knob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

METRICS_TAG = "prometheus-metrics"
"""Key of the tag that lists the endpoints, such as `8000/metrics 9102/stats`."""

JOB_TAG = "prometheus-job"
"""Key of the tag that is the value of the label `job`."""

MAX_ENDPOINTS = 3
"""As many jobs as discovery has for the endpoints of a task."""

MAX_PORT = 65535

_MAX_TAG_VALUE = 256
_ENDPOINT = re.compile(r"([1-9]\d{0,4})(/[A-Za-z0-9+\-=._:/@]*)", re.ASCII)
"""A path has only what ECS takes in a tag's value, without the space, which separates endpoints.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html
"""


class Endpoint(NamedTuple):
    """Where a task exposes metrics."""

    port: int
    path: str


def endpoints(metrics: Sequence[str]) -> list[Endpoint]:
    """Parse endpoints, each `PORT/path`.

    Raises:
        ValueError: one of them is not.
    """
    found = []
    for entry in metrics:
        match = _ENDPOINT.fullmatch(entry)
        if not match or int(match[1]) > MAX_PORT:
            raise ValueError(
                f"{entry!r}: expected a port and a path, such as 8000/metrics; the path of letters,"
                " digits and + - = . _ : / @"
            )
        found.append(Endpoint(int(match[1]), match[2]))
    return found


def ports(metrics: Sequence[str]) -> list[int]:
    """Return the ports of endpoints, each once."""
    return list(dict.fromkeys(endpoint.port for endpoint in endpoints(metrics)))


def legal_metrics(lowest_port: int = 1) -> Callable[[Sequence[str]], None]:
    """Make a check for where a service's tasks expose metrics.

    Args:
        lowest_port: that one of them may have.
    """

    def check(metrics: Sequence[str]) -> None:
        if not 1 <= len(metrics) <= MAX_ENDPOINTS:
            raise ValueError(
                f"it has {len(metrics)} endpoints; expected 1 to {MAX_ENDPOINTS}, each a port and a"
                " path, such as 8000/metrics: without one there is nothing to scrape"
            )
        found = endpoints(metrics)
        low = next((entry for entry in found if entry.port < lowest_port), None)
        if low:
            raise ValueError(
                f"port {low.port} is for a process with privileges; expected {lowest_port} to"
                f" {MAX_PORT}"
            )
        checks.each_once(metrics, "each endpoint")
        if len(" ".join(metrics)) > _MAX_TAG_VALUE:
            raise ValueError(
                f"together they have more than the {_MAX_TAG_VALUE} characters that a tag takes;"
                " expected shorter paths"
            )

    return check


def legal_job(job: str) -> None:
    """Check the value of the label `job`; empty means that it is the service's name."""
    if not re.fullmatch(r"[\w.:/=+@-]{0,128}", job, re.ASCII):
        raise ValueError("expected at most 128 letters, digits and . : / = + - @ _")


Job: TypeAlias = Annotated[str, Knob("", legal_job)]
"""The argument that is the value of the label `job`."""


def tags(job: str, metrics: Sequence[str]) -> Mapping[str, str]:
    """Return the tags of a service.

    Args:
        job: value of the label `job`.
        metrics: its endpoints, each `PORT/path`.
    """
    return {METRICS_TAG: " ".join(metrics), JOB_TAG: job}
