"""IAM policy documents, as plain functions: what each principal may do, and nothing else.

Every function returns a document as a `dict`, ready for `json.dumps`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Policy = Mapping[str, Any]

_VERSION = "2012-10-17"


def trust(service: str, condition: Mapping[str, Any] | None = None) -> Policy:
    """Trust policy of a role that an AWS service assumes.

    Args:
        service: host name of the service, such as `ecs-tasks.amazonaws.com`.
        condition: narrows who may make the service assume the role; default: nothing.
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if condition:
        statement["Condition"] = condition
    return {"Version": _VERSION, "Statement": [statement]}


def source_account(account_id: str, source_arn: str) -> Policy:
    """Condition against the confused deputy: only for resources of this account.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnLike": {"aws:SourceArn": source_arn},
    }


def discovery(region: str) -> Policy:
    """What Prometheus's EC2 discovery calls, in one region.

    Neither action can be limited to resources: it is the whole list or nothing. Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ec2:DescribeInstances", "ec2:DescribeAvailabilityZones"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": region}},
            }
        ],
    }


def execution(repository_arn: str, log_group_arn: str, secret_arns: Sequence[str]) -> Policy:
    """What ECS does on behalf of the task before it runs: pull, log, read the secret.

    `ecr:GetAuthorizationToken` cannot be limited to a repository. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html

    Args:
        repository_arn: the one repository to pull from.
        log_group_arn: the one log group to write to.
        secret_arns: the secrets to read: one, or none where the task has a role of its own.
    """
    statements = [
        _allow(["ecr:GetAuthorizationToken"], "*"),
        _allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            repository_arn,
        ),
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    statements += [_allow(["secretsmanager:GetSecretValue"], arn) for arn in secret_arns]
    return {"Version": _VERSION, "Statement": statements}


def flow_logs(log_group_arn: str) -> Policy:
    """What the VPC flow log service needs to write to one log group, which exists already.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    actions = [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ]
    return {"Version": _VERSION, "Statement": [_allow(actions, f"{log_group_arn}:*")]}


def _allow(actions: Sequence[str], resource: str) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
