"""MonitoringNetwork: exactly what it registers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import checks
from components.arguments import ArgumentError
from mocks.recording import ACCOUNT, REGION, Deployment, deploy
from tests.components.examples import NETWORK

ANYWHERE = "0.0.0.0/0"

ONE_ZONE = {
    ("aws:ec2/vpc:Vpc", "net-vpc"),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "net-default-security-group"),
    ("aws:ec2/internetGateway:InternetGateway", "net-internet-gateway"),
    ("aws:ec2/subnet:Subnet", "net-public-0"),
    ("aws:ec2/subnet:Subnet", "net-private-0"),
    ("aws:ec2/routeTable:RouteTable", "net-public-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "net-public-routes-0"),
    ("aws:ec2/route:Route", "net-public-internet"),
    ("aws:ec2/routeTable:RouteTable", "net-private-0-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "net-private-0-routes-0"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "net-s3"),
}
SECOND_ZONE = {
    ("aws:ec2/subnet:Subnet", "net-public-1"),
    ("aws:ec2/subnet:Subnet", "net-private-1"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "net-public-routes-1"),
    ("aws:ec2/routeTable:RouteTable", "net-private-1-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "net-private-1-routes-0"),
}
FIRST_NAT = {
    ("aws:ec2/eip:Eip", "net-nat-0-address"),
    ("aws:ec2/natGateway:NatGateway", "net-nat-0"),
    ("aws:ec2/route:Route", "net-private-0-internet"),
}
FLOW_LOGS = {
    ("aws:cloudwatch/logGroup:LogGroup", "net-flow-logs-group"),
    ("aws:iam/role:Role", "net-flow-logs-role"),
    ("aws:iam/rolePolicy:RolePolicy", "net-flow-logs-role-policy"),
    ("aws:ec2/flowLog:FlowLog", "net-flow-logs"),
}


def network(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: NETWORK.component("net", {**NETWORK.fewest, **args}))


ZONES_TOKEN = "aws:index/getAvailabilityZones:getAvailabilityZones"  # noqa: S105 - not a secret
OFFERINGS_TOKEN = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"  # noqa: S105 - likewise


def in_region(
    zones: Mapping[str, str],
    offered: Sequence[tuple[str, str]] = (),
    *,
    staying: Mapping[str, str] | None = None,
    **args: Any,  # noqa: ANN401
) -> Deployment:
    """Make a network in another region.

    Args:
        zones: name of each of its zones -> its id.
        offered: zones with an instance type that they offer.
        staying: name of a subnet that exists -> the zone that it is in.
        args: of the network.
    """
    offerings = {
        "locations": [zone for zone, _ in offered],
        "instanceTypes": [kind for _, kind in offered],
    }
    return deploy(
        lambda: NETWORK.component("net", {**NETWORK.fewest, **args}),
        invokes={
            ZONES_TOKEN: {"names": list(zones), "zoneIds": list(zones.values())},
            OFFERINGS_TOKEN: offerings,
        },
        existing={name: {"availabilityZone": zone} for name, zone in (staying or {}).items()},
    )


@pytest.fixture(scope="module")
def default() -> Deployment:
    return network()


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, ONE_ZONE | SECOND_ZONE),
        ({"zone_count": 1}, ONE_ZONE),
        (
            {"nat_strategy": "single"},
            ONE_ZONE
            | SECOND_ZONE
            | FIRST_NAT
            | {("aws:ec2/route:Route", "net-private-1-internet")},
        ),
        (
            {"nat_strategy": "per-az"},
            ONE_ZONE
            | SECOND_ZONE
            | FIRST_NAT
            | {(kind, name.replace("-0", "-1")) for kind, name in FIRST_NAT},
        ),
        ({"flow_logs": True, "zone_count": 1}, ONE_ZONE | FLOW_LOGS),
        (
            {"ipv6": True, "zone_count": 1},
            ONE_ZONE | {("aws:ec2/route:Route", "net-public-internet-ipv6")},
        ),
        (
            {"network_acl": True, "zone_count": 1},
            ONE_ZONE | {("aws:ec2/networkAcl:NetworkAcl", "net-acl")},
        ),
    ],
    ids=["default", "one zone", "single NAT", "NAT per zone", "flow logs", "IPv6", "network ACL"],
)
def test_the_exact_resources(args: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    deployment = network(**args)
    assert deployment.children("net") == expected
    assert len(deployment.resources) == len(expected) + 1


# --- the VPC and its subnets ---


def test_the_vpc(default: Deployment) -> None:
    assert default.inputs("net-vpc") == {
        "cidrBlock": "10.42.0.0/16",
        "enableDnsHostnames": True,
        "enableDnsSupport": True,
        "tags": {"Name": "net"},
    }


def test_the_subnets_lie_in_the_zones_in_order(default: Deployment) -> None:
    subnets = {
        name: (inputs["availabilityZone"], inputs["cidrBlock"], inputs["tags"])
        for name in ("net-public-0", "net-private-0", "net-public-1", "net-private-1")
        for inputs in [default.inputs(name)]
    }
    a, b = f"{REGION}a", f"{REGION}b"
    assert subnets == {
        "net-public-0": (a, "10.42.0.0/20", {"Name": "net-public-0"}),
        "net-private-0": (a, "10.42.16.0/20", {"Name": "net-private-0"}),
        "net-public-1": (b, "10.42.32.0/20", {"Name": "net-public-1"}),
        "net-private-1": (b, "10.42.48.0/20", {"Name": "net-private-1"}),
    }


def test_no_subnet_gives_public_addresses_by_itself(default: Deployment) -> None:
    assert [r.inputs["mapPublicIpOnLaunch"] for r in default.of_type(":Subnet")] == [False] * 4


def test_a_subnet_stays_in_its_zone_when_the_list_of_zones_changes(default: Deployment) -> None:
    ignored = [list(r.options.ignoreChanges) for r in default.of_type(":Subnet")]
    assert ignored == [["availabilityZone", "ipv6CidrBlock"]] * 4


def test_zones_are_sorted_and_only_those_that_need_no_opt_in() -> None:
    names = [f"{REGION}{letter}" for letter in "cab"]
    deployment = in_region({name: f"euc1-az{number}" for number, name in enumerate(names)})
    assert deployment.inputs("net-public-0")["availabilityZone"] == f"{REGION}a"
    wanted = {
        "state": "available",
        "filters": [
            {"name": "opt-in-status", "values": ["opt-in-not-required"]},
            {"name": "zone-type", "values": ["availability-zone"]},
        ],
    }
    # When the arguments are checked, and for the subnets.
    asked = [call.args for call in deployment.calls if call.token == ZONES_TOKEN]
    assert asked == [wanted, wanted]


def test_only_zones_that_are_not_excluded_and_offer_the_instance_types() -> None:
    us_east_1 = {
        f"us-east-1{letter}": f"use1-az{n}" for letter, n in zip("abcd", "3124", strict=True)
    }
    offered = [("us-east-1b", "t4g.nano"), ("us-east-1d", "t4g.nano"), ("us-east-1d", "t3.micro")]
    deployment = in_region(us_east_1, offered, zone_count=1, instance_types=["t4g.nano"])
    assert {r.inputs["availabilityZone"] for r in deployment.of_type(":Subnet")} == {"us-east-1b"}
    asked = [call.args for call in deployment.calls if call.token == OFFERINGS_TOKEN]
    types = [{"name": "instance-type", "values": ["t4g.nano"]}]
    assert asked == [{"locationType": "availability-zone", "filters": types}] * 2
    both: dict[str, Any] = {"instance_types": ["t4g.nano", "t3.micro"], "zone_count": 1}
    deployment = in_region(us_east_1, offered, **both)
    assert {r.inputs["availabilityZone"] for r in deployment.of_type(":Subnet")} == {"us-east-1d"}
    with pytest.raises(ArgumentError) as error:
        in_region(us_east_1, offered, **both, exclude_zone_ids=["use1-az4"])
    assert str(error.value) == (
        "MonitoringNetwork 'net' cannot be made:\n  - zone_count is 1: the region has 0 usable"
        " availability zones; expected at most 0, or another instance type, or fewer excluded"
        " zones. Not usable: us-east-1a (no t4g.nano, t3.micro), us-east-1b (no t3.micro),"
        " us-east-1c (no t4g.nano, t3.micro), us-east-1d (use1-az4 is excluded)"
    )


def test_without_fargate_a_zone_gets_no_subnets_by_default() -> None:
    zones = {"us-west-1a": "usw1-az2", "us-west-1b": "usw1-az1", "us-west-1c": "usw1-az3"}
    chosen = {r.inputs["availabilityZone"] for r in in_region(zones).of_type(":Subnet")}
    assert chosen == {"us-west-1b", "us-west-1c"}
    with pytest.raises(ArgumentError, match=r"us-west-1a \(usw1-az2 is excluded\)"):
        in_region(zones, zone_count=3)


def test_a_new_subnet_gets_a_zone_that_no_other_is_in() -> None:
    """Those that exist stay in their zones, whatever the order is today."""
    zones = {"eu-central-1a": "euc1-az2", "eu-central-1b": "euc1-az3", "eu-central-1c": "euc1-az1"}
    staying = {"net-public-0": "eu-central-1b", "net-public-1": "eu-central-1a"}
    deployment = in_region(zones, zone_count=3, staying=staying)
    assert deployment.inputs("net-public-2")["availabilityZone"] == "eu-central-1c"
    in_zone = {n: deployment.inputs(f"net-private-{n}")["availabilityZone"] for n in (0, 1, 2)}
    assert in_zone == {0: "eu-central-1b", 1: "eu-central-1a", 2: "eu-central-1c"}


def test_a_subnet_whose_zone_does_not_offer_the_instance_type_is_named() -> None:
    zones = {"eu-central-1a": "euc1-az2", "eu-central-1b": "euc1-az3", "eu-central-1c": "euc1-az1"}
    offered = [("eu-central-1a", "a1.medium"), ("eu-central-1b", "a1.medium")]
    with pytest.raises(pulumi.RunError) as error:
        in_region(
            zones,
            offered,
            instance_types=["a1.medium"],
            staying={"net-private-1": "eu-central-1c"},
        )
    assert str(error.value) == (
        "MonitoringNetwork 'net': its subnet net-private-1-id is in eu-central-1c, which has no"
        " a1.medium, and subnets stay where they are; expected an instance type that all its zones"
        " offer"
    )


def test_the_outputs(default: Deployment) -> None:
    (outputs,) = [o for urn, o in default.outputs.items() if "MonitoringNetwork" in urn]
    assert outputs == {
        "vpc_id": "net-vpc-id",
        "public_subnet_ids": ["net-public-0-id", "net-public-1-id"],
        "private_subnet_ids": ["net-private-0-id", "net-private-1-id"],
    }


def test_nothing_moves_when_a_zone_is_added(default: Deployment) -> None:
    three = network(zone_count=3)
    assert default.children("net") < three.children("net")
    moved = {
        r.name for r in default.resources if r.name != "net-s3" and three.inputs(r.name) != r.inputs
    }
    assert moved == set()


# --- routes ---


def routes(deployment: Deployment) -> dict[str, Mapping[str, Any]]:
    """Route table -> where the internet is."""
    found: dict[str, Mapping[str, Any]] = {}
    for route in deployment.of_type(":Route"):
        inputs = dict(route.inputs)
        assert inputs.pop("destinationCidrBlock") == ANYWHERE
        found[inputs.pop("routeTableId")] = inputs
    return found


PUBLIC = {"net-public-routes-id": {"gatewayId": "net-internet-gateway-id"}}


@pytest.mark.parametrize(
    ("nat_strategy", "private"),
    [
        ("none", {}),
        (
            "single",
            {
                "net-private-0-routes-id": {"natGatewayId": "net-nat-0-id"},
                "net-private-1-routes-id": {"natGatewayId": "net-nat-0-id"},
            },
        ),
        (
            "per-az",
            {
                "net-private-0-routes-id": {"natGatewayId": "net-nat-0-id"},
                "net-private-1-routes-id": {"natGatewayId": "net-nat-1-id"},
            },
        ),
    ],
)
def test_internet_access(nat_strategy: str, private: dict[str, Any]) -> None:
    assert routes(network(nat_strategy=nat_strategy)) == PUBLIC | private


def test_every_subnet_has_the_routes_of_its_kind(default: Deployment) -> None:
    associated = {
        r.inputs["subnetId"]: r.inputs["routeTableId"]
        for r in default.of_type(":RouteTableAssociation")
    }
    assert associated == {
        "net-public-0-id": "net-public-routes-id",
        "net-public-1-id": "net-public-routes-id",
        "net-private-0-id": "net-private-0-routes-id",
        "net-private-1-id": "net-private-1-routes-id",
    }


def test_nat_gateways_stand_in_public_subnets_after_the_internet_gateway() -> None:
    deployment = network(nat_strategy="per-az")
    for index in (0, 1):
        assert deployment.inputs(f"net-nat-{index}") == {
            "allocationId": f"net-nat-{index}-address-allocation",
            "subnetId": f"net-public-{index}-id",
            "tags": {"Name": f"net-nat-{index}"},
        }
        assert deployment.inputs(f"net-nat-{index}-address") == {
            "domain": "vpc",
            "tags": {"Name": f"net-nat-{index}"},
        }
        assert "net-internet-gateway" in deployment.needs(f"net-nat-{index}-address")
        assert "net-internet-gateway" in deployment.needs(f"net-nat-{index}")


def test_s3_is_reached_from_every_route_table(default: Deployment) -> None:
    assert default.inputs("net-s3") == {
        "vpcId": "net-vpc-id",
        "serviceName": f"com.amazonaws.{REGION}.s3",
        "vpcEndpointType": "Gateway",
        "routeTableIds": [
            "net-public-routes-id",
            "net-private-0-routes-id",
            "net-private-1-routes-id",
        ],
        "tags": {"Name": "net-s3"},
    }


# --- IPv6 ---

IPV6 = "2001:db8:1234:1a"
"""The recording's range, a /56, begins so."""


