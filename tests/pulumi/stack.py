"""A stack under Pulumi's own engine, in an emulated account of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.addresses import reserve_vpc_range
from sandbox.configuration import ROOT, local_stack
from sandbox.emulator import Emulator
from sandbox.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

Changes = Mapping[str, object]
"""Path of a setting, such as `hosts.count`, -> value."""
NO_CHANGES: Changes = {}

Step = tuple[str, str]
"""What was done (an operation of Pulumi's), to the resource of which name."""


@dataclass(frozen=True)
class Run:
    """What a command of the CLI has done."""

    code: int
    text: str
    """All that it said."""
    events: list[dict[str, Any]] = field(repr=False)

    @property
    def steps(self) -> list[Step]:
        """The steps in the order in which they began, without resources that stay as they are."""
        return self._of("resourcePreEvent")

    @property
    def refreshed(self) -> list[Step]:
        """What a refresh has found to differ from the state."""
        return self._of("resOutputsEvent")

    @property
    def problems(self) -> str:
        """The errors that it has told."""
        diagnostics = [event.get("diagnosticEvent", {}) for event in self.events]
        return "".join(
            found["message"] for found in diagnostics if found.get("severity") == "error"
        )

    def _of(self, kind: str) -> list[Step]:
        found = [event[kind]["metadata"] for event in self.events if kind in event]
        steps = [(metadata["op"], metadata["urn"].rsplit("::", 1)[-1]) for metadata in found]
        return [step for step in steps if step[0] not in {"same", "refresh", "read"}]


class Stack:
    """The stack, and what has been said about it."""

    def __init__(self, emulator: Emulator, workspace: Workspace, program: Path) -> None:
        self.emulator = emulator
        self.workspace = workspace
        self.program = program
        self.said: list[str] = []

    def configure(self, changes: Changes) -> None:
        """Write settings into the stack's file, as a user does."""
        file = self.workspace.stack_file
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for path, value in changes.items():
            block, key = path.split(".")
            content["config"].setdefault(f"prometheus-aws:{block}", {})[key] = value
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def run(self, *arguments: str, changes: Changes = NO_CHANGES) -> Run:
        """Run a command that reports events; `changes` of the configuration stay."""
        self.configure(changes)
        done = self.workspace.run(
            *arguments,
            "--json",
            stdout=subprocess.PIPE,
            environment={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
        )
        self.said.append(done.stdout)
        lines = done.stdout.splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return Run(done.returncode, done.stdout, events)

    def preview(self, *options: str) -> Run:
        return self._done(self.run("preview", *options))

    def up(self, changes: Changes = NO_CHANGES) -> Run:
        return self._done(self.run("up", "--yes", "--skip-preview", changes=changes))

    def refresh(self) -> Run:
        return self._done(self.run("refresh", "--yes", "--skip-preview"))

    def destroy(self) -> Run:
        return self._done(self.run("destroy", "--yes", "--skip-preview"))

    @staticmethod
    def _done(run: Run) -> Run:
        assert run.code == 0, run.problems + run.text[-3000:]
        return run


def config(stack: str) -> dict[str, Any]:
    """Return the configuration of a stack on this machine."""
    vpc = reserve_vpc_range()
    vpc.release()  # no host runs in it
    return local_stack(stack, vpc, {}).config


@contextlib.contextmanager
def new_stack(
    emulator: Emulator, directory: Path, name: str = "dev", program: Path = ROOT
) -> Iterator[Stack]:
    """Return a stack in which nothing is deployed; commands work until the context ends."""
    settings = config(name)
    with Workspace.new(directory / "pulumi", name, emulator, settings, program) as workspace:
        yield Stack(emulator, workspace, program)


@contextlib.contextmanager
def new_emulator() -> Iterator[Emulator]:
    """Return an emulated account that ends with the context."""
    emulator = Emulator("eu-central-1")
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


def copy_program(directory: Path) -> Path:
    """Copy what Pulumi needs of the program, to change it."""
    program = directory / "program"
    program.mkdir()
    for source in (
        *ROOT.glob("*.py"),
        *(
            ROOT / name
            for name in ("pyproject.toml", "versions.json", "components", "docker", "userdata")
        ),
    ):
        name = source.name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, program / name)
    return program


def set_version(program: Path, version: str) -> str:
    """Pin another version of Prometheus in a copied program; return the one before."""
    file = program / "versions.json"
    versions: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**versions, "prometheus": version}), encoding="utf-8")
    return versions["prometheus"]
