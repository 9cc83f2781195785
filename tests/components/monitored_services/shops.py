"""The service that these tests look at."""

import json
from collections.abc import Mapping
from typing import Any

from mocks.recording import ACCOUNT, REGION, Deployment, deploy, refuse
from tests.components.examples import EXISTING, MONITORED

ARN = f"arn:aws:mock:{REGION}:{ACCOUNT}"
HOST_NAME: Mapping[str, Any] = {
    key: MONITORED.others[key]
    for key in (
        *("host_name", "listener_priority", "domain", "listener_arn", "zone_id"),
        *("load_balancer_security_group_id", "load_balancer_dns_name", "load_balancer_zone_id"),
    )
}
"""What gives it a host name."""


def shop(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: MONITORED.component("shop", {**MONITORED.fewest, **args}))


def existing(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: EXISTING.component("orders", {**EXISTING.fewest, **args}))


def problems(**args: Any) -> list[str]:  # noqa: ANN401
    error = refuse(lambda: MONITORED.component("shop", {**MONITORED.fewest, **args}))
    return [line.removeprefix("  - ") for line in str(error).splitlines()[1:]]


def container(deployment: Deployment) -> dict[str, Any]:
    (found,) = json.loads(deployment.inputs("shop-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def outputs(deployment: Deployment, name: str = "shop") -> dict[str, Any]:
    (found,) = [it for urn, it in deployment.outputs.items() if urn.endswith(f"::{name}")]
    return found


def openings(deployment: Deployment) -> set[tuple[str, str, str, int]]:
    """Direction, group, who is at the other end, and port of every rule."""
    return {
        (
            rule.type.partition("SecurityGroup")[2].partition("Rule")[0],
            rule.inputs["securityGroupId"],
            rule.inputs.get("referencedSecurityGroupId") or rule.inputs["cidrIpv4"],
            rule.inputs["fromPort"],
        )
        for rule in deployment.resources
        if "vpc/securityGroup" in rule.type
    }