@pytest.fixture(scope="module")
def dual() -> Deployment:
    return network(ipv6=True)


def test_ipv6_changes_nothing_else(default: Deployment, dual: Deployment) -> None:
    added = {"assignGeneratedIpv6CidrBlock", "ipv6CidrBlock"}
    assert {name for _, name in dual.children("net") - default.children("net")} == {
        "net-public-internet-ipv6"
    }
    for resource in default.resources:
        now = {k: v for k, v in dual.inputs(resource.name).items() if k not in added}
        assert now == resource.inputs
        assert not added & resource.inputs.keys()


def test_every_subnet_has_its_ipv6_range_and_gives_no_address_by_itself(dual: Deployment) -> None:
    assert dual.inputs("net-vpc")["assignGeneratedIpv6CidrBlock"] is True
    assert {r.name: r.inputs["ipv6CidrBlock"] for r in dual.of_type(":Subnet")} == {
        "net-public-0": f"{IPV6}00::/64",
        "net-private-0": f"{IPV6}01::/64",
        "net-public-1": f"{IPV6}02::/64",
        "net-private-1": f"{IPV6}03::/64",
    }
    given = {key for r in dual.of_type(":Subnet") for key in r.inputs}
    assert not {"assignIpv6AddressOnCreation", "ipv6Native", "enableDns64"} & given


