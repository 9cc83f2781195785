"""Files that tests lay over the package's, and the tools that look at them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.binaries import ensure

if TYPE_CHECKING:
    from pathlib import Path


def tool(name: str) -> Path:
    """Return a pinned tool of a server."""
    return ensure([name])[name]


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def alert(**more: Any) -> str:  # noqa: ANN401
    return json.dumps({"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up", **more}]}]})
