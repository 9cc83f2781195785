"""The container in a real Docker engine."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from components.containers import execute_command
from tests.image.conftest import base_image, docker
from tests.sandbox.command import ROOT, Account, Deployed, copied_checkout, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.image.engine import Docker

__all__ = ["base_image", "docker"]  # fixtures

OURS = ("--quiet", "--filter", "name=prometheus-aws-")


@pytest.fixture
def official_image(
    docker: Docker, base_image: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give the stand-in the name of the official image, in the engine that the sandbox uses."""
    version = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))["prometheus"]
    name = f"prom/prometheus:v{version}"
    docker.run("tag", base_image, name)
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    if docker.host is not None:
        monkeypatch.setenv("DOCKER_HOST", docker.host)
    yield
    docker.run("image", "rm", name)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the project that takes the image by its tag: no stand-in has its digest."""
    copy = copied_checkout(tmp_path / "checkout")
    file = copy / "versions.json"
    versions = json.loads(file.read_text(encoding="utf-8"))
    del versions["prometheus_image"]
    file.write_text(json.dumps(versions), encoding="utf-8")
    return copy


@pytest.mark.usefixtures("official_image")
def test_prometheus_runs_in_docker_and_leaves_nothing_when_all_is_killed(
    docker: Docker, checkout: Path
) -> None:
    name = "test-docker"
    up = ("up", "--detach", "--name", name, "--hosts", "1", "--runtime", "docker")
    done = run(*up, checkout=checkout)
    assert done.returncode == 0, done.stderr
    account = Account(Deployed(name))
    try:
        container = docker.run("ps", *OURS).stdout.strip()
        (inspected,) = json.loads(docker.run("inspect", container).stdout)
        assert inspected["Config"]["User"] == "65534:65534"
        assert inspected["HostConfig"]["ReadonlyRootfs"] is True
        assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
        assert {mount["Destination"] for mount in inspected["Mounts"]} == {
            "/prometheus",
            "/run/prometheus",
            *execute_command.AGENT_VOLUMES.values(),
        }
        assert account.health(account.outputs["host_ids"][0]) == "up"
    finally:
        os.kill(account.status["pid"], signal.SIGKILL)
    until("the container has gone", 30, lambda: not docker.run("ps", "--all", *OURS).stdout)
    until("its volumes have gone", 30, lambda: not docker.run("volume", "ls", *OURS).stdout)
