"""EC2 instance types."""

import re
from functools import lru_cache
from typing import Annotated, TypeAlias

from components.arguments import Knob

_INSTANCE_TYPE = re.compile(
    r"(?P<family>[a-z]+)(?P<generation>\d+)(?P<attributes>[a-z]*(?:-[a-z]+\d*)?)"
    r"\.(?:nano|micro|small|medium|\d*xlarge|large|metal(?:-\d+xl)?)",
    re.ASCII,
)
_LINUX_FAMILIES = frozenset(
    "c d dl f g gr h hpc i im inf is m p r t trn vt x z".split()  # noqa: SIM905 - reads better
)


@lru_cache
def instance_architecture(instance_type: str) -> str:
    """Architecture of an EC2 instance type: `arm64` (Graviton) or `x86_64`.

    AWS marks Graviton types with a `g` after the generation (`t4g`, `c7gn`, `g5g`). Amazon Linux
    2023 does not run on the first of them, `a1`. Source:
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html

    Raises:
        ValueError: not a type whose architecture can be told (`a1`, Mac, `u-*`, unknown families).
    """
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None or match["family"] not in _LINUX_FAMILIES:
        raise ValueError(
            "its architecture is unknown; expected an EC2 instance type such as t4g.nano (arm64)"
            " or t3.micro (x86_64)"
        )
    return "arm64" if "g" in match["attributes"] else "x86_64"


InstanceType: TypeAlias = Annotated[str, Knob("t4g.nano", instance_architecture)]
"""An argument: an EC2 instance type whose architecture is known."""
