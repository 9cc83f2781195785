"""Examples of settings in the Markdown and in stack files: legal, over those of a stack."""

import re
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from settings import PROJECT, Settings, own
from stack_files import as_text, stack_file_config
from tests.unit.configurations import INGRESS

ROOT = Path(__file__).parents[2]
PIZZA = "Pulumi.pizza.yaml"
GUIDE = "docs/monitor-your-service.md"
EXAMPLES = [
    pytest.param(yaml.safe_load(textwrap.dedent(block)), id=path.name)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for block in re.findall(r"```yaml\n( *config:\n.*?)```", path.read_text("utf-8"), re.DOTALL)
]


def legal(stack: str, *more: Mapping[str, object]) -> Settings:
    """Settings of a stack, with more in place of some."""
    config = stack_file_config(ROOT / f"Pulumi.{stack}.yaml")
    for values in more:
        config |= values
    values = own(config)
    return Settings.parse({key: as_text(value) for key, value in values.items()}, stack=stack)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_legal(example: dict[str, dict[str, object]]) -> None:
    legal("prod", example["config"])


def test_the_guides_lines_are_legal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new user has them: in the stack dev, with the service beside the project."""
    text = (ROOT / GUIDE).read_text("utf-8")
    blocks = re.findall(r"```yaml\n( *prometheus-aws:.*?)```", text, re.DOTALL)
    service, told = (yaml.safe_load(textwrap.dedent(block)) for block in blocks)
    project, shop = tmp_path / "project", tmp_path / "shop"
    project.mkdir()
    shutil.copytree(ROOT / "examples" / "pizza_service", shop)
    monkeypatch.chdir(project)
    settings = legal("dev", service, told)
    assert list(settings.services) == ["shop"]
    assert settings.services["shop"]["health_command"]
    assert settings.alertmanager is not None
    assert settings.alertmanager["page_with"] == ["sns"]
    assert settings.notifications is not None
    assert settings.notifications["emails"]


def test_what_the_stack_pizza_has_as_comments_is_legal() -> None:
    text = (ROOT / PIZZA).read_text("utf-8")
    shown, keys = re.subn(r"^( +)# ([a-zA-Z]+: )", r"\1\2", text, flags=re.MULTILINE)
    assert keys == 4
    ingress = {**INGRESS, "domain": "example.com"}
    settings = legal("pizza", yaml.safe_load(shown)["config"], {f"{PROJECT}:ingress": ingress})
    pizza = settings.services["pizza"]
    assert pizza["host_name"] == "pizza.example.com"
    assert pizza["enable_execute_command"]
