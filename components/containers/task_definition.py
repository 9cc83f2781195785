"""A task, as ECS wants it described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.containers.definition import container_definition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.containers.definition import Container


@dataclass(frozen=True)
class TaskSize:
    """What a task gets."""

    cpu: int
    """CPU units; 1024 are one vCPU."""

    memory_mib: int

    cpu_architecture: str
    """`ARM64` or `X86_64`."""

    storage_gib: int | None = None
    """Ephemeral storage, on Fargate. None: what AWS gives to every task."""


def task_definition(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    size: TaskSize,
    containers: Sequence[Container],
    *,
    launch_type: pulumi.Input[str],
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
        size: what all of its containers get together.
        containers: the first one gets the memory that the others leave.
        launch_type: `FARGATE` or `EC2`.
        directories: volume -> directory of the host that the task runs on. Default: none outlives
            the task.
        execution_role: what ECS does on the task's behalf.
        task_role: what the containers themselves may do. None: nothing.
        log_group: where the containers log.
        region: of the log group.
    """
    child = pulumi.ResourceOptions(parent=parent)
    rest = size.memory_mib - sum(container.memory_mib or 0 for container in containers)
    return aws.ecs.TaskDefinition(
        f"{name}-task",
        family=family(parent, name),
        requires_compatibilities=[launch_type],
        network_mode="awsvpc",
        cpu=str(size.cpu),
        memory=str(size.memory_mib),
        runtime_platform=runtime_platform(size.cpu_architecture),
        ephemeral_storage={"size_in_gib": size.storage_gib} if size.storage_gib else None,
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


def family(parent: pulumi.Resource, name: str) -> pulumi.Output[str]:
    """Return a family for the revisions of a task definition.

    Families are per account and region, and not named by Pulumi.

    Args:
        parent: the component that it is for.
        name: what it begins with.
    """
    suffix = random.RandomId(
        f"{name}-family-suffix", byte_length=4, opts=pulumi.ResourceOptions(parent=parent)
    )
    return suffix.hex.apply(lambda unique: f"{name}-{unique}")


def runtime_platform(
    cpu_architecture: str,
) -> aws.ecs.TaskDefinitionRuntimePlatformArgsDict:
    """Say what the images are built for.

    Args:
        cpu_architecture: `ARM64` or `X86_64`.
    """
    return {"operating_system_family": "LINUX", "cpu_architecture": cpu_architecture}
