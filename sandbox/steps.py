"""Run the commands of a build, one after the other."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import processes
from sandbox.products import BinaryError

_PROGRESS_INTERVAL_S = 15.0  # between two lines while a command runs
_OUTPUT_LINES = 15  # of a failed command, repeated in the error
_KILL_TIMEOUT_S = 10.0  # until the kernel has ended what was killed


class StepError(BinaryError):
    """A command of the build failed; the message ends with its last words."""


@dataclass(frozen=True)
class Steps:
    """How the commands of one build run."""

    label: str
    """What is built, for the lines about progress."""
    folder: Path
    """Where everything of the build is, temporary files too; the caller removes it."""
    say: Callable[[str], None]
    """Called with each line about progress."""

    def run(
        self, command: Sequence[str | Path], directory: Path, environment: Mapping[str, str]
    ) -> str:
        """Run one command and return its output; when interrupted, nothing of it runs on.

        Args:
            command: program and arguments.
            directory: to run it in.
            environment: in addition to the user's.

        Raises:
            StepError: it fails.
        """
        name = " ".join([Path(command[0]).name, str(command[1])])
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        began = time.monotonic()
        process = processes.start(
            command,
            log=log,
            environment={**os.environ, "TMPDIR": str(temporary), **environment},
            directory=directory,
        )
        try:
            while not _has_ended(process, _PROGRESS_INTERVAL_S):
                self.say(f"{self.label}: {name} ... {time.monotonic() - began:.0f} s")
        except BaseException:
            _kill_all(process)
            raise
        output = log.read_text(encoding="utf-8", errors="replace")
        if process.returncode:
            tail = "\n".join(output.splitlines()[-_OUTPUT_LINES:])
            raise StepError(f"`{name}` ended with {process.returncode}:\n{tail}")
        return output


def _has_ended(process: processes.Process, timeout_s: float) -> bool:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill_all(process: processes.Process) -> None:
    """Kill a command and all that it started, and wait until none is left to write anything."""
    deadline = time.monotonic() + _KILL_TIMEOUT_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.01)
