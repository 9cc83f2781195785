"""The host name of a service: target group, listener rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.ingress.ingress import ANY_PORT, DRAINING_S, HEALTHY_AFTER

if TYPE_CHECKING:
    from components.services.service_args import MonitoredServiceArgs

HEALTH_INTERVAL_S, HEALTH_TIMEOUT_S, HEALTH_RETRIES = 10, 5, 3
"""A service keeps nothing that a new task would not have: one that has not answered for half a
minute is replaced."""

HEALTH_START_PERIOD_S = 60
"""How long a task may take to start."""


def target_group(
    parent: pulumi.Resource, name: str, args: MonitoredServiceArgs
) -> pulumi.Output[str]:
    """Register where the load balancer finds the tasks; return the ARN of the target group.

    It is known when its listener rule is there: ECS takes none before.

    Args:
        parent: the service's component.
        name: the component's name.
        args: the component's arguments, resolved.
    """
    child = pulumi.ResourceOptions(parent=parent)
    group = aws.lb.TargetGroup(
        f"{name}-tg",
        vpc_id=args["vpc_id"],
        target_type="ip",
        protocol="HTTP",
        port=ANY_PORT,
        deregistration_delay=DRAINING_S,
        health_check={
            "path": args["health_path"],
            "matcher": "200",
            "interval": HEALTH_INTERVAL_S,
            "timeout": HEALTH_TIMEOUT_S,
            "unhealthy_threshold": HEALTH_RETRIES,
            "healthy_threshold": HEALTHY_AFTER,
        },
        opts=child,
    )
    rule = aws.lb.ListenerRule(
        f"{name}-rule",
        listener_arn=args["listener_arn"],
        priority=args["listener_priority"],
        conditions=[{"host_header": {"values": [args["host_name"]]}}],
        actions=[{"type": "forward", "order": 1, "target_group_arn": group.arn}],
        opts=child,
    )
    return pulumi.Output.all(group.arn, rule.arn).apply(lambda its: str(its[0]))
