"""Find or install the pinned prometheus, promtool and node_exporter.

`versions.json` says which versions. `python -m sandbox.binaries` installs all of them and prints
where they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RELEASES_URL = "https://github.com/prometheus/{product}/releases/download/v{version}"
"""Where the official releases are, with their `sha256sums.txt` beside them."""

VERSIONS_FILE = Path(__file__).resolve().parent.parent / "versions.json"

_NETWORK_TIMEOUT = 10.0  # seconds to connect, and between two pieces of the answer
_VERSION_TIMEOUT = 30.0  # seconds that `--version` may take
_PROGRESS_INTERVAL = 15.0  # seconds between two lines while Go builds
_CHUNK = 1 << 20  # bytes
_OUTPUT_LINES = 15  # of a failed command, repeated in the error
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class BinaryError(Exception):
    """A pinned binary can neither be found nor installed; the message says what to do."""


@dataclass(frozen=True)
class _Product:
    """What is released as one tarball."""

    name: str
    packages: dict[str, str]
    """The Go package of each binary."""
    tags: str = ""
    """Go build tags."""

    def module_version(self, version: str) -> str:
        """Return the Go module's version: Prometheus numbers 3.15.0 as v0.315.0."""
        if self.name != "prometheus":
            return f"v{version}"
        major, minor, patch = version.split(".")
        return f"v0.{major}{int(minor):02}.{patch}"


_PRODUCTS = (
    _Product(
        "prometheus",
        {
            name: f"github.com/prometheus/prometheus/cmd/{name}"
            for name in ("prometheus", "promtool")
        },
        # Of the service discoveries only those that we use: a much shorter build.
        tags="remove_all_sd,enable_aws_sd,enable_dns_sd",
    ),
    _Product("node_exporter", {"node_exporter": "github.com/prometheus/node_exporter"}),
)
_PRODUCT_OF = {binary: product for product in _PRODUCTS for binary in product.packages}


def ensure(
    names: Sequence[str] = ("prometheus", "promtool", "node_exporter"),
) -> dict[str, Path]:
    """Return the path of each binary at its pinned version, installing those that are missing.

    In this order: on PATH at exactly the pinned version; in the cache (`$PROMETHEUS_AWS_CACHE`,
    else `$XDG_CACHE_HOME/prometheus-aws`, else `~/.cache/prometheus-aws`); the official release,
    verified by its `sha256sums.txt`; a build from Go modules. The last two go to the cache, and
    tell on stderr what they do. Several processes may call this at once.

    Args:
        names: Any of `prometheus`, `promtool`, `node_exporter`. Default: all three.

    Returns:
        Name to absolute path, in the order of `names`.

    Raises:
        ValueError: A name is not one of the three.
        BinaryError: The download does not match its checksum; or the release cannot be
            downloaded and the build is impossible or fails.
    """
    unknown = [name for name in names if name not in _PRODUCT_OF]
    if unknown:
        raise ValueError(f"unknown binaries {unknown}: expected some of {list(_PRODUCT_OF)}")
    versions: dict[str, str] = json.loads(VERSIONS_FILE.read_text(encoding="utf-8"))
    found: dict[str, Path] = {}
    for name in names:
        product = _PRODUCT_OF[name]
        version = versions[product.name]
        found[name] = _on_path(name, version) or _cached(product, version) / name
    return found


def _on_path(name: str, version: str) -> Path | None:
    path = shutil.which(name)
    if path is None or _version_of(Path(path)) != version:
        return None
    return Path(path).absolute()


