"""Monitoring beside a cluster of somebody else's: it is added and removed, and changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from sandbox.configuration import ROOT
from sandbox.resources.base import Account
from sandbox.resources.images import source
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.emulator import Emulator

EXAMPLE = ROOT / "examples" / "existing_cluster"
SERVICES = ("orders", "billing")
METRICS = {"prometheus-metrics": "8000/metrics"}


class Theirs:
    """A cluster with hosts and two services that share a security group, made without Pulumi."""

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
        self.services = {name: self._service(name) for name in SERVICES}
        self.config = {
            "vpcId": vpc,
            "subnetIds[0]": self.subnet,
            "clusterArn": self.cluster,
            "clusterHosts.theirs": "their-hosts",
            "hostSecurityGroupIds[0]": self.groups["hosts"],
            **{f"{name}Arn": arn for name, arn in self.services.items()},
            "serviceSecurityGroupIds[0]": self.groups["tasks"],
            "metrics[0]": "8000/metrics",
            "expectedTasks.orders": "2",
            "expectedTasks.billing": "1",
        }

    def _service(self, name: str) -> str:
        ecs = self.emulator.client("ecs")
        container = {"name": name, "image": name, "memory": 64}
        ecs.register_task_definition(
            family=name, networkMode="awsvpc", containerDefinitions=[container]
        )
        network = {"subnets": [self.subnet], "securityGroups": [self.groups["tasks"]]}
        made = ecs.create_service(
            cluster="theirs",
            serviceName=name,
            taskDefinition=name,
            desiredCount=1,
            networkConfiguration={"awsvpcConfiguration": network},
            tags=[{"key": "team", "value": name}],
        )
        return str(made["service"]["serviceArn"])

    def tags(self) -> dict[str, dict[str, str]]:
        """Return each service's tags."""
        ecs = self.emulator.client("ecs")
        return {
            name: {
                tag["key"]: tag["value"]
                for tag in ecs.list_tags_for_resource(resourceArn=arn)["tags"]
            }
            for name, arn in self.services.items()
        }

    def seen(self) -> dict[str, Any]:
        """Return all that AWS says of what they have, but for the services' tags."""
        ecs, autoscaling = self.emulator.client("ecs"), self.emulator.client("autoscaling")
        ec2 = self.emulator.client("ec2")
        services = ecs.describe_services(cluster="theirs", services=[*SERVICES])["services"]
        (group,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["their-hosts"])[
            "AutoScalingGroups"
        ]
        definitions = [
            ecs.list_task_definitions(familyPrefix=name)["taskDefinitionArns"] for name in SERVICES
        ]
        found = ec2.describe_instances(InstanceIds=[group["Instances"][0]["InstanceId"]])
        return {
            "services": [
                {key: value for key, value in service.items() if key != "tags"}
                for service in services
            ],
            "group": group,
            "definitions": definitions,
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
    shutil.copytree(EXAMPLE, project)
    program = (EXAMPLE / "Pulumi.yaml").read_text(encoding="utf-8")
    program = program.replace("../../components", str(ROOT / "components"))
    (project / "Pulumi.yaml").write_text(program, encoding="utf-8")

    def pulumi(*arguments: str) -> str:
        done = stack.workspace.run("--cwd", str(project), *arguments, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout
        return done.stdout

    before, seen, rules = inventory(cluster.emulator), cluster.seen(), cluster.rules()
    tags = cluster.tags()
    pulumi("stack", "init", "tried")
    for path, value in cluster.config.items():
        pulumi("config", "set", "--path", path, value)
    pulumi("up", "--yes", "--skip-preview")

    assert cluster.seen() == seen
    assert cluster.tags() == {
        name: {**tags[name], **METRICS, "prometheus-job": name} for name in SERVICES
    }
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
    assert json.loads(pulumi("stack", "output", "--json"))["jobs"] == [*SERVICES]
    _prometheus_is_given_the_rule_and_the_expected_tasks(cluster.emulator, project)

    pulumi("destroy", "--yes", "--skip-preview")
    assert inventory(cluster.emulator) == before
    assert cluster.seen() == seen
    assert cluster.rules() == rules
    assert cluster.tags() == tags


def _prometheus_is_given_the_rule_and_the_expected_tasks(emulator: Emulator, project: Path) -> None:
    ecs = emulator.client("ecs")
    definitions = [
        ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for arn in ecs.list_task_definitions()["taskDefinitionArns"]
    ]
    (container,) = [
        it
        for definition in definitions
        for it in definition["containerDefinitions"]
        if it["name"] == "prometheus"
    ]
    variables = {it["name"]: it["value"] for it in container["environment"]}
    assert variables["EXPECTED_TASKS_MAP"] == "billing=1 orders=2"
    # The sandbox takes a path in the project for one in this repository.
    given = project / source(Account(emulator), container["image"]).context.relative_to(ROOT)
    rule = "rules.d/orders.yml"
    its = (EXAMPLE / "monitoring" / "prometheus" / rule).read_text(encoding="utf-8")
    assert (given / rule).read_text(encoding="utf-8") == its
