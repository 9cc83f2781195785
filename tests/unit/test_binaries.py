"""sandbox.binaries against a release server on loopback and a stand-in for Go: no network."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import binaries, products
from sandbox.pages import stored_as_brotli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION = "3.15.0"
EXPORTER_VERSION = "1.12.1"
ROOT = Path(__file__).resolve().parents[2]

FAKE_GO = """#!/bin/sh
echo "$PWD|$CGO_ENABLED|$GOWORK|$*" >> "$CALLS"
[ "$1" = "$GO_FAILS_AT" ] && { echo "go: module lookup disabled" >&2; exit 1; }
if [ "$1" = mod ]; then
    echo "go: downloading something"
    printf '{\\n\\t"Dir": "%s"\\n}\\n' "$GO_MODULE"
    exit 0
fi
tags=$4
while [ "$1" != -o ]; do shift; done
output=$2
shift 2
for package; do
    name=${package##*/}
    printf '#!/bin/sh\\necho "%s, version %s (branch: )\\n  tags: %s"\\n' \\
        "$name" "$GO_BUILDS" "$tags" > "$output$name"
    chmod +x "$output$name"
done
"""

FAKE_NPM = """#!/bin/sh
echo "npm $*" >> "$CALLS"
[ -n "$NPM_FAILS" ] && { echo "npm error network" >&2; exit 1; }
mkdir -p "$3/node_modules/.bin"
cat > "$3/node_modules/.bin/vite" <<'END'
#!/bin/sh
mkdir -p dist/assets
echo page > dist/index.html
echo code > dist/assets/a.js
END
chmod +x "$3/node_modules/.bin/vite"
printf '#!/bin/sh\\necho "pnpm $*" >> "$CALLS"\\n' > "$3/node_modules/.bin/pnpm"
chmod +x "$3/node_modules/.bin/pnpm"
"""


def _program(name: str, version: str) -> bytes:
    report = f"{name}, version {version} (branch: HEAD)\n  tags: netgo,builtinassets"
    return f'#!/bin/sh\necho "{report}"\n'.encode()


def _write_program(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


class _Releases:
    """A directory of releases, and what has been asked of its server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self.requests: list[str] = []

    def add(self, product: str, version: str, names: tuple[str, ...], reported: str = "") -> Path:
        """Publish `product`; its programs report `version`, or `reported` when given."""
        top = f"{product}-{version}.{products.machine()}"
        directory = self.root / "prometheus" / product / f"v{version}"
        directory.mkdir(parents=True)
        archive = directory / f"{top}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name in (*names, "LICENSE"):
                content = _program(name, reported or version)
                member = tarfile.TarInfo(f"{top}/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        other = "0" * 64
        (directory / "sha256sums.txt").write_text(
            f"{other}  {top}.tar.gz.sig\n{digest}  {archive.name}\n{other}  other.tar.gz\n"
        )
        return archive


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Releases]:
    root = tmp_path / "releases"
    root.mkdir()
    published = _Releases(root)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            published.requests.append(self.path)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=root)
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    published.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(binaries, "RELEASES_URL", f"{published.url}/{{repository}}/v{{version}}")
    yield published
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def path_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Isolate from this machine: an empty cache, no proxy, a PATH without the binaries or Go."""
    directory = tmp_path / "path"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.setenv("PROMETHEUS_AWS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(binaries.MIRROR, raising=False)
    which = binaries.shutil.which  # type: ignore[attr-defined]  # the module's own import
    monkeypatch.setattr(
        binaries.shutil,  # type: ignore[attr-defined]
        "which",
        lambda name: which(name, path=str(directory)),
    )
    return directory


@pytest.fixture(autouse=True)
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pin versions of our own, so that a new release changes nothing here."""
    file = tmp_path / "versions.json"
    pinned = {
        "prometheus": VERSION,
        "node_exporter": EXPORTER_VERSION,
        "alertmanager": "0.34.0",
        "pnpm": "10.1.2",
    }
    file.write_text(json.dumps(pinned))
    monkeypatch.setattr(products, "VERSIONS_FILE", file)


