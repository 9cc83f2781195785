"""The containers in a real Docker engine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from components.containers import execute_command
from sandbox import prometheus
from tests.image.conftest import ALERTMANAGER, PROMETHEUS, base_image, docker
from tests.sandbox.command import ROOT, Account, Deployed, copied_checkout, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.image.engine import Docker

__all__ = ["docker"]  # a fixture

OURS = ("--quiet", "--filter", "name=prometheus-aws-")


@pytest.fixture
def official_images(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give stand-ins the names of the official images, in the engine that the sandbox uses."""
    versions = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    if docker.host is not None:
        monkeypatch.setenv("DOCKER_HOST", docker.host)
    with contextlib.ExitStack() as stack:
        for server in (PROMETHEUS, ALERTMANAGER):
            name = f"prom/{server.name}:v{versions[server.name]}"
            docker.run("tag", stack.enter_context(base_image(docker, server, tmp_path)), name)
            stack.callback(docker.run, "image", "rm", name)
        yield


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the project that takes images by their tags: no stand-in has a digest."""
    copy = copied_checkout(tmp_path / "checkout")
    file = copy / "versions.json"
    versions = json.loads(file.read_text(encoding="utf-8"))
    by_tag = {name: it for name, it in versions.items() if not name.endswith("_image")}
    file.write_text(json.dumps(by_tag), encoding="utf-8")
    return copy


@pytest.mark.usefixtures("official_images")
def test_servers_run_in_docker_and_leave_nothing_when_all_is_killed(
    docker: Docker, checkout: Path
) -> None:
    name = "test-docker"
    up = ("up", "--detach", "--name", name, "--hosts", "1", "--runtime", "docker")
    done = run(*up, "--config", "alertmanager={}", checkout=checkout)
    assert done.returncode == 0, done.stderr
    account = Account(Deployed(name))
    try:
        containers = docker.run("ps", *OURS).stdout.split()
        volumes = []
        for inspected in json.loads(docker.run("inspect", *containers).stdout):
            assert inspected["Config"]["User"] == "65534:65534"
            assert inspected["HostConfig"]["ReadonlyRootfs"] is True
            assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
            volumes.append({mount["Destination"] for mount in inspected["Mounts"]})
        names = "/etc/resolv.conf"
        alertmanager = {"/alertmanager", "/run/alertmanager", names}
        agent = execute_command.AGENT_VOLUMES.values()
        of_prometheus = {"/prometheus", "/run/prometheus", names, *agent}
        assert sorted(volumes, key=len) == [alertmanager, alertmanager, of_prometheus]
        assert account.health(account.outputs["host_ids"][0]) == "up"
        until("both are found by name", 30, lambda: len(prometheus.alertmanagers(account.url)) == 2)
    finally:
        os.kill(account.status["pid"], signal.SIGKILL)
    until("the containers have gone", 30, lambda: not docker.run("ps", "--all", *OURS).stdout)
    until("their volumes have gone", 30, lambda: not docker.run("volume", "ls", *OURS).stdout)
