"""A server's files: the package's, with a user's own laid over them.

A user's folder (an overlay) looks like the package's own, `docker/<server>`, and has only files
that the server reads, under names of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pulumi

from components import assets
from components.containers.content import digest, is_executable, shipped_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

READ = {
    "prometheus": ("rules.d/*.yml", "scrape.d/*.yml"),
    "alertmanager": ("templates/*.tmpl",),
    "grafana": ("dashboards/*.json",),
}
"""Server -> the files of an overlay that it reads, as in `docker/<server>/.dockerignore`."""

TESTS = {"prometheus": ("tests/*.yml",)}
"""Server -> files of an overlay that are for `make check`, and never reach the server."""

BUILD = ".build"
"""Folder of the project that trees are put together in; git does not see it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def every_overlay(overlays: Sequence[str], overlay: str) -> list[Path]:
    """Return the folders of the arguments of these names, the user's own first."""
    return [Path(it) for it in (overlay, *overlays) if it]


def merged(server: str, *overlays: Path) -> Path:
    """Return a folder with all of a server's files, which its image can be built from.

    Args:
        server: `prometheus`, `alertmanager` or `grafana`.
        overlays: users' own folders.

    Returns:
        Without an overlay, the package's own folder. With some, a folder below the project's
        (`BUILD`) whose name says what is in it: it is the same on every machine, and two stacks
        that are deployed from one checkout at a time do not disturb each other.

    Raises:
        ValueError: an overlay is not legal, see `all_files`.
        pulumi.RunError: the folder cannot be written.
    """
    package = assets.image_context(server)
    if not overlays:
        return package
    names = [".dockerignore", *shipped_files(package)]
    files = {name: package / name for name in names}
    own = all_files(server, overlays)
    build = Path.cwd() / BUILD
    try:
        build.mkdir(exist_ok=True)
        (build / ".gitignore").write_text("*\n", encoding="utf-8")
        with tempfile.TemporaryDirectory(dir=build, prefix=".") as scratch:
            draft = Path(scratch, server)
            for name, source in {**files, **own}.items():
                # A user's file is never a program, whatever its mode says.
                _copy(source, draft / name, executable=name in files and is_executable(source))
            for folder in [draft, *(path for path in draft.rglob("*") if path.is_dir())]:
                folder.chmod(0o755)  # whatever the umask is
            return _moved(draft, build / f"{server}-{digest(draft)}")
    except OSError as error:
        message = f"{build}: the files of {server} cannot be put together there: {error}"
        raise pulumi.RunError(message) from error


def all_files(server: str, overlays: Sequence[Path]) -> dict[str, Path]:
    """Return those files of several overlays that the server reads, as `overlay_files` does.

    Raises:
        ValueError: with everything that is wrong with a folder, or between two.
    """
    return _together(overlays, lambda overlay: overlay_files(server, overlay))


def all_rule_tests(server: str, overlays: Sequence[Path]) -> dict[str, Path]:
    """Return several overlays' rule tests, as `all_files` returns what is tested."""
    return _together(overlays, lambda overlay: rule_tests(server, overlay))


def overlay_files(server: str, overlay: Path) -> dict[str, Path]:
    """Return those files of an overlay that the server reads.

    Files whose name begins with a dot or README, or ends with `~`, are passed over.

    Args:
        server: as of `merged`.
        overlay: the user's own folder.

    Returns:
        Path below the folder -> file, sorted.

    Raises:
        ValueError: with everything that is wrong with the folder.
    """
    return _chosen(server, overlay, READ[server])


def rule_tests(server: str, overlay: Path) -> dict[str, Path]:
    """Return an overlay's rule tests, as `overlay_files` returns what is tested."""
    return _chosen(server, overlay, TESTS.get(server, ()))


