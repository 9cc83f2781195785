"""The name by which others find a server: Cloud Map, DNS inside the VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.values import is_given

if TYPE_CHECKING:
    from components.containers.server import TaskArgs

DNS_TTL_S = 10
"""Seconds for which a name's addresses are kept: a replaced task has another one."""


def member_name(name: str, index: int) -> str:
    """Name one of a server's members: as the server itself, and with a number after the first.

    So a member that is added changes nothing of those that there are.

    Args:
        name: the component's name.
        index: of the member, from 0.
    """
    return f"{name}-{index}" if index else name


def dns_name(name: str, args: TaskArgs) -> pulumi.Output[str]:
    """Return the name, such as alertmanager.monitoring.internal; empty without a namespace.

    It has an address for each healthy task, 8 at most. Source:
    https://docs.aws.amazon.com/cloud-map/latest/dg/services-route53.html

    Args:
        name: the component's name.
        args: the component's arguments, resolved.
    """
    if not is_given(args["namespace_id"]):
        return pulumi.Output.from_input("")
    return pulumi.Output.concat(name, ".", args["namespace_domain"])


def member_dns_name(first: pulumi.Input[str], index: int) -> pulumi.Output[str]:
    """Return the DNS name of one of a server's members.

    Args:
        first: the first one's, such as prometheus.monitoring.internal.
        index: of the member, from 0.
    """

    def named(name: str) -> str:
        host, dot, domain = name.partition(".")
        return f"{member_name(host, index)}{dot}{domain}"

    return pulumi.Output.from_input(first).apply(named)


def service_registry(
    parent: pulumi.Resource, name: str, args: TaskArgs
) -> aws.servicediscovery.Service | None:
    """Register the name, if there is a namespace; ECS then keeps its addresses up to date.

    Args:
        parent: the server's component.
        name: the component's name.
        args: the component's arguments, resolved.
    """
    if not is_given(args["namespace_id"]):
        return None
    return aws.servicediscovery.Service(
        f"{name}-name",
        name=name,
        dns_config={
            "namespace_id": args["namespace_id"],
            "dns_records": [{"type": "A", "ttl": DNS_TTL_S}],
            "routing_policy": "MULTIVALUE",
        },
        # ECS tells Cloud Map the health of its containers, which needs this block. The provider
        # calls the number deprecated, yet drops a block without it, and then replaces the service
        # at every update: https://github.com/hashicorp/terraform-provider-aws/issues/44285
        health_check_custom_config={"failure_threshold": 1},
        # ECS deregisters the last task some time after its service is gone.
        force_destroy=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
