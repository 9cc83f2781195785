"""Bastion: one host, closed unless somebody is named, that leads to the servers only."""

import json
from pathlib import Path
from typing import Any

import pytest

from components import policies
from components.bastion.bastion import forwarding_command
from mocks.recording import AMI, Deployment, deploy, undescribed
from tests.components.containers.test_url_command import AWS_STAND_IN
from tests.components.examples import BASTION
from tests.components.shell import shell

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EXACT = {
    ("aws:ec2/instance:Instance", "jump-arm64"),
    ("aws:ec2/securityGroup:SecurityGroup", "jump-security-group"),
    (EGRESS, "jump-security-group-aws"),
    (EGRESS, "jump-security-group-prometheus-egress"),
    (INGRESS, "jump-security-group-prometheus-ingress"),
    ("aws:iam/role:Role", "jump-role"),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "jump-session-manager"),
    ("aws:iam/instanceProfile:InstanceProfile", "jump-profile"),
}


def bastion(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: BASTION.component("jump", {**BASTION.fewest, **args}))


@pytest.fixture(scope="module")
def default() -> Deployment:
    return bastion()


def rules(deployment: Deployment, direction: str) -> set[tuple[str, str, int]]:
    """Of each rule: whose it is, who is at the other end, and the port."""
    return {
        (
            r.inputs["securityGroupId"],
            r.inputs.get("referencedSecurityGroupId") or r.inputs["cidrIpv4"],
            r.inputs["fromPort"],
        )
        for r in deployment.of_type(f":SecurityGroup{direction}Rule")
        if (r.inputs["ipProtocol"], r.inputs["fromPort"]) == ("tcp", r.inputs["toPort"])
    }


def test_the_exact_resources(default: Deployment) -> None:
    assert default.children("jump") == EXACT
    assert len(default.resources) == len(EXACT) + 1


def test_the_instance(default: Deployment) -> None:
    assert default.inputs("jump-arm64") == {
        "ami": AMI,
        "instanceType": "t4g.nano",
        "subnetId": "subnet-1",
        "vpcSecurityGroupIds": ["jump-security-group-id"],
        "iamInstanceProfile": "jump-profile",
        "associatePublicIpAddress": False,
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        "rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 8},
        "tags": {"Name": "jump", "role": "bastion"},  # and none that Prometheus looks for
    }
    assert list(default.named("jump-arm64").options.ignoreChanges) == ["ami"]


def test_by_default_nobody_may_connect(default: Deployment) -> None:
    own = [it for it in rules(default, "Ingress") if it[0] == "jump-security-group-id"]
    assert own == []


def test_it_connects_to_prometheus_and_to_aws_only(default: Deployment) -> None:
    assert rules(default, "Egress") == {
        ("jump-security-group-id", "sg-prometheus", 9090),
        ("jump-security-group-id", "0.0.0.0/0", 443),
    }
    assert len(default.of_type(":SecurityGroupEgressRule")) == 2
    assert rules(default, "Ingress") == {("sg-prometheus", "jump-security-group-id", 9090)}


def test_all_servers_that_there_are_and_ssh_from_whom_is_named() -> None:
    deployment = deploy(lambda: BASTION.component("jump", BASTION.all))
    servers = {("sg-prometheus", 9091), ("sg-alertmanager", 9193), ("sg-grafana", 3001)}
    own = "jump-security-group-id"
    assert rules(deployment, "Ingress") == {
        (own, "203.0.113.9/32", 22),
        *((group, own, port) for group, port in servers),
    }
    assert rules(deployment, "Egress") == {
        (own, "0.0.0.0/0", 443),
        *((own, group, port) for group, port in servers),
    }
    inputs = deployment.inputs("jump-x86-64")
    assert (inputs["keyName"], inputs["associatePublicIpAddress"]) == ("admin", True)
    assert inputs["instanceType"] == "t3.micro"


def test_the_security_group_is_the_same_with_ssh(default: Deployment) -> None:
    """Another description would replace it, and with it the host's place in every rule."""
    with_ssh = bastion(ssh_cidrs=["203.0.113.9/32"], key_name="admin")
    assert with_ssh.inputs("jump-security-group") == default.inputs("jump-security-group")
    assert undescribed(default.inputs("jump-security-group")) == {
        "vpcId": "vpc-1",
        "tags": {"Name": "jump"},
    }


def test_the_role_is_for_session_manager_only(default: Deployment) -> None:
    trusted = policies.document(policies.trust("ec2.amazonaws.com"))
    assert json.loads(default.inputs("jump-role")["assumeRolePolicy"]) == json.loads(trusted)
    attached = [r.inputs for r in default.of_type(":RolePolicyAttachment")]
    assert [it["policyArn"].rpartition("/")[2] for it in attached] == [
        "AmazonSSMManagedInstanceCore"
    ]


def test_it_starts_when_it_may_reach_session_manager(default: Deployment) -> None:
    assert "jump-security-group-aws" in default.needs("jump-arm64")


def test_the_outputs(default: Deployment) -> None:
    (outputs,) = [o for urn, o in default.outputs.items() if ":Bastion::" in urn]
    command = outputs.pop("port_forwarding_command")
    assert "--cluster cluster-1 --service-name service-1 " in command
    assert "--target jump-arm64-id " in command
    assert outputs == {
        "instance_id": "jump-arm64-id",
        "security_group_id": "jump-security-group-id",
    }


def test_the_command_forwards_to_the_task_that_runs_now(tmp_path: Path) -> None:
    session = (
        "ssm start-session --target i-1"
        " --document-name AWS-StartPortForwardingSessionToRemoteHost"
        " --parameters host=10.42.0.7,portNumber=9091,localPortNumber=9091"
    )
    stand_in = AWS_STAND_IN.replace(
        'case "$*" in\n', f'case "$*" in\n"{session}") echo session ;;\n'
    )
    aws = tmp_path / "aws"
    aws.write_text(stand_in, encoding="utf-8")
    aws.chmod(0o755)
    command = forwarding_command("eu-central-1", "c-1", "s-1", "i-1", 9091)
    shell("sh", "-n", text=command)
    said = shell("sh", "-c", command, path=f"{tmp_path}:/usr/bin:/bin")
    assert said == "http://127.0.0.1:9091 until Ctrl-C\nsession\n"