@pytest.fixture
def fake_go(
    path_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[list[str]]]:
    """Put a stand-in for Go on PATH; return a function that returns its calls' fields."""
    calls = tmp_path / "calls"
    _write_program(path_directory / "go", FAKE_GO.encode())
    module = tmp_path / "go-module"
    for folder in ("web/ui", "ui/app", "ui/mantine-ui"):
        (module / folder).mkdir(parents=True)
    _write_program(module / "scripts/compress_assets.sh", b'echo compress >> "$CALLS"')
    (module / "web").chmod(0o555)  # as in the cache of Go modules
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("GO_MODULE", str(module))
    monkeypatch.setenv("GO_BUILDS", VERSION)
    return lambda: [line.split("|") for line in calls.read_text().splitlines()]


@pytest.fixture
def fake_node(path_directory: Path) -> Path:
    """Put a stand-in for Node.js and npm on PATH; return the program that reports its version."""
    _write_program(path_directory / "npm", FAKE_NPM.encode())
    return _write_program(path_directory / "node", b"#!/bin/sh\necho v24.0.0\n")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point to a release server that refuses connections."""
    monkeypatch.setattr(binaries, "RELEASES_URL", "http://127.0.0.1:1/{repository}/v{version}")


def _pulumi(
    archive: Path,
    version: str,
    helpers: tuple[str, ...] = ("python", "python-exec", "nodejs", "yaml"),
) -> Path:
    """Write an archive of a Pulumi CLI that reports `version`."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    files = {"pulumi": f"#!/bin/sh\necho v{version}\n"}
    files |= {f"pulumi-language-{name}": "" for name in helpers}
    compression = "xz" if archive.suffix == ".xz" else "gz"
    with tarfile.open(archive, f"w:{compression}") as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return archive


def _cache(tmp_path: Path, product: str = "prometheus", version: str = VERSION) -> Path:
    return tmp_path / "cache" / f"{product}-{version}.{products.machine()}"


def test_path_at_the_pinned_version_is_used(path_directory: Path, releases: _Releases) -> None:
    own = _write_program(path_directory / "promtool", _program("promtool", VERSION))
    assert binaries.ensure(["promtool"]) == {"promtool": own}
    assert releases.requests == []


@pytest.mark.parametrize("other", ["3.15.1", "3.15.0-rc.1", "13.15.0"])
def test_path_at_another_version_is_not_used(
    path_directory: Path, releases: _Releases, tmp_path: Path, other: str
) -> None:
    _write_program(path_directory / "promtool", _program("promtool", other))
    releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    assert binaries.ensure(["promtool"]) == {"promtool": _cache(tmp_path) / "promtool"}


@pytest.mark.parametrize("content", [b"#!/bin/sh\nexit 1\n", b"not a program"])
def test_path_with_something_broken_is_not_used(
    path_directory: Path, releases: _Releases, tmp_path: Path, content: bytes
) -> None:
    _write_program(path_directory / "promtool", content)
    releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    assert binaries.ensure(["promtool"]) == {"promtool": _cache(tmp_path) / "promtool"}


def test_release_is_downloaded_once_and_then_cached(releases: _Releases, tmp_path: Path) -> None:
    releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    releases.add("node_exporter", EXPORTER_VERSION, ("node_exporter",))
    found = binaries.ensure()
    assert list(found) == ["prometheus", "promtool", "node_exporter"]
    for path in found.values():
        assert subprocess.run([path, "--version"], check=True, capture_output=True).stdout
    first = list(releases.requests)
    assert len(first) == 4  # two products: the checksums and the tarball of each
    assert binaries.ensure() == found
    assert releases.requests == first
    # Nothing else stays behind: no tarball, no temporary directory.
    assert sorted(path.name for path in _cache(tmp_path).iterdir()) == ["prometheus", "promtool"]
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 2


