"""Run a container as a process of this machine that thinks it is in a container."""

import json
import os
import posixpath
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sandbox import processes
from sandbox.errors import SandboxError
from sandbox.processes import Process
from sandbox.resources import ImageSource

_WITH_RESOLV_CONF = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'

IN_IMAGES_ONLY = {"grafana": "Grafana"}
"""Container -> its server, of which there is an image, and no program for `sandbox.binaries`."""


class ImageError(SandboxError):
    """The image cannot be had; the message says why."""


class NotRunError(ImageError):
    """The container cannot be run on this machine, however often it is tried."""


@dataclass(frozen=True)
class ContainerSpec:
    """One container of a task, ready to be run."""

    definition: Mapping[str, Any]
    """The container definition of the task definition."""

    image: ImageSource

    environment: Mapping[str, str]
    """All variables that ECS gives the container, secrets included, and its address."""

    volumes: Mapping[str, Path]
    """Name of a volume of the task -> a directory of this machine."""

    log: Path

    resolv_conf: Path | None = None
    """What the container has as /etc/resolv.conf. Default: the machine's own."""


class Running(Protocol):
    """A container that has been started."""

    pid: int
    """Of its process; 0: it is not one of ours."""

    def exit_code(self) -> int | None:
        """Return the exit code, or None while it runs."""

    def discard(self) -> None:
        """Clear up after a container that has ended and is to be restarted; its volumes stay."""

    def stop(self, timeout_s: float) -> None:
        """Ask the container to end (SIGTERM), kill it when it has not after a while, and clear up.

        Its volumes go too.
        """


class Runtime(Protocol):
    """A way to run containers."""

    def start(self, spec: ContainerSpec) -> Running:
        """Start a container.

        Raises:
            ImageError: its image cannot be had in this way.
            OSError: it cannot be started.
        """


@dataclass(frozen=True)
class ImageConfig:
    """What an image says about its containers, as far as its Dockerfile says it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    copied: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> the file or directory of the build context that was copied to it."""
    directory: str = "/"
    """Where a process starts."""


def parse_dockerfile(text: str) -> ImageConfig:
    """Read what a Dockerfile says about its containers.

    Known are ENV (`NAME=value ...`), ENTRYPOINT and CMD (as JSON), WORKDIR, and COPY from the build
    context. Other instructions do not matter to a process.

    Raises:
        ImageError: one of the instructions is written in a way that is not known.
    """
    environment: dict[str, str] = {}
    copied: dict[str, str] = {}
    directory = "/"
    words: dict[str, list[str]] = {"ENTRYPOINT": [], "CMD": []}
    without_comments = re.sub(r"(?m)^\s*#.*\n?", "", text)
    for line in re.sub(r"\\\n", " ", without_comments).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        instruction = instruction.upper()
        if instruction == "FROM":  # the last stage is the image
            environment, copied, directory = {}, {}, "/"
            words = {"ENTRYPOINT": [], "CMD": []}
        elif instruction == "ENV":
            pairs = [word.partition("=") for word in shlex.split(rest)]
            if not all(separator for _, separator, _ in pairs):
                raise ImageError(f"its Dockerfile has {line!r}: expected ENV NAME=value")
            environment |= {name: value for name, _, value in pairs}
        elif instruction in words:
            try:
                words[instruction] = json.loads(rest)
            except json.JSONDecodeError as error:
                raise ImageError(
                    f'its Dockerfile has {line!r}: expected {instruction} ["word", ...]'
                ) from error
        elif instruction == "COPY":
            copied |= _copied(rest, directory)
        elif instruction == "WORKDIR":
            directory = posixpath.normpath(posixpath.join(directory, rest.strip()))
    return ImageConfig(environment, words["ENTRYPOINT"], words["CMD"], copied, directory)


