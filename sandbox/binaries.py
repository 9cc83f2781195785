"""Find or install the binaries that the sandbox starts: see `sandbox.products`.

`python -m sandbox.binaries` installs those that are pinned in versions.json, and prints where they
are.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from excepthook import INTERRUPTED
from sandbox.archives import UnavailableError, checksums, extract, fetch, verify
from sandbox.building import build
from sandbox.products import PRODUCTS, BinaryError, Product, machine, version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RELEASES_URL = "https://github.com/{repository}/releases/download/v{version}"
"""Where the official releases are, with their checksums beside them."""

MIRROR = "PROMETHEUS_AWS_MIRROR"
"""Environment variable: a folder or URL of archives, for machines without the internet."""

_VERSION_TIMEOUT_S = 30.0  # that `--version` may take

_WITHOUT_PAGES = "without-pages"
"""File beside a program of the cache that has no web pages: what `node --version` said then."""

_PRODUCT_OF = {binary: product for product in PRODUCTS for binary in product.binaries}


ALWAYS = ("prometheus", "promtool", "node_exporter")
"""Those that a sandbox cannot do without."""


def ensure(
    names: Sequence[str] = ALWAYS,
) -> dict[str, Path]:
    """Return the path of each binary, installing those that are missing.

    In this order: on PATH; in the cache (`$PROMETHEUS_AWS_CACHE`, else
    `$XDG_CACHE_HOME/prometheus-aws`, else `~/.cache/prometheus-aws`); an archive of the mirror
    (`$PROMETHEUS_AWS_MIRROR`); the official release, verified by its checksums; a build from Go
    modules. The last three go to the cache, and tell on stderr what they do. All at exactly the
    pinned version, except that a product with a `minimum` may be newer or older on PATH, in the
    cache and in the mirror. What is in the cache without the web pages that it could have is
    installed once more, and again when there is another Node.js to build them with. Several
    processes may call this at once.

    Args:
        names: Binaries of `PRODUCTS`. Default: `ALWAYS`.

    Returns:
        Name to absolute path, in the order of `names`.

    Raises:
        ValueError: A name is not one of a product.
        BinaryError: An archive does not match its checksum; or none can be had and the build is
            impossible or fails.
    """
    unknown = [name for name in names if name not in _PRODUCT_OF]
    if unknown:
        raise ValueError(f"unknown binaries {unknown}: expected some of {list(_PRODUCT_OF)}")
    return {
        name: _on_path(name, _PRODUCT_OF[name]) or _cached(_PRODUCT_OF[name]) / name
        for name in names
    }


def _on_path(name: str, product: Product) -> Path | None:
    path = shutil.which(name)
    if path is None or not product.accepts(_version_of(Path(path))):
        return None
    return Path(path).absolute()


def _version_of(binary: Path) -> str | None:
    """Return the version that a program reports ("prometheus, version 3.15.0 (...", "v3.272.0")."""
    match = re.search(r"(?:version v?|^v?)(\d+\.\S*)", _report_of(binary), re.MULTILINE)
    return match[1] if match else None


def _report_of(program: str | Path) -> str:
    """Return the answer to `--version`; an empty one of what is not there, or fails."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if answer.returncode else answer.stdout.decode(errors="replace")


