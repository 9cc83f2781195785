"""Address ranges of the VPC and its subnets: plain arithmetic, no resources."""

import ipaddress
from typing import NamedTuple

from components import checks

SUBNET_TIERS = 2
"""Subnets in a zone: one public, one private."""

MIN_SUBNET_PREFIX = 28
"""The smallest subnet that AWS allows is a /28.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
"""

MAX_VPC_PREFIX = 16
"""The largest VPC that AWS allows is a /16 (same source)."""

MIN_VPC_PREFIX = MIN_SUBNET_PREFIX - 1
"""The smallest VPC in which one zone has its two subnets. AWS allows a /28, too."""

RESERVED_ADDRESSES = 5
"""Addresses that AWS keeps in every subnet (same source)."""

OTHER_ADDRESSES = 2
"""Addresses in a subnet for what is no host: Prometheus and a NAT gateway."""

PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""RFC 1918, and RFC 6598, which AWS allows too."""

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


IPV6_SUBNET_PREFIX = 64
"""What every subnet gets of the VPC's IPv6 range, a /56.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
"""


class SubnetPlan(NamedTuple):
    """The address ranges of one availability zone."""

    public: str
    private: str


def subnet_plan(vpc_cidr: str, zone_count: int) -> list[SubnetPlan]:
    """Compute the subnets of each zone from the VPC's range.

    The VPC is cut into equal parts whose size depends on the VPC alone: zone `i` has parts `2i`
    (public) and `2i + 1` (private). So no subnet moves when a zone is added.

    Args:
        vpc_cidr: a legal VPC range.
        zone_count: number of zones, at least 1.

    Raises:
        ValueError: the VPC is too small for the zones.
    """
    zones_fit(zone_count, vpc_cidr)
    vpc = ipaddress.IPv4Network(vpc_cidr)
    parts = vpc.subnets(new_prefix=subnet_prefix(vpc.prefixlen))
    return [SubnetPlan(str(next(parts)), str(next(parts))) for _ in range(zone_count)]


def ipv6_subnet_plan(vpc_cidr: str, zone: int) -> SubnetPlan:
    """Compute the IPv6 ranges of a zone's subnets: the parts of the same numbers as with IPv4.

    Args:
        vpc_cidr: the VPC's IPv6 range, as AWS has given it.
        zone: number of the zone, from 0.
    """
    vpc = int(ipaddress.IPv6Network(vpc_cidr).network_address)
    step = 2 ** (128 - IPV6_SUBNET_PREFIX)
    public, private = (
        str(ipaddress.IPv6Network((vpc + (SUBNET_TIERS * zone + tier) * step, IPV6_SUBNET_PREFIX)))
        for tier in range(SUBNET_TIERS)
    )
    return SubnetPlan(public, private)


def subnet_prefix(vpc_prefix: int) -> int:
    """Prefix length of every subnet in a VPC of this prefix length.

    A sixteenth of the VPC (room for 8 zones with a public and a private subnet each), but never
    smaller than AWS's /28. It does not depend on the number of zones in use, so that subnets do
    not move when a zone is added.
    """
    return min(MIN_SUBNET_PREFIX, vpc_prefix + 4)


def legal_vpc_cidr(value: str, allow_loopback: bool) -> None:  # noqa: FBT001 - a rule's arguments
    """Check the address range of a VPC: private, a network address, /16 to /27.

    Args:
        value: such as `10.42.0.0/16`.
        allow_loopback: accept a range inside 127.0.0.0/8 too, which AWS itself refuses: it is
            what an emulator's VPC needs.

    Raises:
        ValueError: with what is expected.
    """
    vpc = checks.network(value)
    if not MAX_VPC_PREFIX <= vpc.prefixlen <= MIN_VPC_PREFIX:
        raise ValueError(
            f"expected a size from /{MAX_VPC_PREFIX}, AWS's largest, to /{MIN_VPC_PREFIX}, which"
            " has room for one zone"
        )
    ranges = (*PRIVATE_RANGES, LOOPBACK) if allow_loopback else PRIVATE_RANGES
    if not any(vpc.subnet_of(allowed) for allowed in ranges):
        raise ValueError(f"expected a private range, inside one of {', '.join(map(str, ranges))}")


def zones_fit(zones: int, cidr: str) -> None:
    """Check that a VPC has room for a public and a private subnet in each zone.

    Raises:
        ValueError: with how many zones fit, and which size would do.
    """
    prefix = checks.network(cidr).prefixlen
    room = _zone_room(prefix)
    if zones > room:
        larger = [p for p in range(MAX_VPC_PREFIX, prefix) if _zone_room(p) >= zones]
        instead = f", or a VPC of /{max(larger)} or larger" if larger else ""
        raise ValueError(
            f"the VPC {cidr} has room for {room} zone(s) of {SUBNET_TIERS} subnets;"
            f" expected at most {room}{instead}"
        )


def hosts_fit(hosts: int, cidr: str, zones: int) -> None:
    """Check that one tier of subnets has addresses for the hosts, Prometheus and a NAT gateway.

    Raises:
        ValueError: with how many hosts fit.
    """
    addresses = 2 ** (32 - subnet_prefix(checks.network(cidr).prefixlen))
    room = (addresses - RESERVED_ADDRESSES - OTHER_ADDRESSES) * zones
    if hosts > room:
        raise ValueError(
            f"{zones} subnet(s) of the VPC {cidr} have room for {room} hosts;"
            f" expected at most {room}, or more zones, or a larger VPC"
        )


def _zone_room(vpc_prefix: int) -> int:
    """Zones that fit into a VPC of this prefix length."""
    return int(2 ** (subnet_prefix(vpc_prefix) - vpc_prefix)) // SUBNET_TIERS
