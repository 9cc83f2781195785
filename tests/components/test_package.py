"""The components as a package: every one can be used from Pulumi's other languages."""

import inspect
import json
from typing import Any

import pulumi
import pytest
from pulumi.errors import InputPropertiesError

import components
from components import plugin
from components.arguments import camel, declared
from tests.components.examples import EXAMPLES

NAME = (
    "becomes part of names in AWS: expected a lowercase letter, then up to 31 lowercase letters,"
    " digits or '-'"
)
JSON_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found = json.loads(str(plugin.Plugin().schema))
    assert isinstance(found, dict)
    return found


def test_every_component_is_exported_with_its_arguments() -> None:
    exported = {
        name
        for name in components.__all__
        if issubclass(getattr(components, name), pulumi.ComponentResource)
    }
    assert exported == EXAMPLES.keys()
    assert set(components.__all__) == exported | {f"{name}Args" for name in exported}


def test_the_schema_has_every_component(schema: dict[str, Any]) -> None:
    assert schema["name"] == "prometheus-aws"
    assert schema["resources"].keys() == {f"prometheus-aws:index:{name}" for name in EXAMPLES}
    assert all(resource["isComponent"] for resource in schema["resources"].values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_schema_has_every_input_and_output(schema: dict[str, Any], name: str) -> None:
    resource = schema["resources"][f"prometheus-aws:index:{name}"]
    example = EXAMPLES[name]
    assert {key: entry["type"] for key, entry in resource["inputProperties"].items()} == {
        camel(key): JSON_TYPES[type(value)]
        for key, value in {**example.all, **example.instead}.items()
    }
    required = {key for key, argument in declared(example.shape).items() if argument.required}
    assert required <= example.fewest.keys()
    assert set(resource["requiredInputs"]) == {camel(key) for key in required}
    outputs = {camel(key) for key in inspect.get_annotations(getattr(components, name))}
    assert resource["properties"].keys() == set(resource["required"]) == outputs


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_in_the_schema_is_described(schema: dict[str, Any], name: str) -> None:
    resource = schema["resources"][f"prometheus-aws:index:{name}"]
    described = {"component": resource, **resource["inputProperties"], **resource["properties"]}
    assert not [key for key, entry in described.items() if not entry.get("description")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_only_text_can_be_wired(schema: dict[str, Any], name: str) -> None:
    """Outputs of other resources reach a component as text only; numbers would fail."""
    inputs = schema["resources"][f"prometheus-aws:index:{name}"]["inputProperties"]
    wired = [entry for entry in inputs.values() if not entry.get("plain")]
    entries = [it.get("items", it.get("additionalProperties", it)) for it in wired]
    types = {entry["type"] for entry in entries}
    assert types <= {"string"}


def test_bad_inputs_are_named_as_the_other_language_spells_them() -> None:
    """All of them, and without a stack trace: Pulumi shows one for any other error."""
    with pytest.raises(InputPropertiesError) as error:
        plugin.Plugin().construct(
            "Thing",
            "prometheus-aws:index:MonitoringNetwork",
            {"zoneCount": 9.0, "natStrategy": "dual"},
        )
    assert error.value.errors == [
        {"property_path": "its name", "reason": NAME},
        {"property_path": "zoneCount", "reason": "expected a whole number from 1 to 8"},
        {"property_path": "natStrategy", "reason": "expected one of none, single, per-az"},
    ]
