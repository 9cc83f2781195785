"""components.cluster: exactly what a cluster and its hosts are."""

import base64
import json
from typing import Any

import pulumi_aws as aws
import pytest

from components import assets
from components.cluster import rules
from components.cluster.hosts import may_host
from components.exporters.user_data import user_data
from mocks.recording import ACCOUNT, REGION, Deployment, deploy
from tests.components.ecs_hosts import launch_template
from tests.components.examples import CLUSTER
from tests.components.services import ARN

PROVIDER = "hosts-of-apps-0badcafe"


def cluster(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: CLUSTER.component("apps", {**CLUSTER.fewest, **args}))


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return cluster()


def _outputs(deployment: Deployment) -> dict[str, Any]:
    (found,) = [o for urn, o in deployment.outputs.items() if "ServiceCluster" in urn]
    return found


def test_the_cluster(deployed: Deployment) -> None:
    off = [{"name": "containerInsights", "value": "disabled"}]
    assert deployed.inputs("apps-cluster") == {"settings": off}
    on = [{"name": "containerInsights", "value": "enabled"}]
    assert cluster(container_insights=True).inputs("apps-cluster") == {"settings": on}


def test_what_others_are_told(deployed: Deployment) -> None:
    assert _outputs(deployed) == {
        "cluster_arn": f"{ARN}:apps-cluster",
        "cluster_name": "apps-cluster",
        "capacity_provider": PROVIDER,
        "host_security_group_id": "apps-host-security-group-id",
        "auto_scaling_group_name": "apps-host",
    }


def test_on_fargate_there_is_a_cluster_and_nothing_else() -> None:
    deployment = cluster(capacity="fargate")
    assert [it.name for it in deployment.resources if it.options.custom] == ["apps-cluster"]
    assert _outputs(deployment) == {
        "cluster_arn": f"{ARN}:apps-cluster",
        "cluster_name": "apps-cluster",
        "capacity_provider": "FARGATE",
        "host_security_group_id": "",
        "auto_scaling_group_name": "",
    }


# --- the hosts ---


def test_the_group(deployed: Deployment) -> None:
    inputs = dict(deployed.inputs("apps-host"))
    policy = inputs.pop("mixedInstancesPolicy")
    assert policy["launchTemplate"]["overrides"] == [{"instanceType": "t4g.small"}]
    specification = policy["launchTemplate"]["launchTemplateSpecification"]
    assert specification["launchTemplateId"] == "apps-host-template-id"
    assert policy["instancesDistribution"] == {
        "onDemandAllocationStrategy": "prioritized",
        "onDemandBaseCapacity": 0,
        "onDemandPercentageAboveBaseCapacity": 100,
        "spotAllocationStrategy": "price-capacity-optimized",
    }
    assert inputs == {
        "minSize": 1,
        "desiredCapacity": 3,
        "maxSize": 3,
        "vpcZoneIdentifiers": ["subnet-1", "subnet-2"],
        "healthCheckType": "EC2",
        "protectFromScaleIn": True,
        "instanceRefresh": {
            "strategy": "Rolling",
            "preferences": {
                "minHealthyPercentage": 100,
                "maxHealthyPercentage": 110,
                "scaleInProtectedInstances": "Refresh",
            },
        },
        "waitForCapacityTimeout": "0",
        "forceDelete": True,
        "tags": [
            {"key": "Name", "value": "apps-host", "propagateAtLaunch": True},
            {"key": "AmazonECSManaged", "value": "true", "propagateAtLaunch": True},
        ],
    }
    (group,) = deployed.of_type(":Group")
    assert group.options.ignoreChanges == ["desiredCapacity"]


def test_the_settings_reach_the_group() -> None:
    deployment = cluster(
        instance_types=["m7i.large", "m6i.large"],
        min_size=2,
        desired_size=4,
        max_size=6,
        spot_percent=75,
    )
    inputs = deployment.inputs("apps-host")
    assert [inputs[it] for it in ("minSize", "desiredCapacity", "maxSize")] == [2, 4, 6]
    policy = inputs["mixedInstancesPolicy"]
    types = [it["instanceType"] for it in policy["launchTemplate"]["overrides"]]
    assert types == ["m7i.large", "m6i.large"]
    assert policy["instancesDistribution"]["onDemandPercentageAboveBaseCapacity"] == 25


