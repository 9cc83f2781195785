"""Data volumes with their snapshots, and the hosts that they are attached to."""

import secrets
from typing import Any

from sandbox.resources.base import Client, Inputs, Step, capital
from sandbox.resources.interpreter import ResourceType


def _capital(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Spell all names in a value as EC2 and Auto Scaling do."""
    if isinstance(value, dict):
        return {capital(key): _capital(inner) for key, inner in value.items()}
    return [_capital(inner) for inner in value] if isinstance(value, list) else value


_TEMPLATE = (
    "imageId instanceType iamInstanceProfile vpcSecurityGroupIds metadataOptions"
    " blockDeviceMappings userData"
)
"""What is in a version of a launch template."""


def _template_data(given: Inputs) -> dict[str, Any]:
    named = {name: given[name] for name in _TEMPLATE.split() if name in given}
    data: dict[str, Any] = _capital(named)
    data["SecurityGroupIds"] = data.pop("VpcSecurityGroupIds", [])
    for device in data["BlockDeviceMappings"]:
        for switch in {"Encrypted", "DeleteOnTermination"} & device["Ebs"].keys():
            device["Ebs"][switch] = device["Ebs"][switch] == "true"
    return data


def _make_template(ec2: Client, given: Inputs) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in given.get("tags", {}).items()]
    made: dict[str, Any] = ec2.create_launch_template(
        LaunchTemplateName=given["name"],
        LaunchTemplateData=_template_data(given),
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}] if tags else [],
    )["LaunchTemplate"]
    return made


def _new_version(ec2: Client, template: str, before: Inputs, after: Inputs) -> dict[str, Any]:
    if not before:
        return {}
    version = ec2.create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData=_template_data(after)
    )["LaunchTemplateVersion"]["VersionNumber"]
    if after.get("updateDefaultVersion"):
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=str(version))
    return {"latestVersion": version, "defaultVersion": version}


def _launched(given: Inputs) -> dict[str, Any]:
    if "mixedInstancesPolicy" in given:
        return {"MixedInstancesPolicy": _capital(given["mixedInstancesPolicy"])}
    template = given["launchTemplate"]
    return {"LaunchTemplate": {"LaunchTemplateId": template["id"], "Version": template["version"]}}


def _group(given: Inputs) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": given["name"],
        "MinSize": given["minSize"],
        "MaxSize": given["maxSize"],
        "VPCZoneIdentifier": ",".join(given["vpcZoneIdentifiers"]),
        "HealthCheckType": given["healthCheckType"],
        "NewInstancesProtectedFromScaleIn": given["protectFromScaleIn"],
        **_launched(given),
    }


def _tags_of_group(given: Inputs) -> list[dict[str, Any]]:
    group = {"ResourceId": given["name"], "ResourceType": "auto-scaling-group"}
    return [{**group, **_capital(tag)} for tag in given.get("tags", [])]


def _make_group(autoscaling: Client, given: Inputs) -> dict[str, Any]:
    autoscaling.create_auto_scaling_group(
        **_group(given),
        DesiredCapacity=given.get("desiredCapacity", given["minSize"]),
        Tags=_tags_of_group(given),
    )
    return _read_group(autoscaling, given["name"], given)


def _read_group(autoscaling: Client, name: str, _state: Inputs) -> dict[str, Any]:
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    found: dict[str, Any] = next(iter(groups["AutoScalingGroups"]), {})
    return found


def _change_group(autoscaling: Client, name: str, before: Inputs, after: Inputs) -> None:
    if not before:
        return
    # As the provider does: what somebody else has changed it to stays.
    moved = before.get("desiredCapacity") != after.get("desiredCapacity")
    desired = {"DesiredCapacity": after["desiredCapacity"]} if moved else {}
    autoscaling.update_auto_scaling_group(**_group(after), **desired)
    autoscaling.create_or_update_tags(Tags=_tags_of_group(after))
    if _launched(before) != _launched(after) and after.get("instanceRefresh"):
        # moto has no instance refresh; this is what it comes to, but for what is up meanwhile.
        for instance in _read_group(autoscaling, name, after)["Instances"]:
            autoscaling.terminate_instance_in_auto_scaling_group(
                InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=False
            )


def _delete_group(autoscaling: Client, name: str, before: Inputs, _after: Inputs) -> None:
    force = before["forceDelete"]
    if force and (instances := _read_group(autoscaling, name, before).get("Instances")):
        # moto leaves protected instances, even so.
        autoscaling.set_instance_protection(
            AutoScalingGroupName=name,
            InstanceIds=[it["InstanceId"] for it in instances],
            ProtectedFromScaleIn=False,
        )
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=force)


def _associate(ecs: Client, given: Inputs) -> dict[str, Any]:
    _set_providers(ecs, given["clusterName"], {}, given)
    return {}


def _set_providers(ecs: Client, cluster: str, _before: Inputs, after: Inputs) -> None:
    ecs.put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=after.get("capacityProviders", []),
        defaultCapacityProviderStrategy=[],
    )


def _read_providers(ecs: Client, cluster: str, _state: Inputs) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(ecs.describe_clusters(clusters=[cluster])["clusters"]), {})
    return found if found.get("capacityProviders") else {}


def _policy(_client: Client, _given: Inputs) -> dict[str, str]:
    return {"id": f"policy-{secrets.token_hex(8)}"}


_SEEN_POLICY = """
MixedInstancesPolicy.{
    launchTemplate: LaunchTemplate.{
        launchTemplateSpecification: LaunchTemplateSpecification.{
            launchTemplateId: LaunchTemplateId, version: Version
        },
        overrides: Overrides[].{instanceType: InstanceType}
    },
    instancesDistribution: InstancesDistribution.{
        onDemandAllocationStrategy: OnDemandAllocationStrategy,
        onDemandBaseCapacity: OnDemandBaseCapacity,
        onDemandPercentageAboveBaseCapacity: OnDemandPercentageAboveBaseCapacity,
        spotAllocationStrategy: SpotAllocationStrategy
    }
}"""

RESOURCE_TYPES = {
    "aws:ebs/volume:Volume": ResourceType(
        "ec2",
        "create_volume",
        "VolumeId",
        kind="volume",
        names={"type": "VolumeType"},
        required="availabilityZone size",
        defaults={"finalSnapshot": False},
        outputs={
            "arn": "arn:aws:ec2:{region}:{account}:volume/{id}",
            "createTime": "to_string(CreateTime)",
        },
        seen={"type": "VolumeType", "snapshotId": "SnapshotId || None"},
        update=("modify_volume",),
    ),
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": ResourceType(
        "",  # moto has no DLM
        _policy,
        "id",
        by_code="description executionRoleArn state policyDetails tags",
        required="description executionRoleArn policyDetails",
        outputs={"arn": "arn:aws:dlm:{region}:{account}:policy/{id}"},
        update=(
            Step(
                lambda *_: None,
                "description executionRoleArn state policyDetails",
            ),
        ),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": ResourceType(
        "ec2",
        _make_template,
        "LaunchTemplateId",
        kind="launch-template",
        by_code=f"name tags {_TEMPLATE}",
        required="instanceType imageId",
        outputs={
            "arn": "arn:aws:ec2:{region}:{account}:launch-template/{id}",
            "latestVersion": "LatestVersionNumber",
            "defaultVersion": "DefaultVersionNumber",
        },
        changing_outputs=frozenset({"latestVersion", "defaultVersion"}),
        read="describe_launch_templates",
        delete="delete_launch_template",
        update=(Step(_new_version, f"{_TEMPLATE} updateDefaultVersion"),),
    ),
    "aws:autoscaling/group:Group": ResourceType(
        "autoscaling",
        _make_group,
        "AutoScalingGroupName",
        by_code="name minSize maxSize desiredCapacity vpcZoneIdentifiers launchTemplate"
        " mixedInstancesPolicy protectFromScaleIn healthCheckType tags",
        ignored="waitForCapacityTimeout",
        required="minSize maxSize vpcZoneIdentifiers",
        defaults={"healthCheckType": "EC2", "forceDelete": False, "protectFromScaleIn": False},
        outputs={"arn": "AutoScalingGroupARN"},
        read=_read_group,
        seen={
            "launchTemplate": "LaunchTemplate.{id: LaunchTemplateId, version: Version}",
            "mixedInstancesPolicy": _SEEN_POLICY,
            "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
        },
        update=(
            Step(
                _change_group,
                "minSize maxSize desiredCapacity vpcZoneIdentifiers launchTemplate healthCheckType"
                " mixedInstancesPolicy protectFromScaleIn instanceRefresh tags",
            ),
        ),
        delete=Step(_delete_group, "forceDelete"),
    ),
    "aws:ecs/capacityProvider:CapacityProvider": ResourceType(
        "ecs",
        "create_capacity_provider",
        "capacityProvider.capacityProviderArn",
        names={"id": "capacityProvider"},
        outputs={"arn": "capacityProvider.capacityProviderArn"},
        read="describe_capacity_providers",
        delete="delete_capacity_provider",
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": ResourceType(
        "ecs",
        _associate,
        "{clusterName}",
        by_code="clusterName capacityProviders",
        required="clusterName",
        read=_read_providers,
        update=(Step(_set_providers, "capacityProviders", undone=True),),
        delete="",
    ),
}
