"""Examples of settings in the Markdown: legal, over those of the stack prod."""

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from settings import Settings, own
from stack_files import as_text, stack_file_config

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    pytest.param(yaml.safe_load(textwrap.dedent(block)), id=path.name)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for block in re.findall(r"```yaml\n( *config:\n.*?)```", path.read_text("utf-8"), re.DOTALL)
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_legal(example: dict[str, dict[str, object]]) -> None:
    config = own({**stack_file_config(ROOT / "Pulumi.prod.yaml"), **example["config"]})
    Settings.parse({key: as_text(value) for key, value in config.items()}, stack="prod")
