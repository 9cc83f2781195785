"""Child processes that never outlive the sandbox."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Process: TypeAlias = subprocess.Popen[bytes]

_PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""

_LIBC = ctypes.CDLL(None)


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    directory: Path = Path("/"),
) -> Process:
    """Start a process in a session of its own, whose output is appended to a file.

    The kernel kills it when the thread that called this ends: that thread must live as long as
    the process is meant to.

    Args:
        command: program and arguments; never a secret, as everybody on this machine sees them.
        log: file for its output.
        environment: all of its environment.
        directory: to start it in.

    Raises:
        OSError: the program cannot be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - only a system call, no lock
        )


def _die_with(parent: int) -> Callable[[], None]:
    def before_exec() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return before_exec


def stop(children: Iterable[Process], timeout_s: float) -> None:
    """Ask processes to end (SIGTERM), all at once, and kill those that have not after a while."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        child.terminate()
    deadline = time.monotonic() + timeout_s
    for child in running:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def last_lines(log: Path, count: int = 10) -> list[str]:
    """Return the last lines of a log; none of one that does not exist yet."""
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
