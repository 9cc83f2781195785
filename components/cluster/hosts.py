"""The hosts of a cluster: one auto-scaling group, which ECS makes larger and smaller.

How they scale and end: docs/adr/0030-how-hosts-scale-and-end.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import assets, ecs_hosts, policies
from components.exporters.instance_types import instance_architecture

if TYPE_CHECKING:
    from components.cluster.service_cluster import ServiceClusterArgs


class ServiceHosts(NamedTuple):
    """What services, and others, are to know of the hosts."""

    capacity_provider: pulumi.Output[str]
    """Its name, known when the cluster may use it."""

    security_group_id: pulumi.Output[str]
    auto_scaling_group_name: pulumi.Output[str]


def service_hosts(
    parent: pulumi.Resource, name: str, args: ServiceClusterArgs, cluster: aws.ecs.Cluster
) -> ServiceHosts:
    """Register the hosts: launch template, auto-scaling group, capacity provider.

    Services depend on the association of the provider with the cluster, this on the group, and the
    group, by its hosts' user data, on the cluster: they are destroyed in this order.

    Args:
        parent: the cluster's component.
        name: the component's name.
        args: the component's arguments, resolved.
        cluster: that the hosts join.
    """
    child = pulumi.ResourceOptions(parent=parent)
    security_group = ecs_hosts.host_security_group(parent, name, args["vpc_id"])
    # Hosts wait until the cluster knows their provider, so they must know its name before. It must
    # not begin with aws, ecs or fargate: the API reference of CreateCapacityProvider.
    suffix = random.RandomId(f"{name}-host-suffix", byte_length=4, opts=child)
    provider_name = suffix.hex.apply(lambda unique: f"hosts-of-{name}-{unique}")
    template = ecs_hosts.launch_template(
        parent,
        name,
        cpu_architecture=instance_architecture(args["instance_types"][0]).upper(),
        instance_type=args["instance_types"][0],
        group_id=security_group,
        profile_name=ecs_hosts.instance_profile(
            parent, name, "join the cluster, Session Manager", may_host, cluster.arn
        ),
        script=ecs_hosts.host_script(
            assets.user_data_script("cluster_host"),
            {"ECS_CLUSTER": cluster.name, "CAPACITY_PROVIDER": provider_name},
        ),
        root_gib=args["root_size_gib"],
    )
    group = _group(parent, name, args, template)
    provider = aws.ecs.CapacityProvider(
        f"{name}-host-capacity",
        name=provider_name,
        auto_scaling_group_provider={
            "auto_scaling_group_arn": group.arn,
            # 100 %: no host is kept for tasks to come.
            "managed_scaling": {"status": "ENABLED", "target_capacity": 100},
            # Only hosts without tasks of services are ended, and they drain first.
            "managed_termination_protection": "ENABLED",
            "managed_draining": "ENABLED",
        },
        opts=child,
    )
    # Not an argument of the cluster: it can only be undone when no service needs it any more.
    associated = aws.ecs.ClusterCapacityProviders(
        f"{name}-capacity-providers",
        cluster_name=cluster.name,
        capacity_providers=[provider.name],
        opts=child,
    )
    return ServiceHosts(
        pulumi.Output.all(provider.name, associated.id).apply(lambda found: found[0]),
        security_group,
        group.name,
    )


def may_host(cluster_arn: str, _profile_arn: str) -> str:
    """What a host does: join its cluster, and tell ECS what runs."""
    return policies.document(*ecs_hosts.may_join(cluster_arn))


def _group(
    parent: pulumi.Resource,
    name: str,
    args: ServiceClusterArgs,
    template: aws.ec2.LaunchTemplate,
) -> aws.autoscaling.Group:
    """Register the group: of one instance type, too, by a mixed instances policy."""
    return aws.autoscaling.Group(
        f"{name}-host",
        min_size=args["min_size"],
        max_size=args["max_size"],
        desired_capacity=args["desired_size"],
        vpc_zone_identifiers=args["subnet_ids"],
        mixed_instances_policy={
            "launch_template": {
                "launch_template_specification": {
                    "launch_template_id": template.id,
                    "version": template.latest_version.apply(str),
                },
                "overrides": [{"instance_type": each} for each in args["instance_types"]],
            },
            "instances_distribution": {
                "on_demand_allocation_strategy": "prioritized",
                "on_demand_base_capacity": 0,
                "on_demand_percentage_above_base_capacity": 100 - args["spot_percent"],
                "spot_allocation_strategy": "price-capacity-optimized",
            },
        },
        health_check_type="EC2",
        protect_from_scale_in=True,
        instance_refresh={
            "strategy": "Rolling",
            "preferences": {
                # A new host first; then ECS drains an old one.
                "min_healthy_percentage": 100,
                "max_healthy_percentage": 110,
                # All hosts are protected, and by default it would wait an hour for that to end.
                # Source: the Auto Scaling API reference of RefreshPreferences.
                "scale_in_protected_instances": "Refresh",
            },
        },
        # The services wait for hosts. The provider would wait for exactly as many as it knows of,
        # which ECS has changed by then. Source:
        # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/autoscaling/group.go
        wait_for_capacity_timeout="0",
        # On destroy the services are gone already: there is nothing to drain, the hosts are still
        # protected, and nobody would end the hook that ECS has put before their end. Source:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
        force_delete=True,
        tags=[
            {"key": "Name", "value": f"{name}-host", "propagate_at_launch": True},
            ecs_hosts.MANAGED_TAG,
        ],
        # ECS changes it all the time.
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["desiredCapacity"]),
    )
