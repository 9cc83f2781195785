"""ExporterGroup: exactly what the hosts share."""

import json
from typing import Any

import pytest

from components import assets, policies
from mocks.recording import AMI, Deployment, deploy, undescribed
from tests.components.examples import GROUP

EXACT = {
    ("aws:ec2/securityGroup:SecurityGroup", "hosts-security-group"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "hosts-from-prometheus"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "hosts-prometheus-to-hosts"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "hosts-to-internet"),
    ("aws:iam/role:Role", "hosts-role"),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "hosts-session-manager"),
    ("aws:iam/instanceProfile:InstanceProfile", "hosts-profile"),
}


def group(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: GROUP.component("hosts", {**GROUP.fewest, **args}))


@pytest.fixture(scope="module")
def default() -> Deployment:
    return group()


def outputs(deployment: Deployment) -> dict[str, Any]:
    (found,) = [o for urn, o in deployment.outputs.items() if "ExporterGroup" in urn]
    return found


def test_the_exact_resources(default: Deployment) -> None:
    assert default.children("hosts") == EXACT
    assert len(default.resources) == len(EXACT) + 1


def test_the_only_way_in_is_from_prometheus_to_the_exporter(default: Deployment) -> None:
    (rule,) = default.of_type(":SecurityGroupIngressRule")
    assert undescribed(rule.inputs) == {
        "securityGroupId": "hosts-security-group-id",
        "ipProtocol": "tcp",
        "fromPort": 9100,
        "toPort": 9100,
        "referencedSecurityGroupId": "sg-prometheus",
    }
    assert undescribed(default.inputs("hosts-security-group")) == {
        "vpcId": "vpc-1",
        "tags": {"Name": "hosts"},
    }


def test_prometheus_may_go_to_the_exporters_and_hosts_to_https(default: Deployment) -> None:
    rules = {r.name: undescribed(r.inputs) for r in default.of_type(":SecurityGroupEgressRule")}
    assert rules == {
        "hosts-prometheus-to-hosts": {
            "securityGroupId": "sg-prometheus",
            "ipProtocol": "tcp",
            "fromPort": 9100,
            "toPort": 9100,
            "referencedSecurityGroupId": "hosts-security-group-id",
        },
        "hosts-to-internet": {
            "securityGroupId": "hosts-security-group-id",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "0.0.0.0/0",
        },
    }


def test_another_port_is_another_port_everywhere() -> None:
    deployment = group(node_exporter_port=9101)
    for name in ("hosts-from-prometheus", "hosts-prometheus-to-hosts"):
        inputs = deployment.inputs(name)
        assert (inputs["fromPort"], inputs["toPort"]) == (9101, 9101)
    assert "export NODE_EXPORTER_PORT=9101\n" in outputs(deployment)["user_data"]


def test_a_port_of_another_language_is_the_same_port(default: Deployment) -> None:
    """It arrives as a float."""
    assert outputs(group(node_exporter_port=9100.0)) == outputs(default)


def test_ssh_only_when_asked_for() -> None:
    cidrs = ["203.0.113.8/32", "198.51.100.0/24"]
    deployment = group(ssh_cidrs=cidrs)
    rules = {
        r.name: undescribed(r.inputs)
        for r in deployment.of_type(":SecurityGroupIngressRule")
        if r.name != "hosts-from-prometheus"
    }
    assert rules == {
        f"hosts-ssh-{cidr}": {
            "securityGroupId": "hosts-security-group-id",
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "cidrIpv4": cidr,
        }
        for cidr in cidrs
    }


def test_the_role_is_for_session_manager_only(default: Deployment) -> None:
    role = default.inputs("hosts-role")
    trusted = policies.document(policies.trust("ec2.amazonaws.com"))
    assert json.loads(role["assumeRolePolicy"]) == json.loads(trusted)
    assert default.inputs("hosts-session-manager") == {
        "role": "hosts-role",
        "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    }
    assert default.inputs("hosts-profile") == {"role": "hosts-role", "path": policies.PATH}


def test_another_partition_has_other_arns() -> None:
    partition = {"aws:index/getPartition:getPartition": {"partition": "aws-us-gov"}}
    deployment = deploy(lambda: GROUP.component("hosts", GROUP.fewest), invokes=partition)
    arn = deployment.inputs("hosts-session-manager")["policyArn"]
    assert arn == "arn:aws-us-gov:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [("t4g.nano", "arm64"), ("t3.micro", "x86_64")],
)
def test_the_image_is_amazon_linux_of_the_types_architecture(
    instance_type: str, architecture: str
) -> None:
    deployment = group(instance_type=instance_type)
    (asked,) = [c.args for c in deployment.calls if c.token.startswith("aws:ssm/")]
    path = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"
    assert asked == {"name": f"{path}-{architecture}"}
    assert outputs(deployment)["ami_id"] == AMI


def test_a_given_image_is_used_and_no_other_is_asked_for() -> None:
    deployment = group(ami_id="ami-0fedcba9876543210")
    assert outputs(deployment)["ami_id"] == "ami-0fedcba9876543210"
    assert not [call.token for call in deployment.calls if call.token.startswith("aws:ssm/")]


def test_another_version_is_installed_when_asked_for() -> None:
    text = outputs(group(node_exporter_version="1.9.0"))["user_data"]
    assert "export NODE_EXPORTER_VERSION=1.9.0\n" in text


def test_the_outputs(default: Deployment) -> None:
    script = assets.user_data_script("node_exporter")
    version = assets.VERSIONS["node_exporter"]
    assert outputs(default) == {
        "security_group_id": "hosts-security-group-id",
        "instance_profile_name": "hosts-profile",
        "ami_id": AMI,
        "user_data": f"#!/bin/bash\nexport NODE_EXPORTER_VERSION={version}\n"
        f"export NODE_EXPORTER_PORT=9100\n{script}",
    }
