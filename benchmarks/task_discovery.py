"""What discovery of ECS tasks asks AWS: calls of one refresh, as tasks grow.

A real Prometheus, with the image's own configuration, asks the emulator; the calls are counted
there.
"""

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from benchmarks.figure import Figure
from components.arguments import declared
from components.checks import duration_seconds
from components.prometheus import PrometheusServiceArgs
from tests.sandbox.cloud import Cloud, Server
from tests.sandbox.command import until

SIZES = ((10, 1), (100, 10), (1000, 50))
"""Tasks, and services that they belong to."""

REFRESH_S = 6
APART_S = REFRESH_S / 2
"""Two calls that are further apart belong to two refreshes."""

MEASURED = 1
"""Refresh that is measured: the first one, 0, asks for the cluster `default` besides."""

PATIENCE_S = 180

PAGE = 100
"""Tasks that ECS lists in one answer, at most; moto lists all of them. Source: `maxResults` of
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html"""

ENDPOINTS = "8000/metrics 8001/metrics 8002/metrics"
"""As many as a task can have: they are to cost nothing."""

OF_HOSTS = {"DescribeInstances", "DescribeAvailabilityZones"}
"""What the discovery of hosts asks, beside that of tasks."""


class Bucket(NamedTuple):
    """Calls that ECS counts together, for an account and region.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    """

    calls: frozenset[str]
    burst: int
    """At once."""
    sustained: int
    """A second, in the long run."""


BUCKETS: Mapping[str, Bucket] = {
    "clusters": Bucket(frozenset({"DescribeClusters"}), 50, 20),
    "services": Bucket(frozenset({"ListServices", "DescribeServices"}), 100, 20),
    "tasks": Bucket(
        frozenset({"ListTasks", "DescribeTasks", "DescribeContainerInstances"}), 100, 20
    ),
}


class Call(NamedTuple):
    """A call that the emulator got."""

    time: float
    """Monotonic, in seconds."""
    action: str


def calls_per_refresh() -> list[Figure]:
    """Calls of a refresh for a cluster on Fargate, against ECS's limits at the default interval."""
    interval = duration_seconds(
        declared(PrometheusServiceArgs)["discovery_refresh_interval"].default
    )
    figures = []
    for tasks, services in SIZES:
        calls = calls_of_a_refresh(tasks, services)
        figures.append(
            Figure(
                f"calls of a refresh: tasks {tasks}, services {services}",
                f"{calls.total()} ({about(calls)})",
                of_limits(calls, interval),
            )
        )
    return figures


def of_limits(calls: Mapping[str, int], interval: float) -> str:
    """Say how much of ECS's limits calls take, where it is most.

    Args:
        calls: of a refresh.
        interval: between two refreshes, in seconds.
    """
    shares = {
        name: (calls / BUCKETS[name].burst, calls / interval / BUCKETS[name].sustained)
        for name, calls in by_bucket(calls).items()
    }
    name = max(shares, key=lambda name: shares[name])
    burst, sustained = shares[name]
    return (
        f"of ECS's limit for {name}: {burst:.0%} of the burst,"
        f" {sustained:.1%} of the sustained rate at {interval:g} s"
    )


def by_bucket(calls: Mapping[str, int]) -> dict[str, int]:
    """Sum up what ECS counts together."""
    return {
        name: sum(calls.get(action, 0) for action in bucket.calls)
        for name, bucket in BUCKETS.items()
    }


def about(calls: Mapping[str, int]) -> str:
    """Say what calls are about; those that are none of ECS are of EC2."""
    counted = by_bucket(calls)
    counted["EC2"] = sum(calls.values()) - sum(counted.values())
    return ", ".join(f"{name} {count}" for name, count in counted.items())


def calls_of_a_refresh(tasks: int, services: int) -> Counter[str]:
    """Count the calls of one refresh, not the first, for a cluster on Fargate.

    Args:
        tasks: that run, all of services with the tag.
        services: that they belong to, as evenly as can be.
    """
    cloud = Cloud()
    try:
        cluster = cloud.cluster("shop")
        for number in range(services):
            cloud.service(cluster, f"service-{number}", "awsvpc", prometheus_metrics=ENDPOINTS)
        for number in range(tasks):
            cloud.awsvpc_task(cluster, f"service-{number % services}")
        variables = {
            "ECS_CLUSTER_MAP": f"shop={cluster}",
            "AWS_ACCESS_KEY_ID": cloud.emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": cloud.emulator.secret_access_key,
            "DISCOVERY_REFRESH_INTERVAL": f"{REFRESH_S}s",
            # Nothing listens there, and nobody is to wait for it.
            "SCRAPE_INTERVAL": "1h",
        }
        with (
            tempfile.TemporaryDirectory() as folder,
            paged_tasks(),
            counted() as calls,
            Server.up(Path(folder), cloud, variables, log=subprocess.DEVNULL) as server,
        ):

            def paused() -> bool:
                if server.process.poll() is not None:
                    raise ChildProcessError("Prometheus has ended before it was measured")
                return is_complete(refreshes(calls), time.monotonic())

            until("a pause", PATIENCE_S, paused)  # it listens before it asks AWS
            until("targets", PATIENCE_S, lambda: len(server.targets()) == 3 * tasks)
            until("a pause", PATIENCE_S, paused)  # no refresh is under way when the emulator ends
            measured = Counter(call.action for call in refreshes(calls)[MEASURED])
    finally:
        cloud.stop()
    return measured


def refreshes(calls: Sequence[Call]) -> list[list[Call]]:
    """Tell the calls of a refresh from those of the next."""
    found: list[list[Call]] = []
    for call in list(calls):
        if not found or call.time - found[-1][-1].time > APART_S:
            found.append([])
        found[-1].append(call)
    return found


def is_complete(found: Sequence[Sequence[Call]], now: float) -> bool:
    """Say whether the refresh that is measured is over, and no other one goes on.

    Args:
        found: refreshes.
        now: monotonic time, in seconds.
    """
    return len(found) > MEASURED and now - found[-1][-1].time > APART_S


@contextmanager
def counted() -> Iterator[list[Call]]:
    """Yield the calls that the emulator in this process gets for tasks; it grows."""
    from moto.core.responses import BaseResponse  # noqa: PLC0415 - slow

    calls: list[Call] = []
    answer = BaseResponse.call_action

    def call_action(self: Any) -> Any:  # noqa: ANN401 - moto's
        action = self._get_action()
        if action not in OF_HOSTS:
            calls.append(Call(time.monotonic(), action))
        return answer(self)

    with mock.patch.object(BaseResponse, "call_action", call_action):
        yield calls


@contextmanager
def paged_tasks() -> Iterator[None]:
    """Let the emulator list tasks in pages, as ECS does."""
    from moto.ecs.responses import EC2ContainerServiceResponse as Ecs  # noqa: PLC0415 - slow

    list_all = Ecs.list_tasks

    def list_tasks(self: Any) -> Any:  # noqa: ANN401 - moto's
        answer: Any = list_all(self)
        begin = int(self._get_param("nextToken") or 0)
        end = begin + min(PAGE, int(self._get_param("maxResults") or PAGE))
        arns = answer.result["taskArns"]
        answer.result["taskArns"] = arns[begin:end]
        if end < len(arns):
            answer.result["nextToken"] = str(end)
        return answer

    with mock.patch.object(Ecs, "list_tasks", list_tasks):
        yield
