"""An emulated account in which the template has been applied."""

from __future__ import annotations

import ast
import contextlib
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap.template import template
from tests.pulumi.stack import new_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.emulator import Emulator

STACK = "prometheus-aws-github"
PREFIX = "repo:acme@1/monitoring@2"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Account:
    """What the template has made."""

    emulator: Emulator
    outputs: dict[str, str]
    resources: dict[str, str]
    """Name in the template -> id."""

    def role(self, name: str) -> dict[str, Any]:
        """Return a role as IAM has it."""
        found: dict[str, Any] = self.emulator.client("iam").get_role(
            RoleName=self.outputs[f"{name}RoleArn"].rpartition("/")[2]
        )["Role"]
        return found

    def own_policies(self, name: str) -> list[dict[str, Any]]:
        """Return the policies that a role has of its own (inline)."""
        iam, role = self.emulator.client("iam"), self.role(name)["RoleName"]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        texts = [
            iam.get_role_policy(RoleName=role, PolicyName=it)["PolicyDocument"] for it in names
        ]
        return [ast.literal_eval(text) for text in texts]  # moto keeps them as Python shows them

    def managed_policies(self, name: str) -> list[dict[str, Any]]:
        """Return the managed policies that a role has."""
        iam, role = self.emulator.client("iam"), self.role(name)["RoleName"]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        return [
            iam.get_policy_version(PolicyArn=it["PolicyArn"], VersionId="v1")["PolicyVersion"][
                "Document"
            ]
            for it in attached
        ]

    def statements(self, name: str) -> list[dict[str, Any]]:
        """Return the statements of all of a role's policies."""
        policies = self.own_policies(name) + self.managed_policies(name)
        found = [statement for it in policies for statement in it["Statement"]]
        return [{**it, "Resource": _listed(it["Resource"])} for it in found]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@contextlib.contextmanager
def prepared(service_host_names: str = "") -> Iterator[Account]:
    """Apply the template to a new account, which ends with the context.

    moto makes neither an identity provider (here, the account has one already) nor the policy of
    a bucket from a template, and looks for the tags of a key under other names.

    Args:
        service_host_names: the parameter `ServiceHostNames`. Default: the template's.
    """
    document = json.loads(template())
    del document["Resources"]["SecretsKey"]["Properties"]["Tags"]
    parameters = {"SubjectPrefix": PREFIX, "OidcProviderArn": PROVIDER}
    if service_host_names:
        parameters["ServiceHostNames"] = service_host_names
    with new_emulator() as emulator:
        cloudformation = emulator.client("cloudformation")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Tried to parse AWS::S3::BucketPolicy")
            cloudformation.create_stack(
                StackName=STACK,
                TemplateBody=json.dumps(document),
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM"],
            )
            (stack,) = cloudformation.describe_stacks()["Stacks"]
            found = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        yield Account(
            emulator,
            {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]},
            {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found},
        )
