"""A cluster with its hosts and daemons, and daemons on somebody else's, by Pulumi's own engine."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.configuration import ROOT
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Run, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox.emulator import Emulator

NET = {
    "net": {
        "type": "prometheus-aws:index:MonitoringNetwork",
        "properties": {"vpcCidr": "127.78.0.0/16", "zoneCount": 2, "allowLoopbackCidr": True},
    },
    "prometheus": {"type": "aws:ec2:SecurityGroup", "properties": {"vpcId": "${net.vpcId}"}},
}
CLUSTER = {
    "type": "prometheus-aws:index:ServiceCluster",
    "properties": {"vpcId": "${net.vpcId}", "subnetIds": "${net.publicSubnetIds}"},
}


def daemons(cluster: str, group: str) -> dict[str, Any]:
    return {
        "type": "prometheus-aws:index:ClusterDaemons",
        "properties": {
            "clusterArn": cluster,
            "hostSecurityGroupIds": [group],
            "prometheusSecurityGroupId": "${prometheus.id}",
            "deleteImagesOnDestroy": True,
        },
    }


@contextlib.contextmanager
def consumer(
    emulator: Emulator, directory: Path, resources: Mapping[str, Any]
) -> Iterator[Callable[..., Run]]:
    """Return the CLI in a program of YAML, whose stack is there."""
    project = directory / "consumer"
    project.mkdir()
    program = {
        "name": "consumer",
        "runtime": "yaml",
        "packages": {"prometheus-aws": str(ROOT / "components")},
        "resources": resources,
    }
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(program), encoding="utf-8")
    with new_stack(emulator, directory) as stack:

        def pulumi(*arguments: str) -> Run:
            done = stack.workspace.run(
                *("--cwd", str(project), *arguments),
                stdout=subprocess.PIPE,
                environment={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
            )
            assert done.returncode == 0, done.stdout[-3000:]
            lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
            return Run(done.returncode, done.stdout, [json.loads(line) for line in lines])

        pulumi("stack", "init", "tried")
        yield pulumi


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with new_emulator() as made:
        yield made


def test_a_cluster_with_hosts_and_daemons_comes_and_goes(
    emulator: Emulator, tmp_path: Path
) -> None:
    resources = {
        **NET,
        "apps": CLUSTER,
        "watch": daemons("${apps.clusterArn}", "${apps.hostSecurityGroupId}"),
    }
    before = inventory(emulator)
    with consumer(emulator, tmp_path, resources) as pulumi:
        pulumi("up", "--yes", "--skip-preview", "--json")
        ecs, autoscaling = emulator.client("ecs"), emulator.client("autoscaling")
        (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        assert len(group["Instances"]) == 3
        # The emulator starts all of them in the first one.
        assert len(group["VPCZoneIdentifier"].split(",")) == 2
        assert all(it["ProtectedFromScaleIn"] for it in group["Instances"])
        (cluster,) = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
        (name,) = cluster["capacityProviders"]
        (provider,) = ecs.describe_capacity_providers(capacityProviders=[name])["capacityProviders"]
        managed = provider["autoScalingGroupProvider"]
        assert managed["autoScalingGroupArn"] == group["AutoScalingGroupARN"]
        arns = ecs.list_services(cluster=cluster["clusterArn"])["serviceArns"]
        services = ecs.describe_services(cluster=cluster["clusterArn"], services=arns)["services"]
        assert [it["schedulingStrategy"] for it in services] == ["DAEMON"] * 2

        # ECS scales, and that is no difference.
        autoscaling.set_desired_capacity(
            AutoScalingGroupName=group["AutoScalingGroupName"], DesiredCapacity=2
        )
        assert pulumi("preview", "--refresh", "--json").steps == []

        gone = [name for op, name in pulumi("destroy", "--yes", "--skip-preview", "--json").steps]
        order = [
            "apps-capacity-providers",
            "apps-host-capacity",
            "apps-host",
            "apps-host-template",
            "apps-cluster",
        ]
        assert [it for it in gone if it in order] == order
    assert inventory(emulator) == before


def test_on_a_foreign_cluster_daemons_only_add_and_leave_nothing(
    emulator: Emulator, tmp_path: Path
) -> None:
    ecs, ec2 = emulator.client("ecs"), emulator.client("ec2")
    cluster = ecs.create_cluster(clusterName="foreign")["cluster"]["clusterArn"]
    vpc = ec2.create_vpc(CidrBlock="127.79.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="hosts", Description="theirs", VpcId=vpc)["GroupId"]
    task = [{"name": "web", "image": "web", "memory": 64}]
    ecs.register_task_definition(family="web", containerDefinitions=task)
    ecs.create_service(cluster=cluster, serviceName="web", taskDefinition="web", desiredCount=0)

    def theirs() -> list[Any]:
        found = [
            *ecs.describe_clusters(clusters=[cluster], include=["TAGS"])["clusters"],
            *ecs.describe_services(cluster=cluster, services=["web"], include=["TAGS"])["services"],
        ]
        # How many services there are is no change of the cluster.
        for it in found:
            it.pop("activeServicesCount", None)
            it.pop("events", None)
        return found

    def admitted() -> set[tuple[str, int]]:
        rules = ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group]}]
        )["SecurityGroupRules"]
        return {
            (it["ReferencedGroupInfo"]["GroupId"], it["FromPort"])
            for it in rules
            if not it["IsEgress"]
        }

    before, as_it_was = inventory(emulator), theirs()
    with consumer(emulator, tmp_path, {**NET, "watch": daemons(cluster, group)}) as pulumi:
        pulumi("up", "--yes", "--skip-preview", "--json")
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        added = inventory(emulator)["service"] - before["service"]
        assert len(added) == 2
        assert set(arns) - added == before["service"]
        assert theirs() == as_it_was
        assert {port for _, port in admitted()} == {9100, 9101}
        assert len({peer for peer, _ in admitted()}) == 1

        pulumi("destroy", "--yes", "--skip-preview", "--json")
    assert inventory(emulator) == before
    assert theirs() == as_it_was
    assert not admitted()
