"""What a sandbox leaves in its directory, so that other commands find it."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from sandbox.errors import SandboxError
from sandbox.hints import command
from sandbox.shortening import shortened

_STATE = "state.json"
_LOCK = "lock"
_MARKER = "prometheus-aws-sandbox"
"""A file by which a sandbox knows its directory: what does not hold it is never removed."""

_NAME = re.compile(r"[a-z0-9][A-Za-z0-9_-]{0,31}")
_KEEP_S = 7 * 24 * 3600
"""How long the logs of a sandbox that failed are kept."""


class StateError(SandboxError):
    """There is no such sandbox, or there cannot be; the message says why."""


@dataclass
class State:
    """A sandbox as other commands see it."""

    name: str
    pid: int
    stack: str
    started: float
    phase: str = "starting"
    """`starting`, `up` (all targets were UP; an empty one has none), `failed`."""
    emulator_url: str = ""
    prometheus_url: str = ""
    not_run: list[str] = field(default_factory=list)
    """Servers that this machine cannot run, and why."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the environment, that lead to the emulated account, as its administrator."""


class Directory:
    """The directory of one sandbox: state, logs, volumes. Its owner holds a lock on it."""

    def __init__(self, path: Path) -> None:
        """Name a directory, whether it exists or not."""
        self.path = path
        self.logs = path / "logs"
        self.resolv_conf = path / "resolv.conf"
        self.notifications = self.logs / "notifications.jsonl"
        self.volumes = path / "volumes"
        self.pulumi = path / "pulumi"
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls, name: str | None) -> Self:
        """Make a new directory and own it.

        Args:
            name: of the sandbox. Default: a random one.

        Raises:
            StateError: the name is not allowed; a sandbox of this name is running; what is there is
                no sandbox's; or the place is not this user's.
        """
        root = _root()
        path = root / check_name(secrets.token_hex(3) if name is None else name)
        with _accessible(root):
            return cls._create(root, path)

    @classmethod
    def _create(cls, root: Path, path: Path) -> Self:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with root.with_suffix(".lock").open("w") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            _prune(root)
            directory = cls(path)
            if directory.is_owned():
                raise StateError(
                    f"a sandbox named {path.name!r} is running: stop it with"
                    f" `{command('down', '--name', path.name)}`, or choose another name"
                )
            directory._remove_all()
            if os.path.lexists(path):
                raise StateError(
                    f"{path} is in the way, and is no sandbox's: move it away, or choose another"
                    " name"
                )
            path.mkdir(mode=0o700)
            (path / _MARKER).touch()
            directory.logs.mkdir()
            directory.volumes.mkdir()
            directory._lock = (directory.path / _LOCK).open("w")
            fcntl.flock(directory._lock, fcntl.LOCK_EX)
        return directory

    def is_ours(self) -> bool:
        """Tell whether a sandbox has made the directory; a symbolic link to one is not ours."""
        return not self.path.is_symlink() and (self.path / _MARKER).is_file()

    def is_owned(self) -> bool:
        """Tell whether the process that made the directory still runs."""
        try:
            with (self.path / _LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False

    def read(self) -> State:
        """Return the state.

        Raises:
            FileNotFoundError: nothing has been written yet.
        """
        return State(**json.loads((self.path / _STATE).read_text(encoding="utf-8")))

    def write(self, state: State) -> None:
        """Replace the state, for its owner's eyes only: it holds the administrator's key."""
        new = self.path / f"{_STATE}.{threading.get_ident()}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(state), file)
        new.replace(self.path / _STATE)

    def remove(self, *, keep_logs: bool) -> None:
        """Remove the directory, or all but its logs and state."""
        if keep_logs and self.is_ours():
            for directory in (self.volumes, self.pulumi):
                shutil.rmtree(directory, ignore_errors=True)
        else:
            self._remove_all()
        if self._lock is not None:
            self._lock.close()

    def _remove_all(self) -> None:
        if self.is_ours():
            shutil.rmtree(self.path, ignore_errors=True)


def check_name(name: str) -> str:
    """Return the name of a sandbox.

    It is a directory's name: it must not lead out of the sandboxes' own directory.

    Raises:
        StateError: it is not allowed.
    """
    if not _NAME.fullmatch(name):
        raise StateError(
            f"a sandbox cannot be named {name!r}: expected a lowercase letter or digit, then up to"
            " 31 letters, digits, - or _"
        )
    return name


def find(name: str | None) -> Directory:
    """Return the running sandbox of this name; without a name, the newest one.

    Raises:
        StateError: there is none, the name is not allowed, or the place is not this user's.
    """
    root = _root()
    with _accessible(root):
        running = {
            directory.path.name: directory
            for directory in _sandboxes(root)
            if directory.is_owned() and (directory.path / _STATE).exists()
        }
    if name is None and running:
        return max(running.values(), key=lambda directory: directory.read().started)
    if name is not None and check_name(name) in running:
        return running[name]
    wanted = f"no sandbox {name!r} is running" if name else "no sandbox is running"
    others = ", ".join(shortened([*running])) or "none"
    raise StateError(f"{wanted} (running: {others}): start one with `{command('up')}`")


def _root() -> Path:
    """Return where sandboxes keep what is theirs: this user's alone, unlike the binaries' cache.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base).absolute() / "prometheus-aws" / "sandboxes"


@contextlib.contextmanager
def _accessible(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"sandboxes cannot be kept in {root} ({error}): set XDG_STATE_HOME to a folder that"
            " this user may write to"
        ) from error


def _sandboxes(root: Path) -> Iterator[Directory]:
    """Return the directories that sandboxes have made, sorted by name."""
    return filter(Directory.is_ours, map(Directory, sorted(root.glob("*"))))


def _prune(root: Path) -> None:
    """Remove what sandboxes left that were killed, and the logs of those that failed long ago."""
    for directory in _sandboxes(root):
        if directory.is_owned():
            continue
        try:
            state = directory.read()
        except FileNotFoundError:
            state = None
        if state is None or state.phase != "failed" or time.time() - state.started > _KEEP_S:
            directory._remove_all()  # noqa: SLF001 - of the same module
