"""Build Prometheus's web pages as its own release does, with Node.js."""

import os
import shutil
from pathlib import Path

from sandbox.archives import UnavailableError
from sandbox.products import pinned
from sandbox.steps import Steps

MINIMUM_NODE = "20.19"
"""Source: `engines` of Vite 8, which builds the pages."""

_ENVIRONMENT = {
    "NODE_ENV": "",  # `production` would leave out the tools of the build
    "NO_COLOR": "1",
    "npm_config_fetch_retries": "1",  # without a network, do not wait for minutes
    "npm_config_fetch_timeout": "30000",
    "npm_config_update_notifier": "false",
}


def embed_pages(module: Path, steps: Steps) -> None:
    """Build the web pages in a copy of Prometheus's Go module, and write the code that embeds them.

    All that is downloaded goes to the folder of the build, except that npm has its usual cache. No
    package runs a script when it is installed. Checksums: npm has pnpm's from the registry, pnpm
    has those of all packages from the module's own lock file.

    Raises:
        UnavailableError: there is no Node.js; the message says what to do.
        StepError: a command fails, such as for want of a network.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(
            "there is no `npm` on PATH. Once there is Node.js "
            f"{MINIMUM_NODE} or newer with npm, the next start builds them"
        )
    steps.say(f"{steps.label}: building its web pages with Node.js first, up to a minute")
    tools = str(steps.folder / "tools")
    package = f"pnpm@{pinned('pnpm')}"
    options = ["--prefix", tools, "--no-audit", "--no-fund", "--ignore-scripts"]
    steps.run([npm, "install", *options, package], steps.folder, _ENVIRONMENT)
    pnpm = Path(tools, "node_modules/.bin/pnpm")
    path = os.environ.get("PATH", os.defpath)  # the scripts call pnpm, too
    environment = {**_ENVIRONMENT, "PATH": f"{pnpm.parent}{os.pathsep}{path}"}
    pages = module / "web/ui"
    store = f"--store-dir={steps.folder / 'packages'}"
    steps.run([pnpm, "install", "--frozen-lockfile", "--ignore-scripts", store], pages, environment)
    steps.run([pnpm, "run", "build:mantine-ui"], pages, environment)
    steps.run(["bash", "scripts/compress_assets.sh"], module, environment)
