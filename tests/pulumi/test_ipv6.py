"""IPv6 switched on and off for a stack that exists, by Pulumi's own engine."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Stack, copy_program, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN = "monitoring.example.com"
ON = {"network.ipv6": True, "ingress.cidrs": ["203.0.113.7/32", "2001:db8::/32"]}
OFF = {"network.ipv6": False, "ingress.cidrs": ["203.0.113.7/32"]}
OWN_GROUP = "ingress-security-group"
NETWORK = {
    "monitoring-vpc",
    *(f"monitoring-{kind}-{n}" for kind in ("public", "private") for n in (0, 1)),
}
CHANGED = {("update", it) for it in (*NETWORK, "monitoring-acl", "ingress-balancer")}
ADDED = {
    "monitoring-public-internet-ipv6",
    "ingress-prometheus-host-ipv6",
    f"{OWN_GROUP}-https-2001-db8--/32",
    f"{OWN_GROUP}-http-2001-db8--/32",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("ipv6")
    program = copy_program(directory)
    with new_emulator() as emulator, new_stack(emulator, directory, program=program) as made:
        zone = emulator.client("route53").create_hosted_zone(
            Name="example.com", CallerReference="tests"
        )["HostedZone"]["Id"]
        pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf"
        made.up(
            {
                "network.networkAcl": True,
                "network.networkAclIngress": ["tcp 443 0.0.0.0/0"],
                "prometheus.deleteImagesOnDestroy": True,
                "hosts.count": 1,
                "ingress.domain": DOMAIN,
                "ingress.zoneId": zone.rpartition("/")[2],
                "ingress.cidrs": ["203.0.113.7/32"],
                "ingress.cognitoUserPoolArn": pool,
                "ingress.cognitoClientId": "monitoring",
                "ingress.cognitoDomain": "ours",
                "ingress.deleteAccessLogsOnDestroy": True,
            }
        )
        yield made


@pytest.fixture(scope="module")
def before(stack: Stack) -> dict[str, set[str]]:
    assert balancer(stack)["IpAddressType"] == "ipv4"
    return inventory(stack.emulator)


def balancer(stack: Stack) -> dict[str, Any]:
    (found,) = stack.emulator.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert isinstance(found, dict)
    return found


def ranges(stack: Stack) -> tuple[str, dict[str, str]]:
    """The VPC's IPv6 range, and name of each subnet -> its own."""
    ids = {
        it["urn"].rpartition("::")[2]: it["id"]
        for it in stack.workspace.resources()
        if it.get("id")
    }
    ec2 = stack.emulator.client("ec2")
    (vpc,) = ec2.describe_vpcs(VpcIds=[ids["monitoring-vpc"]])["Vpcs"]
    (of_vpc,) = vpc["Ipv6CidrBlockAssociationSet"]
    found = {}
    for name in NETWORK - {"monitoring-vpc"}:
        (subnet,) = ec2.describe_subnets(SubnetIds=[ids[name]])["Subnets"]
        (of_subnet,) = subnet["Ipv6CidrBlockAssociationSet"]
        found[name] = of_subnet["Ipv6CidrBlock"]
        assert subnet["AssignIpv6AddressOnCreation"] is False
    return of_vpc["Ipv6CidrBlock"], found


def host_names(stack: Stack) -> dict[str, str]:
    """Kind of record -> where Prometheus's host name leads."""
    route53 = stack.emulator.client("route53")
    (zone,) = route53.list_hosted_zones_by_name(DNSName="example.com", MaxItems="1")["HostedZones"]
    listed = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {
        it["Type"]: it["AliasTarget"]["DNSName"].rstrip(".")
        for it in listed
        if it["Name"] == f"prometheus.{DOMAIN}."
    }


def test_switched_on_everything_changes_in_place(stack: Stack, before: dict[str, set[str]]) -> None:
    stack.configure(ON)
    expected = CHANGED | {("create", name) for name in ADDED}
    assert set(stack.preview().steps) == expected  # it exaggerates nothing
    assert set(stack.up().steps) == expected
    after = inventory(stack.emulator)
    assert [kind for kind in before if after[kind] != before[kind]] == ["record"]


def test_everything_has_ipv6_that_people_need(stack: Stack) -> None:
    vpc, subnets = ranges(stack)
    assert all(
        ipaddress.IPv6Network(cidr).subnet_of(ipaddress.IPv6Network(vpc))
        for cidr in subnets.values()
    )
    assert len(set(subnets.values())) == 4
    found = balancer(stack)
    assert found["IpAddressType"] == "dualstack"
    assert host_names(stack) == dict.fromkeys(("A", "AAAA"), found["DNSName"])
    groups = stack.emulator.client("ec2").describe_security_groups(
        GroupIds=found["SecurityGroups"]
    )["SecurityGroups"]
    opened = {
        (rule["FromPort"], it["CidrIpv6"])
        for group in groups
        for rule in group["IpPermissions"]
        for it in rule["Ipv6Ranges"]
    }
    assert opened == {(443, "2001:db8::/32"), (80, "2001:db8::/32")}


def test_nothing_changes_when_nothing_is_changed(stack: Stack) -> None:
    run = stack.preview("--refresh")
    assert run.refreshed == []
    assert run.steps == []


def test_what_else_changes_does_not_touch_the_subnets(stack: Stack) -> None:
    without = {"network.networkAcl": False, "network.networkAclIngress": []}
    stack.configure({"ingress.accessLogRetentionDays": 30, **without})
    assert sorted(stack.preview().steps) == [
        ("delete", "monitoring-acl"),
        ("update", "ingress-access-logs-expiry"),
    ]
    again = {"network.networkAcl": True, "network.networkAclIngress": ["tcp 443 0.0.0.0/0"]}
    stack.configure({"ingress.accessLogRetentionDays": 90, **again})
    assert stack.preview().steps == []


def test_a_network_without_ipv6_takes_no_ipv6_networks(stack: Stack) -> None:
    refused = stack.run("preview", changes={"network.ipv6": False})
    stack.configure(ON)
    assert refused.code != 0
    assert "'2001:db8::/32' is about IPv6, which the VPC does not have" in refused.problems


def test_switched_off_the_load_balancer_goes_back_and_the_ranges_stay(
    stack: Stack, before: dict[str, set[str]]
) -> None:
    kept = ranges(stack)
    stack.configure(OFF)
    expected = {("update", "monitoring-acl"), ("update", "ingress-balancer")}
    expected |= {("delete", name) for name in ADDED}
    assert set(stack.preview().steps) == expected
    assert set(stack.up().steps) == expected
    assert balancer(stack)["IpAddressType"] == "ipv4"
    assert host_names(stack).keys() == {"A"}
    assert inventory(stack.emulator) == before
    assert ranges(stack) == kept
    run = stack.preview("--refresh")
    assert (run.refreshed, run.steps) == ([], [])


def test_on_again_it_has_the_same_addresses(stack: Stack) -> None:
    kept = ranges(stack)
    run = stack.up(ON)
    assert {name for _, name in run.steps} == {*ADDED, "monitoring-acl", "ingress-balancer"}
    assert ranges(stack) == kept


def test_destroy_leaves_nothing_of_it(stack: Stack) -> None:
    stack.emulator.client("s3").delete_bucket_policy(
        Bucket=next(iter(inventory(stack.emulator)["bucket"]))
    )
    stack.destroy()
    after = inventory(stack.emulator)
    assert not after["load balancer"]
    assert {record.split()[1] for record in after["record"]} == {"NS", "SOA"}
