"""Whom security groups let Prometheus reach: the emulator keeps their rules and applies none."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sandbox.prometheus import Target
from sandbox.resources.base import Client

_PROTOCOLS = ("tcp", "6", "-1")
"""Of rules that are about TCP; -1: all protocols, all ports.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

_OF_A_GROUP = "aws:autoscaling:groupName"
"""Tag of what an auto-scaling group has launched."""

_TASK = "ECS task {id}: {containers}"
_PROMETHEUS = _TASK.format(id="*", containers="*prometheus*")


def task_description(identifier: str, containers: Sequence[str]) -> str:
    """Describe a task's network interface, so that Prometheus's is found by its container."""
    return _TASK.format(id=identifier, containers=", ".join(containers))


class Interface(NamedTuple):
    """A network interface."""

    address: str
    groups: frozenset[str]
    """Ids of its security groups."""

    @classmethod
    def of(cls, described: Mapping[str, Any], groups: str) -> "Interface":
        """Take what EC2 says of an interface or an instance; `groups`: where its groups are."""
        ids = frozenset(group["GroupId"] for group in described[groups])
        return cls(described["PrivateIpAddress"], ids)


@dataclass(frozen=True)
class Network:
    """Hosts, Prometheus and the rules between them, as they are at one time.

    Network ACLs are left out, and so are IPv6 and prefix lists.
    """

    hosts: Mapping[str, Interface]
    """Instance id -> its first interface, of the instances that run."""

    prometheus: Sequence[Interface]
    """Of Prometheus's tasks; none while none runs."""

    groups: Mapping[str, Mapping[str, Any]]
    """Id -> the security group as EC2 describes it."""

    @classmethod
    def look(cls, ec2: Client) -> "Network":
        """Ask EC2, with a client that may describe everything."""
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        tasks = [{"Name": "description", "Values": [_PROMETHEUS]}]
        interfaces = ec2.describe_network_interfaces(Filters=tasks)["NetworkInterfaces"]
        groups = ec2.get_paginator("describe_security_groups").paginate()
        instances = ec2.get_paginator("describe_instances").paginate(Filters=running)
        return cls(
            {
                instance["InstanceId"]: Interface.of(instance, "SecurityGroups")
                for page in instances
                for reservation in page["Reservations"]
                for instance in reservation["Instances"]
                # A host of tasks: what Prometheus scrapes there are tasks, too.
                if _OF_A_GROUP not in {tag["Key"] for tag in instance.get("Tags", [])}
            },
            [Interface.of(interface, "Groups") for interface in interfaces],
            {group["GroupId"]: group for page in groups for group in page["SecurityGroups"]},
        )

    def refusal(self, host: str, port: int) -> str:
        """Say why no task of Prometheus reaches a TCP port of a host; nothing when one does.

        A connection needs a rule at both ends. Source:
        https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html

        Args:
            host: the instance's id, one of `hosts`.
            port: of the host.
        """
        target = self.hosts[host]
        let_in = [it for it in self.prometheus if self._allow("IpPermissions", target, it, port)]
        if any(self._allow("IpPermissionsEgress", it, target, port) for it in let_in):
            return ""
        missing = (
            f"Prometheus's groups ({self._names(*self.prometheus)}) have no egress rule to it"
            if let_in
            else f"its groups ({self._names(target)}) have no ingress rule for Prometheus"
        )
        return (
            f"no security group rule lets Prometheus reach it on port {port}: {missing}; give it"
            " the group that the stack's output exporter_security_group_id names"
        )

    def _allow(self, direction: str, interface: Interface, peer: Interface, port: int) -> bool:
        """Say whether a rule of an interface's groups, in one direction, is for a peer."""
        return any(
            _is_for(rule, peer, port)
            for group in interface.groups & self.groups.keys()
            for rule in self.groups[group][direction]
        )

    def _names(self, *interfaces: Interface) -> str:
        return ", ".join(sorted({group for it in interfaces for group in it.groups}))


def refusals(ec2: Client, targets: Sequence[Target]) -> dict[str, str]:
    """Return address of a target that is not UP -> why Prometheus cannot connect to it.

    Nothing of those for which that is not the reason.
    """
    network = Network.look(ec2)
    instances = {host.address: identifier for identifier, host in network.hosts.items()}
    found = {}
    for target in targets:
        host, _, port = target.address.rpartition(":")
        if target.health != "up" and network.prometheus and host in instances:
            found[target.address] = network.refusal(instances[host], int(port))
    return {address: reason for address, reason in found.items() if reason}


def _is_for(rule: Mapping[str, Any], peer: Interface, port: int) -> bool:
    protocol = rule["IpProtocol"]
    if protocol not in _PROTOCOLS:
        return False
    if protocol != "-1" and not rule["FromPort"] <= port <= rule["ToPort"]:
        return False
    address = ipaddress.ip_address(peer.address)
    return any(pair["GroupId"] in peer.groups for pair in rule["UserIdGroupPairs"]) or any(
        address in ipaddress.ip_network(network["CidrIp"]) for network in rule["IpRanges"]
    )
