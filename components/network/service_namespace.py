"""The domain in which servers find each other."""

import re
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.arguments import Knob, arguments, resolve
from components.outputs import register_outputs

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,200}}$){_LABEL}(\.{_LABEL})+", re.ASCII)


def private_domain(value: str) -> None:
    """Check a domain that is to be resolved inside a VPC only.

    Raises:
        ValueError: with what is expected.
    """
    if not _DOMAIN.fullmatch(value):
        raise ValueError(
            "expected a domain of lowercase letters, digits and '-', such as monitoring.internal"
        )


@arguments
class ServiceNamespaceArgs(TypedDict):
    """Arguments of a `ServiceNamespace`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that resolves the names."""

    domain: NotRequired[Annotated[str, Knob("monitoring.internal", private_domain)]]
    """The domain. The VPC resolves nothing else below it: one that exists in the internet would be
    hidden. Networks that differ may have the same."""


class ServiceNamespace(pulumi.ComponentResource):
    """A private domain, whose names lead to the tasks that run: a namespace of AWS Cloud Map."""

    namespace_id: pulumi.Output[str]
    """Id of the namespace."""

    domain: pulumi.Output[str]
    """Its domain."""

    def __init__(
        self,
        name: str,
        args: ServiceNamespaceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the namespace.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ServiceNamespaceArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ServiceNamespace", name, None, opts)
        namespace = aws.servicediscovery.PrivateDnsNamespace(
            f"{name}-namespace",
            name=args["domain"],
            vpc=args["vpc_id"],
            description="Where the monitoring servers find each other",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace_id = namespace.id
        self.domain = namespace.name
        register_outputs(self)
