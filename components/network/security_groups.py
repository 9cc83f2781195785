"""Security groups, and rules for one port and one peer, each a resource of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

Protocol = Literal["tcp", "udp"]
"""Of a rule."""


class Peer(TypedDict, total=False):
    """Who is at the other end of a rule; exactly one of them."""

    cidr_ipv4: str
    """A network."""

    cidr_ipv6: str
    """An IPv6 network."""

    referenced_security_group_id: pulumi.Input[str]
    """Whatever has this security group."""


DELETE_TIMEOUT = pulumi.CustomTimeouts(delete="5m")
"""For what AWS refuses to delete while somebody else's network interface is in it; the provider
waits 15 to 20 minutes. The stack's own interfaces are gone before: a host's with the host, a task's
before the task is stopped.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

ANYWHERE, ANYWHERE_IPV6 = "0.0.0.0/0", "::/0"


def security_group(
    parent: pulumi.Resource, name: str, vpc_id: pulumi.Input[str], description: str, tag: str
) -> aws.ec2.SecurityGroup:
    """Register a group that lets nothing in or out.

    Args:
        parent: the component that it belongs to.
        name: of the group in the program.
        vpc_id: of the VPC that it is for.
        description: shown in EC2.
        tag: its `Name`.
    """
    return aws.ec2.SecurityGroup(
        name,
        vpc_id=vpc_id,
        description=description,
        tags={"Name": tag},
        opts=pulumi.ResourceOptions(parent=parent, custom_timeouts=DELETE_TIMEOUT),
    )


def allow(  # noqa: PLR0913 - each is a part of its own
    direction: Literal["ingress", "egress"],
    parent: pulumi.Resource,
    name: str,
    group_id: pulumi.Input[str],
    port: int,
    description: str,
    *,
    protocol: Protocol = "tcp",
    **peer: Unpack[Peer],
) -> pulumi.CustomResource:
    """Register a rule: one port, one peer.

    Args:
        direction: as the group sees it.
        parent: the component that the rule belongs to.
        name: of the rule in the program.
        group_id: of the group that gets the rule.
        port: of whoever is connected to.
        description: shown in EC2; letters, digits, blanks and some signs, no apostrophe.
        protocol: `tcp` or `udp`.
        peer: who is at the other end.
    """
    rule: type[aws.vpc.SecurityGroupIngressRule | aws.vpc.SecurityGroupEgressRule] = {
        "ingress": aws.vpc.SecurityGroupIngressRule,
        "egress": aws.vpc.SecurityGroupEgressRule,
    }[direction]
    return rule(
        name,
        security_group_id=group_id,
        description=description,
        ip_protocol=protocol,
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent),
        **peer,
    )


def allow_https_out(
    parent: pulumi.Resource, name: str, group_id: pulumi.Input[str], description: str
) -> pulumi.CustomResource:
    """Register a rule that lets HTTPS out to anywhere: whose addresses nobody can name.

    Args:
        parent: the component that it belongs to.
        name: of the rule in the program.
        group_id: of the security group.
        description: what is reached.
    """
    return allow("egress", parent, name, group_id, 443, description, cidr_ipv4=ANYWHERE)


def allow_ssh(
    parent: pulumi.Resource, name: str, group_id: pulumi.Input[str], cidrs: Sequence[str]
) -> None:
    """Register rules that let networks connect by SSH.

    Args:
        parent: the component that they belong to.
        name: of the rules in the program, before `-ssh-`.
        group_id: of the hosts' security group.
        cidrs: the networks, IPv4.
    """
    for cidr in cidrs:
        ssh = "SSH, for administrators"
        allow("ingress", parent, f"{name}-ssh-{cidr}", group_id, 22, ssh, cidr_ipv4=cidr)


def allow_between(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    client_group_id: pulumi.Input[str],
    server_group_id: pulumi.Input[str],
    port: int,
    description: str,
    *,
    protocol: Protocol = "tcp",
) -> list[pulumi.CustomResource]:
    """Let one group connect to another: register both rules.

    They belong to whichever of the two is registered later, so that neither waits for the other.

    Args:
        parent: the component that the rules belong to.
        name: of both in the program, before `-egress` and `-ingress`.
        client_group_id: of the group that connects.
        server_group_id: of the group that is connected to; it may be the same one.
        port: of the server.
        description: shown in EC2; letters, digits, blanks and some signs, no apostrophe.
        protocol: `tcp` or `udp`.
    """
    return [
        allow(
            "egress",
            parent,
            f"{name}-egress",
            client_group_id,
            port,
            description,
            protocol=protocol,
            referenced_security_group_id=server_group_id,
        ),
        allow(
            "ingress",
            parent,
            f"{name}-ingress",
            server_group_id,
            port,
            description,
            protocol=protocol,
            referenced_security_group_id=client_group_id,
        ),
    ]
