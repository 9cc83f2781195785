"""components.network.subnets: the VPC's range, and the subnets of any number of zones."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import checks
from components.network.subnets import (
    PRIVATE_RANGES,
    SubnetPlan,
    hosts_fit,
    ipv6_subnet_plan,
    legal_vpc_cidr,
    subnet_plan,
    zones_fit,
)
from tests.components.refusal import problem

PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"
AWS, EMULATOR = False, True
ROOM = {**dict.fromkeys(range(16, 25), 8), 25: 4, 26: 2, 27: 1}
"""Prefix length of the VPC -> the zones that fit in it."""


@st.composite
def vpcs(draw: st.DrawFn) -> ipaddress.IPv4Network:
    """Every legal VPC that has room for a zone."""
    prefix = draw(st.sampled_from(sorted(ROOM)))
    around = draw(st.sampled_from(PRIVATE_RANGES))
    prefix = max(prefix, around.prefixlen)
    number = draw(st.integers(0, 2 ** (prefix - around.prefixlen) - 1))
    address = int(around.network_address) + (number << (32 - prefix))
    return ipaddress.IPv4Network((address, prefix))


def test_the_default_network() -> None:
    assert subnet_plan("10.42.0.0/16", 2) == [
        SubnetPlan(public="10.42.0.0/20", private="10.42.16.0/20"),
        SubnetPlan(public="10.42.32.0/20", private="10.42.48.0/20"),
    ]


def test_the_smallest_network() -> None:
    plan = [SubnetPlan(public="10.0.0.32/28", private="10.0.0.48/28")]
    assert subnet_plan("10.0.0.32/27", 1) == plan


def test_ipv6_ranges_do_not_move_either() -> None:
    found = [ipv6_subnet_plan("2001:db8:1234:1a00::/56", zone) for zone in (0, 1, 7)]
    assert found == [
        ("2001:db8:1234:1a00::/64", "2001:db8:1234:1a01::/64"),
        ("2001:db8:1234:1a02::/64", "2001:db8:1234:1a03::/64"),
        ("2001:db8:1234:1a0e::/64", "2001:db8:1234:1a0f::/64"),
    ]


@pytest.mark.parametrize(("cidr", "zones"), [("10.0.0.0/28", 1), ("10.0.0.0/16", 9)])
def test_more_zones_than_fit(cidr: str, zones: int) -> None:
    with pytest.raises(ValueError, match=f"the VPC {cidr} has room for . zone"):
        subnet_plan(cidr, zones)


@given(vpc=vpcs(), data=st.data())
def test_subnets_of_any_network(vpc: ipaddress.IPv4Network, data: st.DataObject) -> None:
    legal_vpc_cidr(str(vpc), AWS)
    zones = data.draw(st.integers(1, ROOM[vpc.prefixlen]))

    plan = subnet_plan(str(vpc), zones)

    subnets = [ipaddress.IPv4Network(cidr) for zone in plan for cidr in zone]
    assert len(plan) == zones
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert all(16 <= subnet.prefixlen <= 28 for subnet in subnets)
    # Disjoint: together they have as many addresses as their union.
    union = ipaddress.collapse_addresses(subnets)
    assert sum(s.num_addresses for s in subnets) == sum(s.num_addresses for s in union)
    if zones < ROOM[vpc.prefixlen]:
        assert subnet_plan(str(vpc), zones + 1)[:zones] == plan


# --- the VPC's range ---


@pytest.mark.parametrize(
    "cidr",
    [
        "10.0.0.0/16",
        "10.42.0.0/16",
        "10.255.255.224/27",
        "172.16.0.0/16",
        "172.31.0.0/16",
        "192.168.0.0/16",
        "192.168.255.0/24",
        "100.64.0.0/16",
        "100.127.0.0/16",
    ],
)
def test_a_private_range_is_legal(cidr: str) -> None:
    legal_vpc_cidr(cidr, AWS)


@pytest.mark.parametrize("cidr", ["ten", "10.42.7.1/16", "10.42.0.0/255.255.0.0"])
def test_a_range_that_aws_would_write_in_another_way(cidr: str) -> None:
    assert problem(legal_vpc_cidr, cidr, AWS) == problem(checks.network, cidr)


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/28", "10.0.0.0/32"])
def test_a_range_of_a_size_that_aws_refuses_or_no_zone_fits_in(cidr: str) -> None:
    assert problem(legal_vpc_cidr, cidr, AWS) == (
        "expected a size from /16, AWS's largest, to /27, which has room for one zone"
    )


@pytest.mark.parametrize(
    "cidr",
    ["8.8.0.0/16", "172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "100.128.0.0/16"],
)
def test_a_public_range(cidr: str) -> None:
    assert (
        problem(legal_vpc_cidr, cidr, AWS) == f"expected a private range, inside one of {PRIVATE}"
    )


def test_loopback_is_for_emulators_only() -> None:
    legal_vpc_cidr("127.42.0.0/16", EMULATOR)
    expected = f"expected a private range, inside one of {PRIVATE}"
    assert problem(legal_vpc_cidr, "127.42.0.0/16", AWS) == expected
    assert problem(legal_vpc_cidr, "8.8.0.0/16", EMULATOR) == f"{expected}, 127.0.0.0/8"


# --- what fits in it ---


@pytest.mark.parametrize(
    ("cidr", "room"),
    [
        ("10.0.0.0/16", 8),
        ("10.0.0.0/20", 8),
        ("10.0.0.0/24", 8),
        ("10.0.0.0/25", 4),
        ("10.0.0.0/26", 2),
        ("10.0.0.0/27", 1),
    ],
)
def test_zones_that_fit(cidr: str, room: int) -> None:
    zones_fit(room, cidr)
    assert f"has room for {room} zone(s) " in problem(zones_fit, room + 1, cidr)


@pytest.mark.parametrize(
    ("cidr", "zones", "room", "needed"),
    [("10.0.0.0/28", 1, 0, 27), ("10.0.0.0/28", 2, 0, 26), ("10.0.0.0/26", 3, 2, 25)],
)
def test_zones_that_do_not_fit(cidr: str, zones: int, room: int, needed: int) -> None:
    assert problem(zones_fit, zones, cidr) == (
        f"the VPC {cidr} has room for {room} zone(s) of 2 subnets; expected at most {room},"
        f" or a VPC of /{needed} or larger"
    )


@pytest.mark.parametrize(
    ("cidr", "zones", "room"),
    # A subnet's addresses, less AWS's five, Prometheus's and a NAT gateway's.
    [("10.0.0.0/16", 1, 4089), ("10.0.0.0/24", 1, 9), ("10.0.0.0/24", 3, 27)],
)
def test_hosts_that_fit(cidr: str, zones: int, room: int) -> None:
    hosts_fit(room, cidr, zones)
    assert problem(hosts_fit, room + 1, cidr, zones) == (
        f"{zones} subnet(s) of the VPC {cidr} have room for {room} hosts;"
        f" expected at most {room}, or more zones, or a larger VPC"
    )
