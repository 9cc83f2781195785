"""Users' own dashboards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components import assets
from components.configuration.tree import all_files, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SERVER = "grafana"


def check(folders: Sequence[Path]) -> None:
    """Check overlays of Grafana, all of them together.

    Args:
        folders: the overlays.

    Raises:
        ValueError: with everything that is wrong.
    """
    package = (assets.image_context(SERVER) / "dashboards").glob("*.json")
    taken: dict[tuple[str, str], str] = {}
    for file in package:
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        taken |= {(key, dashboard[key]): f"the package's {file.name}" for key in ("uid", "title")}
    problems = []
    for name, file in all_files(SERVER, folders).items():
        try:
            dashboard = json.loads(text_of(file))
        except (ValueError, RecursionError) as error:
            problems.append(f"{name} is no JSON: {error}")
            continue
        problems += [f"{name} {problem}" for problem in _problems(dashboard, taken, name)]
    if problems:
        raise ValueError("; ".join(problems))


def _problems(
    dashboard: Any,  # noqa: ANN401 - any JSON
    taken: dict[tuple[str, str], str],
    name: str,
) -> Iterator[str]:
    if not isinstance(dashboard, Mapping):
        yield "is no dashboard: expected an object in braces"
        return
    # Of two with the same, Grafana takes none, and nothing else of the folder that is new. Source:
    # grafana/grafana#127619
    for key in ("uid", "title"):
        value = dashboard.get(key)
        if not isinstance(value, str) or not value:
            yield f"has no {key}: expected a dashboard as the classic model has it, with a {key}"
        elif (key, value) in taken:
            yield f"has the {key} {value!r} of {taken[key, value]}: take another one"
        else:
            taken[key, value] = name
    if "__inputs" in dashboard:
        yield (
            "was exported to be shared with others, so Grafana would ask for its data source:"
            " export it without, or write the uid prometheus in place of ${DS_...}"
        )
