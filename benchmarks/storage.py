"""What a replaced task costs where samples are on a volume: how long nobody scrapes."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks.demo import POLL_S, SANDBOX, sandbox_command
from benchmarks.figure import Figure, median_and_worst
from sandbox import prometheus
from sandbox.emulator import client
from sandbox.prometheus import PrometheusError
from sandbox.state import find

ON_A_VOLUME = ("--config=storage.kind=ebs", "--config=network.natStrategy=single")
SCRAPE_S = 1
TIME_LIMIT_S = 60.0
ROUNDS = 3


class Replacement(NamedTuple):
    """A task that was stopped, and the next one."""

    seconds: float
    """From the last answer of the old one to the first scrape of the new one."""

    before: int
    """Samples of `up` in the last hour, when the old one was stopped."""

    after: int
    """The same, when the new one had scraped."""


def replaced(url: str, variables: Mapping[str, str], cluster: str, service: str) -> Replacement:
    """Stop Prometheus's task, let ECS start another one, and wait for its first scrape.

    Args:
        url: of Prometheus.
        variables: how to reach the emulator.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
    """
    ecs = client("ecs", variables)
    which = {"cluster": cluster, "service": service}
    _wait(lambda: _samples(url) > 0)
    before = _samples(url)
    ecs.update_service(**which, desiredCount=0)
    _wait(lambda: _samples(url) < 0)
    stopped, stopped_at = time.perf_counter(), time.time()
    ecs.update_service(**which, desiredCount=1)
    _wait(lambda: _last(url) > stopped_at)
    return Replacement(time.perf_counter() - stopped, before, _samples(url))


def downtime() -> list[Figure]:
    """Time without a scrape around a replaced task, with its samples on a volume."""
    scrape = f"--config=prometheus.scrapeInterval={SCRAPE_S}s"
    sandbox_command("up", "--detach", "--hosts", "1", scrape, *ON_A_VOLUME)
    try:
        state = find(SANDBOX).read()
        of_service = (state.outputs["cluster_name"], state.outputs["service_name"])
        found = [
            replaced(state.prometheus_url, state.variables, *of_service) for _ in range(ROUNDS)
        ]
    finally:
        sandbox_command("down")
    seconds = [it.seconds for it in found]
    return [
        Figure(
            "task stopped to first scrape, samples on a volume (median, worst)",
            median_and_worst(seconds),
            f"scrape interval {SCRAPE_S} s",
        )
    ]


def _samples(url: str) -> int:
    """Samples of `up` in the last hour; -1 while nobody answers."""
    return int(_number(url, "sum(count_over_time(up[1h]))"))


def _last(url: str) -> float:
    """When a host was scraped last, in seconds since 1970."""
    return _number(url, 'max(timestamp(up{job="node"}))')


def _number(url: str, expression: str) -> float:
    try:
        found: list[dict[str, Any]] = prometheus.query(url, "query", query=expression)["result"]
    except PrometheusError:
        return -1
    return float(found[0]["value"][1]) if found else 0


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + TIME_LIMIT_S
    while not until():
        if time.perf_counter() > deadline:
            raise RuntimeError(f"not within {TIME_LIMIT_S:.0f} s")
        time.sleep(POLL_S)
