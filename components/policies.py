"""What IAM policy documents are made of; each capability's own statements stand beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

PATH = "/prometheus-aws/"
"""Where our roles, users and instance profiles are in IAM: rights can be limited to them."""

Statement = Mapping[str, Any]


def document(*statements: Statement) -> str:
    """Return a policy document as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(
    actions: Sequence[str],
    resource: str | Sequence[str],
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """Statement that allows actions.

    Args:
        actions: each by its full name.
        resource: ARN, or several, or `*` where AWS cannot limit the actions.
        condition: narrows it further; default: nothing.
    """
    narrowed = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **narrowed}


def only_by_tls(bucket_arn: str) -> Statement:
    """Statement of a bucket's policy: nobody gets at it without TLS."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def trust(service: str, condition: Mapping[str, Any] | None = None) -> Statement:
    """Statement of a role's trust policy: an AWS service may assume it.

    Args:
        service: host name of the service, such as `ecs-tasks.amazonaws.com`.
        condition: narrows who may make the service assume the role; default: nothing.
    """
    narrowed = {"Condition": condition} if condition else {}
    principal = {"Service": service}
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **narrowed}


def from_account(account_id: str, source_arn: str) -> Mapping[str, Any]:
    """Condition against the confused deputy: only for resources of this account.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnLike": {"aws:SourceArn": source_arn},
    }


def own_arn(parent: pulumi.Resource, service: str, resource: str) -> pulumi.Output[str]:
    """ARN of resources in the account and region that are deployed to.

    Args:
        parent: whose provider says which account that is.
        service: as ARNs name it, such as `ecs`.
        resource: what comes after the account's id; may have wildcards.
    """
    invoke = pulumi.InvokeOptions(parent=parent)
    return pulumi.Output.format(
        "arn:{0}:{1}:{2}:{3}:{4}",
        aws.get_partition_output(opts=invoke).partition,
        service,
        aws.get_region_output(opts=invoke).region,
        aws.get_caller_identity_output(opts=invoke).account_id,
        resource,
    )


def trust_from_account(
    parent: pulumi.Resource, principal: str, source_arn: pulumi.Input[str]
) -> pulumi.Output[str]:
    """Trust policy of a role that a service assumes for resources of this account only.

    Args:
        parent: whose provider says which account that is.
        principal: host name of the service.
        source_arn: the resources.
    """
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=parent)).account_id
    return pulumi.Output.all(account, source_arn).apply(
        lambda ids: document(trust(principal, from_account(ids[0], ids[1])))
    )


def role(
    parent: pulumi.Resource,
    name: str,
    description: str,
    *,
    trusted: pulumi.Input[str],
    allowed: pulumi.Input[str],
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Register a role with its one policy.

    Args:
        parent: the component that it belongs to.
        name: of the role in the program; the policy's has `-policy` after it.
        description: shown in IAM.
        trusted: trust policy, as JSON.
        allowed: what the role may do, as JSON.
    """
    child = pulumi.ResourceOptions(parent=parent)
    made = aws.iam.Role(
        name, path=PATH, description=description, assume_role_policy=trusted, opts=child
    )
    return made, aws.iam.RolePolicy(f"{name}-policy", role=made.id, policy=allowed, opts=child)
