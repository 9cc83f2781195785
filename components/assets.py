"""The package's own files, so that whoever uses a component need not know where they are."""

import json
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).parent.parent

VERSIONS: Mapping[str, str] = json.loads((_ROOT / "versions.json").read_text(encoding="utf-8"))
"""Name of a program -> the version of it that is deployed."""


def image_context(server: str) -> Path:
    """Folder that a server's image is built from."""
    return _ROOT / "docker" / server


def user_data_script(name: str) -> str:
    """Text of a script that hosts run at first boot."""
    return (_ROOT / "userdata" / f"{name}.sh").read_text(encoding="utf-8")
