"""Build a product from its Go module."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sandbox.archives import UnavailableError
from sandbox.pages import embed_pages
from sandbox.products import BinaryError, Product, machine
from sandbox.steps import StepError, Steps


def build(product: Product, output: Path, say: Callable[[str], None]) -> None:
    """Build `product` from its Go module into `output`, with its web pages where that is possible.

    In a copy of the module beside `output`: with the module's own go.sum, and pages have room.

    Args:
        product: what to build.
        output: folder for the programs; what is beside it is left for the caller to remove.
        say: called with each line about progress.

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
    steps = Steps(label, output.parent, say)
    system, architecture = machine().split("-")
    environment = {"CGO_ENABLED": "0", "GOWORK": "off", "GOOS": system, "GOARCH": architecture}
    module = output.with_name("module")
    specification = f"github.com/{product.repository}@{product.module_version}"
    try:
        answer = steps.run(
            [go, "mod", "download", "-json", specification], output.parent, environment
        )
        _copy(_downloaded(answer), module)
        tags = [product.tags, embed_pages(product, module, steps)]
        flags = f"-s -w -X github.com/prometheus/common/version.Version={product.pinned}"
        options = ["-trimpath", "-tags", ",".join(filter(None, tags)), "-ldflags", flags]
        steps.run(
            [go, "build", *options, "-o", f"{output}/", *product.packages], module, environment
        )
    except StepError as error:
        raise BinaryError(f"{label} cannot be built: {error}") from error


def _downloaded(answer: str) -> Path:
    """Return the folder that `go mod download -json` tells, among lines about its progress."""
    found: dict[str, str] = json.JSONDecoder().raw_decode(answer, answer.index("{\n"))[0]
    return Path(found["Dir"])


def _copy(source: Path, target: Path) -> None:
    """Copy a folder, but not its modes: in the cache of Go modules everything is read-only."""
    for folder, _, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir()
        for file in files:
            shutil.copyfile(Path(folder, file), here / file)
