"""What is generated from the code is up to date, and what people wrote by hand agrees with it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import components
from blocks import BLOCKS, paths
from dashboards.catalogue import DASHBOARDS
from docs import generate
from settings import Settings

ROOT = Path(__file__).parents[2]
GENERATED = (
    "Pulumi.yaml",
    "README.md",
    "docs/configuration.md",
    "docs/costs.md",
    "docs/resources.md",
    "docs/sizing.md",
    "bootstrap/github.template.json",
    *(f"docker/grafana/dashboards/{dashboard.uid}.json" for dashboard in DASHBOARDS),
    "examples/pizza_service/monitoring/grafana/dashboards/pizza.json",
)


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


@pytest.mark.parametrize("name", GENERATED)
def test_generated_text_is_up_to_date(generated: dict[Path, str], name: str) -> None:
    path = ROOT / name
    assert path.read_text(encoding="utf-8") == generated[path], "run `make docs`"


def test_nothing_else_is_generated(generated: dict[Path, str]) -> None:
    assert {path.relative_to(ROOT).as_posix() for path in generated} == set(GENERATED)


def test_the_schema_is_one_block_a_room(schema: dict[str, dict[str, Any]]) -> None:
    types = {key: entry["type"] for key, entry in schema.items()}
    blocks = {name: block for name, block in BLOCKS.items() if not block.optional}
    assert types == {"environment": "string", **dict.fromkeys(blocks, "object")}
    for name, block in blocks.items():
        assert all(key in schema[name]["description"] for key in block.knobs)


def test_the_schemas_defaults_are_the_settings_defaults(
    schema: dict[str, dict[str, Any]],
) -> None:
    """Pulumi's CLI hands the schema's defaults over as if they had been set."""
    defaults = {key: entry["default"] for key, entry in schema.items()}
    as_text = {key: v if isinstance(v, str) else json.dumps(v) for key, v in defaults.items()}
    assert Settings.parse(as_text, stack="test") == Settings.parse({}, stack="test")


def test_the_reference_has_every_key_with_its_type_and_default() -> None:
    types = {bool: "boolean", int: "integer", str: "string", tuple: "array"}
    sections = re.split(
        r"^## `prometheus-aws:(\w+)`$", generate.configuration_reference(), flags=re.MULTILINE
    )
    assert sections[1::2] == list(BLOCKS)
    for name, section in zip(sections[1::2], sections[2::2], strict=True):
        knobs = BLOCKS[name].knobs
        needs = any(argument.required for argument in knobs.values())
        assert ("Optional: off unless the block is there." in section) is BLOCKS[name].optional
        assert ("`{}` switches it on" in section) is (BLOCKS[name].optional and not needs)
        assert ("each below a name of your own" in section) is bool(BLOCKS[name].names)
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+) \|$", section, re.MULTILINE)
        assert [key for key, *_ in rows] == list(knobs)
        for key, type_, default, sentence in rows:
            argument = knobs[key]
            value = argument.default
            shown = value if isinstance(value, str) else json.dumps(value)
            if argument.required:
                required = "string" if argument.kind is str else "array"
                assert (type_, default) == (required, "none: required")
            else:
                assert (type_, default) == (types[type(value)], f"`{shown}`" if shown else "empty")
            assert sentence.endswith(".")


def test_the_graph_names_every_component_and_resource() -> None:
    graph = generate.program_graph("prod")
    diagram = generate.diagram(graph)
    kinds = {r.type.rsplit(":", maxsplit=1)[-1] for r in graph.resources}
    assert {"NatGateway", "VpcEndpoint"} <= kinds
    assert not [kind for kind in kinds if kind not in diagram]
    (hosts,) = [line for line in diagram.splitlines() if line.startswith("  subgraph ExporterNode")]
    assert hosts == '  subgraph ExporterNode["ExporterNode ×2"]'  # noqa: RUF001 - as written


def test_the_readme_pictures_every_component() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"```mermaid\n(.*?)```", readme, re.DOTALL)
    names = [name for name in components.__all__ if not name.endswith("Args")]
    assert names
    assert not [name for name in names if name not in picture]


def test_every_setting_that_people_read_about_exists() -> None:
    """README and guides name settings by path, such as `hosts.count`."""
    found = {
        path
        for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for path in re.findall(
            rf"`(?:prometheus-aws:)?((?:{'|'.join(BLOCKS)})(?:\.[a-z<][\w>-]+)+)",
            file.read_text("utf-8"),
        )
    }
    # Of a service, whatever its name is.
    named = {re.sub(r"^services\.[^.]+\.", "services.<name>.", path) for path in found}
    assert "hosts.count" in named
    assert named <= set(paths())
