"""The way from Prometheus to a service's metrics: its ports, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.network.security_groups import allow_between
from components.services.metrics_tag import ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi


def allow_scraping(
    parent: pulumi.Resource,
    name: str,
    prometheus_group_id: pulumi.Input[str],
    group_id: pulumi.Input[str],
    metrics: Sequence[str],
) -> None:
    """Let Prometheus connect to the ports that have metrics.

    Args:
        parent: the component that the rules belong to.
        name: of the rules in the program, before the port.
        prometheus_group_id: of Prometheus's security group.
        group_id: of the service's.
        metrics: its endpoints, each `PORT/path`.
    """
    for port in ports(metrics):
        allow_between(
            parent, f"{name}-{port}", prometheus_group_id, group_id, port, "Prometheus: metrics"
        )
