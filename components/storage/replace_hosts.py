"""How to replace hosts: they are known when they have started, after Pulumi has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.containers.url_command import aws_cli

if TYPE_CHECKING:
    from collections.abc import Sequence


def replace_hosts_command(
    region: str, cluster: str, groups: Sequence[str], services: Sequence[str]
) -> str:
    """Write the shell command that replaces hosts, one after the other.

    It goes on to the next when the task runs on the new host, and fails when one does not within
    ten minutes, which is as long as the AWS CLI waits. Ended by its group, a host drains first.

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        groups: name of each host's auto-scaling group.
        services: name of the ECS service on each.
    """
    aws = aws_cli(region)
    return " && ".join(
        f"HOST=$({aws} autoscaling describe-auto-scaling-groups --auto-scaling-group-names {group}"
        " --query 'AutoScalingGroups[0].Instances[0].InstanceId') && "
        f'{aws} autoscaling terminate-instance-in-auto-scaling-group --instance-id "$HOST"'
        " --no-should-decrement-desired-capacity --query Activity.Description && "
        # Until then ECS may take the service, whose task still runs, for stable.
        f'{aws} ec2 wait instance-terminated --instance-ids "$HOST" && '
        f"{aws} ecs wait services-stable --cluster {cluster} --services {service}"
        for group, service in zip(groups, services, strict=True)
    )