def _copied(words: str, directory: str) -> dict[str, str]:
    """Return what a COPY copies from the build context: path in the image -> source."""
    if "--from=" in words:  # what another stage has made
        return {}
    *sources, target = [word for word in words.split() if not word.startswith("--")]
    into = posixpath.join(directory, target)
    # A file comes by its name into a directory; of a directory, what is in it.
    by_name = into.endswith(("/", "/.")) and sources != ["."]
    return {
        posixpath.normpath(
            posixpath.join(into, posixpath.basename(source)) if by_name else into
        ): source
        for source in sources
    }


def to_local(value: str, paths: Mapping[str, Path]) -> str:
    """Translate a path inside a container to the directory of this machine that stands for it.

    Args:
        value: any word; what is not a path below one of `paths`, or the URL of a socket there,
            stays as it is.
        paths: directory in the container -> directory of this machine.
    """
    for inside in sorted(paths, key=len, reverse=True):
        for scheme in ("", "unix://"):
            beginning = f"{scheme}{inside}"
            if value == beginning or value.startswith(f"{beginning}/"):
                return f"{scheme}{paths[inside]}{value[len(beginning) :]}"
    return value


class ProcessRuntime:
    """Runs what the container would run as a process, from this machine's binaries.

    Of what a container isolates, only the paths are translated: the image's own files are those
    of the build context, and volumes are directories. User and read-only root are left out.
    An /etc/resolv.conf of its own is mounted where no other process sees it, which takes root.
    """

    def __init__(self, binaries: Sequence[Path]) -> None:
        """Take the directories of the binaries that the image has from its base image."""
        self._path = os.pathsep.join([*map(str, binaries), os.environ.get("PATH", os.defpath)])

    def start(self, spec: ContainerSpec) -> Running:
        """Start the process; see `Runtime.start`.

        Raises:
            NotRunError: there is no program.
        """
        if server := IN_IMAGES_ONLY.get(spec.definition["name"]):
            raise NotRunError(f"{server} is not run here: its image cannot be had")
        if spec.definition["name"] == "cadvisor" and not shutil.which("cadvisor", path=self._path):
            raise NotRunError("cAdvisor is not run here: its program cannot be had")
        image = parse_dockerfile(spec.image.dockerfile.read_text(encoding="utf-8"))
        paths = {
            mount["containerPath"].partition(":")[0]: spec.volumes[mount["sourceVolume"]]
            for mount in spec.definition.get("mountPoints", [])
        }
        # A volume hides what the image has at its place.
        paths |= {
            inside: (spec.image.context / source).resolve()
            for inside, source in image.copied.items()
            if to_local(inside, paths) == inside
        }
        of_image = {name: to_local(value, paths) for name, value in image.environment.items()}
        entrypoint = spec.definition.get("entryPoint") or image.entrypoint
        command = spec.definition.get("command") or image.command
        words = [to_local(word, paths) for word in (*entrypoint, *command)]
        if spec.resolv_conf:
            mounted = ("unshare", "--mount", "sh", "-c", _WITH_RESOLV_CONF, str(spec.resolv_conf))
            words = [*mounted, *words]
        process = processes.start(
            words,
            log=spec.log,
            environment={**of_image, **spec.environment, "PATH": self._path},
            directory=Path(to_local(image.directory, paths)),
        )
        return _RunningProcess(process)


class Fallback:
    """Runs containers in the second way as soon as an image cannot be had in the first."""

    def __init__(self, first: Runtime, second: Runtime, say: Callable[[str], None]) -> None:
        """Take both; `say` is called with the reason when the second one's turn comes."""
        self._runtime = first
        self._second = second
        self._say = say

    def start(self, spec: ContainerSpec) -> Running:
        """Start the container; see `Runtime.start`."""
        try:
            return self._runtime.start(spec)
        except ImageError as error:
            if self._runtime is self._second:
                raise
            self._say(str(error))
            self._runtime = self._second
            return self.start(spec)


class _RunningProcess:
    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid
        self.exit_code = process.poll

    def discard(self) -> None:
        """Nothing is left of a process."""

    def stop(self, timeout_s: float) -> None:
        processes.stop([self._process], timeout_s)  # its volumes are its task's directories
