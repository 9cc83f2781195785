"""Property values: how they travel, what is secret, what is shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.values import (
    UNKNOWN,
    from_struct,
    has_secret,
    has_unknown,
    mark_like,
    plain,
    redact,
    secret,
    shown,
    to_struct,
)

LEAVES = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.dictionaries(st.text(), VALUES))
def test_properties_survive_the_journey(properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(properties)) == properties


@given(VALUES)
def test_a_secret_holds_its_value(value: Any) -> None:  # noqa: ANN401 - any JSON
    marked = secret(value)
    assert secret(marked) == marked
    assert plain([marked]) == [value]
    assert shown({"a": marked}) == {"a": "[secret]"}
    assert has_secret({"a": [marked]})
    assert not has_secret(value)


@pytest.mark.parametrize(
    ("value", "model", "expected"),
    [
        ("x", "x", "x"),
        ("x", secret("y"), secret("x")),
        (secret("x"), "y", secret("x")),
        ({"a": 1, "b": 2}, {"a": secret(1), "b": 2}, {"a": secret(1), "b": 2}),
        ([1, 2], [1, secret(0)], [1, secret(2)]),
        ([1], [1, secret(0)], secret([1])),
        ({"a": "text"}, {"a": {"b": secret(1)}}, {"a": secret("text")}),
    ],
)
def test_marks_are_copied(value: object, model: object, expected: object) -> None:
    assert mark_like(value, model) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(UNKNOWN, True), ({"a": [UNKNOWN]}, True), (secret(UNKNOWN), True), ({"a": [1]}, False)],
)
def test_unknowns_are_found(value: object, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert has_unknown(value) is expected


def test_secrets_are_taken_out_of_messages() -> None:
    properties = {"a": secret({"key": "hunter22"}), "b": [secret("hunter2")], "c": "plain"}
    text = "hunter22 and hunter2, plain"
    assert redact(text, properties) == "[secret] and [secret], plain"
