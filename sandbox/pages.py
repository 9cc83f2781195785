"""Build the web pages of a product with Node.js."""

import gzip
import os
import shutil
from pathlib import Path

from sandbox.archives import UnavailableError
from sandbox.products import Product, pinned
from sandbox.steps import StepError, Steps

MINIMUM_NODE = "20.19"
"""Source: `engines` of Vite 8, which builds the pages."""

_ENVIRONMENT = {
    "NODE_ENV": "",  # `production` would leave out the tools of the build
    "NO_COLOR": "1",
    "npm_config_fetch_retries": "1",  # without a network, do not wait for minutes
    "npm_config_fetch_timeout": "30000",
    "npm_config_update_notifier": "false",
}

_NPM_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts")

_PLAIN_PAGE = """<!doctype html>
<title>Alertmanager</title>
<p>This Alertmanager was built without its web pages, which need Node.js. It works:
<a href="api/v2/alerts">alerts</a>, <a href="api/v2/silences">silences</a>,
<a href="api/v2/status">status</a>, and everything with amtool.
"""


def embed_pages(product: Product, module: Path, steps: Steps) -> str:
    """Build the web pages in a copy of a product's Go module, where that is possible.

    All that is downloaded goes to the folder of the build, except that npm has its usual cache. No
    package runs a script when it is installed. Checksums: npm has those of all packages from the
    module's own lock file, or that of pnpm from the registry, and pnpm those of the lock file.

    Returns:
        The Go build tag that tells whether the pages are there, or nothing where there is none.
    """
    builders = {"prometheus": _prometheus, "alertmanager": _alertmanager}
    if product.name not in builders:
        return ""
    try:
        builders[product.name](module, steps)
    except (UnavailableError, StepError) as error:
        steps.say(f"{steps.label}: built without its web pages: {error}")
        return product.no_pages
    return product.pages


def _npm(steps: Steps) -> str:
    """Return npm's path.

    Raises:
        UnavailableError: there is no Node.js; the message says what to do.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(
            "there is no `npm` on PATH. Once there is Node.js "
            f"{MINIMUM_NODE} or newer with npm, the next start builds them"
        )
    steps.say(f"{steps.label}: building its web pages with Node.js first, up to a minute")
    return npm


def _prometheus(module: Path, steps: Steps) -> None:
    """Build the pages as the release does, and write the code that embeds them."""
    npm = _npm(steps)
    tools = str(steps.folder / "tools")
    package = f"pnpm@{pinned('pnpm')}"
    options = ["--prefix", tools, *_NPM_OPTIONS]
    steps.run([npm, "install", *options, package], steps.folder, _ENVIRONMENT)
    pnpm = Path(tools, "node_modules/.bin/pnpm")
    path = os.environ.get("PATH", os.defpath)  # the scripts call pnpm, too
    environment = {**_ENVIRONMENT, "PATH": f"{pnpm.parent}{os.pathsep}{path}"}
    pages = module / "web/ui"
    store = f"--store-dir={steps.folder / 'packages'}"
    steps.run([pnpm, "install", "--frozen-lockfile", "--ignore-scripts", store], pages, environment)
    steps.run([pnpm, "run", "build:mantine-ui"], pages, environment)
    steps.run(["bash", "scripts/compress_assets.sh"], module, environment)


def _alertmanager(module: Path, steps: Steps) -> None:
    """Build the new pages: those of the release want a compiler of Elm, which npm does not have."""
    embedded = module / "ui/app/dist"
    embedded.mkdir()
    _embed(embedded / "index.html", _PLAIN_PAGE.encode())  # without any file Go does not build it
    npm = _npm(steps)
    pages = module / "ui/mantine-ui"
    steps.run([npm, "ci", "--prefix", str(pages), *_NPM_OPTIONS], pages, _ENVIRONMENT)
    steps.run([pages / "node_modules/.bin/vite", "build"], pages, _ENVIRONMENT)
    built = pages / "dist"
    for file in built.rglob("*"):
        if file.is_file():
            _embed(embedded / file.relative_to(built), file.read_bytes())


def _embed(file: Path, content: bytes) -> None:
    """Write a file as Alertmanager's ui/web.go looks for it: with .br where browsers take that."""
    file.parent.mkdir(exist_ok=True)
    file.with_name(f"{file.name}.br").write_bytes(stored_as_brotli(content))
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(content, mtime=0))


def stored_as_brotli(content: bytes) -> bytes:
    """Return content in the form of Brotli, uncompressed: Python has no Brotli.

    One uncompressed meta-block and the empty last one. Source: RFC 7932, section 9.2.

    Args:
        content: 1 byte to 16 MiB.
    """
    length = len(content) - 1
    nibbles = max(4, -(-length.bit_length() // 4))
    # From the lowest bit: window of 2^16 (0), not the last (0), nibbles - 4 (2 bits), length,
    # uncompressed (1).
    bits = (nibbles - 4) << 2 | length << 4 | 1 << (4 + 4 * nibbles)
    return bits.to_bytes(-(-(5 + 4 * nibbles) // 8), "little") + content + b"\x03"
