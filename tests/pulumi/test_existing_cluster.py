"""Monitoring beside a cluster of somebody else's: it is added and removed, and changes nothing."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from sandbox.configuration import ROOT
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.emulator import Emulator

EXAMPLE = ROOT / "examples" / "existing_cluster"
METRICS = "prometheus-metrics"


class Theirs:
    """A cluster with hosts and a service, made without Pulumi."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        ec2, ecs = emulator.client("ec2"), emulator.client("ecs")
        autoscaling = emulator.client("autoscaling")
        vpc = ec2.create_vpc(CidrBlock="127.99.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="127.99.1.0/24")["Subnet"]["SubnetId"]
        self.groups = {
            name: ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"]
            for name in ("hosts", "tasks")
        }
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        template = {"ImageId": image, "InstanceType": "t3.small"}
        autoscaling.create_launch_configuration(
            LaunchConfigurationName="theirs", SecurityGroups=[self.groups["hosts"]], **template
        )
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="their-hosts",
            LaunchConfigurationName="theirs",
            MinSize=1,
            MaxSize=1,
            VPCZoneIdentifier=self.subnet,
        )
        self.cluster = ecs.create_cluster(clusterName="theirs")["cluster"]["clusterArn"]
        container = {"name": "orders", "image": "orders", "memory": 64}
        ecs.register_task_definition(
            family="orders", networkMode="awsvpc", containerDefinitions=[container]
        )
        network = {"subnets": [self.subnet], "securityGroups": [self.groups["tasks"]]}
        self.service = ecs.create_service(
            cluster="theirs",
            serviceName="orders",
            taskDefinition="orders",
            desiredCount=1,
            networkConfiguration={"awsvpcConfiguration": network},
            tags=[{"key": "team", "value": "orders"}],
        )["service"]["serviceArn"]
        self.config = {
            "vpcId": vpc,
            "subnetIds[0]": self.subnet,
            "clusterArn": self.cluster,
            "clusterHosts.theirs": "their-hosts",
            "hostSecurityGroupIds[0]": self.groups["hosts"],
            "serviceArn": self.service,
            "serviceSecurityGroupIds[0]": self.groups["tasks"],
            "metrics[0]": "8000/metrics",
        }

    def tags(self) -> dict[str, str]:
        """Return the service's tags."""
        found = self.emulator.client("ecs").list_tags_for_resource(resourceArn=self.service)
        return {tag["key"]: tag["value"] for tag in found["tags"]}

    def seen(self) -> dict[str, Any]:
        """Return all that AWS says of what they have, but for the service's tags."""
        ecs, autoscaling = self.emulator.client("ecs"), self.emulator.client("autoscaling")
        ec2 = self.emulator.client("ec2")
        (service,) = ecs.describe_services(cluster="theirs", services=["orders"])["services"]
        (group,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["their-hosts"])[
            "AutoScalingGroups"
        ]
        (definition,) = ecs.list_task_definitions(familyPrefix="orders")["taskDefinitionArns"]
        found = ec2.describe_instances(InstanceIds=[group["Instances"][0]["InstanceId"]])
        return {
            "service": {key: value for key, value in service.items() if key != "tags"},
            "group": group,
            "definition": definition,
            "instances": found["Reservations"],
            "subnet": ec2.describe_subnets(SubnetIds=[self.subnet])["Subnets"],
        }

    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """Return what their security groups admit."""
        found = self.emulator.client("ec2").describe_security_groups(
            GroupIds=list(self.groups.values())
        )["SecurityGroups"]
        return {group["GroupName"]: group["IpPermissions"] for group in found}


def test_monitoring_comes_and_goes_and_nothing_of_theirs_changes(tmp_path: Path) -> None:
    with new_emulator() as emulator, new_stack(emulator, tmp_path) as stack:
        _comes_and_goes(Theirs(emulator), stack, tmp_path / "project")


def _comes_and_goes(cluster: Theirs, stack: Stack, project: Path) -> None:
    project.mkdir()
    program = (EXAMPLE / "Pulumi.yaml").read_text(encoding="utf-8")
    program = program.replace("../../components", str(ROOT / "components"))
    (project / "Pulumi.yaml").write_text(program, encoding="utf-8")

    def pulumi(*arguments: str) -> str:
        done = stack.workspace.run("--cwd", str(project), *arguments, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout
        return done.stdout

    before, seen, rules = inventory(cluster.emulator), cluster.seen(), cluster.rules()
    pulumi("stack", "init", "tried")
    for path, value in cluster.config.items():
        pulumi("config", "set", "--path", path, value)
    pulumi("up", "--yes", "--skip-preview")

    assert cluster.seen() == seen
    assert cluster.tags() == {"team": "orders", METRICS: "8000/metrics", "prometheus-job": "orders"}
    admitted = {
        name: [(it["FromPort"], it["ToPort"], len(it["UserIdGroupPairs"])) for it in its]
        for name, its in cluster.rules().items()
    }
    # From one group, Prometheus's, and from no network.
    assert {name: sorted(its) for name, its in admitted.items()} == {
        "hosts": [(9100, 9100, 1), (9101, 9101, 1)],
        "tasks": [(8000, 8000, 1)],
    }
    assert not [r for its in cluster.rules().values() for it in its for r in it["IpRanges"]]
    assert json.loads(pulumi("stack", "output", "--json"))["job"] == "orders"

    pulumi("destroy", "--yes", "--skip-preview")
    assert inventory(cluster.emulator) == before
    assert cluster.seen() == seen
    assert cluster.rules() == rules
    assert cluster.tags() == {"team": "orders"}
