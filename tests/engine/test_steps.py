"""Decisions of the engine, exactly."""

from typing import Any

import pytest

from sandbox.engine.state import Resource
from sandbox.engine.steps import Diff, Op, decide, keep_ignored, urn, with_unknown
from sandbox.engine.values import UNKNOWN

STACK = urn("dev", "shop", "", "pulumi:pulumi:Stack", "shop-dev")


def test_a_childs_name_holds_the_types_above_it() -> None:
    group = urn("dev", "shop", STACK, "shop:index:Group", "g")
    assert group == "urn:pulumi:dev::shop::shop:index:Group::g"
    assert urn("dev", "shop", group, "aws:ec2/vpc:Vpc", "v") == (
        "urn:pulumi:dev::shop::shop:index:Group$aws:ec2/vpc:Vpc::v"
    )


@pytest.mark.parametrize(
    ("diff", "forced", "expected"),
    [
        (Diff(changes=False), [], Op.SAME),
        (Diff(changes=False, changed=["a"]), ["a"], Op.SAME),
        (Diff(changes=True, changed=["a"]), [], Op.UPDATE),
        (Diff(changes=True, changed=["a"]), ["b"], Op.UPDATE),
        (Diff(changes=True, replaces=["a"]), [], Op.REPLACE),
        (Diff(changes=True, changed=["a"]), ["*"], Op.REPLACE),
        (Diff(changes=True, changed=["a.b[0]"]), ["a.b"], Op.REPLACE),
        (Diff(changes=True, changed=["ab"]), ["a"], Op.UPDATE),
    ],
)
def test_what_is_done(diff: Diff, forced: list[str], expected: Op) -> None:
    assert decide(diff, forced) is expected


@pytest.mark.parametrize(
    ("path", "new", "old", "expected"),
    [
        ("a", {"a": 1}, {"a": 2}, {"a": 2}),
        ("a", {}, {"a": 2}, {"a": 2}),
        ("a", {"a": 1}, {}, {}),
        ("a.b", {"a": {"b": 1, "c": 1}}, {"a": {"b": 2}}, {"a": {"b": 2, "c": 1}}),
        ("a.b", {"a": {"b": 1, "c": 1}}, {"a": {}}, {"a": {"c": 1}}),
        ('a["b.c"]', {"a": {"b.c": 1}}, {"a": {"b.c": 2}}, {"a": {"b.c": 2}}),
        ("a[0].b", {"a": [{"b": 1}, 1]}, {"a": [{"b": 2}]}, {"a": [{"b": 2}, 1]}),
        ("a[1]", {"a": [1]}, {"a": [2, 2]}, {"a": [1]}),
        ("a.b", {"a": 1}, {"a": {"b": 1}}, {"a": 1}),
    ],
)
def test_an_ignored_path_keeps_its_old_value(
    path: str, new: dict[str, Any], old: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert keep_ignored(new, old, [path]) == expected


def test_what_comes_from_a_doomed_resource_is_unknown() -> None:
    resource = Resource(
        "u", "t", custom=True, inputs={"a": 1, "b": 2}, property_dependencies={"a": ["doomed"]}
    )
    assert with_unknown(resource, {"doomed"}) == {"a": UNKNOWN, "b": 2}
    assert with_unknown(resource, {"other"}) is None
