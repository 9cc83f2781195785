"""What becomes of what the bucket holds, with the servers' own tools; S3 is the emulator's."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import socket
import tarfile
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from prometheus_client import CollectorRegistry

from components.configuration.archive import Archive, pack
from live_configuration import archives, follower
from live_configuration.__main__ import TIMEOUTS
from live_configuration.bucket import Bucket
from live_configuration.follower import KEPT_VERSIONS, Follower
from live_configuration.metrics import Metrics
from live_configuration.servers import Server
from sandbox.binaries import ensure
from sandbox.emulator import SESSION, Emulator
from tests.configuration.rendering import SOURCE, image_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "eu-west-1"
RULE = """groups:
  - name: own
    rules:
      - record: answer
        expr: {expr}
"""
MAIN = "rule_files: [rules.d/*.yml]\n"


def version(expr: str = "42", **files: str) -> Archive:
    """Pack a small configuration of Prometheus."""
    tree = {"prometheus.yml": MAIN, "rules.d/own.yml": RULE.format(expr=expr), **files}
    return pack({name: text.encode() for name, text in tree.items()})


@dataclass
class Place:
    """A server's folder, its part of a bucket, and what follows it."""

    folder: Path
    s3: Any
    bucket: str
    server: Server
    client: Any = None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.follower = self.another_follower()

    def another_follower(self) -> Follower:
        """Return what a restarted container would be."""
        self.registry = CollectorRegistry()
        bucket = Bucket(self.client or self.s3, self.bucket, self.server.name)
        metrics = Metrics(self.server.name, self.registry)
        return Follower(bucket, self.folder, self.server, metrics)

    def put(self, name: str, content: bytes) -> None:
        key = f"{self.server.name}/{name}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def publish(self, archive: Archive) -> Archive:
        """Bring a version as the program does: the pointer last."""
        self.put(f"{archive.version}.tar.gz", archive.content)
        self.point(archive)
        return archive

    def point(self, archive: Archive) -> None:
        self.put("current", f"{archive.version}\n".encode())

    @property
    def live(self) -> str:
        return str((self.folder / "current").readlink())

    def read(self, name: str) -> str:
        return (self.folder / "current" / name).read_text(encoding="utf-8")

    def metric(self, name: str) -> list[dict[str, str]]:
        """Return the labels of a metric's series."""
        return [
            sample.labels
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name
        ]

    @property
    def success(self) -> float:
        name = "configuration_last_success_timestamp_seconds"
        found = self.registry.get_sample_value(name, {"server": self.server.name})
        assert found is not None
        return found

    def attempts(self, result: str) -> float:
        labels = {"server": self.server.name, "result": result}
        found = self.registry.get_sample_value("configuration_attempts_total", labels)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    emulator = Emulator(REGION)
    emulator.start()
    yield emulator
    emulator.stop()


