"""Who an EC2 host of ours is to AWS: its role, let in by Session Manager, and its profile."""

from __future__ import annotations

from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from components import policies

SESSION_MANAGER_POLICY = "AmazonSSMManagedInstanceCore"


class HostProfile(NamedTuple):
    """The instance profile and what is in it."""

    profile: aws.iam.InstanceProfile
    role: aws.iam.Role
    session_manager: aws.iam.RolePolicyAttachment


def host_profile(parent: pulumi.Resource, name: str, description: str) -> HostProfile:
    """Register an instance profile whose role Session Manager lets people in by.

    Args:
        parent: the component that it belongs to.
        name: what the names in the program begin with.
        description: of the role, shown in IAM.
    """
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        f"{name}-role",
        path=policies.PATH,
        description=description,
        assume_role_policy=policies.document(policies.trust("ec2.amazonaws.com")),
        opts=child,
    )
    partition = aws.get_partition_output(opts=pulumi.InvokeOptions(parent=parent)).partition
    session_manager = aws.iam.RolePolicyAttachment(
        f"{name}-session-manager",
        role=role.name,
        policy_arn=pulumi.Output.format(
            "arn:{0}:iam::aws:policy/{1}", partition, SESSION_MANAGER_POLICY
        ),
        opts=child,
    )
    profile = aws.iam.InstanceProfile(
        f"{name}-profile", path=policies.PATH, role=role.name, opts=child
    )
    return HostProfile(profile, role, session_manager)
