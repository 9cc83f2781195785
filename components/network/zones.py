"""The region's availability zones, and which of them a network can use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

WITHOUT_FARGATE = ("apne1-az3", "use1-az3", "usw1-az2")
"""Ids of the zones without Fargate, or in use1-az3 without Fargate for ARM64.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html
"""

_ZONE_ID = re.compile(r"[a-z]{2,5}\d-az\d{1,2}", re.ASCII)


class Zone(NamedTuple):
    """An availability zone that is up and needs no opt-in."""

    name: str
    """Such as `us-east-1a`: another zone in another account."""

    id: str
    """Such as `use1-az3`: the same zone in every account."""

    excluded: bool
    lacks: tuple[str, ...]
    """Instance types that are wanted, and that it does not offer."""

    @property
    def usable(self) -> bool:
        """Whether subnets may be made in it."""
        return not (self.excluded or self.lacks)

    @property
    def reason(self) -> str:
        """Why it is not usable, for people."""
        no = [f"no {', '.join(self.lacks)}"] if self.lacks else []
        return "; ".join([*([f"{self.id} is excluded"] if self.excluded else []), *no])


def legal_zone_ids(value: Sequence[str]) -> None:
    """Check ids of zones.

    Raises:
        ValueError: with the entry and what is expected.
    """
    for entry in value:
        if not _ZONE_ID.fullmatch(entry):
            raise ValueError(
                f"{entry!r}: expected the id of an availability zone, such as use1-az3, not its"
                " name, which differs from account to account"
            )


def find_zones(
    instance_types: Sequence[str], exclude_zone_ids: Sequence[str], invoke: pulumi.InvokeOptions
) -> list[Zone]:
    """Ask AWS for the region's zones, sorted by name.

    Args:
        instance_types: EC2 instance types that a zone must offer, all of them.
        exclude_zone_ids: ids of zones that are not to be used.
        invoke: how to ask AWS.
    """
    found = aws.get_availability_zones(
        state="available",
        filters=[
            {"name": "opt-in-status", "values": ["opt-in-not-required"]},
            {"name": "zone-type", "values": ["availability-zone"]},
        ],
        opts=invoke,
    )
    offered: set[tuple[str, str]] = set()
    if instance_types:
        offerings = aws.ec2.get_instance_type_offerings(
            location_type="availability-zone",
            filters=[{"name": "instance-type", "values": list(instance_types)}],
            opts=invoke,
        )
        offered = set(zip(offerings.locations, offerings.instance_types, strict=True))
    return [
        Zone(
            name,
            id_,
            id_ in exclude_zone_ids,
            tuple(kind for kind in instance_types if (name, kind) not in offered),
        )
        for name, id_ in sorted(zip(found.names, found.zone_ids, strict=True))
    ]


def zones_usable(
    zone_count: int,
    instance_types: Sequence[str],
    exclude_zone_ids: Sequence[str],
    invoke: pulumi.InvokeOptions,
) -> None:
    """Check that the region has this many zones to use.

    Raises:
        ValueError: with the zones that there are, and why others cannot be used.
    """
    zones = find_zones(instance_types, exclude_zone_ids, invoke)
    names = [zone.name for zone in zones if zone.usable]
    if zone_count <= len(names):
        return
    others = [f"{zone.name} ({zone.reason})" for zone in zones if not zone.usable]
    are = f" ({', '.join(names)})" if names else ""
    why = f". Not usable: {', '.join(others)}" if others else ""
    instead = ", or another instance type, or fewer excluded zones" if others else ""
    raise ValueError(
        f"the region has {len(names)} usable availability zones{are}; expected at most"
        f" {len(names)}{instead}{why}"
    )


def first_free(usable: Sequence[str], taken: Sequence[str]) -> str:
    """Choose a zone's name for one more pair of subnets: the first that has none yet.

    Args:
        usable: names of the zones, more than there are subnets.
        taken: names of the zones that the network's other subnets are in, whatever the choice
            was when they were made.
    """
    return next(name for name in usable if name not in taken)


def still_offered(subnet_id: str, zone_name: str, zones: Sequence[Zone]) -> None:
    """Check that the zone of a subnet that exists offers the instance types that are wanted now.

    Raises:
        ValueError: it does not.
    """
    lacks = {zone.name: zone.lacks for zone in zones}.get(zone_name)
    if lacks:
        raise ValueError(
            f"its subnet {subnet_id} is in {zone_name}, which has no {', '.join(lacks)}, and"
            " subnets stay where they are; expected an instance type that all its zones offer"
        )
