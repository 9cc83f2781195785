"""A Docker engine for the tests: the one that answers, else a private one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT = 60.0  # seconds until a private engine answers
_STOP_TIMEOUT = 30.0  # seconds until it has ended
# dockerd ends when its standard input does, so also when pytest is killed.
_SUPERVISOR = """
exec 3<&0
dockerd "$@" 3<&- &
daemon=$!
{ cat <&3 && kill "$daemon"; } >/dev/null 2>&1 &
wait "$daemon"
"""
_COMMAND_TIMEOUT = 300.0  # seconds for one docker command
_PROBE_TIMEOUT = 15.0  # seconds for an engine to say its version


class NoEngineError(Exception):
    """No Docker engine can be used here; the message says why."""


@dataclass(frozen=True)
class Docker:
    """The docker command line, talking to one engine."""

    host: str | None = None
    """The engine's address (`DOCKER_HOST`). Default: what the user's own docker talks to."""

    def run(
        self, *arguments: str, check: bool = True, timeout: float = _COMMAND_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker` with these arguments, with the classic builder.

        Raises:
            AssertionError: It failed and `check` is set; the message has its output.
            subprocess.TimeoutExpired: It took longer than `timeout` seconds.
        """
        environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
        if self.host is not None:
            environment["DOCKER_HOST"] = self.host
            environment.pop("DOCKER_CONTEXT", None)
        done = subprocess.run(
            ["docker", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"docker {' '.join(arguments)}: exit status {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
        return done

    def server(self) -> str:
        """Return the engine's version, or an empty text when none answers."""
        try:
            answer = self.run(
                "version", "--format", "{{.Server.Version}}", check=False, timeout=_PROBE_TIMEOUT
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return answer.stdout.strip() if answer.returncode == 0 else ""


@contextlib.contextmanager
def engine() -> Iterator[Docker]:
    """Yield the engine that answers, else start one of our own and stop it afterwards.

    Raises:
        NoEngineError: There is none and none can be started.
    """
    if shutil.which("docker") is None:
        raise NoEngineError("the command `docker` is not installed")
    if Docker().server():
        yield Docker()
        return
    if shutil.which("dockerd") is None:
        raise NoEngineError("no Docker engine answers, and `dockerd` is not installed")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and only root can start one")
    with contextlib.ExitStack() as stack:
        try:
            docker = stack.enter_context(_private_engine())
        except NoEngineError:
            # The storage driver that is best for this kernel may not work on this file system.
            docker = stack.enter_context(_private_engine("--storage-driver=vfs"))
        yield docker


@contextlib.contextmanager
def _private_engine(*options: str) -> Iterator[Docker]:
    # Not below pytest's directory: the path of a socket may have 107 characters.
    directory = Path(tempfile.mkdtemp(prefix="dockerd-"))
    docker = Docker(f"unix://{directory}/docker.sock")
    log = directory / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                *("sh", "-c", _SUPERVISOR, "sh"),
                f"--host={docker.host}",
                f"--data-root={directory}/data",
                f"--exec-root={directory}/exec",
                f"--pidfile={directory}/pid",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                *options,
            ],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops it in order
        )
    try:
        _wait_until_it_answers(docker, daemon, log)
        yield docker
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.communicate(timeout=_STOP_TIMEOUT)
        with contextlib.suppress(ProcessLookupError):  # all of it has ended
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()
        _clean(directory)


def _wait_until_it_answers(docker: Docker, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not docker.server():
        if daemon.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-1000:]
            raise NoEngineError(f"no Docker engine answers, and dockerd does not start:\n{tail}")
        time.sleep(0.2)


def _clean(directory: Path) -> None:
    """End and unmount what a dockerd that did not end in order has left, and delete its files."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended by itself
            if os.fsencode(directory) in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [mount.split()[1] for mount in mounts]
    for point in sorted(points, reverse=True):  # what is mounted inside another mount first
        if point.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", point], check=True, timeout=_COMMAND_TIMEOUT)
    shutil.rmtree(directory)
