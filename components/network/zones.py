"""The region's availability zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws

if TYPE_CHECKING:
    import pulumi


def available_zone_names(invoke: pulumi.InvokeOptions | None = None) -> list[str]:
    """Names of the region's availability zones that are up and need no opt-in, sorted."""
    zones = aws.get_availability_zones(
        state="available",
        filters=[
            {"name": "opt-in-status", "values": ["opt-in-not-required"]},
            {"name": "zone-type", "values": ["availability-zone"]},
        ],
        opts=invoke,
    )
    return sorted(zones.names)


def zones_available(zone_count: int, invoke: pulumi.InvokeOptions) -> None:
    """Check that the region has this many zones.

    Raises:
        ValueError: with the zones that there are.
    """
    names = available_zone_names(invoke)
    if zone_count > len(names):
        raise ValueError(
            f"the region has {len(names)} availability zones ({', '.join(names)});"
            f" expected at most {len(names)}"
        )
