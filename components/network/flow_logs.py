"""VPC flow logs, written to CloudWatch Logs."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components import policies

_PRINCIPAL = "vpc-flow-logs.amazonaws.com"


def may_write(log_group_arn: str) -> str:
    """What the VPC flow log service needs to write to one log group, which exists already.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    actions = [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ]
    return policies.document(policies.allow(actions, f"{log_group_arn}:*"))


def flow_logs(
    parent: pulumi.Resource, name: str, vpc_id: pulumi.Input[str], retention_days: int
) -> None:
    """Register the flow logs of a VPC, all traffic, with their log group and role."""
    log_group = aws.cloudwatch.LogGroup(
        f"{name}-group",
        retention_in_days=retention_days,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    role, policy = policies.role(
        parent,
        f"{name}-role",
        "Lets VPC flow logs write to their log group",
        trusted=policies.trust_from_account(
            parent, _PRINCIPAL, policies.own_arn(parent, "ec2", "vpc-flow-log/*")
        ),
        allowed=log_group.arn.apply(may_write),
    )
    aws.ec2.FlowLog(
        name,
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=log_group.arn,
        iam_role_arn=role.arn,
        tags={"Name": name},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
