"""Who may do what, as exact documents."""

from collections.abc import Mapping
from typing import Any

from components import policies

REPOSITORY = "arn:aws:ecr:eu-central-1:123456789012:repository/prometheus"
LOG_GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:prometheus"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prometheus-AbCdEf"  # noqa: S105 - an ARN

UNLIMITABLE = {
    "ec2:DescribeInstances",
    "ec2:DescribeAvailabilityZones",
    "ecr:GetAuthorizationToken",
}
"""The only actions here that AWS cannot limit to a resource, by its authorization reference."""

DOCUMENTS: list[Mapping[str, Any]] = [
    policies.trust("ec2.amazonaws.com"),
    policies.discovery("eu-central-1"),
    policies.execution(REPOSITORY, LOG_GROUP, [SECRET]),
    policies.execution(REPOSITORY, LOG_GROUP, []),
    policies.flow_logs(LOG_GROUP),
]


def statements() -> list[Mapping[str, Any]]:
    return [statement for document in DOCUMENTS for statement in document["Statement"]]


def actions(statement: Mapping[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def test_discovery() -> None:
    assert policies.discovery("eu-central-1") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ec2:DescribeInstances", "ec2:DescribeAvailabilityZones"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
            }
        ],
    }


def test_execution() -> None:
    assert policies.execution(REPOSITORY, LOG_GROUP, [SECRET]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:BatchGetImage",
                ],
                "Resource": REPOSITORY,
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"{LOG_GROUP}:*",
            },
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": SECRET,
            },
        ],
    }


def test_execution_without_a_secret_reads_none() -> None:
    with_secret = policies.execution(REPOSITORY, LOG_GROUP, [SECRET])["Statement"]
    assert policies.execution(REPOSITORY, LOG_GROUP, [])["Statement"] == with_secret[:-1]


def test_flow_logs() -> None:
    assert policies.flow_logs(LOG_GROUP) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                ],
                "Resource": f"{LOG_GROUP}:*",
            }
        ],
    }


def test_trust() -> None:
    assert policies.trust("ec2.amazonaws.com") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def test_trust_for_one_account_only() -> None:
    source = "arn:aws:ecs:eu-central-1:123456789012:*"
    condition = policies.source_account("123456789012", source)
    assert condition == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": source},
    }
    (statement,) = policies.trust("ecs-tasks.amazonaws.com", condition)["Statement"]
    assert statement["Condition"] == condition


def test_no_action_is_a_wildcard() -> None:
    named = [action for statement in statements() for action in actions(statement)]
    assert named
    assert not [action for action in named if "*" in action or "?" in action]
    assert not [statement for statement in statements() if "NotAction" in statement]


def test_only_what_aws_cannot_limit_is_allowed_on_everything() -> None:
    unlimited = {
        action
        for statement in statements()
        if statement.get("Resource") == "*"
        for action in actions(statement)
    }
    assert unlimited == UNLIMITABLE
