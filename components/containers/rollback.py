"""What ECS does with a version that does not become healthy, seen from Pulumi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi_aws as aws


def unless_rolled_back(
    service: aws.ecs.Service, task: aws.ecs.TaskDefinition
) -> pulumi.Output[aws.ecs.Service]:
    """Return the service, unless ECS has rolled it back.

    Asking for it raises `RunError` then. Pulumi deletes nothing: the old task still needs what is
    to be replaced, such as an access key.

    Args:
        service: one that waits for its steady state; after a rollback it is steady as well.
        task: the task definition that it was given.
    """

    def check(found: Sequence[str]) -> aws.ecs.Service:
        name, runs, wanted = found
        if runs != wanted:
            raise pulumi.RunError(
                f"the ECS service {name} runs {runs}, not {wanted}: the new task did not become"
                " healthy, and ECS has rolled back. Look at the service's log group and events, fix"
                " what they say, then run `pulumi up` again"
            )
        return service

    return pulumi.Output.all(service.name, service.task_definition, task.arn).apply(check)