def test_the_launch_template(deployed: Deployment) -> None:
    inputs = dict(deployed.inputs("apps-host-template"))
    script = base64.b64decode(inputs.pop("userData")).decode()
    assert script == user_data(
        assets.user_data_script("cluster_host"),
        {"ECS_CLUSTER": "apps-cluster", "CAPACITY_PROVIDER": PROVIDER},
    )
    assert inputs == launch_template("apps")


def test_an_intel_host_has_the_image_for_it_and_its_disk_is_as_large_as_is_said() -> None:
    inputs = cluster(instance_types=["t3.small"], root_size_gib=60).inputs("apps-host-template")
    assert inputs["imageId"] == (
        "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    )
    (disk,) = inputs["blockDeviceMappings"]
    assert disk["ebs"]["volumeSize"] == 60


def test_ecs_scales_protects_and_drains(deployed: Deployment) -> None:
    assert deployed.inputs("apps-host-capacity") == {
        "name": PROVIDER,
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": f"{ARN}:apps-host",
            "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
            "managedTerminationProtection": "ENABLED",
            "managedDraining": "ENABLED",
        },
    }
    assert deployed.inputs("apps-capacity-providers") == {
        "clusterName": "apps-cluster",
        "capacityProviders": [PROVIDER],
    }


def test_what_is_destroyed_after_what(deployed: Deployment) -> None:
    """Pulumi destroys what depends on a thing before the thing."""
    assert {"apps-host-capacity", "apps-cluster"} <= deployed.needs("apps-capacity-providers")
    assert "apps-host" in deployed.needs("apps-host-capacity")
    assert "apps-host-template" in deployed.needs("apps-host")
    # The cluster only goes when its hosts are gone, and they need what they are started with.
    assert {
        "apps-cluster",
        "apps-host-profile",
        "apps-host-role-policy",
        "apps-host-session-manager",
        "apps-host-security-group",
        "apps-host-security-group-aws",
    } <= deployed.needs("apps-host-template")


def test_a_service_is_placed_only_when_the_cluster_may_use_the_provider() -> None:
    made: list[Any] = []

    def program() -> None:
        made.append(CLUSTER.component("apps", CLUSTER.fewest))
        strategy = {"capacity_provider": made[0].capacity_provider, "weight": 1}
        aws.ecs.Service("web", capacity_provider_strategies=[strategy])  # type: ignore[list-item]

    assert "apps-capacity-providers" in deploy(program).needs("web")


def test_a_group_has_no_more_than_40_types() -> None:
    forty = [f"m7g.{n}xlarge" for n in range(2, 42)]
    rules.instance_types(forty)
    with pytest.raises(ValueError, match="expected 1 to 40 instance types"):
        rules.instance_types([*forty, "m7g.large"])


# --- rights ---


def test_nobody_reaches_a_host_and_it_reaches_only_https(deployed: Deployment) -> None:
    found = [it for it in deployed.resources if "securityGroupId" in it.inputs]
    assert [(it.type.rpartition(":")[2], it.inputs["fromPort"]) for it in found] == [
        ("SecurityGroupEgressRule", 443)
    ]


def test_what_a_host_may_do() -> None:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c-1"
    statements = json.loads(may_host(arn, "profile"))["Statement"]
    allowed = {(action, it["Resource"]) for it in statements for action in it["Action"]}
    assert {resource for _, resource in allowed} == {
        arn,
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/c-1/*",
        "*",
    }
    assert {action for action, resource in allowed if resource == "*"} == {
        "ecs:DiscoverPollEndpoint",
        "ecs:SubmitAttachmentStateChanges",
        "ecs:SubmitContainerStateChange",
        "ecs:SubmitTaskStateChange",
    }
