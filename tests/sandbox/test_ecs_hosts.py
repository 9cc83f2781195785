"""Hosts of an ECS cluster: the instances of an auto-scaling group, and the tasks on them."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox.security_groups import Network
from tests.sandbox.clusters import (
    ON_HOSTS,
    TIMEOUT_S,
    Playground,
    add_hosts,
    ask,
    hosts,
    playground,
)
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAEMON = {"schedulingStrategy": "DAEMON", "launchType": "EC2"}
DAEMON_PORT = 9100


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Playground]:
    """Yield a cluster of two hosts."""
    with playground(tmp_path) as made:
        add_hosts(made, 2)
        until("they have joined", TIMEOUT_S, lambda: len(hosts(made)) == 2)
        yield made


def _scale(made: Playground, count: int) -> None:
    made.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName="hosts", DesiredCapacity=count
    )


def _addresses(made: Playground) -> set[str]:
    ids = [host["ec2InstanceId"] for host in hosts(made)]
    pages = made.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return {it["PrivateIpAddress"] for page in pages for it in page["Instances"]}


def _on(made: Playground, service: str) -> Counter[str]:
    """Return how many tasks of a service each host has, by the host's ARN."""
    return Counter(task["containerInstanceArn"] for task in made.tasks(service))


def _answer(made: Playground, version: str = "1") -> None:
    """Wait until a daemon answers at each host's address."""
    until(
        "all answer",
        TIMEOUT_S,
        lambda: all(f'version="{version}"' in ask(it, DAEMON_PORT) for it in _addresses(made)),
    )


def test_a_daemon_runs_on_each_host_at_its_address(made: Playground) -> None:
    made.serve("daemon", made.revision("daemon", "host", PORT=str(DAEMON_PORT)), **DAEMON)
    made.wait_until_stable("daemon")
    assert set(_on(made, "daemon").values()) == {1}
    _answer(made)
    before = _addresses(made)

    _scale(made, 3)
    until("a third runs", TIMEOUT_S, lambda: made.service("daemon")["runningCount"] == 3)
    assert made.service("daemon")["desiredCount"] == 3
    assert len(_on(made, "daemon")) == 3
    assert before < _addresses(made)
    _answer(made)

    _scale(made, 1)
    until("one is left", TIMEOUT_S, lambda: made.service("daemon")["runningCount"] == 1)
    until("two hosts have left", TIMEOUT_S, lambda: len(hosts(made)) == 1)
    assert _on(made, "daemon").keys() == {hosts(made)[0]["containerInstanceArn"]}


def test_hosts_are_spread_over_the_subnets(made: Playground) -> None:
    def used() -> list[int]:
        pages = made.client("ec2").describe_instances()["Reservations"]
        found = Counter(
            (it["SubnetId"], it["Placement"]["AvailabilityZone"])
            for page in pages
            for it in page["Instances"]
            if it["State"]["Name"] == "running"
        )
        return sorted(found.values())

    assert len(made.subnets) == 2
    assert used() == [1, 1]
    _scale(made, 5)
    assert used() == [2, 3]
    _scale(made, 1)
    _scale(made, 2)
    assert used() == [1, 1]


def test_hosts_of_tasks_have_no_exporter_but_their_daemon(made: Playground) -> None:
    assert len(hosts(made)) == 2
    assert not Network.look(made.client("ec2")).hosts


def test_a_daemon_that_cannot_be_run_here_is_told(made: Playground) -> None:
    made.serve("cadvisor", made.revision("cadvisor", "host"), **DAEMON)
    until(
        "it is told",
        TIMEOUT_S,
        lambda: made.told[-1:] == [["cAdvisor is not run here: its program cannot be had"]],
    )
    assert made.agent.failure_count() == 0


def test_a_daemon_is_deployed_in_place(made: Playground) -> None:
    made.serve("daemon", made.revision("daemon", "host", PORT=str(DAEMON_PORT)), **DAEMON)
    made.wait_until_stable("daemon")
    new = made.revision("daemon", "host", PORT=str(DAEMON_PORT), VERSION="2")
    made.update("daemon", taskDefinition=new)
    made.wait_until_stable("daemon")
    _answer(made, version="2")


