"""components.exporters.instance_types: which architecture an EC2 instance type has."""

import pytest

from components.exporters.instance_types import instance_architecture
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
    ],
)
def test_architecture_of_an_instance_type(instance_type: str, architecture: str) -> None:
    assert instance_architecture(instance_type) == architecture


@pytest.mark.parametrize(
    "instance_type",
    [
        *(
            "a1.large",
            "mac2.metal",
            "mac2-m2.metal",
            "u-6tb1.metal",
            "foo",
            "t3",
            "q9.large",
            "",
            "t3.",
        ),
        *("T3.micro", "t3.tiny", "t3.micro ", "t3.micro\n", ".large", "t.large", "t3.xxlarge"),
    ],
)
def test_an_instance_type_of_unknown_architecture(instance_type: str) -> None:
    assert problem(instance_architecture, instance_type) == (
        "its architecture is unknown; expected an EC2 instance type such as t4g.nano (arm64)"
        " or t3.micro (x86_64)"
    )
