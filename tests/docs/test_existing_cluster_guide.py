"""The commands of docs/existing-cluster.md against the configuration that its example has."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "existing-cluster.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "existing_cluster" / "Pulumi.yaml"


def settings() -> Iterator[tuple[str, str]]:
    """Yield path and value of each `pulumi config set`."""
    for line in re.findall(r"^pulumi config set (.*)$", GUIDE, re.MULTILINE):
        words = shlex.split(line, comments=True)
        path, value = [word for word in words if word != "--path"]
        assert ("--path" in words) is bool(re.search(r"[.\[]", path)), line
        yield path, value


def test_the_guide_sets_every_key_of_the_example_as_its_type_says() -> None:
    schema = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["config"]
    kinds = {
        re.split(r"[.\[]", path)[0]: "array"
        if path.endswith("]")
        else ("object" if "." in path else "string")
        for path, _ in settings()
        if path != "aws:region"
    }
    assert kinds == {key: entry["type"] for key, entry in schema.items()}


def test_tasks_are_expected_of_the_services_that_are_named() -> None:
    """Without `job`, a service's is its name, the last part of its ARN."""
    given = dict(settings())
    named = {value.rpartition("/")[2] for value in given.values() if ":service/" in value}
    expected = {path.partition(".")[2] for path in given if path.startswith("expectedTasks.")}
    assert expected == named
    assert all(given[f"expectedTasks.{job}"].isdigit() for job in expected)
