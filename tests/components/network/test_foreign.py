"""components.network.foreign: the command finds what is not one's own, in an emulated EC2."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import boto3
import jmespath  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from components.network.foreign import foreign_interfaces_command
from tests.components.shell import shell

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-central-1"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with mock_aws():
        yield boto3.client("ec2", region_name=REGION)


def answer(ec2: Any, command: str) -> list[list[str | None]]:  # noqa: ANN401
    """Run the command as the AWS CLI does."""
    words = shlex.split(command)
    assert words[:5] == ["aws", "--region", REGION, "--output", "text"]
    assert words[5:8] == ["ec2", "describe-network-interfaces", "--filters"]
    name, _, values = words[8].partition(",")
    filters = [{"Name": name.removeprefix("Name="), "Values": [values.removeprefix("Values=")]}]
    assert words[9] == "--query"
    found = ec2.describe_network_interfaces(Filters=filters)
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    of_gateways = [it["NatGatewayAddresses"][0]["NetworkInterfaceId"] for it in gateways]
    for it in found["NetworkInterfaces"]:  # moto takes them for interfaces like others
        it["InterfaceType"] = (
            "nat_gateway" if it["NetworkInterfaceId"] in of_gateways else it["InterfaceType"]
        )
    rows: list[list[str | None]] = jmespath.search(words[10], found)
    return rows


def test_only_what_others_have_put_into_the_network_is_listed(ec2: Any) -> None:  # noqa: ANN401
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/20")["Subnet"]["SubnetId"]
    hosts, service = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("hosts", "service")
    )
    image = ec2.describe_images()["Images"][0]["ImageId"]
    own, foreign = (
        it["InstanceId"]
        for it in ec2.run_instances(
            ImageId=image, MinCount=2, MaxCount=2, SubnetId=subnet, SecurityGroupIds=[hosts]
        )["Instances"]
    )

    def interface(group: str, description: str) -> str:
        made = ec2.create_network_interface(
            SubnetId=subnet, Groups=[group], Description=description
        )
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    interface(service, "of the task")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    loose = interface(hosts, "somebody's")
    listed = answer(ec2, foreign_interfaces_command(REGION, vpc, ["sg-0", service], [own]))
    assert sorted(row[1] or "" for row in listed) == ["", foreign]
    assert [loose, None, "somebody's"] in listed
    assert answer(ec2, foreign_interfaces_command(REGION, "vpc-0", [service], [own])) == []
    without_hosts = answer(ec2, foreign_interfaces_command(REGION, vpc, [service], []))
    assert {row[1] for row in without_hosts} == {None, own, foreign}


def test_it_is_one_command_of_a_shell() -> None:
    shell(
        "sh",
        "-n",
        text=foreign_interfaces_command(REGION, "vpc-1", ["sg-1", "sg-2"], ["i-1", "i-2"]),
    )
