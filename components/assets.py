"""The package's own files, so that whoever uses a component need not know where they are."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent

VERSIONS: Mapping[str, str] = json.loads((_ROOT / "versions.json").read_text(encoding="utf-8"))
"""Name of a program -> the version of it that is deployed.

With `_image` after the name: which version's official image has which digest, as
`docker buildx imagetools inspect prom/prometheus:v<version>` tells (that of the index, so for every
architecture).
"""


def image_digest(server: str, version: str) -> str:
    """Digest of a server's official image; empty for a version whose digest is not pinned."""
    pinned, _, digest = VERSIONS.get(f"{server}_image", "").partition("@")
    return digest if pinned == version else ""


def runbooks(metadata: Mapping[str, Any]) -> str:
    """Where the runbooks are, without a slash at the end.

    Args:
        metadata: the project's, as in `pyproject.toml`. As long as it names no repository, the
            answer is a path: a made-up address could be somebody else's.
    """
    repository = metadata["project"].get("urls", {}).get("Repository")
    return f"{repository.rstrip('/')}/blob/main/{_RUNBOOKS}" if repository else _RUNBOOKS


_RUNBOOKS = "docs/runbooks"

RUNBOOKS = runbooks(tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8")))
"""Where the runbooks of this version are."""


def image_context(server: str) -> Path:
    """Folder that a server's image is built from."""
    return _ROOT / "docker" / server


def image_defaults(server: str) -> dict[str, str]:
    """Environment variables that the Dockerfile of a server's image sets (`ENV NAME=value ...`)."""
    text = (image_context(server) / "Dockerfile").read_text(encoding="utf-8")
    lines = text.replace("\\\n", " ").splitlines()
    words = [word for line in lines if line.startswith("ENV ") for word in line.split()[1:]]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def user_data_script(name: str) -> str:
    """Text of a script that hosts run at first boot."""
    return (_ROOT / "userdata" / f"{name}.sh").read_text(encoding="utf-8")
