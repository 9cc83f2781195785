"""Run containers in a Docker engine, in this machine's network."""

import os
import resource
import secrets
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox import processes
from sandbox.processes import Process
from sandbox.resources import ImageSource
from sandbox.runtimes import ContainerSpec, ImageError, Running

_BUILD_TIMEOUT_S = 180
_ENGINE_TIMEOUT_S = 10


class DockerRuntime:
    """Uses the engine that the `docker` command finds."""

    def __init__(self, log: Path) -> None:
        """Take a file for what building images prints."""
        self._log = log
        self._images: dict[Path, str] = {}

    @staticmethod
    def problem() -> str:
        """Return why no engine can be used; empty when one answers that shares our network."""
        if shutil.which("docker") is None:
            return "there is no docker command"
        try:
            answer = _docker("info", "--format", "{{.Name}} {{.SecurityOptions}}")
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
            directory = spec.volumes[mount["sourceVolume"]]
            if ":" in mount["containerPath"]:  # the host's, and how it is mounted
                options += ["--volume", f"{directory}:{mount['containerPath']}"]
                continue
            # A named volume takes over the owner of the image's directory, as on Fargate.
            volumes.append(f"prometheus-aws-{directory.parent.name}-{directory.name}")
            options += ["--volume", f"{volumes[-1]}:{mount['containerPath']}"]
        if definition.get("readonlyRootFilesystem"):
            options.append("--read-only")
        if "user" in definition:
            options += ["--user", definition["user"]]
        capabilities = definition.get("linuxParameters", {}).get("capabilities", {})
        for capability in capabilities.get("drop", []):
            options += ["--cap-drop", capability]
        for limit in definition.get("ulimits", []):
            soft, hard = (
                _attainable(limit["name"], limit[key]) for key in ("softLimit", "hardLimit")
            )
            options += ["--ulimit", f"{limit['name']}={soft}:{hard}"]
        if spec.resolv_conf:
            options += ["--volume", f"{spec.resolv_conf}:/etc/resolv.conf:ro"]
        for variable in spec.environment:
            options += ["--env", variable]  # the value comes from our environment: not on view
        entrypoint: list[str] = definition.get("entryPoint", [])
        command: list[str] = [*entrypoint[1:], *definition.get("command", [])]
        if entrypoint:
            options += ["--entrypoint", entrypoint[0]]
        process = processes.start(
            ["docker", "run", *options, image, *command],
            log=spec.log,
            environment={**_docker_environment(), **spec.environment},
        )
        return _Container(name, volumes, process)

    def build(self, source: ImageSource) -> str:
        """Build an image, once, for the architecture of this machine; return its id.

        Raises:
            ImageError: it cannot be built.
        """
        if source.dockerfile not in self._images:
            options = [f"--build-arg={name}={value}" for name, value in source.build_args.items()]
            files = ("--file", str(source.dockerfile), str(source.context))
            try:
                built = _docker("build", "--quiet", *options, *files, timeout_s=_BUILD_TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                raise ImageError(f"docker build has not ended for {_BUILD_TIMEOUT_S} s") from error
            self._log.write_text(built.stdout + built.stderr, encoding="utf-8")
            if built.returncode:
                last = (built.stderr.strip().splitlines() or ["no message"])[-1]
                raise ImageError(f"docker build failed: {last}")
            self._images[source.dockerfile] = built.stdout.split()[-1]
        return self._images[source.dockerfile]


def _docker(
    *arguments: str, timeout_s: float | None = _ENGINE_TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
    )


def _attainable(limit: str, value: int) -> int:
    """Lower a limit to what this machine gives us: an engine without more fails to start."""
    _, most = resource.getrlimit(getattr(resource, f"RLIMIT_{limit.upper()}"))
    return value if most == resource.RLIM_INFINITY else min(value, most)


def _docker_environment() -> dict[str, str]:
    """Return what the docker command itself needs."""
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


class _Container:
    def __init__(self, name: str, volumes: Sequence[str], process: Process) -> None:
        self._name = name
        self._process = process
        self.pid = 0
        self.exit_code = process.poll
        self._remover = subprocess.Popen(
            ["sh", "-c", _REMOVER, "remover", name, " ".join(volumes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_docker_environment(),
            start_new_session=True,
        )

    def discard(self) -> None:
        self._remover.communicate(b"keep\n")

    def stop(self, timeout_s: float) -> None:
        _docker("stop", f"--time={int(timeout_s)}", self._name, timeout_s=None)
        processes.stop([self._process], _ENGINE_TIMEOUT_S)
        self._remover.communicate()