def first_version(folder: Path, script: Path, files: dict[str, str]) -> None:
    """Leave what a server leaves when it starts."""
    for name, text in files.items():
        file = folder / "first" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "current").symlink_to("first")
    (folder / "render.sh").write_text(script.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture
def place(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return Prometheus's."""
    promtool = ensure(["prometheus", "promtool"])["promtool"]
    monkeypatch.setenv("PATH", f"{promtool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ENVIRONMENT", "dev")
    first_version(tmp_path, SOURCE / "render.sh", {"prometheus.yml": MAIN})
    bucket = f"configuration-{uuid.uuid4().hex[:8]}"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Place(tmp_path, s3, bucket, Server.named({"CONFIGURATION_SERVER": "prometheus"}))


def test_a_good_version_becomes_live_filled_in(place: Place) -> None:
    wanted = place.publish(version(**{"rules.d/b.yml": "# ${NOT}\ngroups: [] # ${ENVIRONMENT}\n"}))
    before = place.success
    assert place.follower.attempt() == "live"
    assert place.live == wanted.version
    assert place.read("rules.d/b.yml") == "# ${NOT}\ngroups: [] # dev\n"
    assert place.metric("configuration_live_info") == [
        {"server": "prometheus", "version": wanted.version[:12]}
    ]
    assert place.metric("configuration_refused_info") == []
    assert place.success > before
    assert (place.folder / "attempted").exists()


def test_what_has_not_changed_is_not_fetched_again(place: Place) -> None:
    place.publish(version())
    assert place.follower.attempt() == "live"
    inode = (place.folder / place.live).stat().st_ino
    place.s3.delete_object(Bucket=place.bucket, Key=f"prometheus/{place.live}.tar.gz")
    assert [place.follower.attempt() for _ in range(2)] == ["live", "live"]
    assert (place.folder / place.live).stat().st_ino == inode
    assert place.attempts("live") == 3
    # Nor by a container that restarts.
    assert place.another_follower().attempt() == "live"


def test_a_file_that_is_taken_away_is_gone(place: Place) -> None:
    place.publish(version(**{"rules.d/b.yml": "groups: []\n"}))
    assert place.follower.attempt() == "live"
    assert (place.folder / "current" / "rules.d" / "b.yml").exists()
    place.publish(version())
    assert place.follower.attempt() == "live"
    assert not (place.folder / "current" / "rules.d" / "b.yml").exists()


def test_going_back_is_moving_the_pointer(place: Place) -> None:
    old, new = place.publish(version("1")), version("2")
    assert place.follower.attempt() == "live"
    place.publish(new)
    assert place.follower.attempt() == "live"
    assert "expr: 2" in place.read("rules.d/own.yml")
    place.point(old)
    assert place.follower.attempt() == "live"
    assert place.live == old.version
    assert "expr: 1" in place.read("rules.d/own.yml")


def test_the_last_versions_are_kept(place: Place) -> None:
    for number in range(KEPT_VERSIONS + 2):
        place.publish(version(str(number)))
        assert place.follower.attempt() == "live"
    kept = [it for it in place.folder.iterdir() if len(it.name) == 64]
    assert len(kept) == KEPT_VERSIONS
    assert place.folder / place.live in kept
    assert (place.folder / "first").exists()


@pytest.mark.parametrize(
    ("files", "reason", "told"),
    [
        ({"rules.d/own.yml": RULE.format(expr="sum(")}, "check", "unclosed left parenthesis"),
        ({"prometheus.yml": "scrape_configs: x\n"}, "check", "cannot unmarshal"),
        ({"prometheus.yml": MAIN + "# x\na: ${NOWHERE}\n"}, "render", "Missing or empty: NOWHERE"),
        ({"a.yml": "a: ${AWS_SECRET_ACCESS_KEY}\n"}, "render", "credentials are never written"),
    ],
)
def test_a_broken_version_is_refused_and_the_old_one_stays(
    place: Place,
    caplog: pytest.LogCaptureFixture,
    files: dict[str, str],
    reason: str,
    told: str,
) -> None:
    good = place.publish(version())
    assert place.follower.attempt() == "live"
    success = place.success
    broken = place.publish(version(**files))
    assert place.follower.attempt() == reason
    assert place.live == good.version
    assert place.metric("configuration_live_info")[0]["version"] == good.version[:12]
    assert place.metric("configuration_refused_info") == [
        {"server": "prometheus", "version": broken.version[:12], "reason": reason}
    ]
    assert place.success == success
    assert told in caplog.text
    assert f"version {broken.version} is refused ({reason}), {good.version} stays" in caplog.text
    # It is neither tried nor told again, and still shown.
    caplog.clear()
    place.s3.delete_object(Bucket=place.bucket, Key=f"prometheus/{broken.version}.tar.gz")
    assert place.follower.attempt() == reason
    assert not caplog.text
    assert len(place.metric("configuration_refused_info")) == 1
    # The next one is.
    place.publish(version("7"))
    assert place.follower.attempt() == "live"
    assert place.metric("configuration_refused_info") == []


def test_a_tree_without_the_main_file_is_refused(place: Place) -> None:
    place.publish(pack({"rules.d/own.yml": RULE.format(expr="1").encode()}))
    assert place.follower.attempt() == "render"
    assert place.live == "first"


def test_an_upload_that_is_not_complete_is_never_live_and_tried_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = version()
    place.point(wanted)
    assert place.follower.attempt() == "incomplete"
    assert "is not there, or denied" in caplog.text
    place.put(f"{wanted.version}.tar.gz", wanted.content[:-10])
    assert place.follower.attempt() == "incomplete"
    assert "has the SHA-256" in caplog.text
    assert place.live == "first"
    assert place.metric("configuration_refused_info") == []
    place.put(f"{wanted.version}.tar.gz", wanted.content)
    assert place.follower.attempt() == "live"
    assert place.live == wanted.version


@pytest.mark.parametrize(
    "content",
    [b"", b"latest\n", b"\xff\xfe" * 600, b"0" * 63, b"0" * 65, b"../first", b"A" * 64],
)
def test_a_pointer_that_names_no_version_is_refused_until_it_does(
    place: Place, content: bytes
) -> None:
    place.put("current", content)
    assert [place.follower.attempt() for _ in range(2)] == ["pointer", "pointer"]
    assert place.live == "first"
    assert place.metric("configuration_refused_info") == [
        {"server": "prometheus", "version": "", "reason": "pointer"}
    ]
    place.publish(version())
    assert place.follower.attempt() == "live"


def test_without_a_pointer_the_first_version_stays(place: Place) -> None:
    assert place.follower.attempt() == "denied"
    assert place.live == "first"
    assert (place.folder / "attempted").exists()


def test_a_bucket_that_does_not_answer_changes_nothing(place: Place, emulator: Emulator) -> None:
    wanted = place.publish(version())
    assert place.follower.attempt() == "live"
    success = place.success
    place.client = SESSION.create_client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name=REGION,
        aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106 - nobody's
        config=Config(proxies={}, retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    cut_off = place.another_follower()
    assert cut_off.attempt() == "unreachable"
    assert place.live == wanted.version
    assert place.attempts("unreachable") == 1
    assert emulator.endpoint != "http://127.0.0.1:9"
    assert place.success >= success  # that it started, until it has looked


def test_a_bucket_that_accepts_and_stays_silent_is_given_up_in_time(place: Place) -> None:
    """With the product's timeouts, before Prometheus starts without it (its entrypoint)."""
    wanted = place.publish(version())
    assert place.follower.attempt() == "live"
    (patience,) = re.findall(
        r'"\$waited" -lt (\d+)', (SOURCE / "entrypoint.sh").read_text(encoding="utf-8")
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody answers
        place.client = SESSION.create_client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{silent.getsockname()[1]}",
            region_name=REGION,
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - nobody's
            config=TIMEOUTS.merge(Config(proxies={})),
        )
        cut_off = place.another_follower()
        success = place.success
        began = time.monotonic()
        assert cut_off.attempt() == "unreachable"
        took = time.monotonic() - began
        silent.settimeout(0)
        for _ in range(2):
            silent.accept()[0].close()  # it was asked twice
        with pytest.raises(BlockingIOError):
            silent.accept()
    # Pointer and archive: two questions in the worst case.
    assert 2 * took < int(patience)
    assert place.live == wanted.version
    assert place.metric("configuration_live_info")[0]["version"] == wanted.version[:12]
    assert place.metric("configuration_refused_info") == []
    assert place.attempts("unreachable") == 1
    assert place.success == success
    assert (place.folder / "attempted").exists()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside.yml")],
        [member("rules.d/../../outside.yml")],
        [member("/etc/outside.yml")],
        [member("prometheus.yml", tarfile.SYMTYPE, "/etc/passwd")],
        [member("out", tarfile.SYMTYPE, ".."), member("out/outside.yml")],
        [member("prometheus.yml", tarfile.LNKTYPE, "render.sh")],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("device", tarfile.CHRTYPE)],
    ],
    ids=lambda members: f"{members[0].name} {members[0].type!r}",
)
def test_an_archive_that_leads_out_of_its_folder_is_refused(
    place: Place, members: list[tarfile.TarInfo]
) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for one in members:
            tar.addfile(one)
    before = {path.name for path in place.folder.parent.iterdir()}
    place.publish(Archive(raw.getvalue()))
    assert place.follower.attempt() == "archive"
    assert place.live == "first"
    assert {path.name for path in place.folder.parent.iterdir()} == before
    assert not list(place.folder.rglob("outside.yml"))


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar", gzip.compress(b"no tar" * 200, mtime=0)],
    ids=["nothing", "text", "compressed text"],
)
def test_what_is_no_archive_is_refused(place: Place, content: bytes) -> None:
    place.publish(Archive(content))
    assert place.follower.attempt() in {"archive", "render"}
    assert place.live == "first"