@pytest.mark.parametrize("nat_strategy", ["none", "per-az"])
def test_only_public_subnets_reach_the_internet_by_ipv6(nat_strategy: str) -> None:
    deployment = network(ipv6=True, nat_strategy=nat_strategy)
    by_ipv6 = [r for r in deployment.of_type(":Route") if "destinationIpv6CidrBlock" in r.inputs]
    assert [r.inputs for r in by_ipv6] == [
        {
            "routeTableId": "net-public-routes-id",
            "destinationIpv6CidrBlock": "::/0",
            "gatewayId": "net-internet-gateway-id",
        }
    ]


def test_what_starts_in_a_public_subnet_waits_for_its_route_by_ipv6() -> None:
    def program() -> None:
        net = NETWORK.component("net", {**NETWORK.fewest, "ipv6": True})
        for kind in ("public", "private"):
            for subnet_id in getattr(net, f"{kind}_subnets")[:1]:
                aws.ec2.Instance(f"host-{kind}", subnet_id=subnet_id)

    deployment = deploy(program)
    assert "net-public-internet-ipv6" in deployment.needs("host-public")
    assert "net-public-internet-ipv6" not in deployment.needs("host-private")


def test_switched_off_again_the_ranges_stay(default: Deployment, dual: Deployment) -> None:
    """AWS takes the VPC's back only when no subnet has a part of it."""
    assert list(default.named("net-vpc").options.ignoreChanges) == ["assignGeneratedIpv6CidrBlock"]
    assert list(dual.named("net-vpc").options.ignoreChanges) == []
    ignored = {tuple(r.options.ignoreChanges) for r in dual.of_type(":Subnet")}
    assert ignored == {("availabilityZone",)}


