"""Tests of a file of routes: a table of alerts, and who is to be told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from components.alertmanager.routes import as_words, receivers_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KEYS = {"labels", "receivers"}
_EXPECTED = "such as {labels: {team: shop, severity: warning}, receivers: [slack]}"


def read_table(text: str) -> list[dict[str, Any]]:
    """Read a table of alerts and check its form.

    Args:
        text: YAML, a list of entries with `labels`, an alert's, and `receivers`, all those that are
            to be told of it, in the order of their routes.

    Raises:
        ValueError: with all that is wrong, and what is expected.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from error
    if not isinstance(document, list) or not document:
        raise ValueError(f"expected a list of entries, {_EXPECTED}")
    problems = [
        f"entry {number} {problem}"
        for number, entry in enumerate(document, 1)
        for problem in _problems(entry)
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return document


def check_table(text: str, composed: Mapping[str, Any], amtool: Path) -> int:
    """Ask amtool who is told of the alerts of a table.

    Args:
        text: as of `read_table`.
        composed: a whole configuration, which amtool accepts.
        amtool: the program.

    Returns:
        How many alerts the table has.

    Raises:
        ValueError: with what is wrong with the table, or with all alerts that do not reach whom
            they should, a line each.
    """
    table = read_table(text)
    wrong = []
    for entry in table:
        labels, expected = entry["labels"], entry["receivers"]
        alert = f"{{{', '.join(as_words(labels))}}}"
        try:
            found = receivers_of(composed, labels, amtool)
        except ValueError as error:
            wrong.append(f"{alert}: {error}")
            continue
        if found != expected:
            wrong.append(f"{alert}: expected {', '.join(expected)}; found {', '.join(found)}")
    if wrong:
        lines = "".join(f"\n  {line}" for line in wrong)
        raise ValueError(
            f"{len(wrong)} of {len(table)} alerts do not reach whom they should:{lines}"
        )
    return len(table)


def _problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, Mapping) or set(entry) != _KEYS:
        keys = list(entry) if isinstance(entry, Mapping) else entry
        yield f"is {keys!r}: expected the keys labels and receivers, {_EXPECTED}"
        return
    labels, receivers = entry["labels"], entry["receivers"]
    if not isinstance(labels, Mapping) or not _texts(*labels, *labels.values()):
        yield f"has labels {labels!r}: expected names and texts; put numbers, true, no in quotes"
    if not isinstance(receivers, list) or not receivers or not _texts(*receivers):
        yield f"has receivers {receivers!r}: expected a list of names, such as [page]"


def _texts(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)
