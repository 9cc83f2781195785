"""Where tasks run: on Fargate, or on the instances that have joined their cluster."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.ecs import record
from sandbox.ecs.docker_api import Docker
from sandbox.resources import Account

_LOG = logging.getLogger("sandbox.ecs")

_FARGATE = ("FARGATE", "FARGATE_SPOT")
_UNITS_OF_A_VCPU = 1024
_RUNNING = {"Name": "instance-state-name", "Values": ["running"]}


class Needs(NamedTuple):
    """What a task takes of its host."""

    cpu: int
    """Units, 1024 a vCPU."""
    memory: int
    """MiB."""
    interfaces: int
    """Network interfaces of its own."""
    ports: frozenset[int]
    """That it holds on the host's address."""

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Needs":
        """Read a task definition."""
        containers = definition["containerDefinitions"]
        reserved = [it.get("memoryReservation") or it.get("memory", 0) for it in containers]
        mapped = [it["containerPort"] for each in containers for it in each["portMappings"]]
        return cls(
            int(definition.get("cpu") or sum(it["cpu"] for it in containers)),
            int(definition.get("memory") or sum(reserved)),
            int(definition["networkMode"] == "awsvpc"),
            frozenset(mapped if definition["networkMode"] == "host" else ()),
        )


@dataclass(eq=False)
class Host:
    """An instance that has joined a cluster."""

    instance_id: str
    address: str
    zone: str
    cluster: str
    """The cluster's name."""
    provider: str
    """The capacity provider's name."""
    room: Needs
    """What it has for tasks; no ports."""
    record: Any
    """moto's container instance."""
    gone: bool = False
    """Whether the instance has ended, and its tasks with it."""
    tasks: list[Needs] = field(default_factory=list)
    docker: Docker = field(default_factory=Docker)

    def take(self, needs: Needs) -> None:
        """Take one more task."""
        self.tasks.append(needs)
        self.record.running_tasks_count = len(self.tasks)

    def give_back(self, needs: Needs) -> None:
        """Give back what a task had."""
        self.tasks.remove(needs)
        self.record.running_tasks_count = len(self.tasks)

    def has_room(self, needs: Needs) -> bool:
        """Say whether one more task fits."""
        with_it = [*self.tasks, needs]
        return (
            sum(it.cpu for it in with_it) <= self.room.cpu
            and sum(it.memory for it in with_it) <= self.room.memory
            and sum(it.interfaces for it in with_it) <= self.room.interfaces
            and not any(it.ports & needs.ports for it in self.tasks)
        )


class Place(NamedTuple):
    """Where one task runs."""

    host: Host | None
    """None: Fargate."""
    subnet: str
    """Of its own network interface; empty: it has its host's address."""


