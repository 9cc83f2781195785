"""The servers' own tools, promtool and amtool: where they are, and what they say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMEOUT_S = 60.0

TOOLS = {"prometheus": "promtool", "alertmanager": "amtool"}
"""Server -> the tool that checks its files; Grafana has none."""


class RefusedError(ValueError):
    """A tool refuses something."""

    def __init__(self, tool: str, lines: Sequence[str]) -> None:
        """Take the tool's name and its words, which the message has in one line."""
        super().__init__(f"{tool} refuses it: {' '.join(lines) or 'it does not say why'}")
        self.lines = lines


def on_path(server: str) -> Path | None:
    """Find a server's tool, of any version, on PATH; None where there is none."""
    found = shutil.which(TOOLS[server]) if server in TOOLS else None
    return Path(found) if found else None


def run(tool: Path, *arguments: str, folder: Path) -> str:
    """Run a tool to its end and return what it prints.

    Args:
        tool: the program.
        arguments: its arguments.
        folder: where to run it; what it prints does not show it.

    Raises:
        RefusedError: it fails; with its words.
        ValueError: it cannot be run.
    """
    try:
        done = subprocess.run(
            [tool, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"{tool} cannot be run: {error}") from error
    if done.returncode:
        raise RefusedError(tool.name, list(_words(done.stderr or done.stdout, folder)))
    return done.stdout + done.stderr


def _words(output: str, folder: Path) -> Iterator[str]:
    for line in output.replace(f"{folder}/", "").splitlines():
        words = line.strip().removeprefix("FAILED:").strip()
        if words:
            yield words
