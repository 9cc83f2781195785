"""Users' own templates: they take the place of the package's, by the name in `define`."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import assets
from components.alertmanager.configuration import INTEGRATIONS, Routing, configuration
from components.configuration import tools
from components.configuration.tree import all_files, text_of
from components.configuration.variables import fill_in, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVER = "alertmanager"

VARIABLES = {"GRAFANA_URL": "https://grafana.example.com"}
"""Variable -> a value, of those that templates may use. It is empty where there is no Grafana."""

_DEFINE = re.compile(r"\{\{-?\s*define\s+[\"`]([^\"`]*)[\"`]")


def amtool_on_path() -> Path | None:
    """Find amtool on PATH, in any version that can do something with the package's templates."""
    found = tools.on_path(SERVER)
    if found is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        try:
            _render({}, Path(scratch), found)
        except ValueError:
            return None
    return found


def check(folders: Sequence[Path], amtool: Path | None) -> None:
    """Check overlays of Alertmanager, all of them together.

    Args:
        folders: the overlays.
        amtool: the program. None: only what it is not needed for is checked.

    Raises:
        ValueError: with everything that is wrong.
    """
    own = {name: text_of(file) for name, file in all_files(SERVER, folders).items()}
    problems = [
        f"{name} {problem}"
        for name, text in own.items()
        for problem in unknown(text, VARIABLES, comments=True)
    ]
    problems += _lost_definitions(own)
    if problems:
        raise ValueError("; ".join(problems))
    if amtool:
        with tempfile.TemporaryDirectory() as scratch:
            _render(own, Path(scratch), amtool)


def _lost_definitions(own: Mapping[str, str]) -> Iterator[str]:
    """Say which definitions would not count: of two, it is that of the file that is read later."""
    package = {
        define: file.name
        for file in _package_files()
        for define in _DEFINE.findall(file.read_text(encoding="utf-8"))
    }
    for name, text in own.items():
        defines = _DEFINE.findall(text)
        if not defines:
            yield f'{name} defines no template: expected {{{{ define "text" }}}} ... {{{{ end }}}}'
        for define in defines:
            theirs = package.get(define, "")
            if Path(name).name < theirs:
                yield (
                    f"{name} is read before the package's {theirs}, whose {define!r} would count:"
                    f" give the file a name that comes later, such as z_{Path(name).name}"
                )


def _render(own: Mapping[str, str], scratch: Path, amtool: Path) -> None:
    """Let amtool write a notification with all the templates, as Alertmanager reads them.

    Raises:
        ValueError: it cannot; with its words.
    """
    texts = {file.name: file.read_text(encoding="utf-8") for file in _package_files()}
    texts |= {Path(name).name: text for name, text in own.items()}
    for name, text in texts.items():
        filled = fill_in(text, VARIABLES, comments=True)
        (scratch / name).write_text(filled, encoding="utf-8")
    whole = json.dumps(configuration(Routing(page_with=INTEGRATIONS)))
    used = sorted(set(re.findall(r'template \\"(\w+)\\"', whole)))
    everything = "".join(f'{{{{ template "{name}" . }}}}' for name in used)
    tools.run(
        *(amtool, "template", "render", "--template.glob=*.tmpl", f"--template.text={everything}"),
        folder=scratch,
    )


def _package_files() -> list[Path]:
    return sorted((assets.image_context(SERVER) / "templates").glob("*.tmpl"))
