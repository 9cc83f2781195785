"""Run a container: in Docker, or as a process of this machine that thinks it is in a container."""

import json
import os
import re
import resource
import secrets
import shlex
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.addresses import LOOPBACK
from sandbox.errors import SandboxError
from sandbox.processes import Process
from sandbox.resources import ImageSource

_BUILD_TIMEOUT_S = 180
_ENGINE_TIMEOUT_S = 10

_LIMIT_KEYS = ("softLimit", "hardLimit")

ISOLATION = {"PROMETHEUS_LISTEN_HOST": LOOPBACK}
"""A task's network is its own on AWS; here the machine's loopback is: nobody else may connect."""


class ImageError(SandboxError):
    """The image cannot be had; the message says why."""


@dataclass(frozen=True)
class ContainerSpec:
    """One container of a task, ready to be run."""

    definition: Mapping[str, Any]
    """The container definition of the task definition."""

    image: ImageSource

    environment: Mapping[str, str]
    """All variables that ECS gives the container, secrets included."""

    volumes: Mapping[str, Path]
    """Name of a volume of the task -> a directory of this machine."""

    log: Path


class Running(ABC):
    """A container that has been started."""

    @abstractmethod
    def exit_code(self) -> int | None:
        """Return the exit code, or None while it runs."""

    @abstractmethod
    def discard(self) -> None:
        """Clear up after a container that has ended and is to be restarted; its volumes stay."""

    @abstractmethod
    def stop(self, timeout_s: float) -> None:
        """Ask the container to end (SIGTERM), kill it when it has not after a while, and clear up.

        Its volumes go too.
        """


class Runtime(ABC):
    """A way to run containers."""

    @abstractmethod
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
    """Directory in the image -> the directory of the build context that was copied to it."""


def parse_dockerfile(text: str) -> ImageConfig:
    """Read what a Dockerfile says about its containers.

    Known are ENV (`NAME=value ...`), ENTRYPOINT and CMD (as JSON), and COPY of one directory.
    Other instructions do not matter to a process.

    Raises:
        ImageError: one of the instructions is written in a way that is not known.
    """
    environment: dict[str, str] = {}
    copied: dict[str, str] = {}
    words: dict[str, list[str]] = {"ENTRYPOINT": [], "CMD": []}
    without_comments = re.sub(r"(?m)^\s*#.*\n?", "", text)
    for line in re.sub(r"\\\n", " ", without_comments).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        instruction = instruction.upper()
        if instruction == "ENV":
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
            *sources, target = [word for word in rest.split() if not word.startswith("--")]
            if sources == ["."]:
                copied[target.rstrip("/")] = "."
    return ImageConfig(environment, words["ENTRYPOINT"], words["CMD"], copied)


def to_local(value: str, paths: Mapping[str, Path]) -> str:
    """Translate a path inside a container to the directory of this machine that stands for it.

    Args:
        value: any word; what is not a path below one of `paths` stays as it is.
        paths: directory in the container -> directory of this machine.
    """
    for inside in sorted(paths, key=len, reverse=True):
        if value == inside or value.startswith(f"{inside}/"):
            return f"{paths[inside]}{value[len(inside) :]}"
    return value


class ProcessRuntime(Runtime):
    """Runs what the container would run as a process, from this machine's binaries.

    Of what a container isolates, only the paths are translated: the image's own files are those
    of the build context, and volumes are directories. User and read-only root are left out.
    """

    def __init__(self, binaries: Sequence[Path]) -> None:
        """Take the directories of the binaries that the image has from its base image."""
        self._path = os.pathsep.join([*map(str, binaries), os.environ.get("PATH", os.defpath)])

    def start(self, spec: ContainerSpec) -> Running:
        """Start the process; see `Runtime.start`."""
        image = parse_dockerfile(spec.image.dockerfile.read_text(encoding="utf-8"))
        paths = {
            inside: (spec.image.context / source).resolve()
            for inside, source in image.copied.items()
        }
        for mount in spec.definition.get("mountPoints", []):
            paths[mount["containerPath"]] = spec.volumes[mount["sourceVolume"]]
        of_image = {name: to_local(value, paths) for name, value in image.environment.items()}
        entrypoint = spec.definition.get("entryPoint") or image.entrypoint
        command = spec.definition.get("command") or image.command
        process = processes.start(
            [to_local(word, paths) for word in (*entrypoint, *command)],
            log=spec.log,
            environment={**of_image, **ISOLATION, **spec.environment, "PATH": self._path},
        )
        return _Process(process)


class _Process(Running):
    def __init__(self, process: Process) -> None:
        self._process = process

    def exit_code(self) -> int | None:
        return self._process.poll()

    def discard(self) -> None:
        """Nothing is left of a process."""

    def stop(self, timeout_s: float) -> None:
        processes.stop([self._process], timeout_s)  # its volumes are its task's directories


