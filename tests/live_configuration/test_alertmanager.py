"""A real Alertmanager, started by its image's entrypoint, gets its configuration while it runs."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from components.alertmanager.configuration import Routing, configuration
from components.configuration.archive import Archive, pack
from components.configuration.delivery import read_tree
from live_configuration.servers import Server
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from sandbox.emulator import Emulator
from tests.configuration.rendering import image_defaults
from tests.configuration.test_alertmanager_entrypoint import SOURCE
from tests.live_configuration.test_follower import REGION, Place
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ROUTING = Routing(page_with=["webhook"])
OWN = {"routes": [{"receiver": "none", "matchers": ['team="test"']}]}


def version(config: dict[str, Any]) -> Archive:
    """Pack a configuration with the product's templates."""
    own = {"alertmanager.yml": json.dumps(config).encode()}
    return pack({**read_tree(SOURCE, "templates/*.tmpl"), **own})


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    emulator = Emulator(REGION)
    emulator.start()
    yield emulator
    emulator.stop()


class Alertmanager:
    """One that runs, and what brings its configuration."""

    def __init__(self, place: Place, url: str, process: subprocess.Popen[str]) -> None:
        self.place, self.url, self.process = place, url, process

    def original(self) -> str:
        """Return the configuration that it has loaded."""
        with DIRECT.open(f"{self.url}/api/v2/status", timeout=10) as answer:
            found: str = json.load(answer)["config"]["original"]
        return found

    def answers(self) -> bool:
        with suppress(OSError):
            return bool(self.original())
        return False


@pytest.fixture
def alertmanager(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Alertmanager]:
    tools = ensure(["alertmanager", "amtool"])
    monkeypatch.setenv("PATH", f"{tools['amtool'].parent}{os.pathsep}{os.environ['PATH']}")
    port = free_port()
    rendered = tmp_path / "rendered"
    variables = {
        **image_defaults(SOURCE),
        "ALERTMANAGER_PORT": str(port),
        "ALERTMANAGER_LISTEN_HOST": "127.0.0.1",
        "ALERTMANAGER_CONFIG": json.dumps(configuration(ROUTING)),
        "ALERTMANAGER_CONFIG_DIR": str(SOURCE),
        "ALERTMANAGER_RENDERED_DIR": str(rendered),
        "ALERTMANAGER_DATA_DIR": str(tmp_path / "data"),
        "CONFIGURATION_PORT": "1",  # what brings it is this process
        "WEBHOOK_URL": "http://127.0.0.1:9/",
        "PATH": os.environ["PATH"],
    }
    bucket = f"configuration-{port}"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            ["sh", str(SOURCE / "entrypoint.sh")], env=variables, stdout=log, stderr=log, text=True
        )
    try:
        until("the first version", 30, (rendered / "render.sh").exists)
        served = {"CONFIGURATION_SERVER": "alertmanager", "ALERTMANAGER_LISTEN_HOST": "127.0.0.1"}
        server = Server.named({**served, "ALERTMANAGER_PORT": str(port)})
        place = Place(rendered, s3, bucket, server)
        yield Alertmanager(place, f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(10)


def test_its_configuration_changes_while_it_runs(alertmanager: Alertmanager) -> None:
    place = alertmanager.place
    # It has waited for the first attempt, and starts with what that has brought.
    first = place.publish(version(configuration(ROUTING, {**OWN, "inhibit_rules": []})))
    assert place.follower.attempt() == "live"
    until("Alertmanager", 30, alertmanager.answers)
    assert "team=" in alertmanager.original()
    place.publish(version(configuration(ROUTING)))
    assert place.follower.attempt() == "live"
    assert "team=" not in alertmanager.original()
    place.point(first)
    assert place.follower.attempt() == "live"
    assert "team=" in alertmanager.original()
    # amtool refuses it before Alertmanager sees it.
    broken = {**configuration(ROUTING), "route": {"receiver": "nobody"}}
    place.publish(version(broken))
    assert place.follower.attempt() == "check"
    # So does a matcher that only the stricter parser refuses, which is the server's, too.
    lax = {"routes": [{"receiver": "none", "matchers": ["team=a b"]}]}
    place.publish(version(configuration(ROUTING, lax)))
    assert place.follower.attempt() == "check"
    # A secret that the task does not have, although amtool does not mind.
    slack = configuration(Routing(page_with=["webhook", "slack"]))
    place.publish(version(slack))
    assert place.follower.attempt() == "render"
    assert place.metric("configuration_refused_info")[0]["reason"] == "render"
    assert alertmanager.process.poll() is None


def test_what_alertmanager_refuses_is_not_live(
    alertmanager: Alertmanager, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = alertmanager.place
    good = place.publish(version(configuration(ROUTING)))
    assert place.follower.attempt() == "live"
    until("Alertmanager", 30, alertmanager.answers)
    before = alertmanager.original()
    # A check that finds nothing, as if amtool and Alertmanager did not agree.
    monkeypatch.setattr("live_configuration.follower.Follower._run", _without_checking)
    place.publish(version({**configuration(ROUTING), "route": {"receiver": "nobody"}}))
    assert place.follower.attempt() == "reload"
    assert place.live == good.version
    assert alertmanager.original() == before


def _without_checking(follower: Any, reason: str, command: Any) -> None:  # noqa: ANN401
    if reason == "render":
        subprocess.run(command, cwd=follower._folder, check=True)


def test_without_a_bucket_it_starts_with_the_first_version(alertmanager: Alertmanager) -> None:
    """The first version tells people, too."""
    assert alertmanager.place.follower.attempt() == "denied"
    until("Alertmanager", 30, alertmanager.answers)
    assert "webhook_configs" in alertmanager.original()
