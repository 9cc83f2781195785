"""userdata/node_exporter.sh, executed for real: in a throw-away root, from a mirror on loopback.

What it installs is the pinned node_exporter itself, and the stand-in of systemctl starts it with
the unit's own ExecStart, so that the script's last step scrapes the real thing.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from components.exporters.user_data import user_data
from sandbox import binaries
from sandbox.addresses import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "userdata" / "node_exporter.sh"
VERSION: str = json.loads((REPOSITORY / "versions.json").read_text())["node_exporter"]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
RELEASE = f"node_exporter-{VERSION}.linux-{ARCHITECTURE}"
USER_DATA_LIMIT = 16 * 1024  # bytes, before base64: EC2's

# They record what they are called with in $CALLS. $STAND_IN_FAILS names one that fails.
STAND_INS = {
    # Runs ExecStart with its paths below $ROOT, on loopback only; never when $NOTHING_STARTS.
    "systemctl": r"""
pid=$(cat "$STATE/pid" 2>/dev/null || echo none)
runs() { [ -e "/proc/$pid/exe" ]; }
case $1 in
    restart) if runs; then kill "$pid"; while runs; do :; done; fi ;;
    start) if runs; then exit 0; fi ;;
    *) exit 0 ;;
esac
[ -z "$NOTHING_STARTS" ] || exit 0
set -- $(sed -n 's/^ExecStart=//p' "$ROOT/etc/systemd/system/node_exporter.service" |
    sed -e "s|/usr/local|$ROOT/usr/local|" -e "s|=/var|=$ROOT/var|" -e 's|=:|=127.0.0.1:|')
"$@" >"$STATE/log" 2>&1 </dev/null &
echo $! >"$STATE/pid"
""",
    "useradd": 'for name; do :; done; echo "$name" >>"$STATE/users"',
    "id": 'grep -qx "$1" "$STATE/users"',
    "logger": "",
    # $CURL_OPTIONS: not to wait for what never comes.
    "curl": 'PATH=/usr/bin:/bin; exec curl "$@" $CURL_OPTIONS',
}
PREAMBLE = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
[ "${0##*/}" = "$STAND_IN_FAILS" ] && { echo "stand-in: no" >&2; exit 9; }
"""


class _Mirror:
    """A directory of releases, served on loopback, and the paths that were asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.requests: list[str] = []
        self.failures = 0
        """How many of the next requests are answered 503."""
        self.url = ""

    def publish(self, archive: bytes, sums: str | None = None) -> None:
        """Put a release's tarball there, with a sha256sums.txt of several files around it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{RELEASE}.tar.gz").write_bytes(archive)
        digest = hashlib.sha256(archive).hexdigest()
        other = "0" * 64
        if sums is None:
            sums = f"{digest}  {RELEASE}.tar.gz\n"
        (self.directory / "sha256sums.txt").write_text(
            f"{other}  {RELEASE}.tar.gz.sig\n{other}  x{RELEASE}.tar.gz\n{sums}"
        )


