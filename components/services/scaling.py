"""Auto-scaling of a service: as many tasks as keep their CPU at a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from components.services.service_args import MonitoredServiceArgs

SCALE_OUT_COOLDOWN_S, SCALE_IN_COOLDOWN_S = 60, 300
"""Between two steps up, and two steps down: up soon, as people wait; down late, as they may come
back. AWS's default is 300 for both. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""


def is_scaled(args: MonitoredServiceArgs) -> bool:
    """Whether auto-scaling changes the number of tasks."""
    return args["max_count"] > args["desired_count"]


def target_tracking(
    parent: pulumi.Resource,
    name: str,
    args: MonitoredServiceArgs,
    cluster_name: pulumi.Input[str],
    service_name: pulumi.Input[str],
) -> None:
    """Register auto-scaling, which AWS does by its own role for ECS.

    Args:
        parent: the service's component.
        name: the component's name.
        args: the component's arguments, resolved.
        cluster_name: of the ECS cluster.
        service_name: of the ECS service.
    """
    child = pulumi.ResourceOptions(parent=parent)
    target = aws.appautoscaling.Target(
        f"{name}-scaling",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster_name, "/", service_name),
        min_capacity=args["desired_count"],
        max_capacity=args["max_count"],
        opts=child,
    )
    aws.appautoscaling.Policy(
        f"{name}-scaling-cpu",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {
                "predefined_metric_type": "ECSServiceAverageCPUUtilization"
            },
            "target_value": args["cpu_target_percent"],
            "scale_out_cooldown": SCALE_OUT_COOLDOWN_S,
            "scale_in_cooldown": SCALE_IN_COOLDOWN_S,
        },
        opts=child,
    )
