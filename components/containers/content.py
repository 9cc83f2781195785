"""What decides which image is built from a folder."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

DOCKERFILE = "Dockerfile"


def shipped_files(context: Path, dockerfile: str = DOCKERFILE) -> list[str]:
    """Files that decide what an image is: the Dockerfile, and what `.dockerignore` lets through.

    A Dockerfile's own, such as `live.Dockerfile.dockerignore`, counts in the place of that.
    Sources: https://docs.docker.com/build/concepts/context/#filename-and-location;
    `getIgnorePatterns` of Pulumi's Docker provider.

    Args:
        context: folder that the image is built from.
        dockerfile: name of the file in it that says how.

    Returns:
        Paths below the folder, sorted.
    """
    # Only here: it takes as long to load as checking a stack's settings does.
    from docker.utils.build import exclude_paths  # noqa: PLC0415

    own = context / f"{dockerfile}.dockerignore"
    ignore = own if own.is_file() else context / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    kept = exclude_paths(str(context), [p for p in patterns if p and not p.startswith("#")])
    names = (Path(name).as_posix() for name in kept)
    return sorted(n for n in names if not n.endswith(".dockerignore") and (context / n).is_file())


def digest(context: Path, base: str = "", dockerfile: str = DOCKERFILE) -> str:
    """Name what an image holds.

    What `.dockerignore` keeps away (a `.DS_Store`, an editor's swap file) is not in the image, and
    of a file's mode only whether it is executable counts: the rest is the user's umask.

    Args:
        context: folder that the image is built from.
        base: whatever else decides what the image is.
        dockerfile: name of the file in the folder that says how the image is built.

    Returns:
        12 hexadecimal digits over the base and every file's path, mode and content.
    """
    found = hashlib.sha256(base.encode())
    for name in shipped_files(context, dockerfile):
        file = context / name
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        found.update(f"{name} {is_executable(file)} {content}\n".encode())
    return found.hexdigest()[:12]


def is_executable(file: Path) -> bool:
    """Whether its owner may execute a file."""
    return bool(file.stat().st_mode & stat.S_IXUSR)