def test_new_pinned_version_is_installed_beside_the_old(
    releases: _Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.add("node_exporter", EXPORTER_VERSION, ("node_exporter",))
    releases.add("node_exporter", "1.99.0", ("node_exporter",))
    old = binaries.ensure(["node_exporter"])["node_exporter"]
    file = tmp_path / "newer.json"
    file.write_text('{"node_exporter": "1.99.0"}')
    monkeypatch.setattr(products, "VERSIONS_FILE", file)
    new = binaries.ensure(["node_exporter"])["node_exporter"]
    assert new == _cache(tmp_path, "node_exporter", "1.99.0") / "node_exporter"
    assert old.is_file()


def test_checksum_mismatch_is_an_error_and_never_falls_back(
    releases: _Releases, tmp_path: Path, fake_go: Callable[[], list[list[str]]]
) -> None:
    archive = releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(products.BinaryError, match="nothing was installed") as raised:
        binaries.ensure(["prometheus"])
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in str(raised.value)
    assert not _cache(tmp_path).exists()
    with pytest.raises(FileNotFoundError):
        fake_go()  # Go was never called


def test_missing_checksum_line_is_an_error(releases: _Releases, tmp_path: Path) -> None:
    archive = releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    sums = archive.with_name("sha256sums.txt")
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if not line.endswith(f" {archive.name}\n")))
    with pytest.raises(products.BinaryError, match="nothing about this file"):
        binaries.ensure(["prometheus"])
    assert not _cache(tmp_path).exists()


def test_release_that_reports_another_version_is_refused(
    releases: _Releases, tmp_path: Path
) -> None:
    releases.add("prometheus", VERSION, ("prometheus", "promtool"), reported="3.14.9")
    with pytest.raises(products.BinaryError, match=r"reports version '3\.14\.9': expected '3\.15"):
        binaries.ensure(["prometheus"])
    assert not _cache(tmp_path).exists()