# --- what is let through ---


def test_the_default_security_group_is_emptied(default: Deployment) -> None:
    assert default.inputs("net-default-security-group") == {
        "vpcId": "net-vpc-id",
        "ingress": [],
        "egress": [],
        "tags": {"Name": "net-default-unused"},
    }


def rule(number: int, protocol: str, first: int, last: int, cidr: str) -> dict[str, Any]:
    icmp = protocol == "icmp"
    return {
        "ruleNo": number,
        "action": "allow",
        "protocol": protocol,
        "fromPort": first,
        "toPort": last,
        "cidrBlock": cidr,
        "icmpType": 3 if icmp else 0,
        "icmpCode": 4 if icmp else 0,
    }


INGRESS = [
    rule(100, "-1", 0, 0, "10.42.0.0/16"),
    rule(101, "tcp", 1024, 65535, ANYWHERE),
    rule(102, "icmp", 0, 0, ANYWHERE),
]
EGRESS = [
    rule(100, "-1", 0, 0, "10.42.0.0/16"),
    rule(101, "tcp", 443, 443, ANYWHERE),
    rule(102, "tcp", 1024, 65535, ANYWHERE),
    rule(103, "icmp", 0, 0, ANYWHERE),
]


def acl(**args: Any) -> Mapping[str, Any]:  # noqa: ANN401
    return network(network_acl=True, **args).inputs("net-acl")