def text_of(file: Path) -> str:
    """Read a user's file.

    Raises:
        ValueError: it is no file, cannot be read, or is no text.
    """
    if not os.path.isfile(file):  # noqa: PTH113 - that of a Path may raise
        raise ValueError("is no file")
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8") from None
    if "\0" in text:
        raise ValueError("is no text: it holds a NUL")
    return text


def _together(
    overlays: Sequence[Path], files_of: Callable[[Path], Mapping[str, Path]]
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    problems = []
    for overlay in overlays:
        try:
            files = files_of(overlay)
        except ValueError as error:
            problems.append(f"{overlay}: {error}" if len(overlays) > 1 else str(error))
            continue
        # On a file system that ignores case, one of the two would be lost.
        taken = {name.casefold(): file for name, file in found.items()}
        for name, file in files.items():
            if other := taken.get(name.casefold()):
                problems.append(f"{file} clashes with {other}: expected another name for one")
            found[name] = file
    if problems:
        raise ValueError("; ".join(problems))
    return found


def _chosen(server: str, overlay: Path, patterns: Sequence[str]) -> dict[str, Path]:
    if not os.path.isdir(overlay):  # noqa: PTH112 - that of a Path may raise
        raise ValueError("there is no such folder; expected a path from the project's folder")
    legal = (*READ[server], *TESTS.get(server, ()))
    listing = f"expected {', '.join(legal)}"
    problems: list[str] = []
    foreign = []
    found = {}
    for name, file in sorted(_files(overlay, problems)):
        if not any(_matches(name, pattern) for pattern in legal):
            foreign.append(name)
            continue
        try:
            _check(server, overlay, name, file)
        except ValueError as problem:
            problems.append(f"{name} {problem}")
        found[name] = file
    if foreign:
        problems.append(f"{server} does not read {', '.join(foreign)}: {listing}")
    elif not any(_matches(name, pattern) for name in found for pattern in READ[server]):
        problems.append(f"it holds nothing that {server} reads: {listing}")
    if problems:
        raise ValueError("; ".join(dict.fromkeys(problems)))
    return {n: file for n, file in found.items() if any(_matches(n, p) for p in patterns)}


def _files(overlay: Path, problems: list[str]) -> Iterator[tuple[str, Path]]:
    """Walk through the folder: path below it, file. Links are not followed, so they are files."""

    def unreadable(error: OSError) -> None:
        where = Path(error.filename).relative_to(overlay).as_posix()
        problems.append(f"the folder {where} cannot be read: {error.strerror}")

    for folder, folders, names in os.walk(overlay, onerror=unreadable):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [*names, *links]:
            if not name.startswith((".", "README")) and not name.endswith("~"):
                file = Path(folder, name)
                yield file.relative_to(overlay).as_posix(), file


def _matches(name: str, pattern: str) -> bool:
    folder, _, ending = pattern.partition("/*")
    path = PurePosixPath(name)
    return str(path.parent) == folder and path.name.endswith(ending)


def _check(server: str, overlay: Path, name: str, file: Path) -> None:
    if not _NAME.fullmatch(file.name):
        raise ValueError("has a name that is not legal: expected letters, digits and . _ - only")
    # Path.resolve() raises where links lead in a circle.
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(overlay)):
        raise ValueError("leads out of the folder: expected a file, or a link inside the folder")
    text_of(file)
    of_package = assets.image_context(server) / PurePosixPath(name).parent
    same = [f.name for f in of_package.glob("*") if f.name.casefold() == file.name.casefold()]
    if same:  # on a file system that ignores case, one of them would be lost
        raise ValueError(f"clashes with the package's own {same[0]}: expected another name")


def _copy(source: Path, target: Path, *, executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if executable else 0o644)


def _moved(draft: Path, folder: Path) -> Path:
    """Put a tree in its place, unless it is there already."""
    wanted = digest(draft)
    if folder.is_dir() and digest(folder) == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)  # somebody has changed something in it
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir() or digest(folder) != wanted:
            raise  # otherwise another deployment was quicker
    return folder
