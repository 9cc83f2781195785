"""A server's task, as ECS wants it described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.containers.definition import container_definition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.containers.definition import Container
    from components.containers.server import ServerArgs


def task_definition(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    args: ServerArgs,
    containers: Sequence[Container],
    *,
    directories: Mapping[str, str] | None = None,
    execution_role: aws.iam.Role,
    task_role: aws.iam.Role | None,
    log_group: aws.cloudwatch.LogGroup,
    region: pulumi.Input[str],
) -> aws.ecs.TaskDefinition:
    """Register the task definition.

    Args:
        parent: the server's component.
        name: the component's name.
        args: the component's arguments, resolved.
        containers: the server's, which gets the memory that the others leave.
        directories: volume -> directory of the host that the task runs on. None: it runs on
            Fargate.
        execution_role: what ECS does on the task's behalf.
        task_role: what the server itself may do. None: nothing.
        log_group: where the containers log.
        region: of the log group.
    """
    child = pulumi.ResourceOptions(parent=parent)
    # Task definition families are per account and region, and not named by Pulumi.
    suffix = random.RandomId(f"{name}-family-suffix", byte_length=4, opts=child)
    rest = args["task_memory"] - sum(container.memory_mib or 0 for container in containers)
    return aws.ecs.TaskDefinition(
        f"{name}-task",
        family=suffix.hex.apply(lambda unique: f"{name}-{unique}"),
        requires_compatibilities=["FARGATE" if directories is None else "EC2"],
        network_mode="awsvpc",
        cpu=str(args["task_cpu"]),
        memory=str(args["task_memory"]),
        runtime_platform={
            "operating_system_family": "LINUX",
            "cpu_architecture": args["cpu_architecture"],
        },
        ephemeral_storage={"size_in_gib": args["storage_gib"]} if directories is None else None,
        # What several containers mount is one volume.
        volumes=[
            {"name": volume, "host_path": directories[volume]}
            if directories and volume in directories
            else {"name": volume}  # it goes with the task
            for volume in dict.fromkeys(v for container in containers for v in container.volumes)
        ],
        execution_role_arn=execution_role.arn,
        task_role_arn=task_role.arn if task_role else None,
        container_definitions=pulumi.Output.json_dumps(
            [
                container_definition(it, it.memory_mib or rest, region, log_group.name)
                for it in containers
            ]
        ),
        opts=child,
    )
