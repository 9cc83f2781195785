"""The hosts of a server whose data is on volumes: each an auto-scaling group of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import assets, ecs_hosts, policies
from components.containers.container_service import Host, Member
from components.containers.names import member_name
from components.storage.volumes import daily_snapshots, data_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.containers.definition import Container
    from components.storage.storage_args import StorageArgs

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
    group = ecs_hosts.host_security_group(parent, name, args["vpc_id"])
    does = "join the cluster, attach the data volume, Session Manager"
    profile = ecs_hosts.instance_profile(parent, name, does, may_host, cluster.arn, volume_arns)
    hosts = [
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
            alone=len(members) == 1,
        )
        for index, (member, volume) in enumerate(zip(members, volumes, strict=True))
    ]
    associated = aws.ecs.ClusterCapacityProviders(
        f"{name}-capacity-providers",
        cluster_name=cluster.name,
        capacity_providers=[provider.name for _, provider in hosts],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return [
        member.on(
            Host(
                # Known when the cluster may use it.
                pulumi.Output.all(provider.name, associated.id).apply(lambda found: found[0]),
                {DATA: f"/{DATA}/{member.containers[0].name}"},
                group.name,
            )
        )
        for member, (group, provider) in zip(members, hosts, strict=True)
    ]


def may_host(cluster_arn: str, volume_arns: Sequence[str], profile_arn: str) -> str:
    """What a host does: join its cluster, attach a volume to one of the hosts.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html

    Args:
        cluster_arn: of the cluster.
        volume_arns: of the data volumes.
        profile_arn: of the instance profile that all hosts have.
    """
    _, partition, _, region, account, _ = cluster_arn.split(":")
    return policies.document(
        *ecs_hosts.may_join(cluster_arn),
        *(policies.allow(["ec2:AttachVolume"], arn) for arn in volume_arns),
        policies.allow(
            ["ec2:AttachVolume"],
            f"arn:{partition}:ec2:{region}:{account}:instance/*",
            {"ArnEquals": {"ec2:InstanceProfile": profile_arn}},
        ),
    )


def _subnet(member: Member) -> pulumi.Output[str]:
    return pulumi.Output.from_input(member.subnet_ids or []).apply(lambda ids: ids[0])


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
    alone: bool,
) -> tuple[aws.autoscaling.Group, aws.ecs.CapacityProvider]:
    """Register one host: launch template, auto-scaling group of one, capacity provider.

    Another template, as after a restored volume, replaces a host that is alone: first the old one
    ends, as two cannot hold the volume. Of several hosts, each stays until somebody ends it: the
    provider starts a refresh, but does not wait for it, so all would end at once. Source:
    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/autoscaling/group.go
    """
    child = pulumi.ResourceOptions(parent=parent)
    # The host waits until the cluster knows its provider, so it must know the name before.
    suffix = random.RandomId(f"{name}-host-suffix", byte_length=4, opts=child)
    provider = suffix.hex.apply(lambda unique: f"{name}-host-{unique}")
    script = ecs_hosts.host_script(
        assets.user_data_script("data_volume"),
        {
            "VOLUME_ID": volume_id,
            "ECS_CLUSTER": cluster_name,
            "CAPACITY_PROVIDER": provider,
            "DATA_DIRECTORY": server.name,
            "DATA_OWNER": server.user,
        },
    )
    template = ecs_hosts.launch_template(
        parent,
        name,
        cpu_architecture=args["cpu_architecture"],
        instance_type=args["storage_instance_type"],
        group_id=group_id,
        profile_name=profile_name,
        script=script,
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
        }
        if alone
        else None,
        # On destroy its service is gone already, and nobody would end the hook that ECS has put
        # before a host's termination. Source:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
        force_delete=True,
        tags=[
            {"key": "Name", "value": f"{name}-host", "propagate_at_launch": True},
            ecs_hosts.MANAGED_TAG,
        ],
        opts=child,
    )
    return group, aws.ecs.CapacityProvider(
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
