"""What the EC2 hosts of any ECS cluster of ours have in common."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import policies
from components.exporters.user_data import user_data
from components.host_profile import host_profile
from components.network.security_groups import allow_https_out, security_group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IMAGE = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023{path}/recommended/image_id"
"""EC2 looks for it whenever a host starts, so that a new host has the newest image and no update
replaces one for it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
and https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
"""
IMAGE_PATHS = {"ARM64": "/arm64", "X86_64": ""}

ROOT_DEVICE, ROOT_GIB = "/dev/xvda", 30
"""Of the image. Source: https://github.com/aws/amazon-ecs-ami (`block_device_size_gb`)"""

MANAGED_TAG: aws.autoscaling.GroupTagArgsDict = {
    "key": "AmazonECSManaged",
    "value": "true",
    "propagate_at_launch": True,
}
"""Of a group behind a capacity provider: ECS sets it, and the provider would take it away."""


def may_join(cluster_arn: str) -> list[policies.Statement]:
    """What a host does: join its cluster, and tell ECS what runs.

    Images, logs and secrets are got with the task's execution role. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html

    Args:
        cluster_arn: of the cluster.
    """
    prefix, _, cluster = cluster_arn.partition(":cluster/")
    joins = [
        "ecs:DescribeClusters",
        "ecs:RegisterContainerInstance",
        "ecs:DeregisterContainerInstance",
    ]
    works = ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"]
    tells = [
        "ecs:DiscoverPollEndpoint",
        "ecs:SubmitAttachmentStateChanges",
        "ecs:SubmitContainerStateChange",
        "ecs:SubmitTaskStateChange",
    ]
    return [
        policies.allow(joins, cluster_arn),
        policies.allow(works, f"{prefix}:container-instance/{cluster}/*"),
        policies.allow(tells, "*"),
    ]


def host_script(script: str, variables: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """Render user data in base64, as a launch template takes it.

    Args:
        script: a bash script.
        variables: name -> value, exported before the script's own text.
    """
    return pulumi.Output.all(**variables).apply(
        lambda found: base64.b64encode(user_data(script, found).encode()).decode()
    )


def host_security_group(
    parent: pulumi.Resource, name: str, vpc_id: pulumi.Input[str]
) -> pulumi.Output[str]:
    """Register the hosts' group, which nobody may connect to; its id is known with its rule.

    Args:
        parent: the component that it belongs to.
        name: the component's name.
        vpc_id: of the VPC that the hosts run in.
    """
    base = f"{name}-host-security-group"
    group = security_group(parent, base, vpc_id, f"Hosts of {name}: reached by nobody", base)
    reached = "AWS endpoints: ECS, images, packages, Session Manager"
    rule = allow_https_out(parent, f"{base}-aws", group.id, reached)
    return pulumi.Output.all(group.id, rule.id).apply(lambda ids: ids[0])


def instance_profile(
    parent: pulumi.Resource,
    name: str,
    does: str,
    allowed: Callable[..., str],
    *arns: pulumi.Input[str] | Sequence[pulumi.Input[str]],
) -> pulumi.Output[str]:
    """Register the hosts' role, and return the name of its profile, known with its rights.

    Args:
        parent: the component that it belongs to.
        name: the component's name.
        does: what hosts do, shown in IAM.
        allowed: makes the policy of the ARNs and, last, the profile's.
        arns: of what the policy is about.
    """
    profile, role, session_manager = host_profile(
        parent, f"{name}-host", f"Hosts of {name}: {does}"
    )
    policy = aws.iam.RolePolicy(
        f"{name}-host-role-policy",
        role=role.id,
        policy=pulumi.Output.all(*arns, profile.arn).apply(lambda found: allowed(*found)),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.all(profile.name, policy.id, session_manager.id).apply(lambda it: it[0])


def launch_template(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    *,
    cpu_architecture: str,
    instance_type: str,
    group_id: pulumi.Input[str],
    profile_name: pulumi.Input[str],
    script: pulumi.Output[str],
    root_gib: int = ROOT_GIB,
) -> aws.ec2.LaunchTemplate:
    """Register how a host is launched: with IMDSv2 and an encrypted disk.

    Of containers, only those with the host's network reach IMDSv2.

    Args:
        parent: the component that it belongs to.
        name: of the hosts in the program.
        cpu_architecture: `ARM64` or `X86_64`, which is the instance type's.
        instance_type: EC2 instance type.
        group_id: of the hosts' security group.
        profile_name: of the hosts' instance profile.
        script: user data in base64.
        root_gib: size of the root disk in GiB.
    """
    return aws.ec2.LaunchTemplate(
        f"{name}-host-template",
        image_id=IMAGE.format(path=IMAGE_PATHS[cpu_architecture]),
        instance_type=instance_type,
        iam_instance_profile={"name": profile_name},
        vpc_security_group_ids=[group_id],
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        block_device_mappings=[
            {
                "device_name": ROOT_DEVICE,
                "ebs": {
                    "encrypted": "true",
                    "volume_type": "gp3",
                    "volume_size": root_gib,
                    "delete_on_termination": "true",
                },
            }
        ],
        user_data=script,
        update_default_version=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
