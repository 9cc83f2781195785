"""Runs the images' entrypoints on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "docker" / "prometheus"
ENTRYPOINT = SOURCE / "entrypoint.sh"
REQUIRED = {"AWS_REGION": "eu-west-1", "VPC_ID": "vpc-0123456789abcdef0", "ENVIRONMENT": "dev"}
"""The variables that the image has no default for."""

_TIMEOUT = 60.0  # seconds
_FAKE_SERVER = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


def image_defaults(source: Path = SOURCE) -> dict[str, str]:
    """Return the variables that a folder's Dockerfile sets."""
    text = (source / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    instructions = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(word.split("=", 1) for line in instructions for word in line.split())


@dataclass(frozen=True)
class Toolbox:
    """A shell and an awk to run the entrypoint with."""

    name: str
    shell: tuple[str, ...]
    tools: dict[str, str] = field(default_factory=dict)
    """Commands that come first on PATH: name to program."""
    alone: bool = False
    """Is nothing else on PATH?"""

    def path(self, tools: Path, server: str, stand_in: str = _FAKE_SERVER) -> str:
        """Return a PATH with the tools and a stand-in for a server.

        Args:
            tools: folder for them, made if need be.
            server: name of the server's program.
            stand_in: a script. Default: it prints its arguments, one a line.
        """
        if not tools.exists():
            tools.mkdir()
            for name, program in self.tools.items():
                (tools / name).symlink_to(program)
            fake = tools / server
            fake.write_text(stand_in, encoding="utf-8")
            fake.chmod(0o755)
        return str(tools) if self.alone else f"{tools}{os.pathsep}{os.environ['PATH']}"


def toolboxes() -> list[Toolbox]:
    """Return those that this machine has: its own, dash with mawk, busybox (as in the image)."""
    found = [Toolbox("system", ("sh",))]
    dash, mawk, busybox = (shutil.which(name) for name in ("dash", "mawk", "busybox"))
    if dash and mawk:
        found.append(Toolbox("dash-mawk", (dash,), {"awk": mawk}))
    if busybox:
        applets = subprocess.run(
            [busybox, "--list"], capture_output=True, text=True, check=True, timeout=_TIMEOUT
        ).stdout.split()
        tools = dict.fromkeys(applets, busybox)
        found.append(Toolbox("busybox", (busybox, "sh"), tools, alone=True))
    return found


@dataclass(frozen=True)
class Entrypoint:
    """The entrypoint with all the variables that the image and its user set.

    `prometheus` is a stand-in that prints its arguments, one a line.
    """

    directory: Path
    toolbox: Toolbox = Toolbox("system", ("sh",))
    source: Path = SOURCE

    @property
    def rendered(self) -> Path:
        """PROMETHEUS_RENDERED_DIR."""
        return self.directory / "rendered"

    @property
    def data(self) -> Path:
        """PROMETHEUS_DATA_DIR."""
        return self.directory / "data"

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Return the variables: the image's defaults, the required ones, this machine's paths.

        Args:
            **changes: Set these on top; None removes one.
        """
        variables: dict[str, str | None] = {
            **image_defaults(),
            **REQUIRED,
            "PROMETHEUS_LISTEN_HOST": "127.0.0.1",
            "PROMETHEUS_CONFIG_DIR": str(self.source),
            "PROMETHEUS_RENDERED_DIR": str(self.rendered),
            "PROMETHEUS_DATA_DIR": str(self.data),
            "PATH": self.toolbox.path(self.directory / "bin", "prometheus"),
            **changes,
        }
        return {name: value for name, value in variables.items() if value is not None}

    def attempted(self) -> None:
        """Say what the container that brings configuration says after its first attempt."""
        self.rendered.mkdir(exist_ok=True)
        (self.rendered / "attempted").touch()

    def run(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with the variables of `environment(**changes)`."""
        return subprocess.run(
            [*self.toolbox.shell, str(ENTRYPOINT), *arguments],
            env=self.environment(**changes),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