class DockerRuntime(Runtime):
    """Runs containers in a Docker engine, in this machine's network."""

    def __init__(self, log: Path) -> None:
        """Use the engine that the `docker` command finds.

        Args:
            log: file for what building images prints.
        """
        self._log = log
        self._images: dict[Path, str] = {}

    @staticmethod
    def problem() -> str:
        """Return why no engine can be used; empty when one answers that shares our network."""
        if shutil.which("docker") is None:
            return "there is no docker command"
        try:
            answer = subprocess.run(
                ["docker", "info", "--format", "{{.Name}} {{.SecurityOptions}}"],
                capture_output=True,
                text=True,
                timeout=_ENGINE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the Docker engine has not answered for {_ENGINE_TIMEOUT_S} s"
        # An older docker command exits with 0, and writes what is wrong to its standard error.
        name, _, security = answer.stdout.strip().partition(" ")
        if answer.returncode or not name:
            return answer.stderr.strip()
        if name != socket.gethostname() or "rootless" in security:
            return "its engine does not run in this machine's network (remote, a VM, or rootless)"
        return ""

    def start(self, spec: ContainerSpec) -> Running:
        """Start the container; see `Runtime.start`."""
        image = self.build(spec.image)
        name = f"prometheus-aws-{secrets.token_hex(6)}"
        definition = spec.definition
        options = ["--name", name, "--network", "host"]
        volumes = []
        for mount in definition.get("mountPoints", []):
            # A named volume takes over the owner of the image's directory, as on Fargate.
            directory = spec.volumes[mount["sourceVolume"]]
            volumes.append(f"prometheus-aws-{directory.parent.name}-{directory.name}")
            options += ["--volume", f"{volumes[-1]}:{mount['containerPath']}"]
        if definition.get("readonlyRootFilesystem"):
            options.append("--read-only")
        if "user" in definition:
            options += ["--user", definition["user"]]
        for capability in (
            definition.get("linuxParameters", {}).get("capabilities", {}).get("drop", [])
        ):
            options += ["--cap-drop", capability]
        for limit in definition.get("ulimits", []):
            soft, hard = (_attainable(limit["name"], limit[key]) for key in _LIMIT_KEYS)
            options += ["--ulimit", f"{limit['name']}={soft}:{hard}"]
        environment = {**ISOLATION, **spec.environment}
        for variable in environment:
            options += ["--env", variable]  # the value comes from our environment: not on view
        entrypoint: list[str] = definition.get("entryPoint", [])
        command: list[str] = [*entrypoint[1:], *definition.get("command", [])]
        if entrypoint:
            options += ["--entrypoint", entrypoint[0]]
        process = processes.start(
            ["docker", "run", *options, image, *command],
            log=spec.log,
            environment={**_docker_environment(), **environment},
        )
        return _DockerContainer(name, volumes, process)

    def build(self, source: ImageSource) -> str:
        """Build an image, once, for the architecture of this machine; return its id.

        Raises:
            ImageError: it cannot be built.
        """
        if source.dockerfile not in self._images:
            options = [f"--build-arg={name}={value}" for name, value in source.build_args.items()]
            try:
                built = subprocess.run(
                    [
                        *("docker", "build", "--quiet", *options),
                        *("--file", source.dockerfile, source.context),
                    ],
                    capture_output=True,
                    text=True,
                    timeout=_BUILD_TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise ImageError(f"docker build has not ended for {_BUILD_TIMEOUT_S} s") from error
            self._log.write_text(built.stdout + built.stderr, encoding="utf-8")
            if built.returncode:
                last = (built.stderr.strip().splitlines() or ["no message"])[-1]
                raise ImageError(f"docker build failed: {last}")
            self._images[source.dockerfile] = built.stdout.split()[-1]
        return self._images[source.dockerfile]


def _attainable(limit: str, value: int) -> int:
    """Lower a limit to what this machine gives us: an engine without more fails to start."""
    _, most = resource.getrlimit(getattr(resource, f"RLIMIT_{limit.upper()}"))
    return value if most == resource.RLIM_INFINITY else min(value, most)


def _docker_environment() -> dict[str, str]:
    """What the docker command itself needs."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "XDG_RUNTIME_DIR") or name.startswith("DOCKER_")
    }


_REMOVER = """
volumes=$2
if read -r keep; then volumes=; fi
docker rm --force "$1"
if [ -n "$volumes" ]; then docker volume rm --force $volumes; fi
"""
"""Killing `docker run` leaves the container running, so this shell outlives us if need be.

It waits until its standard input ends, which it does however we end: then it removes the container
and its volumes. A line of input means that the volumes are to stay.
"""


class _DockerContainer(Running):
    def __init__(self, name: str, volumes: Sequence[str], process: Process) -> None:
        self._name = name
        self._process = process
        self._remover = subprocess.Popen(
            ["sh", "-c", _REMOVER, "remover", name, " ".join(volumes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_docker_environment(),
            start_new_session=True,
        )

    def exit_code(self) -> int | None:
        return self._process.poll()

    def discard(self) -> None:
        self._remover.communicate(b"keep\n")

    def stop(self, timeout_s: float) -> None:
        subprocess.run(
            ["docker", "stop", f"--time={int(timeout_s)}", self._name],
            capture_output=True,
            check=False,  # it may have ended by itself
        )
        processes.stop([self._process], _ENGINE_TIMEOUT_S)
        self._remover.communicate()
