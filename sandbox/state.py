"""What a sandbox leaves in its directory, so that other commands find it."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from sandbox.binaries import cache_directory

_STATE = "state.json"
_LOCK = "lock"
_KEEP_S = 7 * 24 * 3600
"""How long the logs of a sandbox that failed are kept."""


class StateError(Exception):
    """There is no such sandbox; the message says which there are."""


@dataclass
class State:
    """A sandbox as other commands see it."""

    name: str
    pid: int
    stack: str
    started: float
    phase: str = "starting"
    """`starting`, `up` (all targets are UP), `failed`."""
    region: str = ""
    emulator_url: str = ""
    prometheus_url: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Directory:
    """The directory of one sandbox: state, logs, volumes. Its owner holds a lock on it."""

    def __init__(self, path: Path) -> None:
        """Name a directory, whether it exists or not."""
        self.path = path
        self.logs = path / "logs"
        self.volumes = path / "volumes"
        self.engine = path / "engine"
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls, name: str | None) -> Self:
        """Make a new directory and own it.

        Args:
            name: of the sandbox. Default: a random one.

        Raises:
            StateError: a sandbox of this name is running.
        """
        root = _root()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with root.with_suffix(".lock").open("w") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            _prune(root)
            directory = cls(root / (name or secrets.token_hex(3)))
            if directory.is_owned():
                raise StateError(
                    f"a sandbox named {name!r} is running: stop it with `python -m sandbox down"
                    f" --name {name}`, or choose another name"
                )
            shutil.rmtree(directory.path, ignore_errors=True)
            for path in (directory.path, directory.logs, directory.volumes):
                path.mkdir(mode=0o700)
            directory._lock = (directory.path / _LOCK).open("w")
            fcntl.flock(directory._lock, fcntl.LOCK_EX)
        return directory

    def is_owned(self) -> bool:
        """Tell whether the process that made the directory still runs."""
        try:
            with (self.path / _LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def read(self) -> State:
        """Return the state.

        Raises:
            FileNotFoundError: nothing has been written yet.
        """
        return State(**json.loads((self.path / _STATE).read_text(encoding="utf-8")))

    def write(self, state: State) -> None:
        """Replace the state, for its owner's eyes only: it holds the administrator's key."""
        new = self.path / f"{_STATE}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(state), file)
        new.replace(self.path / _STATE)

    def remove(self, *, keep_logs: bool) -> None:
        """Remove the directory, or all but its logs and state."""
        if keep_logs:
            for log in self.engine.glob("*.log"):
                log.replace(self.logs / log.name)
            for directory in (self.volumes, self.engine):
                shutil.rmtree(directory, ignore_errors=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def is_running(name: str) -> bool:
    """Tell whether a sandbox of this name runs and has written its state."""
    directory = Directory(_root() / name)
    return directory.is_owned() and (directory.path / _STATE).exists()


def find(name: str | None) -> Directory:
    """Return the running sandbox of this name; without a name, the newest one.

    Raises:
        StateError: there is none.
    """
    running = [
        directory
        for directory in map(Directory, sorted(_root().glob("*")))
        if directory.is_owned() and (directory.path / _STATE).exists()
    ]
    if name is not None:
        for directory in running:
            if directory.path.name == name:
                return directory
    elif running:
        return max(running, key=lambda directory: directory.read().started)
    names = ", ".join(directory.path.name for directory in running) or "none"
    wanted = f"no sandbox {name!r} is running" if name else "no sandbox is running"
    raise StateError(f"{wanted} (running: {names}): start one with `python -m sandbox up`")


def _root() -> Path:
    return cache_directory() / "sandboxes"


def _prune(root: Path) -> None:
    """Remove what sandboxes left that were killed, and the logs of those that failed long ago."""
    for directory in map(Directory, root.iterdir()):
        if directory.is_owned():
            continue
        try:
            state = directory.read()
        except FileNotFoundError:
            state = None
        if state is None or state.phase != "failed" or time.time() - state.started > _KEEP_S:
            shutil.rmtree(directory.path, ignore_errors=True)
