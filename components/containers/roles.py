"""The two roles of a server's tasks: what ECS does on their behalf, and what they do themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components import policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi_aws as aws

    from components.containers.definition import Container

ECS_TASKS = "ecs-tasks.amazonaws.com"


def task_role(
    parent: pulumi.Resource, name: str, statements: Sequence[pulumi.Input[policies.Statement]]
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Register the role that the server itself has, and its policy.

    Args:
        parent: the server's component.
        name: the component's name.
        statements: what it allows.
    """
    tasks = policies.own_arn(parent, "ecs", "*")
    return policies.role(
        parent,
        f"{name}-task-role",
        f"What the task of {name} may do",
        trusted=policies.trust_from_account(parent, ECS_TASKS, tasks),
        allowed=pulumi.Output.all(*statements).apply(lambda all_: policies.document(*all_)),
    )


def execution_role(
    parent: pulumi.Resource,
    name: str,
    log_group: aws.cloudwatch.LogGroup,
    containers: Sequence[Container],
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Register the role that ECS has to start a task, and its policy.

    Args:
        parent: the server's component.
        name: the component's name.
        log_group: where the containers log.
        containers: of the task.
    """
    repository_arns = [container.image.repository_arn for container in containers]
    secret_arns = [secret.arn for container in containers for secret in container.secrets.values()]
    return policies.role(
        parent,
        f"{name}-execution-role",
        "Lets ECS pull the image, write the log and read the secret",
        # No conditions: AWS documents them for the task's role only. Source:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        trusted=policies.document(policies.trust(ECS_TASKS)),
        allowed=pulumi.Output.all(repository_arns, log_group.arn, secret_arns).apply(
            lambda arns: may_start_a_task(*arns)
        ),
    )


def may_start_a_task(
    repository_arns: Sequence[str], log_group_arn: str, secret_arns: Sequence[str]
) -> str:
    """What ECS does on behalf of a task before it runs: pull, log, read secrets.

    `ecr:GetAuthorizationToken` cannot be limited to a repository. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html

    Args:
        repository_arns: the repositories to pull from; each may be there more than once. One that
            is empty is not ECR's.
        log_group_arn: the one log group to write to.
        secret_arns: the secrets to read, if any, likewise.
    """
    repositories = [arn for arn in dict.fromkeys(repository_arns) if arn]
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    return policies.document(
        *([policies.allow(["ecr:GetAuthorizationToken"], "*")] if repositories else []),
        *(policies.allow(pull, arn) for arn in repositories),
        policies.allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
        *(
            policies.allow(["secretsmanager:GetSecretValue"], arn)
            for arn in dict.fromkeys(secret_arns)
        ),
    )