class _Host:
    """A throw-away root, the stand-ins, and what they recorded."""

    def __init__(self, directory: Path, mirror: _Mirror, port: int) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.calls_file = directory / "calls"
        self.binary = self.root / "usr/local/bin/node_exporter"
        self.unit = self.root / "etc/systemd/system/node_exporter.service"
        self.textfiles = self.root / "var/lib/node_exporter/textfile"
        self.port = port
        self.variables = {
            "NODE_EXPORTER_VERSION": VERSION,
            "NODE_EXPORTER_PORT": str(port),
            "NODE_EXPORTER_DOWNLOAD_URL": mirror.url,
        }
        self.environment = {
            "PATH": f"{directory / 'stand-ins'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(directory),
            "TMPDIR": str(directory / "tmp"),
            "ROOT": str(self.root),
            "STATE": str(directory),
            "CALLS": str(self.calls_file),
        }
        for name in ("root", "tmp", "stand-ins"):
            (directory / name).mkdir()
        for name, text in STAND_INS.items():
            self.stand_in(name, text)
        (directory / "users").touch()

    def stand_in(self, name: str, text: str) -> None:
        path = self.directory / "stand-ins" / name
        path.write_text(f"{PREAMBLE}{text}\n")
        path.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the user data as the program renders it."""
        self.calls_file.write_text("")
        rendered = self.directory / "user-data"
        rendered.write_text(user_data(SCRIPT.read_text(), self.variables))
        return subprocess.run(
            ["/bin/bash", rendered],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        lines = self.calls_file.read_text().splitlines()
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(program)]

    def pid(self) -> int:
        return int((self.directory / "pid").read_text())

    def scrape(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return bytes(answer.read()).decode()

    def stop(self) -> None:
        """Stop the node_exporter, if one was started, and wait until its port is free."""
        if not (self.directory / "pid").exists():
            return
        pid = self.pid()
        (self.directory / "pid").unlink()
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.02)
        pytest.fail(f"node_exporter {pid} did not stop")


class _Failure(NamedTuple):
    """What a failed run left."""

    error: str
    installed: list[Path]


def _archive(program: bytes, directory: str = RELEASE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, content in (("LICENSE", b"text"), ("node_exporter", program)):
            member = tarfile.TarInfo(f"{directory}/{name}")
            member.size = len(content)
            member.mode = 0o755
            member.uid = member.gid = 3434  # as in the official tarball
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def program() -> bytes:
    return binaries.ensure(["node_exporter"])["node_exporter"].read_bytes()


@pytest.fixture(scope="module")
def release(program: bytes) -> bytes:
    return _archive(program)


@pytest.fixture
def mirror(tmp_path: Path, release: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Mirror]:
    monkeypatch.setenv("no_proxy", "*")
    root = tmp_path / "mirror"
    mirror = _Mirror(root / f"v{VERSION}")
    mirror.publish(release)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.requests.append(self.path)
            if mirror.failures:
                mirror.failures -= 1
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=root)
    )
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield mirror
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def host(tmp_path: Path, mirror: _Mirror) -> Iterator[_Host]:
    directory = tmp_path / "host"
    directory.mkdir()
    host = _Host(directory, mirror, free_port())
    yield host
    host.stop()


@pytest.fixture
def failing_run(host: _Host) -> Callable[[], _Failure]:
    """Return a function that runs the script, which must fail, tell it and leave no debris."""

    def run() -> _Failure:
        host.environment["CURL_OPTIONS"] = "--retry 0"
        result = host.run()
        assert result.returncode == 1, result.stderr
        error = result.stderr.splitlines()[-1]
        assert error.startswith("node_exporter set-up failed: ")
        reason = error.removeprefix("node_exporter set-up failed: ")
        logged = "--tag node_exporter-setup --priority user.err failed: "
        assert host.calls("logger") == [logged + reason]
        assert list((host.directory / "tmp").iterdir()) == []
        files = [path for path in host.root.rglob("*") if path.is_file()]
        return _Failure(reason, files)

    return run


def test_shellcheck() -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shellcheck = shutil.which("shellcheck", path=path)
    assert shellcheck, "shellcheck is in requirements-dev.txt"
    subprocess.run([shellcheck, SCRIPT], check=True)


def test_rendered_user_data_is_far_below_the_limit(host: _Host) -> None:
    assert len(user_data(SCRIPT.read_text(), host.variables).encode()) < USER_DATA_LIMIT / 2


def test_first_run_installs_and_starts(host: _Host, program: bytes) -> None:
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"node_exporter {VERSION} answers at port {host.port} (restart)\n"

    assert host.binary.stat().st_mode & 0o7777 == 0o755
    assert host.binary.read_bytes() == program
    assert sorted(path.name for path in host.binary.parent.iterdir()) == ["node_exporter"]
    assert list((host.directory / "tmp").iterdir()) == []
    assert host.calls("useradd") == [
        "--system --user-group --no-create-home --home-dir / --shell /sbin/nologin node_exporter"
    ]
    assert host.calls("systemctl") == [
        "daemon-reload",
        "enable --quiet node_exporter.service",
        "restart node_exporter.service",
    ]
    assert host.calls("logger") == []

    (host.textfiles / "own.prom").write_text("own_metric 42\n")
    metrics = host.scrape()
    assert f'version="{VERSION}"' in metrics
    assert "own_metric 42" in metrics
    assert 'node_scrape_collector_success{collector="systemd"}' in metrics
    assert 'node_scrape_collector_success{collector="timex"} 1' in metrics


def test_unit_is_hardened(host: _Host) -> None:
    host.run()
    lines = host.unit.read_text().splitlines()
    assert host.unit.stat().st_mode & 0o7777 == 0o644
    assert (
        f"ExecStart=/usr/local/bin/node_exporter --web.listen-address=:{host.port} "
        "--collector.systemd --collector.systemd.enable-restarts-metrics "
        "--collector.textfile.directory=/var/lib/node_exporter/textfile"
    ) in lines
    for line in (
        "User=node_exporter",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "Restart=always",
        "WantedBy=multi-user.target",
    ):
        assert line in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_unit_is_valid_for_systemd(host: _Host) -> None:
    host.run()
    # The program must exist for `verify`, so it gets the one in the throw-away root.
    unit = host.directory / "node_exporter.service"
    unit.write_text(host.unit.read_text().replace("=/usr/local", f"={host.root}/usr/local"))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_second_run_changes_nothing(host: _Host, mirror: _Mirror) -> None:
    host.run()
    pid = host.pid()
    times = [path.stat().st_mtime_ns for path in (host.binary, host.unit)]
    requests = list(mirror.requests)
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"at port {host.port} (start)\n")
    assert mirror.requests == requests
    assert [path.stat().st_mtime_ns for path in (host.binary, host.unit)] == times
    assert host.calls("useradd") == []
    assert "restart node_exporter.service" not in host.calls("systemctl")
    assert host.pid() == pid


def test_second_run_starts_what_was_stopped(host: _Host) -> None:
    host.run()
    host.stop()
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert f'version="{VERSION}"' in host.scrape()


def test_new_port_restarts_without_a_download(host: _Host, mirror: _Mirror) -> None:
    host.run()
    requests = list(mirror.requests)
    host.port = free_port()
    host.variables["NODE_EXPORTER_PORT"] = str(host.port)
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert "restart node_exporter.service" in host.calls("systemctl")
    assert mirror.requests == requests
    assert f'version="{VERSION}"' in host.scrape()


def _install_old_version(host: _Host) -> str:
    old = '#!/bin/sh\necho "node_exporter, version 1.0.0 (branch: HEAD)"\n'
    host.binary.parent.mkdir(parents=True)
    host.binary.write_text(old)
    host.binary.chmod(0o755)
    return old


def test_other_version_is_replaced(host: _Host) -> None:
    _install_old_version(host)
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert f'version="{VERSION}"' in host.scrape()


def test_corrupted_download_installs_nothing(
    host: _Host, mirror: _Mirror, release: bytes, failing_run: Callable[[], _Failure]
) -> None:
    (mirror.directory / f"{RELEASE}.tar.gz").write_bytes(release[:-1] + b"\0\0")
    failure = failing_run()
    url = f"{mirror.url}/v{VERSION}/{RELEASE}.tar.gz"
    assert failure.error == f"{url} does not match its checksum: nothing was installed"
    assert failure.installed == []
    assert host.calls("systemctl") == []
    assert host.calls("useradd") == []


def test_corrupted_download_keeps_the_installed_version(
    host: _Host, mirror: _Mirror, release: bytes, failing_run: Callable[[], _Failure]
) -> None:
    old = _install_old_version(host)
    (mirror.directory / f"{RELEASE}.tar.gz").write_bytes(release[:-1] + b"\0\0")
    assert failing_run().installed == [host.binary]
    assert host.binary.read_text() == old


def test_missing_checksum_line_installs_nothing(
    mirror: _Mirror, release: bytes, failing_run: Callable[[], _Failure]
) -> None:
    mirror.publish(release, sums="")
    failure = failing_run()
    sums = f"{mirror.url}/v{VERSION}/sha256sums.txt"
    assert failure.error == f"{sums} has no line for {RELEASE}.tar.gz"
    assert failure.installed == []


def test_release_of_another_version_installs_nothing(
    mirror: _Mirror, failing_run: Callable[[], _Failure]
) -> None:
    mirror.publish(_archive(b'#!/bin/sh\necho "node_exporter, version 1.0.0 (branch: HEAD)"\n'))
    failure = failing_run()
    assert failure.error == f"the binary in {RELEASE}.tar.gz is not version {VERSION}"
    assert failure.installed == []


def test_unreachable_mirror_installs_nothing(
    host: _Host, failing_run: Callable[[], _Failure]
) -> None:
    host.variables["NODE_EXPORTER_DOWNLOAD_URL"] = "http://127.0.0.1:1"
    failure = failing_run()
    url = f"http://127.0.0.1:1/v{VERSION}/sha256sums.txt"
    assert failure.error == f"cannot download {url}: curl's exit code 7"
    assert failure.installed == []


def test_passing_failures_of_the_mirror_are_retried(host: _Host, mirror: _Mirror) -> None:
    mirror.failures = 1
    result = host.run()
    assert result.returncode == 0, result.stderr
    assert len(mirror.requests) == 3


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["NODE_EXPORTER_VERSION", "NODE_EXPORTER_PORT"])
def test_missing_variable_is_named(
    host: _Host, failing_run: Callable[[], _Failure], name: str, value: str | None
) -> None:
    if value is None:
        del host.variables[name]
    else:
        host.variables[name] = value
    failure = failing_run()
    assert failure.error == f"the environment variable {name} is missing or empty"
    assert failure.installed == []


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_official_release_of_the_architecture_over_https_only(
    host: _Host, failing_run: Callable[[], _Failure], machine: str, name: str
) -> None:
    del host.variables["NODE_EXPORTER_DOWNLOAD_URL"]
    host.stand_in("uname", f"echo {machine}")
    # What curl is asked for, without the network: sums for the expected file, no tarball.
    host.stand_in(
        "curl",
        'for url; do :; done; case $url in *sums.txt) echo "0  node_exporter-'
        f'{VERSION}.linux-{name}.tar.gz" >sha256sums.txt ;; *) exit 22 ;; esac',
    )
    failure = failing_run()
    url = f"https://github.com/prometheus/node_exporter/releases/download/v{VERSION}"
    archive = f"{url}/node_exporter-{VERSION}.linux-{name}.tar.gz"
    assert failure.error == f"cannot download {archive}: curl's exit code 22"
    calls = host.calls("curl")
    assert [call.split()[-1] for call in calls] == [f"{url}/sha256sums.txt", archive]
    assert all(" --proto =https " in call for call in calls)


def test_unknown_architecture_is_named(host: _Host, failing_run: Callable[[], _Failure]) -> None:
    host.stand_in("uname", "echo riscv64")
    assert failing_run().error == (
        "no node_exporter for the architecture riscv64: expected x86_64 or aarch64"
    )


@pytest.mark.parametrize("name", ["useradd", "systemctl"])
def test_failing_command_is_told_with_its_line(
    host: _Host, failing_run: Callable[[], _Failure], name: str
) -> None:
    host.environment["STAND_IN_FAILS"] = name
    error = failing_run().error
    script, _, rest = error.partition(" line ")
    line, _, command = rest.partition(": ")
    assert command.startswith(f"{name} ")
    assert command.endswith(": exit code 9")
    assert name in Path(script).read_text().splitlines()[int(line) - 1]


def test_service_that_does_not_answer_is_a_failure(
    host: _Host, failing_run: Callable[[], _Failure]
) -> None:
    host.environment["NOTHING_STARTS"] = "1"
    url = f"http://127.0.0.1:{host.port}/metrics"
    assert failing_run().error == f"no answer from {url}: see journalctl --unit node_exporter"


def test_port_held_by_something_else_is_a_failure(
    host: _Host, mirror: _Mirror, failing_run: Callable[[], _Failure]
) -> None:
    (mirror.directory.parent / "metrics").write_text('node_exporter_build_info{version="1.0.0"} 1')
    port = mirror.url.rpartition(":")[2]
    host.variables["NODE_EXPORTER_PORT"] = port
    host.environment["NOTHING_STARTS"] = "1"
    url = f"http://127.0.0.1:{port}/metrics"
    assert failing_run().error == f"what answers at {url} is not node_exporter {VERSION}"
