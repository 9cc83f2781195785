"""Security groups between Prometheus and hosts: their rules, and moto's record of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.emulator import Emulator
from sandbox.prometheus import Target
from sandbox.security_groups import Interface, Network, refusals, task_description

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = Interface("127.9.0.4", frozenset({"sg-host"}))
PROMETHEUS = Interface("127.9.1.5", frozenset({"sg-prometheus"}))


def rule(
    *networks: str, protocol: str = "tcp", ports: tuple[int, int] = (9100, 9100), group: str = ""
) -> dict[str, Any]:
    """Return a rule as EC2 describes it; one for all protocols has no ports."""
    of_ports = {} if protocol == "-1" else {"FromPort": ports[0], "ToPort": ports[1]}
    return {
        "IpProtocol": protocol,
        **of_ports,
        "UserIdGroupPairs": [{"GroupId": group}] if group else [],
        "IpRanges": [{"CidrIp": network} for network in networks],
    }


FROM_PROMETHEUS = rule(group="sg-prometheus")
TO_HOST = rule(group="sg-host")


def network(ingress: list[dict[str, Any]], egress: list[dict[str, Any]]) -> Network:
    groups = {
        "sg-host": {"IpPermissions": ingress, "IpPermissionsEgress": []},
        "sg-prometheus": {"IpPermissions": [], "IpPermissionsEgress": egress},
    }
    return Network({"i-1": HOST}, [PROMETHEUS], groups)


@pytest.mark.parametrize(
    "ingress",
    [
        FROM_PROMETHEUS,
        rule("127.9.1.0/24"),
        rule("10.0.0.0/8", "127.9.1.5/32"),
        rule(group="sg-prometheus", ports=(9000, 9100)),
        rule(group="sg-prometheus", ports=(9100, 9200)),
        rule(group="sg-prometheus", protocol="-1"),
        rule(group="sg-prometheus", protocol="6"),
    ],
)
def test_a_rule_at_both_ends_lets_prometheus_in(ingress: dict[str, Any]) -> None:
    assert network([rule("10.0.0.0/8"), ingress], [TO_HOST]).refusal("i-1", 9100) == ""
    assert network([ingress], [rule("127.9.0.0/24")]).refusal("i-1", 9100) == ""


@pytest.mark.parametrize(
    "ingress",
    [
        [],
        [rule(group="sg-host")],
        [rule("127.9.0.0/24")],
        [rule(group="sg-prometheus", ports=(9101, 9200))],
        [rule(group="sg-prometheus", ports=(9000, 9099))],
        [rule(group="sg-prometheus", protocol="udp")],
    ],
)
def test_without_an_ingress_rule_it_is_refused(ingress: list[dict[str, Any]]) -> None:
    said = network(ingress, [TO_HOST]).refusal("i-1", 9100)
    assert said.startswith("no security group rule lets Prometheus reach it on port 9100: its")
    assert "(sg-host) have no ingress rule for Prometheus" in said
    assert "exporter_security_group_id" in said


@pytest.mark.parametrize(
    "egress", [[], [rule(group="sg-prometheus")], [rule("127.9.1.0/24")], [rule(ports=(443, 443))]]
)
def test_without_an_egress_rule_it_is_refused(egress: list[dict[str, Any]]) -> None:
    said = network([FROM_PROMETHEUS], egress).refusal("i-1", 9100)
    assert "Prometheus's groups (sg-prometheus) have no egress rule to it" in said


@pytest.fixture(scope="module")
def ec2() -> Iterator[Any]:
    emulator = Emulator("eu-west-1")
    emulator.start()
    yield emulator.client("ec2")
    emulator.stop()


def _groups(ec2: Any, instance: str) -> list[str]:  # noqa: ANN401 - boto3's
    """Return an instance's groups, which it and its interface must agree on."""
    answer = ec2.describe_instances(InstanceIds=[instance])
    found = answer["Reservations"][0]["Instances"][0]
    (interface,) = found["NetworkInterfaces"]
    (alone,) = ec2.describe_network_interfaces(
        NetworkInterfaceIds=[interface["NetworkInterfaceId"]]
    )["NetworkInterfaces"]
    (groups,) = {
        tuple(sorted(group["GroupId"] for group in groups))
        for groups in (found["SecurityGroups"], interface["Groups"], alone["Groups"])
    }
    return list(groups)


def test_an_instance_has_the_groups_of_its_interface(ec2: Any) -> None:  # noqa: ANN401 - boto3's
    vpc = ec2.create_vpc(CidrBlock="127.61.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="127.61.0.0/24")["Subnet"]["SubnetId"]
    first, second = sorted(
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("first", "second")
    )
    public = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    for launched, expected in (
        ({"NetworkInterfaces": [{**public, "Groups": [first, second]}]}, [first, second]),
        ({"NetworkInterfaces": [public]}, [default["GroupId"]]),
        ({"SubnetId": subnet, "SecurityGroupIds": [first]}, [first]),
        ({"SubnetId": subnet}, [default["GroupId"]]),
    ):
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **launched)
        (instance,) = made["Instances"]
        identifier = instance["InstanceId"]
        assert _groups(ec2, identifier) == expected
        ec2.modify_instance_attribute(InstanceId=identifier, Groups=[second])
        assert _groups(ec2, identifier) == [second]
        (interface,) = instance["NetworkInterfaces"]
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[first]
        )
        assert _groups(ec2, identifier) == [first]


def test_only_prometheus_is_asked_about(ec2: Any) -> None:  # noqa: ANN401 - boto3's
    """Another service's task may reach the host, Prometheus's may not."""
    vpc = ec2.create_vpc(CidrBlock="127.61.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="127.61.0.0/24")["Subnet"]["SubnetId"]
    host, other, ours = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("host", "other", "ours")
    )
    ec2.authorize_security_group_ingress(
        GroupId=host,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 9100,
                "ToPort": 9100,
                "UserIdGroupPairs": [{"GroupId": other}],
            }
        ],
    )
    launched = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[host]
    )
    address = launched["Instances"][0]["PrivateIpAddress"]
    down = [Target("node", "exporter-0", "", f"{address}:9100", "down", "refused", {})]
    for group, container in ((other, "shop"), (ours, "prometheus")):
        assert refusals(ec2, down) == {}  # while there is no Prometheus
        ec2.create_network_interface(
            SubnetId=subnet, Groups=[group], Description=task_description("1", [container])
        )
    (reason,) = refusals(ec2, down).values()
    assert "no ingress rule for Prometheus" in reason
    assert refusals(ec2, [down[0]._replace(health="up")]) == {}
    assert refusals(ec2, [down[0]._replace(address="localhost:9090")]) == {}