def test_the_network_acl() -> None:
    assert acl() == {
        "vpcId": "net-vpc-id",
        "subnetIds": [
            "net-public-0-id",
            "net-public-1-id",
            "net-private-0-id",
            "net-private-1-id",
        ],
        "ingress": INGRESS,
        "egress": EGRESS,
        "tags": {"Name": "net"},
    }


def test_ssh_passes_the_network_acl_only_when_asked_for() -> None:
    cidrs = ["203.0.113.8/32", "198.51.100.0/24"]
    found = acl(ssh_cidrs=cidrs)
    assert found["ingress"] == [
        *INGRESS,
        rule(103, "tcp", 22, 22, cidrs[0]),
        rule(104, "tcp", 22, 22, cidrs[1]),
    ]
    assert found["egress"] == EGRESS
    without = network(ssh_cidrs=cidrs)
    assert not without.of_type(":NetworkAcl")


def test_what_else_passes_the_network_acl() -> None:
    """Answers to UDP, too, once a network; those to TCP pass anyway."""
    web, logs, ntp = "tcp 80 0.0.0.0/0", "udp 514-515 198.51.100.0/24", "udp 123 203.0.113.0/24"
    found = acl(network_acl_ingress=[web, logs, "udp 9 198.51.100.0/24"], network_acl_egress=[ntp])
    assert found["ingress"] == [
        *INGRESS,
        rule(103, "tcp", 80, 80, ANYWHERE),
        rule(104, "udp", 514, 515, "198.51.100.0/24"),
        rule(105, "udp", 9, 9, "198.51.100.0/24"),
        rule(106, "udp", 1024, 65535, "203.0.113.0/24"),
    ]
    assert found["egress"] == [
        *EGRESS,
        rule(104, "udp", 123, 123, "203.0.113.0/24"),
        rule(105, "udp", 1024, 65535, "198.51.100.0/24"),
    ]


def rule_ipv6(number: int, protocol: str, first: int, last: int, cidr: str) -> dict[str, Any]:
    icmp = protocol == "58"
    like = rule(number, protocol, first, last, cidr)
    del like["cidrBlock"]
    return {**like, "ipv6CidrBlock": cidr, "icmpType": 2 if icmp else 0, "icmpCode": 0}


