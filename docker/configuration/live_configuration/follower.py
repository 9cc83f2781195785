"""Makes the wanted version the one that is live."""

import logging
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from live_configuration.archives import unpack
from live_configuration.bucket import Bucket
from live_configuration.metrics import Metrics
from live_configuration.outcomes import (
    CHECK,
    FAILED,
    LIVE,
    RENDER,
    RefusedError,
    UnavailableError,
)
from live_configuration.servers import Server

KEPT_VERSIONS = 3
RETRY_S = 300
"""Until what was refused is tried again: a full disk, for one, may be the reason, and pass."""
_TOOL_TIMEOUT_S = 60
_MOST_TOLD = 2000
"""Characters of what a tool says."""

_LOG = logging.getLogger("configuration")


class _Refusal(NamedTuple):
    version: str
    reason: str
    message: str
    tried: float
    """When it was tried."""


class Follower:
    """Brings what the bucket wants into the folder that is shared with the server."""

    def __init__(self, bucket: Bucket, folder: Path, server: Server, metrics: Metrics) -> None:
        """Take both ends, and where to say what has come of it."""
        self._bucket, self._folder, self._server = bucket, folder, server
        self._metrics = metrics
        self._refused: _Refusal | None = None
        """The last one."""
        self._told = ""

    @property
    def ready(self) -> bool:
        """Whether the server has left its first version."""
        return (self._folder / "render.sh").exists()

    @property
    def live(self) -> str:
        """The version that is live."""
        return str((self._folder / "current").readlink())

    def attempt(self) -> str:
        """Look what is wanted, make it live if it is not, and return one of `RESULTS`."""
        wanted = ""
        try:
            wanted = self._bucket.wanted()
            if wanted != self.live:
                self._activate(wanted)
            result, message, self._refused = LIVE, f"version {wanted} is live", None
        except RefusedError as error:
            result = error.reason
            if not self._is_refused(wanted):
                self._refused = _Refusal(wanted, result, str(error), time.monotonic())
            message = f"version {wanted} is refused ({result}), {self.live} stays: {error}"
        except UnavailableError as error:
            result, message = error.result, f"{error} ({error.result}); {self.live} stays"
        except Exception as error:  # noqa: BLE001 - ECS restarts no program that has just started
            told = f"{type(error).__name__}: {error}"
            result, message = FAILED, f"{told} ({FAILED}); {self.live} stays"
        if self._refused and wanted not in ("", self._refused.version):
            self._refused = None  # it is not wanted any more
        self._metrics.note(result, self.live, self._refused[:2] if self._refused else None)
        if message != self._told:
            self._told = message
            _LOG.log(logging.INFO if result == LIVE else logging.ERROR, "%s", message)
        (self._folder / "attempted").touch()
        return result

    def _is_refused(self, version: str) -> bool:
        """Say whether a version was refused, not long ago."""
        refused = self._refused
        return (
            refused is not None
            and refused.version == version
            and time.monotonic() - refused.tried < RETRY_S
        )

    def _activate(self, version: str) -> None:
        if self._refused and self._is_refused(version):
            raise RefusedError(self._refused.reason, self._refused.message)
        rendered, scratch = self._folder / version, self._folder / ".new"
        for leftover in (rendered, scratch):
            shutil.rmtree(leftover, ignore_errors=True)
        source, target = scratch / "source", scratch / "rendered"
        unpack(self._bucket.archive(version), source)
        target.mkdir()
        self._run(RENDER, ("sh", self._folder / "render.sh", source, target))
        self._run(CHECK, (*self._server.check, target / self._server.file))
        target.rename(rendered)
        shutil.rmtree(scratch)
        before = self.live
        self._flip(version)
        try:
            self._server.reload()
        except (RefusedError, UnavailableError):
            self._flip(before)
            raise
        self._forget_old()

    def _run(self, reason: str, command: Sequence[str | Path]) -> None:
        done = subprocess.run(
            command,
            cwd=self._folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TOOL_TIMEOUT_S,
            check=False,
        )
        if done.returncode < 0:  # such as for want of memory
            raise UnavailableError(FAILED, f"{command[0]} was ended by signal {-done.returncode}")
        if done.returncode:
            raise RefusedError(reason, (done.stdout + done.stderr).strip()[-_MOST_TOLD:])

    def _flip(self, version: str) -> None:
        link = self._folder / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(version)
        link.replace(self._folder / "current")

    def _forget_old(self) -> None:
        found = [it for it in self._folder.iterdir() if re.fullmatch("[0-9a-f]{64}", it.name)]
        found.sort(key=lambda it: it.stat().st_mtime, reverse=True)
        for old in found[KEPT_VERSIONS:]:
            shutil.rmtree(old)
