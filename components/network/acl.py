"""The network ACL of one's own: what it lets through beyond what the product needs itself.

It is stateless, so that answers need a rule as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pulumi
import pulumi_aws as aws

from components import checks

if TYPE_CHECKING:
    from collections.abc import Sequence

ANYWHERE = "0.0.0.0/0"

MAX_RULES = 19
"""Rules in one direction: AWS's quota is 20, and its rule that refuses the rest is one of them.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

_ENTRY = re.compile(
    r"(?P<protocol>tcp|udp) (?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))? (?P<cidr>\S+)", re.ASCII
)


class AclRule(NamedTuple):
    """Traffic that the network ACL lets through, in the terms of `aws.ec2.NetworkAcl`."""

    protocol: str
    from_port: int
    to_port: int
    cidr_block: str
    icmp_type: int = 0
    icmp_code: int = 0


EPHEMERAL_PORTS = (1024, 65535)
"""Ports that answers come back to.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""

ANSWERS = AclRule("tcp", *EPHEMERAL_PORTS, ANYWHERE)
"""Prometheus's own port is among them (`checks.port`), so that administrators reach it."""

HTTPS = AclRule("tcp", 443, 443, ANYWHERE)

FRAGMENTATION_NEEDED = AclRule("icmp", 0, 0, ANYWHERE, icmp_type=3, icmp_code=4)
"""Without it, path MTU discovery fails.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/path_mtu_discovery.html
"""


def acl_rule(entry: str) -> AclRule:
    """Read a rule as users write it: protocol, port or range of ports, network.

    Args:
        entry: such as `tcp 80 0.0.0.0/0` or `udp 5000-5010 198.51.100.0/24`.

    Raises:
        ValueError: with what is expected.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(
            "expected tcp or udp, a port or a range of ports, and a network, such as"
            " 'tcp 80 0.0.0.0/0' or 'udp 5000-5010 198.51.100.0/24'"
        )
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if not 1 <= first <= last <= EPHEMERAL_PORTS[1]:
        raise ValueError("expected ports from 1 to 65535, the lower one first")
    return AclRule(found["protocol"], first, last, str(checks.network(found["cidr"])))


def legal_acl_rules(value: Sequence[str]) -> None:
    """Check rules as users write them.

    Raises:
        ValueError: with the entry and what is expected.
    """
    for entry in value:
        try:
            acl_rule(entry)
        except ValueError as problem:
            raise ValueError(f"{entry!r}: {problem}") from None
        if value.count(entry) > 1:
            raise ValueError(f"{entry!r} is in the list more than once; expected each rule once")


def only_with_acl(value: Sequence[str], network_acl: bool) -> None:  # noqa: FBT001 - a rule's arguments
    """Check that there is a network ACL for the rules.

    Raises:
        ValueError: there is none, so that they would do nothing.
    """
    if value and not network_acl:
        raise ValueError(
            "without a network ACL of its own, the network lets everything through; expected no"
            " rules, or the network ACL switched on"
        )


def ingress_rules(
    ingress: Sequence[str], egress: Sequence[str], ssh_cidrs: Sequence[str], vpc_cidr: str
) -> list[AclRule]:
    """Rules for what comes in: the VPC itself, answers, SSH, and what else is let in."""
    ssh = [AclRule("tcp", 22, 22, cidr) for cidr in ssh_cidrs]
    own = [AclRule("-1", 0, 0, vpc_cidr), ANSWERS, FRAGMENTATION_NEEDED, *ssh]
    return [*own, *map(acl_rule, ingress), *_udp_answers(egress)]


def egress_rules(egress: Sequence[str], ingress: Sequence[str], vpc_cidr: str) -> list[AclRule]:
    """Rules for what goes out: to the VPC itself, HTTPS, answers, and what else is let out."""
    own = [AclRule("-1", 0, 0, vpc_cidr), HTTPS, ANSWERS, FRAGMENTATION_NEEDED]
    return [*own, *map(acl_rule, egress), *_udp_answers(ingress)]


def _udp_answers(entries: Sequence[str]) -> list[AclRule]:
    """Answers to what the other direction lets through by UDP; those by TCP always pass."""
    peers = [rule.cidr_block for rule in map(acl_rule, entries) if rule.protocol == "udp"]
    return [AclRule("udp", *EPHEMERAL_PORTS, cidr) for cidr in dict.fromkeys(peers)]


def ingress_fits(
    ingress: Sequence[str], egress: Sequence[str], ssh_cidrs: Sequence[str], vpc_cidr: str
) -> None:
    """Check that AWS takes as many rules; see `ingress_rules`."""
    _fits(ingress_rules(ingress, egress, ssh_cidrs, vpc_cidr))


def egress_fits(egress: Sequence[str], ingress: Sequence[str], vpc_cidr: str) -> None:
    """Check that AWS takes as many rules; see `egress_rules`."""
    _fits(egress_rules(egress, ingress, vpc_cidr))


def _fits(rules: Sequence[AclRule]) -> None:
    more = len(rules) - MAX_RULES
    if more > 0:
        raise ValueError(
            f"the network ACL would have {len(rules)} rules in this direction, with those that are"
            f" always there and those for answers to UDP; AWS takes {MAX_RULES}: expected {more}"
            " fewer, by wider networks or ranges of ports"
        )


def network_acl(  # noqa: PLR0913 - each says something
    parent: pulumi.Resource,
    name: str,
    tag: str,
    vpc_id: pulumi.Input[str],
    subnet_ids: Sequence[pulumi.Input[str]],
    *,
    ingress: Sequence[AclRule],
    egress: Sequence[AclRule],
) -> aws.ec2.NetworkAcl:
    """Register a network ACL for subnets. Deleted, it gives them back to the VPC's own.

    Source: https://github.com/hashicorp/terraform-provider-aws, resourceNetworkACLDelete

    Args:
        parent: the component that it belongs to.
        name: of the ACL in the program.
        tag: its `Name`.
        vpc_id: of the VPC that it is for.
        subnet_ids: of the subnets that get it.
        ingress: what it lets in.
        egress: what it lets out.
    """
    return aws.ec2.NetworkAcl(
        name,
        vpc_id=vpc_id,
        subnet_ids=subnet_ids,
        ingress=[
            aws.ec2.NetworkAclIngressArgs(rule_no=number, action="allow", **rule._asdict())
            for number, rule in enumerate(ingress, start=100)
        ],
        egress=[
            aws.ec2.NetworkAclEgressArgs(rule_no=number, action="allow", **rule._asdict())
            for number, rule in enumerate(egress, start=100)
        ],
        tags={"Name": tag},
        opts=pulumi.ResourceOptions(parent=parent),
    )
