"""What the network ACL lets through; it is stateless, so answers need a rule as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

ANYWHERE = "0.0.0.0/0"


class AclRule(NamedTuple):
    """Traffic that the network ACL lets through, in the terms of `aws.ec2.NetworkAcl`."""

    protocol: str
    from_port: int
    to_port: int
    cidr_block: str
    icmp_type: int = 0
    icmp_code: int = 0


ANSWERS = AclRule("tcp", 1024, 65535, ANYWHERE)
"""Answers come back to ephemeral ports.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""

HTTPS = AclRule("tcp", 443, 443, ANYWHERE)

FRAGMENTATION_NEEDED = AclRule("icmp", 0, 0, ANYWHERE, icmp_type=3, icmp_code=4)
"""Without it, path MTU discovery fails.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/path_mtu_discovery.html
"""


def acl_ingress(vpc_cidr: str, ssh_cidrs: Sequence[str]) -> list[aws.ec2.NetworkAclIngressArgs]:
    """Rules for what comes in: the VPC itself, answers, SSH from the given networks."""
    ssh = [AclRule("tcp", 22, 22, cidr) for cidr in ssh_cidrs]
    rules = [AclRule("-1", 0, 0, vpc_cidr), ANSWERS, FRAGMENTATION_NEEDED, *ssh]
    return [
        aws.ec2.NetworkAclIngressArgs(rule_no=number, action="allow", **rule._asdict())
        for number, rule in enumerate(rules, start=100)
    ]


def acl_egress(vpc_cidr: str) -> list[aws.ec2.NetworkAclEgressArgs]:
    """Rules for what goes out: to the VPC itself, HTTPS, answers."""
    rules = [AclRule("-1", 0, 0, vpc_cidr), HTTPS, ANSWERS, FRAGMENTATION_NEEDED]
    return [
        aws.ec2.NetworkAclEgressArgs(rule_no=number, action="allow", **rule._asdict())
        for number, rule in enumerate(rules, start=100)
    ]
