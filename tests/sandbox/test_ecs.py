"""The ECS agent, with the tasks of a service as real processes of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sandbox.ecs import Agent
from sandbox.emulator import Emulator
from sandbox.names import Names
from sandbox.resources import RESOURCE_TYPES, Account
from sandbox.runtimes import ProcessRuntime
from tests.sandbox.command import processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT_S = 20


class Service(NamedTuple):
    """A service, and what its tasks run."""

    account: Account
    agent: Agent
    cluster: str
    arn: str
    command: str
    told: list[list[str]]
    """What the agent has said that it cannot run."""
    vpc_cidr: str
    names: Names

    def pids(self) -> set[int]:
        return {process.pid for process in processes(self.command)}

    def addresses(self) -> set[str]:
        interfaces = self.account.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
        return {
            interface["PrivateIpAddress"]
            for interface in interfaces
            if interface["Description"].startswith("ECS task")
        }

    def update(self, **settings: object) -> None:
        self.account.client("ecs").update_service(
            cluster=self.cluster, service=self.arn, **settings
        )


def _make(account: Account, token: str, **given: object) -> Any:  # noqa: ANN401 - any property
    entry = RESOURCE_TYPES[token]
    return entry.make(account, entry.fill_in(account, "tried", given))


@contextlib.contextmanager
def running_service(directory: Path, name: str = "") -> Iterator[Service]:
    """Run a service of two tasks.

    Args:
        directory: an empty one.
        name: of it in Cloud Map, such as web.internal. Default: none.
    """
    emulator = Emulator("eu-west-1")
    emulator.start()
    account = Account(emulator)
    command = f"1000.{time.time_ns()}"
    (directory / "Dockerfile").write_text(f'FROM scratch\nENTRYPOINT ["sleep", "{command}"]\n')
    vpc_cidr = "127.60.0.0/16"
    vpc = _make(account, "aws:ec2/vpc:Vpc", cidrBlock=vpc_cidr).id
    subnets = [
        _make(account, "aws:ec2/subnet:Subnet", vpcId=vpc, cidrBlock=f"127.60.{n}.0/24").id
        for n in (1, 2)
    ]
    group = _make(account, "aws:ec2/securityGroup:SecurityGroup", vpcId=vpc).id
    url = _make(account, "aws:ecr/repository:Repository").properties["repositoryUrl"]
    build = {"context": str(directory), "dockerfile": str(directory / "Dockerfile")}
    image = _make(account, "docker:index/image:Image", imageName=f"{url}:1", build=build)
    container = {"name": "c", "image": image.properties["repoDigest"], "memory": 64}
    task = _make(
        account,
        "aws:ecs/taskDefinition:TaskDefinition",
        family="tried",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=json.dumps([container]),
    )
    cluster = _make(account, "aws:ecs/cluster:Cluster").id
    arn = _make(
        account,
        "aws:ecs/service:Service",
        cluster=cluster,
        taskDefinition=task.properties["arn"],
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration={"subnets": subnets, "securityGroups": [group]},
        **({"serviceRegistries": {"registryArn": _register(account, vpc, name)}} if name else {}),
    ).id
    told: list[list[str]] = []
    names = Names(account, vpc_cidr, directory / "resolv.conf")
    agent = Agent(
        account, ProcessRuntime([]), directory / "volumes", directory, told.append, names.file
    )
    agent.start()
    made = Service(account, agent, cluster, arn, command, told, vpc_cidr, names)
    try:
        yield made
    finally:
        agent.stop()
        names.stop()
        emulator.stop()
    assert not made.pids()


def _register(account: Account, vpc: str, name: str) -> str:
    service, _, domain = name.partition(".")
    namespace = _make(
        account,
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        name=domain,
        vpc=vpc,
    ).id
    records = {"namespaceId": namespace, "dnsRecords": [{"type": "A", "ttl": 10}]}
    made = _make(account, "aws:servicediscovery/service:Service", name=service, dnsConfig=records)
    arn: str = made.properties["arn"]
    return arn


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a service of two tasks, which the agent has just begun to run."""
    with running_service(tmp_path) as made:
        until("two tasks run", TIMEOUT_S, lambda: len(made.pids()) == 2)
        yield made


def test_a_service_runs_as_many_tasks_as_are_desired(service: Service) -> None:
    addresses = service.addresses()
    assert {address.rpartition(".")[0] for address in addresses} == {"127.60.1", "127.60.2"}
    before = service.pids()
    service.update(desiredCount=1)
    until("one task is left", TIMEOUT_S, lambda: len(service.pids()) == 1)
    assert service.pids() < before
    until("its address is given back", TIMEOUT_S, lambda: len(service.addresses()) == 1)
    assert service.addresses() < addresses
    service.update(desiredCount=0)
    until("no task is left", TIMEOUT_S, lambda: not service.pids())
    assert service.agent.failures() == []


def test_a_dead_task_is_replaced_and_the_other_stays(service: Service) -> None:
    dead, other = sorted(service.pids())
    os.kill(dead, signal.SIGKILL)
    # One look: between two, the process may end.
    replaced = lambda: len(now := service.pids()) == 2 and dead not in now  # noqa: E731
    until("it is replaced", TIMEOUT_S, replaced)
    assert other in service.pids()
    assert service.agent.failure_count() == 1
    (failure,) = service.agent.failures()
    assert "container c ended with -9" in failure


def test_a_deployment_replaces_all_tasks_and_forgets_failures(service: Service) -> None:
    os.kill(min(service.pids()), signal.SIGKILL)
    until("it is noticed", TIMEOUT_S, lambda: service.agent.failure_count() == 1)
    before = service.pids()
    ecs = service.account.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="tried")["taskDefinition"]
    revision = ecs.register_task_definition(
        family="tried",
        networkMode="awsvpc",
        containerDefinitions=definition["containerDefinitions"],
    )["taskDefinition"]["taskDefinitionArn"]
    service.update(taskDefinition=revision)
    replaced = lambda: len(now := service.pids()) == 2 and not now & before  # noqa: E731
    until("both are replaced", TIMEOUT_S, replaced)
    assert service.agent.failure_count() == 0


def test_what_is_in_an_image_only_is_told_and_neither_fails_nor_tried_again(
    service: Service,
) -> None:
    ecs = service.account.client("ecs")
    known = ecs.describe_task_definition(taskDefinition="tried")["taskDefinition"]
    (container,) = known["containerDefinitions"]
    revision = ecs.register_task_definition(
        family="tried",
        networkMode="awsvpc",
        containerDefinitions=[{**container, "name": "grafana"}],
    )["taskDefinition"]["taskDefinitionArn"]
    at_once = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    service.update(taskDefinition=revision, deploymentConfiguration=at_once)
    reason = "Grafana is not run here: its image cannot be had"
    until("it is told", TIMEOUT_S, lambda: service.told == [[reason]])
    assert not service.pids()
    assert not service.addresses()
    assert service.agent.failures() == []
    service.update(taskDefinition=known["taskDefinitionArn"])
    until("what can be run runs", TIMEOUT_S, lambda: len(service.pids()) == 2)
    until("it is not told any more", TIMEOUT_S, lambda: service.told == [[reason], []])