def test_tasks_are_spread_and_find_room_when_a_host_comes(made: Playground) -> None:
    """A t3.small has three network interfaces, one of which is its own."""
    made.serve("web", made.revision(), desiredCount=5, **ON_HOSTS)
    until("four run", TIMEOUT_S, lambda: made.service("web")["runningCount"] == 4)
    assert sorted(_on(made, "web").values()) == [2, 2]
    until(
        "why there are no more is told",
        TIMEOUT_S,
        lambda: "no container instance met all of its requirements" in made.events("web"),
    )
    assert {host["runningTasksCount"] for host in hosts(made)} == {2}
    _scale(made, 3)
    made.wait_until_stable("web")
    assert sorted(_on(made, "web").values()) == [1, 2, 2]
    until("all answer", TIMEOUT_S, lambda: len(made.versions("web")) == 5)


def test_tasks_of_a_host_that_dies_run_elsewhere(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=2, **ON_HOSTS)
    made.wait_until_stable("web")
    dead, other = hosts(made)
    made.client("ec2").terminate_instances(InstanceIds=[dead["ec2InstanceId"]])
    gone = dead["containerInstanceArn"]
    until(
        "it has left",
        TIMEOUT_S,
        lambda: gone not in {it["containerInstanceArn"] for it in hosts(made)},
    )
    until(
        "two run",
        TIMEOUT_S,
        lambda: gone not in _on(made, "web") and made.service("web")["runningCount"] == 2,
    )
    assert other["containerInstanceArn"] in _on(made, "web")
    (stopped,) = made.tasks("web", desiredStatus="STOPPED")
    assert stopped["stoppedReason"] == f"Host EC2 (instance {dead['ec2InstanceId']}) terminated."
    assert made.agent.failure_count() == 0
    until("both answer", TIMEOUT_S, lambda: len(made.versions("web")) == 2)


def test_a_draining_host_gets_no_tasks(made: Playground) -> None:
    drained, other = (host["containerInstanceArn"] for host in hosts(made))
    made.client("ecs").update_container_instances_state(
        cluster=made.cluster, containerInstances=[drained], status="DRAINING"
    )
    made.serve("web", made.revision(), desiredCount=2, **ON_HOSTS)
    made.serve("daemon", made.revision("daemon", "host", PORT=str(DAEMON_PORT)), **DAEMON)
    made.wait_until_stable("daemon")
    time.sleep(1)
    assert _on(made, "daemon") == {other: 1}
    assert drained not in _on(made, "web")


def test_what_is_in_use_cannot_be_taken_away(made: Playground) -> None:
    ecs = made.client("ecs")
    made.serve("web", made.revision(), desiredCount=1, **ON_HOSTS)
    with pytest.raises(ClientError, match=r"hosts.*in use by the service web"):
        ecs.put_cluster_capacity_providers(
            cluster=made.cluster, capacityProviders=[], defaultCapacityProviderStrategy=[]
        )
    with pytest.raises(ClientError, match="hosts is in use by the cluster tried"):
        ecs.delete_capacity_provider(capacityProvider="hosts")
    ecs.delete_service(cluster=made.cluster, service="web", force=True)
    ecs.put_cluster_capacity_providers(
        cluster=made.cluster, capacityProviders=[], defaultCapacityProviderStrategy=[]
    )
    ecs.delete_capacity_provider(capacityProvider="hosts")
    until("the hosts have left", TIMEOUT_S, lambda: not hosts(made))


def test_a_task_that_somebody_stops_is_stopped_and_another_one_runs(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=1, **ON_HOSTS)
    made.wait_until_stable("web")
    (before,) = made.tasks("web")
    made.client("ecs").stop_task(
        cluster=made.cluster, task=before["taskArn"], reason="somebody wants it"
    )
    until(
        "another one",
        TIMEOUT_S,
        lambda: [it for it in made.tasks("web") if it["taskArn"] != before["taskArn"]],
    )
    made.wait_until_stable("web")
    (stopped,) = made.tasks("web", desiredStatus="STOPPED")
    assert (stopped["taskArn"], stopped["stoppedReason"]) == (
        before["taskArn"],
        "somebody wants it",
    )
    until("it answers", TIMEOUT_S, lambda: len(made.versions("web")) == 1)
    assert made.agent.failure_count() == 0
