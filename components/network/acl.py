"""The network ACL of one's own: what it lets through beyond what the product needs itself.

It is stateless, so that answers need a rule as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pulumi
import pulumi_aws as aws

from components import checks
from components.network.security_groups import ANYWHERE, ANYWHERE_IPV6

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RULES = 19
"""Rules in one direction: AWS's quota is 20, and its rule that refuses the rest is one of them. It
counts IPv4 and IPv6 rules separately.

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
    cidr_block: str | None
    icmp_type: int = 0
    icmp_code: int = 0
    ipv6_cidr_block: pulumi.Input[str] | None = None


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

PACKET_TOO_BIG = AclRule("58", 0, 0, None, 2, 0, ANYWHERE_IPV6)
"""The same by ICMPv6.

Source: https://www.iana.org/assignments/icmpv6-parameters
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
    cidr = str(checks.any_network(found["cidr"]))
    rule = AclRule(found["protocol"], first, last, cidr)
    return _by_ipv6(rule, cidr) if checks.is_ipv6(cidr) else rule


def _by_ipv6(rule: AclRule, cidr: pulumi.Input[str] = ANYWHERE_IPV6) -> AclRule:
    return rule._replace(cidr_block=None, ipv6_cidr_block=cidr)


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
    ingress: Sequence[str],
    egress: Sequence[str],
    ssh_cidrs: Sequence[str],
    vpc_cidr: str,
    vpc_ipv6_cidr: pulumi.Input[str] | None = None,
) -> list[AclRule]:
    """Rules for what comes in: the VPC itself, answers, SSH, and what else is let in.

    Those for IPv6, if the VPC has it, come last: switched on later, they renumber no other one.
    """
    ssh = [AclRule("tcp", 22, 22, cidr) for cidr in ssh_cidrs]
    own = [AclRule("-1", 0, 0, vpc_cidr), ANSWERS, FRAGMENTATION_NEEDED, *ssh]
    by_ipv6 = _own_by_ipv6(vpc_ipv6_cidr, ANSWERS, PACKET_TOO_BIG)
    return [*own, *map(acl_rule, ingress), *_udp_answers(egress), *by_ipv6]


def egress_rules(
    egress: Sequence[str],
    ingress: Sequence[str],
    vpc_cidr: str,
    vpc_ipv6_cidr: pulumi.Input[str] | None = None,
) -> list[AclRule]:
    """Rules for what goes out: to the VPC itself, HTTPS, answers, and what else is let out.

    Those for IPv6 come last, as in `ingress_rules`.
    """
    own = [AclRule("-1", 0, 0, vpc_cidr), HTTPS, ANSWERS, FRAGMENTATION_NEEDED]
    by_ipv6 = _own_by_ipv6(vpc_ipv6_cidr, HTTPS, ANSWERS, PACKET_TOO_BIG)
    return [*own, *map(acl_rule, egress), *_udp_answers(ingress), *by_ipv6]


def _own_by_ipv6(vpc_cidr: pulumi.Input[str] | None, *anywhere: AclRule) -> list[AclRule]:
    """The VPC's own rules for IPv6; none if it has none."""
    if vpc_cidr is None:
        return []
    return [_by_ipv6(AclRule("-1", 0, 0, None), vpc_cidr), *map(_by_ipv6, anywhere)]


def _udp_answers(entries: Sequence[str]) -> list[AclRule]:
    """Answers to what the other direction lets through by UDP; those by TCP always pass."""
    first, last = EPHEMERAL_PORTS
    rules = [rule for rule in map(acl_rule, entries) if rule.protocol == "udp"]
    return list(dict.fromkeys(rule._replace(from_port=first, to_port=last) for rule in rules))


def ingress_fits(
    ingress: Sequence[str],
    egress: Sequence[str],
    ssh_cidrs: Sequence[str],
    vpc_cidr: str,
    ipv6: bool,  # noqa: FBT001 - a rule's arguments
) -> None:
    """Check that AWS takes as many rules; see `ingress_rules`."""
    _fits(ingress_rules(ingress, egress, ssh_cidrs, vpc_cidr, ANYWHERE_IPV6 if ipv6 else None))


def egress_fits(
    egress: Sequence[str],
    ingress: Sequence[str],
    vpc_cidr: str,
    ipv6: bool,  # noqa: FBT001 - a rule's arguments
) -> None:
    """Check that AWS takes as many rules; see `egress_rules`."""
    _fits(egress_rules(egress, ingress, vpc_cidr, ANYWHERE_IPV6 if ipv6 else None))


def _fits(rules: Sequence[AclRule]) -> None:
    by_ipv6 = sum(rule.cidr_block is None for rule in rules)
    found, version = max((len(rules) - by_ipv6, ""), (by_ipv6, " for IPv6"))
    more = found - MAX_RULES
    if more > 0:
        raise ValueError(
            f"the network ACL would have {found} rules{version} in this direction, with those that"
            f" are always there and those for answers to UDP; AWS takes {MAX_RULES}: expected"
            f" {more} fewer, by wider networks or ranges of ports"
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
