"""components.storage: exactly what a volume and its host are, with Prometheus as the server."""

import base64
import json
from typing import Any

import pytest

from components import assets
from components.arguments import declared
from components.exporters.user_data import MAX_USER_DATA_BYTES, user_data
from components.prometheus import PrometheusServiceArgs
from components.storage import STORAGE, replace_hosts_command, rules
from components.storage.hosts import may_host
from mocks.recording import ACCOUNT, REGION, Deployment, deploy, refuse
from tests.components.ecs_hosts import launch_template
from tests.components.examples import SERVICE
from tests.components.services import ARN, container, document, outputs, service

VOLUME_ARN = f"{ARN}:prom-volume"
SNAPSHOT = "snap-0123456789abcdef0"


@pytest.fixture(scope="module")
def stored() -> Deployment:
    return service(storage_kind="ebs")


def _of_type(deployment: Deployment, suffix: str) -> list[str]:
    return [it.name for it in deployment.of_type(suffix)]


# --- what there is ---


def test_on_fargate_nothing_of_it_is_registered() -> None:
    for key, value in SERVICE.others.items():
        if key in STORAGE and key != "storage_instance_type":
            deployment = service(**{key: value})
            for kind in (":Volume", ":LaunchTemplate", "autoscaling/group:Group", ":CapacityPro"):
                assert not [it for it in deployment.resources if kind in it.type]


def test_the_volume(stored: Deployment) -> None:
    assert stored.inputs("prom-volume") == {
        "availabilityZone": "zone-of-subnet-1",
        "type": "gp3",
        "size": 50,
        "iops": 3000,
        "throughput": 125,
        "encrypted": True,
        "tags": {"Name": "prom-volume", "ecs-cluster": "prom-cluster"},
    }
    (volume,) = stored.of_type(":Volume")
    assert volume.options.protect is True


def test_the_settings_reach_the_volume() -> None:
    deployment = service(
        storage_kind="ebs", storage_size_gib=200, storage_iops=4000, storage_throughput=250
    )
    inputs = deployment.inputs("prom-volume")
    assert [inputs[key] for key in ("size", "iops", "throughput")] == [200, 4000, 250]
    variables = {it["name"]: it["value"] for it in container(deployment)["environment"]}
    assert variables["RETENTION_SIZE"] == "160GB"


def test_the_smallest_volume_has_room_for_samples() -> None:
    deployment = service(storage_kind="ebs", storage_size_gib=rules.SIZE_GIB[0])
    variables = {it["name"]: it["value"] for it in container(deployment)["environment"]}
    assert variables["RETENTION_SIZE"] == "1GB"


def test_a_volume_that_may_go_is_not_protected() -> None:
    deployment = service(storage_kind="ebs", storage_delete_volumes_on_destroy=True)
    (volume,) = deployment.of_type(":Volume")
    assert not volume.options.protect


def test_a_restored_volume_is_beside_the_original_one(stored: Deployment) -> None:
    deployment = service(storage_kind="ebs", storage_restore_snapshot_id=SNAPSHOT)
    assert _of_type(deployment, ":Volume") == ["prom-volume", f"prom-volume-{SNAPSHOT}"]
    original, restored = deployment.of_type(":Volume")
    assert original.inputs == stored.inputs("prom-volume")
    assert original.options.protect is True
    assert restored.inputs["snapshotId"] == SNAPSHOT
    assert (restored.options.protect or False, restored.options.retainOnDelete) == (False, True)
    assert f"export VOLUME_ID=prom-volume-{SNAPSHOT}-id\n" in _script(deployment)
    # Both are in the daily snapshots, and the host may attach either, which it is told.
    assert restored.inputs["tags"]["ecs-cluster"] == original.inputs["tags"]["ecs-cluster"]


def test_the_launch_template(stored: Deployment) -> None:
    inputs = dict(stored.inputs("prom-host-template"))
    del inputs["userData"]
    assert inputs == launch_template("prom")


