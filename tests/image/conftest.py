"""The images, built on stand-ins for the official ones, and containers of them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.binaries import ensure
from tests.image.engine import Docker, NoEngineError, engine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
HEALTHY_TIMEOUT = 60.0  # seconds
PT_INTERP = 3  # the ELF segment that names the dynamic linker
VARIABLES = {"AWS_REGION": "eu-west-1", "VPC_ID": "vpc-0123456789abcdef0", "ENVIRONMENT": "test"}
"""The three that have no default."""


@dataclass(frozen=True)
class Containers:
    """Starts containers of one image; the fixture removes them."""

    docker: Docker
    image: str
    started: list[str] = field(default_factory=list)

    def start(self, *options: str, variables: dict[str, str] | None = None) -> str:
        """Start a container without a network, and return its id."""
        environment = VARIABLES if variables is None else variables
        container = self.docker.run(
            "run",
            "--detach",
            "--network=none",
            "--health-interval=1s",  # the image's own check, only more often
            *(f"--env={name}={value}" for name, value in environment.items()),
            *options,
            self.image,
        ).stdout.strip()
        self.started.append(container)
        return container

    def start_healthy(self, *options: str, variables: dict[str, str] | None = None) -> str:
        """Start a container, and return its id once Docker's health check has succeeded."""
        container = self.start(*options, variables=variables)
        self.wait_healthy(container)
        return container

    def wait_healthy(self, container: str) -> None:
        """Return when the container is healthy; fail when it ends or takes too long."""
        deadline = time.monotonic() + HEALTHY_TIMEOUT
        while (state := self.state(container))["Health"]["Status"] != "healthy":
            assert state["Running"], f"it has ended:\n{self.logs(container)}"
            assert time.monotonic() < deadline, f"{state}\n{self.logs(container)}"
            time.sleep(0.2)

    def state(self, container: str) -> dict[str, Any]:
        """Return the State of `docker inspect`."""
        state: dict[str, Any] = json.loads(
            self.docker.run("inspect", "--format={{json .State}}", container).stdout
        )
        return state

    def logs(self, container: str) -> str:
        """Return all that the container has printed."""
        done = self.docker.run("logs", container)
        return done.stdout + done.stderr

    def execute(self, container: str, *command: str) -> str:
        """Run a command in the container and return what it prints."""
        return self.docker.run("exec", container, *command).stdout


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """Yield an engine that can run this machine's own binaries."""
    if sys.platform != "linux":
        pytest.skip("the stand-in for the official image is made of Linux binaries")
    try:
        with engine() as found:
            yield found
    except NoEngineError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Server:
    """What is particular to a server's image."""

    name: str
    binaries: tuple[str, ...]

    @property
    def source(self) -> Path:
        """The build context."""
        return ROOT / "docker" / self.name


PROMETHEUS = Server("prometheus", ("prometheus", "promtool"))
ALERTMANAGER = Server("alertmanager", ("alertmanager", "amtool"))


@contextlib.contextmanager
def built(docker: Docker, server: Server, directory: Path) -> Iterator[str]:
    """Yield a server's image, built by the classic builder on a stand-in for the official one.

    From a context in which only its owner may read, as a checkout can be.
    """
    copy = directory / server.name
    shutil.copytree(server.source, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    tag = f"{server.name}-aws-test:{uuid.uuid4().hex}"
    with base_image(docker, server, directory) as base:
        build(docker, server, tag, base, copy)
        yield tag
        docker.run("image", "rm", "--force", tag)


@contextlib.contextmanager
def base_image(docker: Docker, server: Server, directory: Path) -> Iterator[str]:
    """Yield a stand-in for an official image: the same paths, users, defaults and busybox."""
    busybox = shutil.which("busybox")
    if busybox is None or not _is_static(Path(busybox)):
        pytest.skip("no static busybox is installed (Debian: busybox-static)")
    name = server.name
    archive = directory / "base.tar"
    with tarfile.open(archive, "w") as tar:
        _add_users(tar)
        _add_directory(tar, "tmp", mode=0o1777)
        _add_directory(tar, name, mode=0o775, owner=NOBODY)
        _add_file(tar, f"etc/{name}/{name}.yml", b"# the example\n", owner=NOBODY)
        for binary, path in ensure(server.binaries).items():
            tar.add(path, f"bin/{binary}", filter=_as_root)
        tar.add(busybox, "bin/busybox", filter=_as_root)
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
        for applet in set(applets.stdout.split()) - {"busybox"}:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    tag = f"{name}-aws-test-base:{uuid.uuid4().hex}"
    docker.run(
        "import",
        "--change=ENV PATH=/bin",
        "--change=USER nobody",
        f"--change=WORKDIR /{name}",
        f'--change=VOLUME ["/{name}"]',
        f'--change=ENTRYPOINT ["/bin/{name}"]',
        f'--change=CMD ["--config.file=/etc/{name}/{name}.yml"]',
        str(archive),
        tag,
    )
    archive.unlink()
    yield tag
    docker.run("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def image(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield Prometheus's image."""
    with built(docker, PROMETHEUS, tmp_path_factory.mktemp("image")) as tag:
        yield tag


@pytest.fixture
def containers(docker: Docker, image: str) -> Iterator[Containers]:
    """Yield what starts containers, and remove those with their volumes afterwards."""
    started = Containers(docker, image)
    yield started
    for container in started.started:
        docker.run("rm", "--force", "--volumes", container)


def build(docker: Docker, server: Server, tag: str, base: str, context: Path) -> None:
    """Build a server's image on another base than the official one."""
    version = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))[server.name]
    docker.run(
        "build",
        f"--build-arg={server.name.upper()}_VERSION={version}",
        f"--build-arg=BASE_IMAGE={base}",
        f"--tag={tag}",
        str(context),
    )


def _is_static(binary: Path) -> bool:
    """Tell whether a 64-bit little-endian ELF file needs no dynamic linker."""
    content = binary.read_bytes()
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    types = [struct.unpack_from("<I", content, table + i * size)[0] for i in range(count)]
    return PT_INTERP not in types


def _add_users(tar: tarfile.TarFile) -> None:
    _add_file(tar, "etc/passwd", b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/home:/bin/false\n")
    _add_file(tar, "etc/group", b"root:x:0:\nnobody:x:65534:\n")


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, owner: int = 0) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.uid, entry.gid = len(content), owner, owner
    tar.addfile(entry, io.BytesIO(content))


def _add_directory(tar: tarfile.TarFile, name: str, mode: int, owner: int = 0) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
    tar.addfile(entry)


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry
