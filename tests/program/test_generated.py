"""What is generated from the code is up to date, and agrees with the settings."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import generate
from settings import Settings
from tests.recording import ZONES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema() -> dict[str, dict[str, Any]]:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return {key: entry for key, entry in project["config"].items() if ":" not in key}


def test_every_stack_has_default_tags() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    others = {key: entry for key, entry in project["config"].items() if ":" in key}
    tags = {"project": "prometheus-aws", "managed-by": "pulumi"}
    assert others == {"aws:defaultTags": {"value": {"tags": tags}}}


@pytest.fixture(scope="module")
def generated() -> dict[Path, str]:
    return generate.generated()


@pytest.mark.parametrize("name", ["Pulumi.yaml", "docs/configuration.md", "README.md"])
def test_generated_text_is_up_to_date(generated: dict[Path, str], name: str) -> None:
    path = ROOT / name
    assert path.read_text(encoding="utf-8") == generated[path], "run `make docs`"


def test_nothing_else_is_generated(generated: dict[Path, str]) -> None:
    names = {path.relative_to(ROOT).as_posix() for path in generated}
    assert names == {"Pulumi.yaml", "docs/configuration.md", "README.md"}


def test_the_schema_has_exactly_the_settings_keys(schema: dict[str, dict[str, Any]]) -> None:
    assert list(schema) == [field.alias for field in Settings.model_fields.values()]


def test_the_schemas_defaults_are_the_settings_defaults(
    schema: dict[str, dict[str, Any]],
) -> None:
    """Pulumi's CLI hands the schema's defaults over as if they had been set."""
    defaults = {key: entry["default"] for key, entry in schema.items()}
    as_text = {key: v if isinstance(v, str) else json.dumps(v) for key, v in defaults.items()}
    explicit = Settings.parse(as_text, stack="test", available_zones=lambda: ZONES)
    assert explicit == Settings.parse({}, stack="test", available_zones=lambda: ZONES)


def test_every_key_has_a_type_and_a_description(schema: dict[str, dict[str, Any]]) -> None:
    values = Settings.parse({}, stack="test", available_zones=lambda: ZONES)
    types = {bool: "boolean", int: "integer", str: "string", tuple: "array"}
    expected = {k: types[type(v)] for k, v in values.model_dump(by_alias=True).items()}
    assert {key: entry["type"] for key, entry in schema.items()} == expected
    lists = {key: entry["items"] for key, entry in schema.items() if entry["type"] == "array"}
    assert lists == {key: {"type": "string"} for key in ("sshCidrs", "adminCidrs")}
    assert not [key for key, entry in schema.items() if not entry["description"].endswith(".")]


def test_the_diagram_names_every_component_and_resource() -> None:
    graph = generate.program_graph()
    diagram = generate.diagram(graph)
    kinds = {r.type.rsplit(":", maxsplit=1)[-1] for r in graph.resources}
    assert "NetworkAcl" in kinds
    assert not [kind for kind in kinds if kind not in diagram]
    (hosts,) = [line for line in diagram.splitlines() if line.startswith("  subgraph ExporterNode")]
    assert hosts == '  subgraph ExporterNode["ExporterNode ×2"]'  # noqa: RUF001 - as written
