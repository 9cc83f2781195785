"""components.exporters.instance_types: what an EC2 instance type is, by its name."""

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest

from components.exporters.instance_types import instance_architecture, usd_a_month
from tests.components.refusal import problem


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        ("t4g.nano", "arm64"),
        ("t3.micro", "x86_64"),
        ("m6gd.large", "arm64"),
        ("c7gn.16xlarge", "arm64"),
        ("x2gd.medium", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("im4gn.large", "arm64"),
        ("is4gen.large", "arm64"),
        ("i4i.large", "x86_64"),
        ("g6e.xlarge", "x86_64"),
        ("g4dn.metal", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("c8g.metal-24xl", "arm64"),
        ("hpc7g.16xlarge", "arm64"),
        ("hpc7a.96xlarge", "x86_64"),
        ("p6-b200.48xlarge", "x86_64"),
        ("p6e-gb200.36xlarge", "arm64"),
        ("r5.24xlarge", "x86_64"),
        ("z1d.metal", "x86_64"),
        ("u7i-12tb.224xlarge", "x86_64"),
        ("u-6tb1.metal", "x86_64"),
        ("t8i.nano", "x86_64"),
    ],
)
def test_architecture_of_an_instance_type(instance_type: str, architecture: str) -> None:
    assert instance_architecture(instance_type) == architecture


def described() -> dict[str, Any]:
    """What AWS says of its instance types, as moto keeps it."""
    file = files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


def listed() -> list[str]:
    """All the types that AWS's own SDK knows."""
    file = files("botocore") / "data" / "ec2" / "2016-11-15" / "service-2.json.gz"
    found: list[str] = json.loads(gzip.decompress(file.read_bytes()))["shapes"]["InstanceType"][
        "enum"
    ]
    return found


def test_every_type_that_aws_describes_has_the_architecture_that_it_says() -> None:
    refused = set()
    for name, said in described().items():
        try:
            found = instance_architecture(name)
        except ValueError:
            refused.add(name.partition(".")[0].partition("-")[0])
        else:
            assert found in said["ProcessorInfo"]["SupportedArchitectures"], name
    # Not for Amazon Linux 2023, macOS, and what nobody gets any more.
    assert refused == {"a1", "c1", "m1", "m2", "t1", "mac", "mac1", "mac2"}


def test_every_type_that_the_sdk_knows_is_one() -> None:
    """Pulumi's own list lacks 32 of them (pulumi-aws 7.51.1), such as t8i.nano."""
    refused = set()
    for name in listed():
        try:
            instance_architecture(name)
        except ValueError:
            refused.add(name.partition(".")[0].partition("-")[0])
    old = {"a1", "c1", "cc1", "cc2", "cg1", "cr1", "hi1", "hs1", "m1", "m2", "t1"}
    assert refused == {*old, "mac", "mac1", "mac2"}


@pytest.mark.parametrize(
    "instance_type", ["a1.large", "c1.xlarge", "m1.small", "m2.4xlarge", "t1.micro"]
)
def test_a_type_that_amazon_linux_is_not_made_for(instance_type: str) -> None:
    assert problem(instance_architecture, instance_type) == (
        "Amazon Linux 2023 is not made for a1, c1, m1, m2, t1; expected a newer type, such as"
        " t4g.nano (arm64) or t3.micro (x86_64)"
    )


@pytest.mark.parametrize(
    "instance_type",
    [
        *("mac2.metal", "mac2-m2.metal", "foo", "t3", "q9.large", "", "t3.", "T3.micro", "t3.tiny"),
        *(
            "t3.micro ",
            "t3.micro\n",
            ".large",
            "t.large",
            "t3.xxlarge",
            "x99.999xlarge",
            "t9zz.nano",
        ),
        *(
            "t0.nano",
            "t3.0xlarge",
            "t3.1xlarge",
            "t3.02xlarge",
            "t\uff13.micro",
            "t3.micro.micro",
            "t100.nano",
        ),
        *("c8g.metal-1xl", "c8g.metal-24", "t3-.micro", "t3_a.micro"),
    ],
)
def test_what_is_no_instance_type(instance_type: str) -> None:
    assert problem(instance_architecture, instance_type) == (
        "no EC2 instance type that runs Linux is called so; expected one such as t4g.nano (arm64)"
        " or t3.micro (x86_64)"
    )


@pytest.mark.parametrize("instance_type", ["t10i.nano", "m12g.large", "c9wn.512xlarge"])
def test_a_type_to_come_is_taken(instance_type: str) -> None:
    """Whether there is one, and where, AWS says."""
    instance_architecture(instance_type)


# On demand in us-east-1, from AWS's price list, a month of 730 hours.
@pytest.mark.parametrize(
    ("instance_type", "usd"),
    [
        *(("t4g.nano", 3.1), ("t3.micro", 7.6), ("t3.large", 60.7), ("m7g.large", 59.6)),
        *(
            ("m7i.xlarge", 147.2),
            ("m7i.24xlarge", 3532),
            ("m7i.metal-24xl", 3709),
            ("m5.metal", 3364),
        ),
    ],
)
def test_the_order_of_magnitude_of_a_price(instance_type: str, usd: float) -> None:
    assert 0.5 * usd < usd_a_month(instance_type) < 2 * usd
