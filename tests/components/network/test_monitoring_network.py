"""MonitoringNetwork: exactly what it registers."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

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
    ("aws:ec2/networkAcl:NetworkAcl", "net-acl"),
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
    ],
    ids=["default", "one zone", "single NAT", "NAT per zone", "flow logs"],
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
        "net-public-0": (a, "10.42.0.0/20", {"Name": f"net-public-{a}"}),
        "net-private-0": (a, "10.42.16.0/20", {"Name": f"net-private-{a}"}),
        "net-public-1": (b, "10.42.32.0/20", {"Name": f"net-public-{b}"}),
        "net-private-1": (b, "10.42.48.0/20", {"Name": f"net-private-{b}"}),
    }


def test_no_subnet_gives_public_addresses_by_itself(default: Deployment) -> None:
    assert [r.inputs["mapPublicIpOnLaunch"] for r in default.of_type(":Subnet")] == [False] * 4


def test_a_subnet_stays_in_its_zone_when_the_list_of_zones_changes(default: Deployment) -> None:
    ignored = [list(r.options.ignoreChanges) for r in default.of_type(":Subnet")]
    assert ignored == [["availabilityZone"]] * 4


def test_zones_are_sorted_and_only_those_that_need_no_opt_in() -> None:
    names = [f"{REGION}{letter}" for letter in "cab"]
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"  # noqa: S105 - not a secret
    deployment = deploy(
        lambda: NETWORK.component("net", NETWORK.fewest), invokes={token: {"names": names}}
    )
    assert deployment.inputs("net-public-0")["availabilityZone"] == f"{REGION}a"
    wanted = {
        "state": "available",
        "filters": [
            {"name": "opt-in-status", "values": ["opt-in-not-required"]},
            {"name": "zone-type", "values": ["availability-zone"]},
        ],
    }
    # When the arguments are checked, and for the subnets.
    asked = [call.args for call in deployment.calls if call.token == token]
    assert asked == [wanted, wanted]


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
        r.name
        for r in default.resources
        if r.name not in ("net-s3", "net-acl") and three.inputs(r.name) != r.inputs
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


def test_the_network_acl(default: Deployment) -> None:
    assert default.inputs("net-acl") == {
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
    acl = network(ssh_cidrs=cidrs).inputs("net-acl")
    assert acl["ingress"] == [
        *INGRESS,
        rule(103, "tcp", 22, 22, cidrs[0]),
        rule(104, "tcp", 22, 22, cidrs[1]),
    ]
    assert acl["egress"] == EGRESS


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