def test_the_network_acl_with_ipv6() -> None:
    """The same as with IPv4; and no rule for IPv4 gets another number."""
    found = acl(
        ipv6=True,
        network_acl_ingress=["tcp 443 ::/0", "udp 514 2001:db8::/32"],
        network_acl_egress=["udp 123 0.0.0.0/0"],
    )
    vpc = f"{IPV6}00::/56"
    assert found["ingress"] == [
        *INGRESS,
        rule_ipv6(103, "tcp", 443, 443, "::/0"),
        rule_ipv6(104, "udp", 514, 514, "2001:db8::/32"),
        rule(105, "udp", 1024, 65535, ANYWHERE),
        rule_ipv6(106, "-1", 0, 0, vpc),
        rule_ipv6(107, "tcp", 1024, 65535, "::/0"),
        rule_ipv6(108, "58", 0, 0, "::/0"),
    ]
    assert found["egress"] == [
        *EGRESS,
        rule(104, "udp", 123, 123, ANYWHERE),
        rule_ipv6(105, "udp", 1024, 65535, "2001:db8::/32"),
        rule_ipv6(106, "-1", 0, 0, vpc),
        rule_ipv6(107, "tcp", 443, 443, "::/0"),
        rule_ipv6(108, "tcp", 1024, 65535, "::/0"),
        rule_ipv6(109, "58", 0, 0, "::/0"),
    ]


@pytest.mark.parametrize("port", [1024, 9090, 65535])
def test_administrators_reach_prometheus_through_the_network_acl(port: int) -> None:
    """Whatever its port is, from anywhere: its security group decides."""
    checks.port(port)
    assert any(
        rule["cidrBlock"] == ANYWHERE and rule["fromPort"] <= port <= rule["toPort"]
        for rule in acl()["ingress"]
        if rule["protocol"] == "tcp"
    )


def test_what_starts_waits_for_the_network_acl() -> None:

    def program() -> None:
        net = NETWORK.component("net", {**NETWORK.fewest, "network_acl": True})
        for index, subnet_id in enumerate(net.public_subnets):  # type: ignore[attr-defined]
            aws.ec2.Instance(f"host-{index}", subnet_id=subnet_id)

    assert "net-acl" in deploy(program).needs("host-1")
    # Switched on for a network that exists: the preview does not show hosts as replaced.
    existing: dict[str, dict[str, Any]] = {name: {} for _, name in network().children("net")}
    preview = deploy(program, preview=True, existing=existing)
    for index in (0, 1):
        assert preview.inputs(f"host-{index}")["subnetId"] == f"net-public-{index}-id"


# --- what deletes it ---


def test_what_somebody_elses_host_keeps_fails_soon(default: Deployment) -> None:
    kept = [*default.of_type(":Subnet"), default.one(":InternetGateway")]
    assert [r.options.customTimeouts.delete for r in kept] == ["5m"] * 5


# --- flow logs ---


def test_flow_logs_write_to_one_log_group_and_nowhere_else() -> None:
    deployment = network(flow_logs=True, log_retention_days=30)
    arn = f"arn:aws:mock:{REGION}:{ACCOUNT}"
    assert deployment.inputs("net-flow-logs-group") == {"retentionInDays": 30}
    assert deployment.inputs("net-flow-logs") == {
        "vpcId": "net-vpc-id",
        "trafficType": "ALL",
        "logDestinationType": "cloud-watch-logs",
        "logDestination": f"{arn}:net-flow-logs-group",
        "iamRoleArn": f"{arn}:net-flow-logs-role",
        "tags": {"Name": "net-flow-logs"},
    }
    policy = deployment.inputs("net-flow-logs-role-policy")
    assert policy["role"] == "net-flow-logs-role-id"
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement["Resource"] == f"{arn}:net-flow-logs-group:*"
    trust = json.loads(deployment.inputs("net-flow-logs-role")["assumeRolePolicy"])
    assert trust["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"},
            },
        }
    ]
    assert "net-flow-logs-role-policy" in deployment.needs("net-flow-logs")
