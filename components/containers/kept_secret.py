"""A value that a container gets from a secret of the stack's own."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.containers.definition import SecretValue

RECOVERY_DAYS = 7
"""Days in which a deleted secret can be restored: AWS's least, and more than none."""


class KeptSecret:
    """A secret in Secrets Manager with what is in it, as children of a server's component."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        description: str,
        content: pulumi.Input[str] | Mapping[str, pulumi.Input[str]],
    ) -> None:
        """Register them.

        Args:
            parent: the component that the secret belongs to.
            name: of the secret in the program; its version's has `-version` after it.
            description: shown in Secrets Manager.
            content: a value, or key -> value.
        """
        child = pulumi.ResourceOptions(parent=parent)
        secret = aws.secretsmanager.Secret(
            name,
            description=description,
            recovery_window_in_days=RECOVERY_DAYS,
            opts=child,
        )
        text: pulumi.Output[str] = (
            pulumi.Output.json_dumps(content)
            if isinstance(content, Mapping)
            else pulumi.Output.from_input(content)
        )
        secret_string: pulumi.Output[str] = pulumi.Output.secret(text)
        self._version = aws.secretsmanager.SecretVersion(
            f"{name}-version", secret_id=secret.id, secret_string=secret_string, opts=child
        )
        self.arn = secret.arn

    def value(self, key: str = "") -> SecretValue:
        """Return what a container gets of it: all, or what is under a key."""
        return SecretValue(self.arn, key, self._version.version_id)
