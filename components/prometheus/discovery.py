"""With which rights, and as whom, Prometheus looks for EC2 hosts."""

from __future__ import annotations

from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from components import policies
from components.containers.definition import SecretValue

SECRET_RECOVERY_DAYS = 7
"""Days in which a deleted secret can be restored: AWS's least, and more than none."""


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
    parent: pulumi.Resource, name: str, statement: pulumi.Output[policies.Statement], rotation: int
) -> ScopedUser:
    """Register a user with one right, and its access key in a secret.

    Args:
        parent: the component that it belongs to.
        name: begins the names of all its resources.
        statement: what the user may do.
        rotation: another number makes another key.
    """
    child = pulumi.ResourceOptions(parent=parent)
    user = aws.iam.User(f"{name}-user", path=policies.PATH, opts=child)
    user_policy = aws.iam.UserPolicy(
        f"{name}-user-policy",
        user=user.name,
        policy=statement.apply(policies.document),
        opts=child,
    )
    # The counter is part of the name: Pulumi makes the new key, moves everything over to it, and
    # deletes the old one at the very end of the update.
    key = aws.iam.AccessKey(f"{name}-key-{rotation}", user=user.name, opts=child)
    secret = aws.secretsmanager.Secret(
        f"{name}-secret",
        description="Access key of Prometheus's EC2 discovery",
        recovery_window_in_days=SECRET_RECOVERY_DAYS,
        opts=child,
    )
    halves: pulumi.Output[str] = pulumi.Output.json_dumps(
        {"access_key_id": key.id, "secret_access_key": key.secret}
    )
    secret_string: pulumi.Output[str] = pulumi.Output.secret(halves)
    version = aws.secretsmanager.SecretVersion(
        f"{name}-secret-version",
        secret_id=secret.id,
        secret_string=secret_string,
        opts=child,
    )
    return ScopedUser(
        secret.arn,
        {
            "AWS_ACCESS_KEY_ID": SecretValue(secret.arn, "access_key_id", version.version_id),
            "AWS_SECRET_ACCESS_KEY": SecretValue(
                secret.arn, "secret_access_key", version.version_id
            ),
        },
        user_policy,
    )
