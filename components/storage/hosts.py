"""The hosts of a server whose data is on volumes: each an auto-scaling group of one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import assets, policies
from components.containers.container_service import Host, Member
from components.containers.names import member_name
from components.exporters.user_data import user_data
from components.host_profile import host_profile
from components.network.security_groups import allow_https_out, security_group
from components.storage.volumes import daily_snapshots, data_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.containers.definition import Container
    from components.storage.storage_args import StorageArgs

IMAGE = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023{path}/recommended/image_id"
"""EC2 looks for it whenever a host starts, so that a new host has the newest image and no update
replaces one for it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
and https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
"""
IMAGE_PATHS = {"ARM64": "/arm64", "X86_64": ""}

ROOT_DEVICE, ROOT_GIB = "/dev/xvda", 30
"""Of the image. Source: https://github.com/aws/amazon-ecs-ami (`block_device_size_gb`)"""

DATA = "data"
"""The volume of the task that outlives it, and where it is mounted on the host."""


def data_hosts(
    parent: pulumi.Resource,
    name: str,
    args: StorageArgs,
    cluster: aws.ecs.Cluster,
    members: Sequence[Member],
) -> list[Member]:
    """Register a host with a data volume for each member, and return the members on their hosts.

    Args:
        parent: the server's component.
        name: the component's name.
        args: the component's arguments, resolved.
        cluster: that the hosts join.
        members: each with the one subnet that it is pinned to.
    """
    tags = {"ecs-cluster": cluster.name}  # no other cluster of the account is called so
    volumes = [
        data_volume(parent, member_name(name, index), args, _subnet(member), tags)
        for index, member in enumerate(members)
    ]
    volume_arns = [volume.arn for volume in volumes]
    daily_snapshots(parent, name, args, tags)
    group = _security_group(parent, name, args["vpc_id"])
    profile = _instance_profile(parent, name, cluster, volume_arns)
    providers = [
        _capacity_provider(
            parent,
            member_name(name, index),
            args,
            subnet_id=_subnet(member),
            group_id=group,
            profile_name=profile,
            server=member.containers[0],
            volume_id=volume.id,
            cluster_name=cluster.name,
        )
        for index, (member, volume) in enumerate(zip(members, volumes, strict=True))
    ]
    associated = aws.ecs.ClusterCapacityProviders(
        f"{name}-capacity-providers",
        cluster_name=cluster.name,
        capacity_providers=[provider.name for provider in providers],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return [
        member.on(
            Host(
                # Known when the cluster may use it.
                pulumi.Output.all(provider.name, associated.id).apply(lambda found: found[0]),
                {DATA: f"/{DATA}/{member.containers[0].name}"},
            )
        )
        for member, provider in zip(members, providers, strict=True)
    ]


def may_host(cluster_arn: str, volume_arns: Sequence[str], profile_arn: str) -> str:
    """What a host does: join its cluster, tell ECS what runs, attach a volume to one of the hosts.

    Images, logs and secrets are got with the task's execution role. Sources:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html and
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html

    Args:
        cluster_arn: of the cluster.
        volume_arns: of the data volumes.
        profile_arn: of the instance profile that all hosts have.
    """
    prefix, _, cluster = cluster_arn.partition(":cluster/")
    partition, region, account = (prefix.split(":")[i] for i in (1, 3, 4))
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
    return policies.document(
        policies.allow(joins, cluster_arn),
        policies.allow(works, f"{prefix}:container-instance/{cluster}/*"),
        policies.allow(tells, "*"),
        *(policies.allow(["ec2:AttachVolume"], arn) for arn in volume_arns),
        policies.allow(
            ["ec2:AttachVolume"],
            f"arn:{partition}:ec2:{region}:{account}:instance/*",
            {"ArnEquals": {"ec2:InstanceProfile": profile_arn}},
        ),
    )


def _subnet(member: Member) -> pulumi.Output[str]:
    return pulumi.Output.from_input(member.subnet_ids or []).apply(lambda ids: ids[0])


def _script(server: Container, **variables: pulumi.Output[str]) -> pulumi.Output[str]:
    """User data in base64, as a launch template takes it."""
    script = assets.user_data_script("data_volume")
    own = {"DATA_DIRECTORY": server.name, "DATA_OWNER": server.user}
    return pulumi.Output.all(**variables).apply(
        lambda found: base64.b64encode(user_data(script, {**found, **own}).encode()).decode()
    )


def _security_group(
    parent: pulumi.Resource, name: str, vpc_id: pulumi.Input[str]
) -> pulumi.Output[str]:
    """Register the hosts' group, which nobody may connect to; its id is known with its rule."""
    base = f"{name}-host-security-group"
    group = security_group(parent, base, vpc_id, f"Hosts of {name}: reached by nobody", base)
    reached = "AWS endpoints: ECS, images, packages, Session Manager"
    rule = allow_https_out(parent, f"{base}-aws", group.id, reached)
    return pulumi.Output.all(group.id, rule.id).apply(lambda ids: ids[0])


def _instance_profile(
    parent: pulumi.Resource,
    name: str,
    cluster: aws.ecs.Cluster,
    volume_arns: Sequence[pulumi.Input[str]],
) -> pulumi.Output[str]:
    """Register the hosts' role, and return the name of its profile, known with its rights."""
    does = f"Hosts of {name}: join the cluster, attach the data volume, Session Manager"
    profile, role, session_manager = host_profile(parent, f"{name}-host", does)
    allowed = aws.iam.RolePolicy(
        f"{name}-host-role-policy",
        role=role.id,
        policy=pulumi.Output.all(cluster.arn, volume_arns, profile.arn).apply(
            lambda arns: may_host(*arns)
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.all(profile.name, allowed.id, session_manager.id).apply(lambda it: it[0])


def _capacity_provider(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    args: StorageArgs,
    *,
    subnet_id: pulumi.Output[str],
    group_id: pulumi.Input[str],
    profile_name: pulumi.Input[str],
    server: Container,
    volume_id: pulumi.Output[str],
    cluster_name: pulumi.Output[str],
) -> aws.ecs.CapacityProvider:
    """Register one host: launch template, auto-scaling group of one, capacity provider.

    Another template, as after a restored volume, replaces the host: first the old one ends, as two
    cannot hold the volume.
    """
    child = pulumi.ResourceOptions(parent=parent)
    # The host waits until the cluster knows its provider, so it must know the name before.
    suffix = random.RandomId(f"{name}-host-suffix", byte_length=4, opts=child)
    provider = suffix.hex.apply(lambda unique: f"{name}-host-{unique}")
    script = _script(
        server, VOLUME_ID=volume_id, ECS_CLUSTER=cluster_name, CAPACITY_PROVIDER=provider
    )
    template = _launch_template(
        parent, name, args, group_id=group_id, profile_name=profile_name, script=script
    )
    group = aws.autoscaling.Group(
        f"{name}-host",
        min_size=1,
        max_size=1,
        desired_capacity=1,
        vpc_zone_identifiers=[subnet_id],
        launch_template={
            "id": template.id,
            "version": template.latest_version.apply(str),
        },
        health_check_type="EC2",
        instance_refresh={
            "strategy": "Rolling",
            "preferences": {"min_healthy_percentage": 0, "max_healthy_percentage": 100},
        },
        # On destroy its service is gone already, and nobody would end the hook that ECS has put
        # before a host's termination. Source:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
        force_delete=True,
        tags=[
            {"key": "Name", "value": f"{name}-host", "propagate_at_launch": True},
            # ECS sets it, and the provider would take it away.
            {"key": "AmazonECSManaged", "value": "true", "propagate_at_launch": True},
        ],
        opts=child,
    )
    return aws.ecs.CapacityProvider(
        f"{name}-host-capacity",
        name=provider,
        auto_scaling_group_provider={
            "auto_scaling_group_arn": group.arn,
            # There is one host, no more and no fewer. Flags of protection would outlive the
            # provider: https://github.com/aws/containers-roadmap/issues/2862
            "managed_scaling": {"status": "DISABLED"},
            "managed_termination_protection": "DISABLED",
            "managed_draining": "ENABLED",
        },
        opts=child,
    )


def _launch_template(
    parent: pulumi.Resource,
    name: str,
    args: StorageArgs,
    *,
    group_id: pulumi.Input[str],
    profile_name: pulumi.Input[str],
    script: pulumi.Output[str],
) -> aws.ec2.LaunchTemplate:
    return aws.ec2.LaunchTemplate(
        f"{name}-host-template",
        image_id=IMAGE.format(path=IMAGE_PATHS[args["cpu_architecture"]]),
        instance_type=args["storage_instance_type"],
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
                    "volume_size": ROOT_GIB,
                    "delete_on_termination": "true",
                },
            }
        ],
        user_data=script,
        update_default_version=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