def cache_directory() -> Path:
    """Return where the binaries are kept, for all checkouts.

    `$PROMETHEUS_AWS_CACHE`, else `prometheus-aws` below `$XDG_CACHE_HOME` or `~/.cache`.
    """
    if own := os.environ.get("PROMETHEUS_AWS_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "prometheus-aws"


def _cached(product: Product) -> Path:
    cache = cache_directory()
    found = _in_cache(product, cache)
    if found and not _may_get_pages(product, found):
        return found
    try:
        return _install_alone(product, cache)
    except BinaryError as error:
        if found is None:
            raise
        _say(f"{error}\n{product.name}: going on with that of {found}, which has no web pages")
        with contextlib.suppress(OSError):
            _note_pages(product, found)
        return found


def _install_alone(product: Product, cache: Path) -> Path:
    """Install `product`, unless another process does it meanwhile."""
    directory = _directory(product, cache, product.pinned)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(directory, product):
            found = _in_cache(product, cache)
            if found and not _may_get_pages(product, found):
                return found
            with _emptied(directory.with_name(f"{directory.name}.build")) as temporary:
                return _install(product, temporary, cache)
    except OSError as error:
        raise BinaryError(
            f"cannot install {product.name} {product.pinned} in the cache {cache} ({error}): set "
            "PROMETHEUS_AWS_CACHE to a directory with enough room that this user can write to"
        ) from error


def _directory(product: Product, cache: Path, version: str) -> Path:
    return cache / f"{product.name}-{version}.{machine()}"


def _in_cache(product: Product, cache: Path) -> Path | None:
    """Return the directory of the pinned version, else of the newest that will do, if any."""
    pattern = _directory(product, Path(), "*").name
    before, after = map(len, pattern.split("*"))
    versions = {path.name[before:-after]: path for path in cache.glob(pattern)}
    fitting = [
        version
        for version, path in versions.items()
        if product.accepts(version)
        and all(os.access(path / name, os.X_OK) for name in product.files)
    ]
    if product.pinned in fitting:
        return versions[product.pinned]
    return versions[max(fitting, key=version_key)] if fitting else None


def _may_get_pages(product: Product, directory: Path) -> bool:
    """Tell whether another installation may bring the web pages that a cached product lacks."""
    note = directory / _WITHOUT_PAGES
    if note.exists():
        return note.read_text(encoding="utf-8") != _report_of("node")
    return not _has_pages(product, directory)


def _has_pages(product: Product, directory: Path) -> bool:
    """Tell whether a product has all the web pages that it could have."""
    if not product.pages and not product.no_pages:
        return True
    report = _report_of(directory / product.binaries[0])
    return product.no_pages not in report if product.no_pages else product.pages in report


def _note_pages(product: Product, directory: Path) -> None:
    """Note which Node.js could not build the pages, if they are missing: another one may."""
    note = directory / _WITHOUT_PAGES
    if _has_pages(product, directory):
        note.unlink(missing_ok=True)
    else:
        note.write_text(_report_of("node"), encoding="utf-8")


@contextlib.contextmanager
def _emptied(directory: Path) -> Iterator[Path]:
    """Make a directory, in place of one that a killed process left; remove it at the end."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        yield directory
    except KeyboardInterrupt:
        _say("interrupted: removing what has been built so far, which may take some seconds")
        raise
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def _lock(directory: Path, product: Product) -> Iterator[None]:
    with directory.with_name(f"{directory.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{product.name}: another process is installing it; waiting for that")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(product: Product, temporary: Path, cache: Path) -> Path:
    """Get `product` from the first source that has it, check it, and move it to the cache."""
    label = f"{product.name} {product.pinned}"
    output = temporary / "bin"
    output.mkdir()
    problems: list[str] = []
    sources: list[Callable[[Product, Path], None]] = [
        _from_release,
        functools.partial(build, say=_say),
    ]
    if os.environ.get(MIRROR):
        sources.insert(0, _from_mirror)
    for source in sources:
        try:
            source(product, output)
        except UnavailableError as error:
            _say(f"{label}: {error}")
            problems.append(str(error))
            continue
        break
    else:
        raise BinaryError(
            f"{label} cannot be installed: {', and '.join(problems)}: make the download reachable, "
            f"set {MIRROR} to a folder or URL that has it, or put "
            f"{' and '.join(product.binaries)} {product.pinned} on PATH"
        )
    version = _check_version(product, output, exactly=source is not _from_mirror)
    directory = _directory(product, cache, version)
    directory.mkdir(exist_ok=True)
    for name in product.files:
        (output / name).replace(directory / name)
    _note_pages(product, directory)
    _say(f"{product.name} {version}: installed in {directory}")
    return directory


def _check_version(product: Product, output: Path, *, exactly: bool) -> str:
    reported = ""
    for name in product.binaries:
        untold = "none" if exactly or product.stamped else product.pinned
        reported = _version_of(output / name) or untold
        if reported != product.pinned and (exactly or not product.accepts(reported)):
            newer = product.minimum and not exactly and f", or {product.minimum} and newer"
            raise BinaryError(
                f"the new {name} reports version {reported!r}: expected"
                f" {product.pinned!r}{newer or ''}; nothing was installed"
            )
    return reported


def _from_mirror(product: Product, output: Path) -> None:
    """Take it from the user's mirror; it is trusted where it has no checksums."""
    mirror = os.environ[MIRROR]
    base = mirror.rstrip("/") if "://" in mirror else Path(mirror).absolute().as_uri()
    archive = product.archive_name
    try:
        content = fetch(base, archive)
        with contextlib.suppress(UnavailableError):
            verify(archive, content, checksums(base, product), base)
    except UnavailableError as error:
        archive = f"{product.name}-{machine()}.tar.xz"
        try:
            content = fetch(base, archive)
        except UnavailableError as other:
            raise UnavailableError(f"{error}, {other}") from other
    extract(archive, content, product, output)


def _from_release(product: Product, output: Path) -> None:
    base = RELEASES_URL.format(repository=product.repository, version=product.pinned)
    archive = product.archive_name
    _say(f"{product.name} {product.pinned}: downloading the release")
    content = fetch(base, archive)
    verify(archive, content, checksums(base, product), base)
    extract(archive, content, product, output)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Install all the binaries and print their paths; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        found = ensure()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BinaryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, path in found.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
