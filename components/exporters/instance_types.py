"""EC2 instance types: which of them our hosts can be, and what about they cost."""

import re
from typing import Annotated, TypeAlias

from components.arguments import Knob

_INSTANCE_TYPE = re.compile(
    r"(?P<family>[a-z]+)(?P<generation>[1-9]\d?|(?=-))"
    r"(?P<attributes>[a-z]*)(?P<option>-flex|-[a-z]*\d+[a-z]*\d?)?"
    r"\.(?:(?P<part>nano|micro|small|medium|large)"
    r"|(?P<times>[2-9]|[1-9]\d{1,2}|)xlarge|metal(?:-(?P<metal>[1-9]\d)xl)?)",
    re.ASCII,
)
_LINUX_FAMILIES = frozenset(
    "a c d dl f g gr h hpc i im inf is m p r t trn u vt x z".split()  # noqa: SIM905 - reads better
)
_FIRST_GENERATION = frozenset({"a1", "c1", "m1", "m2", "t1"})
"""Amazon Linux 2023 wants Graviton 2, which A1 has not, or an x86-64-v2 processor, which AWS does
not promise for the others.

Source: https://docs.aws.amazon.com/linux/al2023/ug/system-requirements.html
"""

_MAX_XLARGES = 512
"""The largest type is 480 times an xlarge (`u7inh-32tb.480xlarge`, November 2026)."""

USD_AN_HOUR = 0.20
"""Price of an xlarge; other sizes are multiples and parts of it.

m7i.xlarge costs USD 0.2016 on demand in us-east-1, m7g.xlarge 0.1632 (2026); other regions take up
to half as much again, accelerators many times as much. Source:
https://aws.amazon.com/ec2/pricing/on-demand/; the sizes are those of
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html (normalization factors).
"""

HOURS_A_MONTH = 730
"""As AWS counts. Source: https://aws.amazon.com/calculator/calculator-assumptions"""

_PARTS = {"nano": 1 / 32, "micro": 1 / 16, "small": 1 / 8, "medium": 1 / 4, "large": 1 / 2}
_WHOLE_MACHINE = 24
"""xlarges in a type that is just called `metal`: 12 to 48."""


def instance_architecture(instance_type: str) -> str:
    """Architecture of an EC2 instance type: `arm64` (Graviton) or `x86_64`.

    AWS marks Graviton types with a `g` after the generation (`t4g`, `c7gn`, `g5g`, `p6e-gb200`).
    There is no list of types here, which would soon lack the newest: only AWS knows whether one
    that is called as AWS calls them exists, and where. Source:
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html

    Raises:
        ValueError: no type is called so, or it does not run Amazon Linux 2023 (Mac, A1, T1 ...).
    """
    match = _parsed(instance_type)
    if f"{match['family']}{match['generation']}" in _FIRST_GENERATION:
        raise ValueError(
            f"Amazon Linux 2023 is not made for {', '.join(sorted(_FIRST_GENERATION))}; expected a"
            " newer type, such as t4g.nano (arm64) or t3.micro (x86_64)"
        )
    return "arm64" if "g" in match["attributes"] + (match["option"] or "") else "x86_64"


def usd_a_month(instance_type: str) -> float:
    """Order of magnitude of what a host of a legal type costs for a month, without its disk."""
    match = _parsed(instance_type)
    if match["part"]:
        xlarges = _PARTS[match["part"]]
    elif match["times"] is not None:
        xlarges = int(match["times"] or 1)
    else:
        xlarges = int(match["metal"] or _WHOLE_MACHINE)
    return xlarges * USD_AN_HOUR * HOURS_A_MONTH


def _parsed(instance_type: str) -> re.Match[str]:
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if (
        match is None
        or match["family"] not in _LINUX_FAMILIES
        or len(set(match["attributes"])) < len(match["attributes"])  # AWS says none twice
        or int(match["times"] or 1) > _MAX_XLARGES
    ):
        raise ValueError(
            "no EC2 instance type that runs Linux is called so; expected one such as t4g.nano"
            " (arm64) or t3.micro (x86_64)"
        )
    return match


InstanceType: TypeAlias = Annotated[str, Knob("t4g.nano", instance_architecture)]
"""An argument: an EC2 instance type that runs Amazon Linux 2023."""