class Hosts:
    """The hosts of all clusters: instances of the groups that have a capacity provider there."""

    def __init__(self, account: Account) -> None:
        """Prepare; `follow` looks for the first time."""
        self._account = account
        self._ecs = record.backend(account)
        self._hosts: Mapping[str, Host] = {}
        self._room: dict[str, Needs] = {}

    def follow(self) -> None:
        """Let instances that run join their cluster, and those that have ended leave it."""
        groups = {
            provider.auto_scaling_group_provider["autoScalingGroupArn"].rpartition("/")[2]: (
                cluster.name,
                provider.name,
            )
            for cluster in list(self._ecs.clusters.values())
            for provider in self._ecs.describe_capacity_providers(cluster.capacity_providers or [])[
                0
            ]
        }
        if not groups and not self._hosts:
            return
        names = {"Name": "tag:aws:autoscaling:groupName", "Values": [*groups, ""]}
        pages = self._account.client("ec2").get_paginator("describe_instances")
        found = {
            instance["InstanceId"]: instance
            for page in pages.paginate(Filters=[_RUNNING, names])
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
        for host in self._hosts.values():
            if host.instance_id not in found:
                host.gone = True
                host.docker.stop()
                _LOG.info("instance %s has left cluster %s", host.instance_id, host.cluster)
        self._hosts = {
            identifier: self._hosts.get(identifier) or self._join(instance, groups)
            for identifier, instance in found.items()
        }
        for cluster in list(self._ecs.clusters.values()):
            members = [it.record for it in self._hosts.values() if it.cluster == cluster.name]
            cluster.registered_container_instances_count = len(members)
            registered = {member.id: member for member in members}
            self._ecs.container_instances = {
                **self._ecs.container_instances,
                cluster.name: registered,
            }

    def end(self) -> None:
        """Stop what hosts have been given."""
        for host in self._hosts.values():
            host.docker.stop()

    def _join(self, instance: Mapping[str, Any], groups: Mapping[str, tuple[str, str]]) -> Host:
        from moto.ecs.models import ContainerInstance  # noqa: PLC0415 - slow

        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        cluster, provider = groups[tags["aws:autoscaling:groupName"]]
        emulator, identifier = self._account.emulator, instance["InstanceId"]
        made: Any = ContainerInstance(
            identifier, emulator.account_id, emulator.region, cluster, self._ecs
        )
        made.capacity_provider_name = provider
        _LOG.info("instance %s has joined cluster %s", identifier, cluster)
        return Host(
            identifier,
            instance["PrivateIpAddress"],
            instance["Placement"]["AvailabilityZone"],
            cluster,
            provider,
            self._room_of(instance["InstanceType"]),
            made,
        )

    def _room_of(self, instance_type: str) -> Needs:
        if instance_type not in self._room:
            ec2 = self._account.client("ec2")
            (found,) = ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
            self._room[instance_type] = Needs(
                found["VCpuInfo"]["DefaultVCpus"] * _UNITS_OF_A_VCPU,
                found["MemoryInfo"]["SizeInMiB"],
                found["NetworkInfo"]["MaximumNetworkInterfaces"] - 1,
                frozenset(),
            )
        return self._room[instance_type]

    def of(self, service: record.Service) -> list[Host]:
        """Return the hosts that a service may use."""
        providers = {it["capacityProvider"] for it in service.capacity_provider_strategy or []}
        return [
            host
            for host in self._hosts.values()
            if host.cluster == service.cluster_name
            and host.record.status == "ACTIVE"
            and (not providers or host.provider in providers)
        ]

    def place(
        self, service: record.Service, definition: Mapping[str, Any], tasks: Sequence[Place]
    ) -> Place | None:
        """Find a place for one more task of a service: spread over zones, then over hosts.

        Args:
            service: the service.
            definition: of the task.
            tasks: where the others are.

        Returns:
            None: no host has room for it, or is in a zone of the service's subnets.
        """
        network = service.network_configuration.get("awsvpcConfiguration", {})
        subnets: list[str] = network.get("subnets", [])
        own = definition["networkMode"] == "awsvpc"
        strategy = service.capacity_provider_strategy or [{"capacityProvider": service.launch_type}]
        if strategy[0]["capacityProvider"] in _FARGATE:
            taken = [place.subnet for place in tasks]
            return Place(None, min(subnets, key=taken.count))
        zones = self._zones(subnets) if own else {}
        needs = Needs.of(definition)
        of_hosts = [place.host for place in tasks if place.host]
        taken_zones = [host.zone for host in of_hosts]
        possible = [
            host
            for host in self.of(service)
            if host.has_room(needs)
            and (not own or host.zone in zones)
            and not (service.scheduling_strategy == "DAEMON" and host in of_hosts)
        ]
        if not possible:
            return None
        best = min(
            possible,
            key=lambda it: (taken_zones.count(it.zone), of_hosts.count(it), len(it.tasks)),
        )
        return Place(best, zones.get(best.zone, ""))

    def _zones(self, subnets: Sequence[str]) -> dict[str, str]:
        """Return zone -> the subnet there."""
        found = self._account.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
        return {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}