def test_an_archive_that_grows_is_refused_before_it_has(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    place.publish(pack({"prometheus.yml": b" " * 1001}))
    assert place.follower.attempt() == "archive"
    assert not (place.folder / ".new" / "source" / "prometheus.yml").exists()
    monkeypatch.setattr(archives, "MAX_FILES", 1)
    place.publish(pack({"prometheus.yml": b"", "a.yml": b""}))
    assert place.follower.attempt() == "archive"


def test_a_machine_that_cannot_is_no_reason_to_refuse(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.publish(version())
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(place.folder))
    assert place.follower.attempt() == "failed"
    assert place.live == "first"
    monkeypatch.setenv("PATH", path)
    assert place.follower.attempt() == "live"


def other_promtool(place: Place, patch: pytest.MonkeyPatch, script: str) -> None:
    """Let a shell script stand in promtool's place."""
    tool = place.folder / "bin" / "promtool"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)
    patch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_tool_that_is_killed_says_nothing_of_the_version(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for want of memory."""
    wanted = place.publish(version())
    with monkeypatch.context() as broken:
        other_promtool(place, broken, "kill -9 $$")
        assert place.follower.attempt() == "failed"
    assert place.metric("configuration_refused_info") == []
    assert place.follower.attempt() == "live"
    assert place.live == wanted.version


def test_what_was_refused_is_tried_again_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the disk was full."""
    wanted = place.publish(version())
    with monkeypatch.context() as broken:
        other_promtool(place, broken, "echo no space left on device; exit 1")
        assert place.follower.attempt() == "check"
    assert place.follower.attempt() == "check"
    monkeypatch.setattr(follower, "RETRY_S", 0)
    assert place.follower.attempt() == "live"
    assert place.live == wanted.version
    assert place.metric("configuration_refused_info") == []


def test_what_nobody_thought_of_does_not_end_the_program(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.publish(version())
    with monkeypatch.context() as broken:
        broken.setattr(place.follower._bucket, "_client", None)
        assert place.follower.attempt() == "failed"
    assert place.live == "first"
    assert place.follower.attempt() == "live"


def test_a_refusal_is_still_told_while_the_bucket_is_out_of_reach(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.publish(version("sum("))
    assert place.follower.attempt() == "check"
    refused = place.metric("configuration_refused_info")
    with monkeypatch.context() as gone:
        gone.setattr(place.follower._bucket, "_bucket", "nobodys")
        assert place.follower.attempt() == "denied"
        assert place.metric("configuration_refused_info") == refused
    assert place.follower.attempt() == "check"
    # What is wanted instead is not complete yet: the refused one is not wanted any more.
    place.point(version("2"))
    assert place.follower.attempt() == "incomplete"
    assert place.metric("configuration_refused_info") == []


def test_what_the_product_ships_becomes_live(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**image_defaults(), "AWS_REGION": REGION, "VPC_ID": "vpc-1", "ENVIRONMENT": "dev"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    files = {str(it.relative_to(SOURCE)): it.read_bytes() for it in SOURCE.rglob("*.yml")}
    place.publish(pack(files))
    assert place.follower.attempt() == "live"
    assert json.dumps(variables["VPC_ID"]) in place.read("scrape.d/node.yml")
