"""What a cluster's hosts can be."""

from collections.abc import Sequence

from components import checks, ecs_hosts
from components.exporters.instance_types import instance_architecture
from components.values import shortened

CAPACITIES = ("ec2", "fargate")

SIZE = (0, 100)
"""Fewest and most hosts. AWS sets no limit of its own to a group; a typing error costs money."""

ROOT_GIB = (ecs_hosts.ROOT_GIB, 65_536)
"""Least and most of a host's root disk: the image's own size, and the most of gp3.

Source: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
"""

MAX_INSTANCE_TYPES = 40
"""Of a mixed instances policy.

Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplate.html
"""


def instance_types(types: Sequence[str]) -> None:
    """Check the types that hosts may have: legal ones of one architecture, each once.

    Raises:
        ValueError: with the entry and what is expected.
    """
    if not 1 <= len(types) <= MAX_INSTANCE_TYPES:
        raise ValueError(f"expected 1 to {MAX_INSTANCE_TYPES} instance types")
    architectures: dict[str, str] = {}
    for entry in types:
        try:
            architectures[entry] = instance_architecture(entry)
        except ValueError as problem:
            raise ValueError(f"{shortened(repr(entry))}: {problem}") from None
    checks.each_once(types)
    first, *others = types
    for entry in others:
        if architectures[entry] != architectures[first]:
            raise ValueError(
                f"{entry} is {architectures[entry]}, and {first} {architectures[first]}; expected"
                " one architecture, as an image is built for one"
            )


def in_between(desired: int, smallest: int, largest: int) -> None:
    """Check how many hosts there are at the beginning.

    Raises:
        ValueError: there may not be so many, or so few.
    """
    if smallest > largest:
        raise ValueError(f"min_size is {smallest}, above max_size {largest}; expected at most that")
    if not smallest <= desired <= largest:
        raise ValueError(f"expected from min_size {smallest} to max_size {largest}")


def of_hosts_only(spot_percent: int, capacity: str) -> None:
    """Check that there are hosts that may be Spot instances.

    Raises:
        ValueError: there are none.
    """
    if spot_percent and capacity == "fargate":
        raise ValueError("it is about EC2 hosts, and capacity is fargate; expected 0")
