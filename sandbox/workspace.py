"""The stack under Pulumi's own engine: a directory in which the CLI finds all that it needs.

Home, state, passphrase and stack file are the sandbox's own. Nothing of the user's login,
state or AWS profile is read or changed.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

import yaml

from mocks.evaluation import without_secrets
from sandbox.binaries import ensure
from sandbox.configuration import ROOT, project
from sandbox.emulator import Emulator, isolated
from sandbox.errors import SandboxError
from sandbox.provider import serve

_PASSPHRASE_BYTES = 16
_STOP_TIMEOUT_S = 20


class PulumiError(SandboxError):
    """A command of Pulumi's has failed; it has said why."""


class Workspace:
    """Where the CLI works on one stack, in an emulated account.

    Pulumi's project file is a copy, because the CLI keeps the stack's file beside it; the program
    is the checkout's own.
    """

    def __init__(self, path: Path, stack: str, variables: Mapping[str, str]) -> None:
        """Name one that `new` has made; `variables` are those of `provider.serve`."""
        self.path = path
        self.project = path / "project"
        self.stack_file = self.project / f"Pulumi.{stack}.yaml"
        self.stack = stack
        self.variables = variables
        self._home = path / "home"
        self._passphrase = path / "passphrase"

    @classmethod
    @contextlib.contextmanager
    def new(
        cls,
        path: Path,
        stack: str,
        emulator: Emulator,
        config: Mapping[str, Any],
        program: Path = ROOT,
    ) -> Iterator[Self]:
        """Make a workspace in which commands work until the context ends.

        Args:
            path: its directory.
            stack: name of the stack, in which nothing is deployed yet.
            emulator: the account to deploy to.
            config: what the stack's file is to say besides.
            program: directory of the Pulumi program.

        Raises:
            BinaryError: the CLI cannot be had.
            PulumiError: it fails.
        """
        with serve(emulator) as variables:
            workspace = cls(path, stack, variables)
            try:
                workspace._create({**config, **emulator.config}, program)
                yield workspace
            finally:
                workspace._end()

    def _create(self, config: Mapping[str, Any], program: Path) -> None:
        self.path.mkdir(mode=0o700)
        (self.path / "state").mkdir()
        self._passphrase.write_text(secrets.token_hex(_PASSPHRASE_BYTES), encoding="utf-8")
        self.project.mkdir()
        # The CLI takes no program outside the project's directory, except by a symbolic link.
        (self.project / "program").symlink_to(program)
        _write(
            self.project / "Pulumi.yaml", {**project(), "runtime": _runtime(), "main": "program"}
        )
        _write(self.stack_file, {"config": config})
        done = self.run("stack", "init", self.stack, stdout=subprocess.PIPE)
        if done.returncode:
            raise PulumiError(f"Pulumi cannot make the stack {self.stack}:\n{done.stdout}")

    def _end(self) -> None:
        """Kill what the CLI has left: a language host, when it was killed or ran a component."""
        home = f"PULUMI_HOME={self._home}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                named = (process / "comm").read_bytes().startswith(b"pulumi")
                if named and home in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)

    def exists(self) -> bool:
        """Tell whether `new` has made it."""
        return self.stack_file.exists()

    def up(self) -> None:
        """Deploy, with Pulumi's display on stderr.

        Raises:
            PulumiError: something cannot be deployed.
        """
        command = self._command("up", "--yes", "--skip-preview")
        with subprocess.Popen(
            command,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to pass on
        ) as process:
            try:
                code = process.wait()
            except BaseException:
                process.send_signal(signal.SIGINT)  # Pulumi ends what it is doing, and stops
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_TIMEOUT_S)
                process.kill()  # nothing, if it has ended
                raise
        if code:
            raise PulumiError(f"`pulumi up` has ended with {code}; see above")

    def run(
        self,
        *arguments: str,
        stdout: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI, without a terminal to ask questions on.

        Args:
            arguments: after `pulumi`.
            stdout: as for `subprocess.run`; what the CLI writes to stderr goes there, too.
            environment: variables in addition.

        Raises:
            BinaryError: the CLI cannot be had.
        """
        return subprocess.run(
            self._command(*arguments),
            env={**self._environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT if stdout else None,
            text=True,
            check=False,
        )

    def replace_process(self, arguments: Sequence[str]) -> NoReturn:
        """Go on as the CLI: its display, questions, signals and exit code are the user's."""
        command = self._command(*arguments)
        os.execve(command[0], command, self._environment())  # noqa: S606 - no shell is meant

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs as they are now, `[secret]` in place of what is secret."""
        stacks = [it for it in self.resources() if it["type"] == "pulumi:pulumi:Stack"]
        return dict(without_secrets(stacks[0].get("outputs", {}))) if stacks else {}

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the state."""
        try:
            state = json.loads(self.state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return (state["checkpoint"].get("latest") or {}).get("resources") or []

    @property
    def state_file(self) -> Path:
        """Where Pulumi's file backend keeps the stack's state."""
        stacks = self.path / "state" / ".pulumi" / "stacks"
        return stacks / str(project()["name"]) / f"{self.stack}.json"

    def _command(self, *arguments: str) -> list[str]:
        cli = ensure(["pulumi"])["pulumi"]
        # A `--cwd` of the user's own comes later, and counts.
        return [str(cli), "--cwd", str(self.project), *arguments]

    def _environment(self) -> dict[str, str]:
        environment = isolated(os.environ)
        path = environment.get("PATH", os.defpath)
        return {
            **environment,
            **self.variables,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}",
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": (self.path / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


def _runtime() -> dict[str, Any]:
    """Run the program with the Python, and the packages, that the sandbox runs with."""
    options = {"toolchain": "pip"}
    if sys.prefix != sys.base_prefix:
        options["virtualenv"] = sys.prefix
    return {"name": "python", "options": options}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