@pytest.mark.usefixtures("unreachable")
def test_unreachable_release_is_built_from_go_modules(
    fake_go: Callable[[], list[list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = binaries.ensure(["promtool"])
    assert found == {"promtool": _cache(tmp_path) / "promtool"}
    download, build = fake_go()
    assert download[-1] == "mod download -json github.com/prometheus/prometheus@v0.315.0"
    folder, *environment, _ = build
    assert environment == ["0", "off"]  # CGO_ENABLED, GOWORK
    assert Path(folder).is_relative_to(tmp_path / "cache")
    assert build[-1].startswith(
        "build -trimpath -tags remove_all_sd,enable_aws_sd,enable_dns_sd -ldflags "
        "-s -w -X github.com/prometheus/common/version.Version=3.15.0 -o "
    )
    package = "github.com/prometheus/prometheus/cmd"
    assert build[-1].endswith(f" {package}/prometheus {package}/promtool")
    said = capsys.readouterr().err
    assert "Connection refused" in said
    assert "takes minutes" in said
    assert "built without its web pages: there is no `npm` on PATH. Once there is Node.js" in said


@pytest.mark.usefixtures("unreachable", "fake_node")
def test_build_with_node_has_its_pages(
    fake_go: Callable[[], list[list[str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    binaries.ensure(["prometheus"])
    _, npm, *pnpm, compress, build = [call[-1] for call in fake_go()]
    assert npm.startswith(f"npm install --prefix {tmp_path / 'cache'}")
    assert npm.endswith(" --ignore-scripts pnpm@10.1.2")
    assert [call.split()[:2] for call in pnpm] == [["pnpm", "install"], ["pnpm", "run"]]
    assert "--frozen-lockfile --ignore-scripts --store-dir=" in pnpm[0]
    assert compress == "compress"
    assert ",builtinassets -ldflags " in build
    assert "building its web pages with Node.js" in capsys.readouterr().err
    # Nothing of the build stays behind, nor a note of what is missing.
    cache = tmp_path / "cache"
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [_cache(tmp_path).name]
    assert sorted(path.name for path in _cache(tmp_path).iterdir()) == ["prometheus", "promtool"]


@pytest.mark.usefixtures("unreachable", "fake_node")
def test_pages_that_fail_do_not_stop_the_build(
    fake_go: Callable[[], list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NPM_FAILS", "1")
    assert binaries.ensure(["prometheus"])["prometheus"].is_file()
    assert "builtinassets" not in fake_go()[-1][-1]
    said = capsys.readouterr().err
    assert "without its web pages: `npm install` ended with 1:\nnpm error network" in said


@pytest.mark.usefixtures("unreachable")
def test_missing_pages_are_built_once_there_is_another_node(
    fake_go: Callable[[], list[list[str]]],
    fake_node: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NPM_FAILS", "1")
    found = binaries.ensure(["prometheus"])
    calls = len(fake_go())
    assert binaries.ensure(["prometheus"]) == found
    assert len(fake_go()) == calls
    monkeypatch.delenv("NPM_FAILS")
    _write_program(fake_node, b"#!/bin/sh\necho v24.0.1\n")
    assert binaries.ensure(["prometheus"]) == found
    assert len(fake_go()) > calls
    assert b"builtinassets" in found["prometheus"].read_bytes()
    calls = len(fake_go())
    _write_program(fake_node, b"#!/bin/sh\necho v24.0.2\n")
    binaries.ensure(["prometheus"])
    assert len(fake_go()) == calls


def _cache_without_pages(tmp_path: Path) -> Path:
    """Fill the cache as an earlier version of this project did."""
    for name in ("prometheus", "promtool"):
        _write_program(_cache(tmp_path) / name, f"#!/bin/sh\necho version {VERSION}\n".encode())
    return _cache(tmp_path) / "prometheus"


@pytest.mark.usefixtures("unreachable", "fake_go", "fake_node")
def test_cache_without_pages_and_without_a_note_gets_them(tmp_path: Path) -> None:
    old = _cache_without_pages(tmp_path)
    assert binaries.ensure(["prometheus"]) == {"prometheus": old}
    assert b"builtinassets" in old.read_bytes()


@pytest.mark.usefixtures("unreachable")
def test_cache_without_pages_is_used_where_nothing_else_can_be_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _cache_without_pages(tmp_path)
    assert binaries.ensure(["prometheus"]) == {"prometheus": old}
    assert "3.15.0 cannot be installed" in capsys.readouterr().err
    assert binaries.ensure(["prometheus"]) == {"prometheus": old}
    assert capsys.readouterr().err == ""  # said, and tried, once


# What of the module Go would embed, as the fake Go sees it.
EMBEDDED = """#!/bin/sh
case $1 in build) mkdir -p "$EMBEDDED"; cp -r ui/app/dist/. "$EMBEDDED" ;; esac
exec "$REAL_GO" "$@"
"""


@pytest.fixture
def embedded(
    fake_go: Callable[[], list[list[str]]],
    path_directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Build Alertmanager with the stand-in for Go; return what it embeds."""
    del fake_go
    go = path_directory / "go"
    go.rename(path_directory / "real-go")
    _write_program(go, EMBEDDED.encode())
    monkeypatch.setenv("REAL_GO", str(path_directory / "real-go"))
    monkeypatch.setenv("EMBEDDED", str(tmp_path / "embedded"))
    monkeypatch.setenv("GO_BUILDS", "0.34.0")
    return tmp_path / "embedded"


def _embedded_page(folder: Path, name: str = "index.html") -> bytes:
    """Return a page as ui/web.go finds it: compressed twice, and both are the same."""
    content = gzip.decompress((folder / f"{name}.gz").read_bytes())
    assert (folder / f"{name}.br").read_bytes() == stored_as_brotli(content)
    return content


@pytest.mark.usefixtures("unreachable")
def test_alertmanager_without_node_says_so_on_its_page(
    embedded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = binaries.ensure(["alertmanager", "amtool"])
    assert set(found) == {"alertmanager", "amtool"}
    assert b"without its web pages" in _embedded_page(embedded)
    assert b"plain_page" in found["alertmanager"].read_bytes()
    assert "without its web pages: there is no `npm` on PATH" in capsys.readouterr().err
    assert binaries.ensure(["alertmanager"]) == {"alertmanager": found["alertmanager"]}
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("unreachable", "fake_node")
def test_alertmanager_gets_the_pages_that_node_builds(embedded: Path) -> None:
    found = binaries.ensure(["alertmanager"])
    assert _embedded_page(embedded) == b"page\n"
    assert _embedded_page(embedded / "assets", "a.js") == b"code\n"
    assert b"plain_page" not in found["alertmanager"].read_bytes()


@pytest.mark.usefixtures("unreachable")
def test_alertmanagers_pages_are_built_once_there_is_node(
    embedded: Path, path_directory: Path
) -> None:
    binaries.ensure(["alertmanager"])
    _write_program(path_directory / "npm", FAKE_NPM.encode())
    _write_program(path_directory / "node", b"#!/bin/sh\necho v24.0.0\n")
    binaries.ensure(["alertmanager"])
    assert _embedded_page(embedded) == b"page\n"


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (1, "000010"),
        (5, "400010"),
        (1 << 16, "f0ff1f"),
        ((1 << 16) + 1, "04001001"),
        (1 << 20, "f4ffff01"),
    ],
)
def test_content_is_stored_in_the_form_of_brotli(length: int, head: str) -> None:
    """Each was read by the Brotli of Node.js."""
    content = b"x" * length
    assert stored_as_brotli(content) == bytes.fromhex(head) + content + b"\x03"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_build_leaves_nothing(
    path_directory: Path, tmp_path: Path, number: signal.Signals
) -> None:
    # A build that writes as fast as it can, in a process of its own beside another one.
    go = (
        "#!/bin/sh\n"
        "(while :; do mkdir -p tmp/$$; echo x > tmp/$$/$RANDOM; rm -rf tmp/$$; done) &\n"
        f"echo $$ > {tmp_path}/started.new; mv {tmp_path}/started.new {tmp_path}/started\n"
        "wait\n"
    )
    _write_program(path_directory / "go", go.encode())
    program = (
        "import sys; from sandbox import binaries;"
        " binaries.RELEASES_URL = 'http://127.0.0.1:1/{repository}/{version}';"
        " sys.exit(binaries.main())"
    )
    installer = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    started = tmp_path / "started"
    deadline = time.monotonic() + 30
    while not started.exists():
        assert time.monotonic() < deadline, "the build does not start"
        time.sleep(0.05)
    try:
        os.killpg(installer.pid, number)  # as a terminal does
        _, said = installer.communicate(timeout=60)
        assert installer.returncode == 130, said
        assert said.splitlines()[-1].startswith("interrupted: removing what has been built")
        assert "Traceback" not in said
        assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
        with pytest.raises(ProcessLookupError):
            os.killpg(int(started.read_text()), 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(started.read_text()), signal.SIGKILL)


@pytest.mark.usefixtures("unreachable", "fake_go")
def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    left = _cache(tmp_path).with_name(f"{_cache(tmp_path).name}.build")
    (left / "module/web").mkdir(parents=True)
    binaries.ensure(["prometheus"])
    assert not left.exists()


def test_missing_release_is_built_from_go_modules(
    releases: _Releases, fake_go: Callable[[], list[list[str]]], tmp_path: Path
) -> None:
    found = binaries.ensure(["prometheus"])
    assert found == {"prometheus": _cache(tmp_path) / "prometheus"}
    assert releases.requests
    assert len(fake_go()) == 2


@pytest.mark.usefixtures("unreachable", "fake_go")
def test_build_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GO_BUILDS", "3.14.0")
    with pytest.raises(products.BinaryError, match=r"reports version '3\.14\.0'"):
        binaries.ensure(["prometheus"])
    assert not _cache(tmp_path).exists()


@pytest.mark.usefixtures("unreachable", "fake_go")
@pytest.mark.parametrize("step", ["mod", "build"])
def test_failing_go_is_an_error_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("GO_FAILS_AT", step)
    with pytest.raises(
        products.BinaryError, match=rf"go {step}` ended with 1:\ngo: module lookup disabled"
    ):
        binaries.ensure(["prometheus"])


@pytest.mark.usefixtures("unreachable")
def test_neither_network_nor_go_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(products.BinaryError, match=r"3\.15\.0 cannot be installed") as raised:
        binaries.ensure(["prometheus"])
    message = str(raised.value)
    assert "http://127.0.0.1:1/prometheus/prometheus/v3.15.0/prometheus-3.15.0." in message
    assert "Connection refused" in message
    assert "no `go` on PATH" in message
    assert "put prometheus and promtool 3.15.0 on PATH" in message


def test_two_at_once_install_once(releases: _Releases) -> None:
    releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: binaries.ensure(["prometheus", "promtool"]), range(4)))
    assert all(paths == found[0] for paths in found)
    assert len(releases.requests) == 2


def test_unwritable_cache_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROMETHEUS_AWS_CACHE", str(tmp_path / "file"))
    with pytest.raises(products.BinaryError, match="set PROMETHEUS_AWS_CACHE"):
        binaries.ensure(["prometheus"])


def test_cache_directory_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("PROMETHEUS_AWS_CACHE", "/own")
    assert binaries.cache_directory() == Path("/own")
    monkeypatch.delenv("PROMETHEUS_AWS_CACHE")
    assert binaries.cache_directory() == Path("/xdg/prometheus-aws")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert binaries.cache_directory() == Path("/home/someone/.cache/prometheus-aws")


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("by_url", [True, False], ids=["url", "folder"])
def test_mirror_serves_archives_under_their_own_names(
    releases: _Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_url: bool
) -> None:
    archive = releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    folder = archive.parent
    url = f"{releases.url}/{folder.relative_to(releases.root)}/"
    monkeypatch.setenv(binaries.MIRROR, url if by_url else str(folder))
    assert binaries.ensure(["promtool"]) == {"promtool": _cache(tmp_path) / "promtool"}


@pytest.mark.usefixtures("unreachable")
def test_checksum_mismatch_in_a_mirror_is_an_error(
    releases: _Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = releases.add("prometheus", VERSION, ("prometheus", "promtool"))
    archive.write_bytes(archive.read_bytes() + b"x")
    monkeypatch.setenv(binaries.MIRROR, str(archive.parent))
    with pytest.raises(products.BinaryError, match="nothing was installed"):
        binaries.ensure(["prometheus"])
    assert not _cache(tmp_path).exists()


@pytest.mark.usefixtures("unreachable")
def test_mirror_may_hold_an_archive_without_a_version_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pulumi(tmp_path / "mirror" / f"pulumi-{products.machine()}.tar.xz", "3.260.7")
    monkeypatch.setenv(binaries.MIRROR, str(tmp_path / "mirror"))
    found = binaries.ensure(["pulumi"])
    assert found == {"pulumi": _cache(tmp_path, "pulumi", "3.260.7") / "pulumi"}
    assert (found["pulumi"].parent / "pulumi-language-python").is_file()
    monkeypatch.delenv(binaries.MIRROR)
    assert binaries.ensure(["pulumi"]) == found  # the cache's will do


@pytest.mark.usefixtures("unreachable")
def test_mirror_with_a_version_that_will_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pulumi(tmp_path / "mirror" / f"pulumi-{products.machine()}.tar.xz", "3.259.0")
    monkeypatch.setenv(binaries.MIRROR, str(tmp_path / "mirror"))
    with pytest.raises(products.BinaryError, match=r"'3\.259\.0': expected .*, or 3\.260\.0 and"):
        binaries.ensure(["pulumi"])


def test_mirror_without_the_archive_gives_way_to_the_release(
    releases: _Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.add("node_exporter", EXPORTER_VERSION, ("node_exporter",))
    monkeypatch.setenv(binaries.MIRROR, str(tmp_path))
    assert binaries.ensure(["node_exporter"])["node_exporter"].is_file()
    assert len(releases.requests) == 2


@pytest.mark.parametrize(
    ("version", "used"),
    [("3.260.0", True), ("3.999.1", True), ("3.99.0", False), ("3.270.0-alpha.1", False)],
)
@pytest.mark.usefixtures("unreachable")
def test_pulumi_on_path_may_be_of_another_version(
    path_directory: Path, version: str, *, used: bool
) -> None:
    own = _write_program(path_directory / "pulumi", f"#!/bin/sh\necho v{version}\n".encode())
    if used:
        assert binaries.ensure(["pulumi"]) == {"pulumi": own}
    else:
        with pytest.raises(products.BinaryError, match="cannot be installed"):
            binaries.ensure(["pulumi"])


def test_release_of_pulumi_is_that_of_the_sdk(releases: _Releases, tmp_path: Path) -> None:
    version = metadata.version("pulumi")
    directory = releases.root / "pulumi" / "pulumi" / f"v{version}"
    spelt = products.machine().replace("amd64", "x64")
    archive = _pulumi(directory / f"pulumi-v{version}-{spelt}.tar.gz", version)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (directory / f"pulumi-{version}-checksums.txt").write_text(f"{digest}  {archive.name}\n")
    expected = _cache(tmp_path, "pulumi", version) / "pulumi"
    assert binaries.ensure(["pulumi"]) == {"pulumi": expected}


def test_archive_without_a_helper_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pulumi(tmp_path / f"pulumi-{products.machine()}.tar.xz", "3.260.0", helpers=("python",))
    monkeypatch.setenv(binaries.MIRROR, str(tmp_path))
    with pytest.raises(products.BinaryError, match="has no pulumi-language-python-exec, "):
        binaries.ensure(["pulumi"])


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown binaries \['grafana'\]: expected some of"):
        binaries.ensure(["grafana"])


def test_unknown_architecture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products.platform, "machine", lambda: "riscv64")  # type: ignore[attr-defined]
    with pytest.raises(products.BinaryError, match="architecture 'riscv64'"):
        binaries.ensure(["prometheus"])


@pytest.mark.parametrize(
    ("product", "version", "module_version"),
    [
        ("prometheus", "3.15.0", "v0.315.0"),
        ("prometheus", "3.5.3", "v0.305.3"),
        ("node_exporter", "1.12.1", "v1.12.1"),
        ("alertmanager", "0.34.0", "v0.34.0"),
    ],
)
def test_module_version(product: str, version: str, module_version: str, tmp_path: Path) -> None:
    (tmp_path / "versions.json").write_text(json.dumps({product: version}))
    assert binaries._PRODUCT_OF[product].module_version == module_version


def test_command_line_prints_the_paths(path_directory: Path) -> None:
    pinned = json.loads((ROOT / "versions.json").read_text())
    for name, product in [
        ("prometheus", "prometheus"),
        ("promtool", "prometheus"),
        ("node_exporter", "node_exporter"),
    ]:
        _write_program(path_directory / name, _program(name, pinned[product]))
    answer = subprocess.run(
        [sys.executable, "-m", "sandbox.binaries"],
        cwd=ROOT,
        env=os.environ,
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.splitlines() == [
        f"{name}\t{path_directory / name}" for name in ("prometheus", "promtool", "node_exporter")
    ]


@pytest.mark.usefixtures("unreachable")
def test_command_line_reports_errors_without_a_stack_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert binaries.main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: prometheus 3.15.0 cannot")
