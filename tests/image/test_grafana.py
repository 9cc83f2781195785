"""Grafana's image, built on a stand-in for the official one: rights, volumes, health."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from components import assets
from dashboards.catalogue import DASHBOARDS
from tests.image.conftest import Containers, _add_directory, _add_file, _as_root, _is_static

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.image.engine import Docker

GRAFANA = 472
SOURCE = assets.image_context("grafana")
VARIABLES = {"PROMETHEUS_URL": "http://prometheus:9090", "GF_SECURITY_ADMIN_PASSWORD": "secret"}
RUN = b"""#!/bin/sh
mkdir -p /tmp/www/api && echo ok >/tmp/www/api/health
exec httpd -f -p "$GF_SERVER_HTTP_PORT" -h /tmp/www
"""
"""In place of the official entrypoint: it answers to the health check, and no more."""


@pytest.fixture(scope="module")
def grafana_image(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the image, on busybox with the official image's user and folders."""
    busybox = shutil.which("busybox")
    if busybox is None or not _is_static(Path(busybox)):
        pytest.skip("no static busybox is installed (Debian: busybox-static)")
    archive = tmp_path_factory.mktemp("grafana") / "base.tar"
    with tarfile.open(archive, "w") as tar:
        _add_file(tar, "etc/passwd", b"root:x:0:0::/:/bin/sh\ngrafana:x:472:0::/:/bin/false\n")
        _add_file(tar, "etc/group", b"root:x:0:\n")
        _add_directory(tar, "tmp", mode=0o1777)
        _add_directory(tar, "var/lib/grafana", mode=0o777, owner=GRAFANA)
        run = tarfile.TarInfo("run.sh")
        run.size, run.mode = len(RUN), 0o755
        tar.addfile(run, io.BytesIO(RUN))
        tar.add(busybox, "bin/busybox", filter=_as_root)
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
        for applet in set(applets.stdout.split()) - {"busybox"}:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    context = archive.with_name("context")
    shutil.copytree(SOURCE, context)
    for path in [context, *context.rglob("*")]:  # a checkout that only its owner may read
        path.chmod(0o700 if path.is_dir() else 0o600)
    base, tag = (f"prometheus-aws-test-grafana:{uuid.uuid4().hex}" for _ in range(2))
    docker.run("import", "--change=ENV PATH=/bin", str(archive), base)
    try:
        docker.run(
            "build",
            f"--build-arg=GRAFANA_VERSION={assets.VERSIONS['grafana']}",
            f"--build-arg=BASE_IMAGE={base}",
            f"--tag={tag}",
            str(context),
        )
        yield tag
    finally:
        docker.run("image", "rm", "--force", tag, base)


@pytest.fixture
def grafana(docker: Docker, grafana_image: str) -> Iterator[Containers]:
    """Yield what starts containers, and remove those with their volumes afterwards."""
    started = Containers(docker, grafana_image)
    yield started
    for container in started.started:
        docker.run("rm", "--force", "--volumes", container)


def test_it_runs_as_grafana_on_a_read_only_root_and_is_healthy(grafana: Containers) -> None:
    container = grafana.start_healthy(
        *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"), variables=VARIABLES
    )
    status = grafana.execute(container, "cat", "/proc/1/status")
    assert f"Uid:\t{GRAFANA}\t{GRAFANA}\t{GRAFANA}\t{GRAFANA}" in status
    assert "Gid:\t0\t0\t0\t0" in status
    written = grafana.execute(container, "find", "/var/lib/grafana", "-type", "f").split()
    folder = "/var/lib/grafana/provisioning"
    assert sorted(written) == sorted(
        [
            f"{folder}/datasources/prometheus.yml",
            f"{folder}/dashboards/files.yml",
            *(f"{folder}/dashboards/{dashboard.uid}.json" for dashboard in DASHBOARDS),
        ]
    )


def test_the_volumes_belong_to_grafana(
    grafana: Containers, docker: Docker, grafana_image: str
) -> None:
    volumes = json.loads(
        docker.run("inspect", "--format={{json .Config.Volumes}}", grafana_image).stdout
    )
    assert volumes.keys() == {"/var/lib/grafana", "/tmp"}  # noqa: S108 - paths in the container
    container = grafana.start(variables=VARIABLES)
    owner = grafana.execute(container, "stat", "-c", "%u", "/var/lib/grafana")
    assert owner.strip() == str(GRAFANA)


def test_it_holds_what_is_read_at_run_time_and_nothing_else(grafana: Containers) -> None:
    container = grafana.start(variables=VARIABLES)
    found = grafana.execute(container, "find", "/etc/grafana", "-type", "f").split()
    expected = [SOURCE / "entrypoint.sh", *SOURCE.glob("provisioning/*/*.yml")]
    expected += SOURCE.glob("dashboards/*.json")
    assert sorted(found) == sorted(f"/etc/grafana/{path.relative_to(SOURCE)}" for path in expected)


def test_a_missing_variable_ends_the_container_with_its_name(grafana: Containers) -> None:
    container = grafana.start(variables={"PROMETHEUS_URL": VARIABLES["PROMETHEUS_URL"]})
    assert grafana.docker.run("wait", container).stdout.strip() == "1"
    assert "GF_SECURITY_ADMIN_PASSWORD is missing or empty" in grafana.logs(container)