def test_an_intel_host_has_the_image_for_it() -> None:
    deployment = service(
        storage_kind="ebs", cpu_architecture="X86_64", storage_instance_type="t3.small"
    )
    assert deployment.inputs("prom-host-template")["imageId"] == (
        "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    )


def _script(deployment: Deployment) -> str:
    return base64.b64decode(deployment.inputs("prom-host-template")["userData"]).decode()


def test_the_user_data(stored: Deployment) -> None:
    script = _script(stored)
    assert script == user_data(
        assets.user_data_script("data_volume"),
        {
            "VOLUME_ID": "prom-volume-id",
            "ECS_CLUSTER": "prom-cluster",
            "CAPACITY_PROVIDER": "prom-host-0badcafe",
            "DATA_DIRECTORY": "prometheus",
            "DATA_OWNER": "65534:65534",
        },
    )
    assert len(script.encode()) < MAX_USER_DATA_BYTES / 2


def test_the_group_of_one(stored: Deployment) -> None:
    inputs = stored.inputs("prom-host")
    assert [inputs[it] for it in ("minSize", "maxSize", "desiredCapacity")] == [1, 1, 1]
    assert inputs["vpcZoneIdentifiers"] == ["subnet-1"]
    # The old host ends first: two cannot hold the volume.
    assert inputs["instanceRefresh"] == {
        "strategy": "Rolling",
        "preferences": {"minHealthyPercentage": 0, "maxHealthyPercentage": 100},
    }
    assert inputs["forceDelete"] is True
    assert {tag["key"]: tag["value"] for tag in inputs["tags"]} == {
        "Name": "prom-host",
        "AmazonECSManaged": "true",
    }


def test_hosts_of_several_replicas_are_not_replaced_by_themselves() -> None:
    """Nothing waits for a refresh: all hosts would end at once."""
    several = service(storage_kind="ebs", replicas=2)
    for name in ("prom-host", "prom-1-host"):
        assert "instanceRefresh" not in several.inputs(name)


def test_the_command_that_replaces_hosts(stored: Deployment) -> None:
    groups = {"prom-host": "prom-service", "prom-1-host": "prom-1-service"}
    several = service(storage_kind="ebs", replicas=2)
    assert outputs(several)["replace_hosts_command"] == replace_hosts_command(
        REGION, "prom-cluster", list(groups), list(groups.values())
    )
    assert outputs(stored)["replace_hosts_command"] == replace_hosts_command(
        REGION, "prom-cluster", ["prom-host"], ["prom-service"]
    )


def test_the_capacity_provider(stored: Deployment) -> None:
    assert stored.inputs("prom-host-capacity") == {
        "name": "prom-host-0badcafe",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": f"{ARN}:prom-host",
            "managedScaling": {"status": "DISABLED"},
            "managedTerminationProtection": "DISABLED",
            "managedDraining": "ENABLED",
        },
    }
    assert stored.inputs("prom-capacity-providers") == {
        "clusterName": "prom-cluster",
        "capacityProviders": ["prom-host-0badcafe"],
    }


def test_the_task_and_the_service_on_the_host(stored: Deployment) -> None:
    task = stored.inputs("prom-task")
    assert task["requiresCompatibilities"] == ["EC2"]
    assert "ephemeralStorage" not in task
    assert (task["cpu"], task["memory"]) == ("256", "512")
    assert task["volumes"] == [
        {"name": "data", "hostPath": "/data/prometheus"},
        {"name": "rendered"},
    ]
    inputs = stored.inputs("prom-service")
    assert "launchType" not in inputs
    assert "platformVersion" not in inputs
    assert inputs["capacityProviderStrategies"] == [
        {"capacityProvider": "prom-host-0badcafe", "weight": 1}
    ]
    assert inputs["networkConfiguration"] == {
        "subnets": ["subnet-1"],
        "securityGroups": ["prom-security-group-id"],
        "assignPublicIp": False,
    }
    assert inputs["deploymentMaximumPercent"] == 100
    (registered,) = stored.of_type("ecs/service:Service")
    assert registered.options.deleteBeforeReplace is True

    # The rest of the container is as on Fargate.
    def rest(deployment: Deployment) -> dict[str, Any]:
        return {k: v for k, v in container(deployment).items() if k != "environment"}

    assert rest(stored) == rest(service())


# --- rights ---


def test_nobody_reaches_the_host_and_it_reaches_only_https(stored: Deployment) -> None:
    rules_of = [
        it
        for it in stored.resources
        if it.inputs.get("securityGroupId") == "prom-host-security-group-id"
    ]
    assert [(it.type.rpartition(":")[2], it.inputs["fromPort"]) for it in rules_of] == [
        ("SecurityGroupEgressRule", 443)
    ]


