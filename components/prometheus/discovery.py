"""With which rights, and as whom, Prometheus looks for hosts and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pulumi
import pulumi_aws as aws

from components import policies
from components.containers.kept_secret import KeptSecret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.containers.definition import SecretValue


class ScopedUser(NamedTuple):
    """The user that Prometheus acts as."""

    secret_arn: pulumi.Output[str]
    """ARN of the secret that holds the access key."""

    variables: dict[str, SecretValue]
    """Variables of the AWS SDK -> the halves of the access key."""

    policy: aws.iam.UserPolicy
    """What must be there before the key is used."""


def may_discover(region: str) -> policies.Statement:
    """What Prometheus's EC2 discovery calls, in one region.

    Neither action can be limited to resources: it is the whole list or nothing. Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    return policies.allow(
        ["ec2:DescribeInstances", "ec2:DescribeAvailabilityZones"],
        "*",
        {"StringEquals": {"aws:RequestedRegion": region}},
    )


def scoped_user(
    parent: pulumi.Resource,
    name: str,
    statements: Sequence[pulumi.Output[policies.Statement]],
    rotation: int,
) -> ScopedUser:
    """Register a user with a few rights, and its access key in a secret.

    Args:
        parent: the component that it belongs to.
        name: begins the names of all its resources.
        statements: what the user may do.
        rotation: another number makes another key.
    """
    child = pulumi.ResourceOptions(parent=parent)
    user = aws.iam.User(f"{name}-user", path=policies.PATH, opts=child)
    user_policy = aws.iam.UserPolicy(
        f"{name}-user-policy",
        user=user.name,
        policy=pulumi.Output.all(*statements).apply(lambda its: policies.document(*its)),
        opts=child,
    )
    # The counter is part of the name: Pulumi makes the new key, moves everything over to it, and
    # deletes the old one at the very end of the update.
    key = aws.iam.AccessKey(f"{name}-key-{rotation}", user=user.name, opts=child)
    secret = KeptSecret(
        parent,
        f"{name}-secret",
        "Access key of Prometheus's EC2 discovery",
        {"access_key_id": key.id, "secret_access_key": key.secret},
    )
    return ScopedUser(
        secret.arn,
        {
            "AWS_ACCESS_KEY_ID": secret.value("access_key_id"),
            "AWS_SECRET_ACCESS_KEY": secret.value("secret_access_key"),
        },
        user_policy,
    )
