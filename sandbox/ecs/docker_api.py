"""Docker on a host, as far as cAdvisor asks it: whose container a control group is."""

import contextlib
import http.server
import json
import logging
import os
import signal
import socketserver
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("sandbox.ecs")

_CGROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuacct", "memory")
_PERIOD_US = 100_000
_MIB = 2**20
_DRIVER = "overlay2"
_INFO = {"ID": "sandbox", "Driver": _DRIVER, "DriverStatus": [], "ServerVersion": "28.0.0"}
_API = {"Version": "28.0.0", "ApiVersion": "1.48", "MinAPIVersion": "1.24"}


class Docker:
    """Answers for the containers of one host, until `stop`.

    Their processes are in control groups of their own, with the limits that ECS sets, which takes
    root: without, cAdvisor knows of no container.
    """

    def __init__(self) -> None:
        """Start answering, at a socket whose path is short enough to be one."""
        self._directory = tempfile.TemporaryDirectory(prefix="host-")
        path = Path(self._directory.name)
        self.paths = {
            "/var/lib/docker": path / "docker",
            "/var/run/docker.sock": path / "docker.sock",
        }
        """Path on the host -> what stands for it."""
        self._root, socket = self.paths.values()
        self._containers: dict[str, Mapping[str, Any]] = {}
        self._groups: dict[str, Sequence[Path]] = {}
        self._server = _Server(str(socket), _handler(self._answer))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def add(self, identifier: str, container: Mapping[str, Any], cpu: int, pid: int) -> None:
        """Take a container's process, which this process has started.

        Args:
            identifier: of the container, 64 hexadecimal digits.
            container: `name`, `image`, `labels` and `memory` (MiB; 0: no limit).
            cpu: units that it may use; 0: as many as there are.
            pid: of its process.
        """
        self._containers[identifier] = {
            "Id": identifier,
            "Name": f"/{container['name']}",
            "Created": datetime.now(UTC).isoformat(),
            "State": {"Running": True, "Pid": pid, "StartedAt": datetime.now(UTC).isoformat()},
            "RestartCount": 0,
            "Config": {"Image": container["image"], "Labels": container["labels"], "Env": []},
            "HostConfig": {"NetworkMode": "host"},
            "NetworkSettings": {"Networks": {}},
            "GraphDriver": {"Name": _DRIVER},
        }
        mount = self._root / "image" / _DRIVER / "layerdb" / "mounts" / identifier
        mount.mkdir(parents=True, exist_ok=True)
        (mount / "mount-id").write_text(identifier, encoding="ascii")
        try:
            self._groups[identifier] = groups = [
                parent / f"sandbox-{os.getpid()}" / identifier for parent in _parents()
            ]
            for group in groups:
                group.mkdir(parents=True, exist_ok=True)
                _limit(group, cpu, container["memory"])
                (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
        except OSError as error:
            _LOG.warning("cAdvisor cannot see container %s: %s", container["name"], error)

    def remove(self, identifier: str) -> None:
        """Forget a container, whose process has ended, and end what that has left."""
        self._containers.pop(identifier, None)
        for group in self._groups.pop(identifier, ()):
            with contextlib.suppress(OSError):
                for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
                    os.kill(int(pid), signal.SIGKILL)
            for directory in (group, group.parent):
                with contextlib.suppress(OSError):  # others are in it
                    directory.rmdir()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._directory.cleanup()

    def _answer(self, path: str) -> Mapping[str, Any] | None:
        kind, _, rest = path.partition("/")
        if kind == "containers":
            return self._containers.get(rest.partition("/")[0])
        known: dict[str, Mapping[str, Any]] = {
            "_ping": {},
            "info": {**_INFO, "DockerRootDir": str(self._root)},
            "version": _API,
        }
        return known.get(kind)


def _parents() -> list[Path]:
    """Return below what control groups are made: version 2's root, or version 1's own ones."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    own = [line.split(":") for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return [
        _CGROUPS / controller / path.strip("/")
        for _, controller, path in own
        if controller in _CONTROLLERS
    ]


def _limit(group: Path, cpu: int, memory_mib: int) -> None:
    quota, memory = cpu * _PERIOD_US // 1024, memory_mib * _MIB
    limits = {
        "cpu.cfs_quota_us": f"{quota}" if quota else "",
        "cpu.max": f"{quota} {_PERIOD_US}" if quota else "",
        "memory.limit_in_bytes": f"{memory}" if memory else "",
        "memory.max": f"{memory}" if memory else "",
    }
    for name, value in limits.items():
        if value and (group / name).exists():
            (group / name).write_text(value, encoding="ascii")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def _handler(answer: Any) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: ANN401 - a method
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].lstrip("/")
            if path.startswith("v1."):
                path = path.partition("/")[2]
            found = answer(path)
            body = json.dumps(found or {"message": "there is none"}).encode()
            self.send_response(HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK)
            self.send_header("Api-Version", _API["ApiVersion"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    return Handler