def test_what_the_host_may_do() -> None:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c-1"
    volume = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/p"
    statements = json.loads(may_host(arn, [volume], profile))["Statement"]
    allowed = {(action, it["Resource"]) for it in statements for action in it["Action"]}
    assert allowed == {
        ("ecs:DescribeClusters", arn),
        ("ecs:RegisterContainerInstance", arn),
        ("ecs:DeregisterContainerInstance", arn),
        *(
            (f"ecs:{it}", f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/c-1/*")
            for it in ("Poll", "StartTelemetrySession", "UpdateContainerInstancesState")
        ),
        *(
            (f"ecs:{it}", "*")
            for it in (
                "DiscoverPollEndpoint",
                "SubmitAttachmentStateChanges",
                "SubmitContainerStateChange",
                "SubmitTaskStateChange",
            )
        ),
        ("ec2:AttachVolume", volume),
        ("ec2:AttachVolume", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"),
    }
    assert statements[-1]["Condition"] == {"ArnEquals": {"ec2:InstanceProfile": profile}}


def test_the_snapshots(stored: Deployment) -> None:
    inputs = stored.inputs("prom-snapshots")
    assert inputs["policyDetails"] == {
        "resourceTypes": ["VOLUME"],
        "targetTags": {"ecs-cluster": "prom-cluster"},
        "schedules": [
            {
                "name": "daily",
                "createRule": {"interval": 24, "intervalUnit": "HOURS", "times": "03:00"},
                "retainRule": {"count": 7},
                "copyTags": True,
            }
        ],
    }
    statements = document(stored, "prom-snapshots-role-policy")["Statement"]
    snapshots = "arn:aws:ec2:*::snapshot/*"
    assert [(it["Action"], it["Resource"]) for it in statements[1:]] == [
        (["ec2:CreateSnapshot"], "arn:aws:ec2:*:*:volume/*"),
        (["ec2:CreateSnapshot"], snapshots),
        (["ec2:CreateTags"], snapshots),
        (["ec2:DeleteSnapshot"], snapshots),
    ]
    of_this_cluster = {"StringEquals": {"aws:ResourceTag/ecs-cluster": "prom-cluster"}}
    assert statements[1]["Condition"] == statements[-1]["Condition"] == of_this_cluster


def test_the_settings_reach_the_snapshots() -> None:
    deployment = service(
        storage_kind="ebs", storage_snapshot_hour=0, storage_snapshot_retention_days=30
    )
    (schedule,) = deployment.inputs("prom-snapshots")["policyDetails"]["schedules"]
    assert (schedule["createRule"]["times"], schedule["retainRule"]["count"]) == ("00:00", 30)


# --- what does not go together ---


def _refusal(**args: Any) -> str:  # noqa: ANN401
    given = {**SERVICE.fewest, "storage_kind": "ebs", **args}
    return str(refuse(lambda: SERVICE.component("prom", given)))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"cpu_architecture": "X86_64"}, "it is arm64; expected one for the task's X86_64"),
        (
            {"task_cpu": 1024, "task_memory": 2048},
            "of its 2048 MiB, 1536 are for a task; expected a larger type for the task's 2048 MiB",
        ),
        (
            {"task_cpu": 4096, "task_memory": 8192, "storage_instance_type": "m6g.large"},
            (
                "of its 8192 MiB, 7373 are for a task; expected a larger type for the task's 8192"
                " MiB; it has 2 vCPUs; expected a larger type for the task's 4096 CPU units"
            ),
        ),
        ({"assign_public_ip": True}, "a task on a host has no public address; expected private"),
        ({"storage_size_gib": 10, "storage_iops": 5001}, "expected at most 5000 with 10 GiB"),
        ({"storage_throughput": 751}, "expected at most 750 with 3000 IOPS"),
    ],
)
def test_what_does_not_fit_is_refused(args: dict[str, Any], expected: str) -> None:
    assert expected in _refusal(**args)


def test_a_type_before_nitro_is_refused() -> None:
    old = _refusal(cpu_architecture="X86_64", storage_instance_type="m4.large")
    assert "it is not built on the Nitro system, whose devices tell their volume's id" in old


def test_on_fargate_aws_is_not_asked_for_the_type() -> None:
    def nobody(_asked: object) -> dict[str, Any]:
        raise AssertionError

    invokes = {f"aws:ec2/{it}:{it}": nobody for it in ("getInstanceType", "getSubnet")}
    deploy(lambda: SERVICE.component("prom", SERVICE.fewest), invokes=invokes)


@pytest.mark.parametrize(("size", "most"), [(2, 3000), (6, 3000), (7, 3500), (160, 80_000)])
def test_iops_by_size(size: int, most: int) -> None:
    rules.iops_fit(most, size)
    with pytest.raises(ValueError, match=f"expected at most {most} with {size} GiB"):
        rules.iops_fit(most + 1, size)


def test_every_argument_of_it_begins_alike() -> None:
    assert {it for it in declared(PrometheusServiceArgs) if it in STORAGE} == STORAGE
    assert all(it.startswith("storage_") for it in STORAGE)
