"""Reading `Pulumi.<stack>.yaml` as Pulumi does."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml


class StackFileError(ValueError):
    """A file is not what Pulumi takes for a stack's; the message says why."""


class _StackFile(yaml.SafeLoader):
    """Reads YAML as Pulumi does, to which dates and words such as `yes` and `on` are text.

    Nor may a key be there twice: PyYAML takes the last one.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - as in PyYAML
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return node


_StackFile.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":bool", ":timestamp"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StackFile.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def stack_file_config(file: Path) -> dict[str, Any]:
    """Return the configuration in a stack's file: key with its namespace -> value.

    Raises:
        StackFileError: it is not what Pulumi takes for one.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _StackFile) or {}  # noqa: S506 - a safe one
        json.dumps(content, default=str)  # neither within itself, nor too deep or too large
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise StackFileError(f"{file} cannot be read: {error}") from None
    config = (content.get("config") or {}) if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping) or any(":" in str(key) for key in content):
        raise StackFileError(f"{file}: expected `config:`, and below it all keys with a colon")
    for key in get_close_matches("config", map(str, content.keys() - {"config"})):
        raise StackFileError(f"{file}: {key} is unknown: did you mean config?")
    for key in config:
        if ":" not in str(key):
            expected = f"<name of the project>:{key}"
            raise StackFileError(f"{file}: {key} has no namespace: expected {expected}")
    return {str(key): value for key, value in config.items()}


def without_encrypted(value: Any) -> Any:  # noqa: ANN401 - any YAML
    """Leave out what only Pulumi can read."""
    if isinstance(value, Mapping):
        return {k: without_encrypted(item) for k, item in value.items() if not _encrypted(item)}
    if isinstance(value, list):
        return [without_encrypted(item) for item in value if not _encrypted(item)]
    return value


def _encrypted(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


def as_text(value: object) -> str:
    """Give a value of a stack's file as Pulumi hands it over; it takes nothing for empty text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)
