"""Reading `Pulumi.<stack>.yaml` as Pulumi does."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import yaml


class StackFileError(ValueError):
    """A file is not what Pulumi takes for a stack's; the message says why."""


class _StackFile(yaml.SafeLoader):
    """Reads YAML as Pulumi does, to which words such as `yes` and `on` are text.

    What Pulumi makes something else of than was typed is refused: numbers such as `1_0` (10) and
    `010` (8), and dates (`2026-01-01 00:00:00 +0000 UTC`). Nor may a key be there twice: PyYAML
    takes the last one.
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


def _refuse(_loader: _StackFile, node: yaml.ScalarNode) -> NoReturn:
    problem = (
        f"Pulumi takes {node.value} for a number or a date; expected a number in decimal digits,"
        " such as 10, or quotes around text"
    )
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


_INT = r"-?(?:0|[1-9][0-9]*)"
_FLOAT = rf"{_INT}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_BASED = r"[-+]?0(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"
_LOOSE = r"[-+]?(?:[0-9][0-9_]*\.?|\.[0-9])[0-9_]*(?:[eE][-+]?[0-9]+)?"
_NO_NUMBER = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:.*)?"

_StackFile.yaml_implicit_resolvers = {
    first: [(tag, it) for tag, it in found if tag.rpartition(":")[2] in {"null", "merge", "value"}]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (  # the first one that matches counts
    ("tag:yaml.org,2002:bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", _INT, "-0123456789"),
    ("tag:yaml.org,2002:float", _FLOAT, "-0123456789"),
    ("!refused", f"{_BASED}|{_LOOSE}|{_NO_NUMBER}|{_DATE}", "-+.0123456789"),
):
    _StackFile.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))
_StackFile.add_constructor("!refused", _refuse)


def stack_file_config(file: Path) -> dict[str, Any]:
    """Return the configuration in a stack's file: key with its namespace -> value.

    Raises:
        StackFileError: it is not what Pulumi takes for one.
    """
    content = _read(file)
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


def project_config(file: Path) -> dict[str, Any]:
    """Return what `Pulumi.yaml` configures packages with: key with its namespace -> value.

    It counts where the stack's file says nothing else. A file that is not there says nothing.

    Raises:
        StackFileError: it cannot be read.
    """
    content = _read(file) if file.exists() else {}
    config = content.get("config") if isinstance(content, Mapping) else None
    return {
        str(key): entry["value"]
        for key, entry in (config.items() if isinstance(config, Mapping) else ())
        if isinstance(entry, Mapping) and "value" in entry
    }


def _read(file: Path) -> Any:  # noqa: ANN401 - any YAML
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _StackFile) or {}  # noqa: S506 - a safe one
        json.dumps(content, default=str)  # neither within itself, nor too deep or too large
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise StackFileError(f"{file} cannot be read: {error}") from None
    return content


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
