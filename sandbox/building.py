"""Build a product from its Go modules."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.archives import UnavailableError
from sandbox.products import BinaryError, Product, machine

_PROGRESS_INTERVAL_S = 15.0  # between two lines while Go builds
_OUTPUT_LINES = 15  # of a failed command, repeated in the error


def build(product: Product, output: Path, say: Callable[[str], None]) -> None:
    """Build `product` from its Go module, inside a module of our own, into `output`.

    Raises:
        UnavailableError: it cannot be built here.
        BinaryError: the build fails.
    """
    label = f"{product.name} {product.pinned}"
    go = shutil.which("go")
    if not product.packages:
        raise UnavailableError("it cannot be built here")
    if go is None:
        raise UnavailableError("there is no `go` on PATH to build it with")
    say(f"{label}: building it from its Go module instead, which takes minutes")
    module = output.with_name("module")
    module.mkdir()
    wanted = [f"{package}@{product.module_version}" for package in product.packages]
    flags = f"-s -w -X github.com/prometheus/common/version.Version={product.pinned}"
    options = ["-trimpath", "-tags", product.tags, "-ldflags", flags, "-o", f"{output}/"]
    _run_go([go, "mod", "init", "build"], module, label, say)
    # The packages, not just their module: `go get` of a module alone records no checksums for
    # what its commands import, and `go build` then refuses.
    _run_go([go, "get", *wanted], module, label, say)
    _run_go([go, "build", *options, *product.packages], module, label, say)


def _run_go(command: list[str], module: Path, label: str, say: Callable[[str], None]) -> None:
    """Run one `go` command, telling now and then that it still runs."""
    started = time.monotonic()
    system, architecture = machine().split("-")
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
                    process.wait(timeout=_PROGRESS_INTERVAL_S)
                except subprocess.TimeoutExpired:
                    say(f"{label}: go {command[1]} ... {time.monotonic() - started:.0f} s")
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