def _version_of(binary: Path) -> str | None:
    """Return what `--version` reports ("prometheus, version 3.15.0 (branch: ..."), or None."""
    try:
        answer = subprocess.run(
            [binary, "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(rb"version (\d\S*)", answer.stdout)
    return match[1].decode() if match else None


def _cached(product: _Product, version: str) -> Path:
    """Return the cache's directory with all binaries of `product`, installing what is missing."""
    cache = cache_directory()
    directory = cache / f"{product.name}-{version}.{_platform()}"
    if _is_complete(directory, product):
        return directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (
            _lock(directory.with_name(f"{directory.name}.lock"), product),
            tempfile.TemporaryDirectory(dir=cache, prefix=f"{directory.name}.") as temporary,
        ):
            if not _is_complete(directory, product):  # else another process has just done it
                _install(product, version, Path(temporary), directory)
    except OSError as error:
        raise BinaryError(
            f"cannot install {product.name} {version} in the cache {cache} ({error}): set "
            "PROMETHEUS_AWS_CACHE to a directory with enough room that this user can write to"
        ) from error
    return directory


def cache_directory() -> Path:
    """Return where this project keeps things outside the work tree.

    `$PROMETHEUS_AWS_CACHE`, else `prometheus-aws` below `$XDG_CACHE_HOME` or `~/.cache`.
    """
    if own := os.environ.get("PROMETHEUS_AWS_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "prometheus-aws"


def _platform() -> str:
    """Return this machine as releases name it, such as `linux-amd64`."""
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise BinaryError(
            f"no pinned binaries for the architecture {machine!r}: expected one of "
            f"{sorted(_ARCHITECTURES)}: put prometheus, promtool and node_exporter at the versions "
            f"of {VERSIONS_FILE.name} on PATH"
        )
    return f"{platform.system().lower()}-{_ARCHITECTURES[machine]}"


def _is_complete(directory: Path, product: _Product) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in product.packages)


@contextlib.contextmanager
def _lock(path: Path, product: _Product) -> Iterator[None]:
    """Hold the file lock `path`, so that one process at a time installs `product`."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{product.name}: another process is installing it; waiting for that")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(product: _Product, version: str, temporary: Path, directory: Path) -> None:
    """Download or build `product` in `temporary`, check it, and move it to `directory`."""
    output = temporary / "bin"
    output.mkdir()
    archive = f"{product.name}-{version}.{_platform()}.tar.gz"
    base = RELEASES_URL.format(product=product.name, version=version)
    problem = None
    _say(f"{product.name} {version}: downloading the release")
    try:
        sums = b"".join(_download(f"{base}/sha256sums.txt")).decode()
        digest = _save(f"{base}/{archive}", temporary / archive)
    except (OSError, http.client.HTTPException) as error:
        problem = f"cannot download {base}/{archive} ({error})"
    if problem is None:
        _verify(archive, digest, sums, base)
        _extract(temporary / archive, product, output)
    else:
        _say(f"{product.name} {version}: {problem}")
        _build(product, version, output, problem)
    for name in product.packages:
        reported = _version_of(output / name)
        if reported != version:
            raise BinaryError(
                f"the new {name} reports version {reported!r}: expected {version!r}, as "
                f"{VERSIONS_FILE.name} says; nothing was installed"
            )
    for name in product.packages:
        (output / name).replace(directory / name)
    _say(f"{product.name} {version}: installed in {directory}")


def _download(url: str) -> Iterator[bytes]:
    with urllib.request.urlopen(url, timeout=_NETWORK_TIMEOUT) as response:  # noqa: S310  RELEASES_URL is ours
        while piece := response.read(_CHUNK):
            yield piece


def _save(url: str, path: Path) -> str:
    """Download `url` to `path` and return its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in _download(url):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _verify(archive: str, digest: str, sums: str, base: str) -> None:
    """Raise BinaryError unless `sums`, lines of "digest  file", has `digest` for `archive`."""
    fields = [line.split() for line in sums.splitlines()]
    expected = [field[0] for field in fields if len(field) == 2 and field[1] == archive]  # noqa: PLR2004  two columns
    if expected != [digest]:
        raise BinaryError(
            f"{base}/{archive} has the SHA-256 {digest}, and sha256sums.txt beside it says "
            f"{' and '.join(expected) or 'nothing about this file'}: nothing was installed. The "
            "download is damaged or not the original: try again, and if it stays, do not use it"
        )


def _extract(archive: Path, product: _Product, output: Path) -> None:
    """Write the binaries of `product`, and nothing else of the tarball, to `output`."""
    top = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as tar:
        for name in product.packages:
            source = tar.extractfile(f"{top}/{name}")
            if source is None:
                raise BinaryError(f"{archive.name}: {top}/{name} is not a regular file")
            with source, (output / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            (output / name).chmod(0o755)


def _build(product: _Product, version: str, output: Path, problem: str) -> None:
    """Build `product` from its Go module, inside a module of our own, into `output`."""
    label = f"{product.name} {version}"
    go = shutil.which("go")
    if go is None:
        raise BinaryError(
            f"{label} cannot be installed: {problem}, and there is no `go` on PATH to build it "
            "with: make the download reachable, install Go, or put "
            f"{' and '.join(product.packages)} {version} on PATH"
        )
    _say(f"{label}: building it from its Go module instead, which takes minutes")
    module = output.with_name("module")
    module.mkdir()
    packages = product.packages.values()
    wanted = [f"{package}@{product.module_version(version)}" for package in packages]
    flags = f"-s -w -X github.com/prometheus/common/version.Version={version}"
    options = ["-trimpath", "-tags", product.tags, "-ldflags", flags, "-o", f"{output}/"]
    _run_go([go, "mod", "init", "build"], module, label)
    # The packages, not just their module: `go get` of a module alone records no checksums for
    # what its commands import, and `go build` then refuses.
    _run_go([go, "get", *wanted], module, label)
    _run_go([go, "build", *options, *packages], module, label)


def _run_go(command: list[str], module: Path, label: str) -> None:
    """Run one `go` command, telling now and then that it still runs."""
    started = time.monotonic()
    system, architecture = _platform().split("-")
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOOS": system,
        "GOARCH": architecture,
    }
    log = module.with_name("go.log")
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=module, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            while process.poll() is None:
                try:
                    process.wait(timeout=_PROGRESS_INTERVAL)
                except subprocess.TimeoutExpired:
                    _say(f"{label}: go {command[1]} ... {time.monotonic() - started:.0f} s")
        except BaseException:
            process.send_signal(signal.SIGINT)  # go stops its compilers and cleans up
            raise
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(lines[-_OUTPUT_LINES:])
        raise BinaryError(
            f"{label} cannot be built: `{' '.join(command[:2])}` ended with {process.returncode}:\n"
            f"{tail}"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Install all the binaries and print their paths; return the exit code."""
    try:
        found = ensure()
    except BinaryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, path in found.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
