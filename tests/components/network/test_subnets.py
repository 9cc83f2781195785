"""The subnets of a VPC: exact, and for every legal size and number of zones."""

import ipaddress

import pytest
from components.monitoring_network import SubnetPlan, subnet_plan
from hypothesis import given
from hypothesis import strategies as st

from components.checks import PRIVATE_RANGES, vpc_cidr

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


@pytest.mark.parametrize(("cidr", "zones"), [("10.0.0.0/28", 1), ("10.0.0.0/16", 9)])
def test_more_zones_than_fit(cidr: str, zones: int) -> None:
    with pytest.raises(ValueError, match=f"the VPC {cidr} has room for . zones"):
        subnet_plan(cidr, zones)


@given(vpc=vpcs(), data=st.data())
def test_subnets_of_any_network(vpc: ipaddress.IPv4Network, data: st.DataObject) -> None:
    assert vpc_cidr(str(vpc)) == str(vpc)
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
