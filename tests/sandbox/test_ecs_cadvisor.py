"""A real cAdvisor as a daemon: it tells whose task's container a process is."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from sandbox.binaries import ensure
from tests.sandbox.clusters import (
    ON_HOSTS,
    TIMEOUT_S,
    Playground,
    add_hosts,
    address,
    ask,
    hosts,
    playground,
)
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root")

PORT = 9101
MEMORY_MIB = 64

_LABELS = ",".join(
    f"com.amazonaws.ecs.{name}"
    for name in ("cluster", "container-name", "task-arn", "task-definition-family")
)
_DOCKERFILE = f"""FROM cadvisor
ENV CADVISOR_DOCKER=unix:///var/run/docker.sock
ENTRYPOINT ["/bin/sh", "-c", "exec cadvisor -listen_ip=$CADVISOR_LISTEN_HOST -port={PORT}\
 -docker=$CADVISOR_DOCKER -docker_only=true -store_container_labels=false\
 -whitelisted_container_labels={_LABELS} -housekeeping_interval=1s\
 -disable_metrics=cpuset,disk,percpu,process,sched,tcp,udp"]
"""

_MOUNTS = {"docker": "/var/lib/docker", "socket": "/var/run/docker.sock", "sys": "/sys"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """Yield a cluster of two hosts with cAdvisor, and two tasks that may use half a CPU each."""
    directory = tmp_path_factory.mktemp("made")
    with playground(directory, [ensure(["cadvisor"])["cadvisor"].parent]) as made:
        add_hosts(made, 2)
        (directory / "cadvisor").mkdir()
        (directory / "cadvisor" / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
        container = {
            "name": "cadvisor",
            "image": made.push(directory / "cadvisor"),
            "memory": 256,
            "mountPoints": [
                {"sourceVolume": name, "containerPath": f"{path}:ro"}
                for name, path in _MOUNTS.items()
            ],
        }
        volumes = [{"name": name, "host": {"sourcePath": it}} for name, it in _MOUNTS.items()]
        cadvisor = made.register("cadvisor", "host", container, volumes=volumes)
        made.serve("cadvisor", cadvisor, schedulingStrategy="DAEMON", launchType="EC2")
        web = made.definition(made.revision())["containerDefinitions"][0]
        limited = made.register("web", "awsvpc", web, cpu="512", memory=str(MEMORY_MIB))
        made.serve("web", limited, desiredCount=2, **ON_HOSTS)
        until("all run", TIMEOUT_S, lambda: made.is_stable("cadvisor") and made.is_stable("web"))
        yield made


def _series(made: Playground, metric: str) -> dict[str, list[tuple[str, float]]]:
    """Return host's address -> ARN of a task of web, and a metric's value."""
    ids = [host["ec2InstanceId"] for host in hosts(made)]
    pages = made.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    found = {}
    for host in (it["PrivateIpAddress"] for page in pages for it in page["Instances"]):
        lines = re.findall(rf"^{metric}{{(.*)}} (\S+)", ask(host, PORT), re.MULTILINE)
        found[host] = [
            (arn[1], float(value))
            for labels, value in lines
            if 'ecs_task_definition_family="web"' in labels
            and 'ecs_cluster="tried"' in labels
            and (arn := re.search(r'ecs_task_arn="([^"]+)"', labels))
        ]
    return found


def test_each_host_tells_of_its_own_tasks(made: Playground) -> None:
    arns = {task["taskArn"] for task in made.tasks("web")}

    def all_told() -> bool:
        told = _series(made, "container_cpu_usage_seconds_total")
        return sorted(arn for each in told.values() for arn, _ in each) == sorted(arns)

    until("both are told", TIMEOUT_S, all_told)
    assert {len(it) for it in _series(made, "container_cpu_usage_seconds_total").values()} == {1}


def test_limits_are_those_of_the_task_definition(made: Playground) -> None:
    memory, quota, period = (
        {value for each in _series(made, f"container_spec_{name}").values() for _, value in each}
        for name in ("memory_limit_bytes", "cpu_quota", "cpu_period")
    )
    assert memory == {MEMORY_MIB * 2**20}
    assert {quota.pop() / period.pop()} == {0.5}


def test_what_uses_more_is_throttled(made: Playground) -> None:
    (busy, _) = made.tasks("web")

    def throttled() -> bool:
        ask(address(busy), path="/busy")
        told = _series(made, "container_cpu_cfs_throttled_periods_total")
        return any(
            arn == busy["taskArn"] and value > 0 for it in told.values() for arn, value in it
        )

    until("it is throttled", TIMEOUT_S, throttled)


def test_a_stopped_task_is_not_told_of(made: Playground) -> None:
    made.update("web", desiredCount=0)
    until("both have stopped", TIMEOUT_S, lambda: not made.tasks("web"))
    until(
        "nothing is told",
        TIMEOUT_S,
        lambda: not any(_series(made, "container_cpu_usage_seconds_total").values()),
    )
