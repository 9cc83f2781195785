"""The image starts, is healthy, keeps its data, keeps secrets, and fails loudly."""

from __future__ import annotations

import json
import tarfile
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.image.conftest import (
    ALERTMANAGER,
    NOBODY,
    PROMETHEUS,
    VARIABLES,
    Containers,
    Server,
    build,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.image.engine import Docker


STOP_SECONDS = 10.0  # an idle Prometheus needs about one
QUERY_TIMEOUT = 30.0  # seconds
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAIMAGETESTIMAGETE",
    "AWS_SECRET_ACCESS_KEY": "image-test-secret-access-key-0123456789a",
}


def query(containers: Containers, container: str, expression: str) -> list[Any]:
    """Ask the container's Prometheus until there is a result."""
    command = ["promtool", "query", "instant", "--format=json", "http://127.0.0.1:9090"]
    deadline = time.monotonic() + QUERY_TIMEOUT
    while True:
        result: list[Any] = json.loads(containers.execute(container, *command, expression))
        if result:
            return result
        assert time.monotonic() < deadline, f"no result for {expression}"
        time.sleep(0.2)


def test_three_variables_are_enough(containers: Containers) -> None:
    container = containers.start_healthy()
    containers.execute(container, "promtool", "check", "ready")  # fails when it is not


def test_runs_as_nobody_on_a_read_only_root_without_capabilities(containers: Containers) -> None:
    container = containers.start_healthy(
        "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"
    )
    status = containers.execute(container, "cat", "/proc/1/status")
    assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
    assert f"Gid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
    assert "prometheus" in status.splitlines()[0]
    written = containers.docker.run("exec", container, "touch", "/tmp/x", check=False)  # noqa: S108 - a path in the container
    assert "Read-only file system" in written.stderr


@pytest.mark.parametrize("directory", ["/prometheus", "/run/prometheus"])
def test_the_volumes_belong_to_nobody(
    containers: Containers, docker: Docker, image: str, directory: str
) -> None:
    volumes = json.loads(docker.run("inspect", "--format={{json .Config.Volumes}}", image).stdout)
    assert directory in volumes
    # A new volume takes over the owner that its directory has in the image.
    owner = containers.execute(containers.start(), "stat", "-c", "%u:%g", directory)
    assert owner.strip() == f"{NOBODY}:{NOBODY}"


def test_it_holds_the_configuration_and_nothing_else(containers: Containers) -> None:
    container = containers.start()
    found = containers.execute(container, "find", "/etc/prometheus", "-type", "f").split()
    expected = [
        PROMETHEUS.source / name
        for name in ("entrypoint.sh", "render.sh", "prometheus.yml", "alerting.yml")
    ]
    expected += [
        *PROMETHEUS.source.glob("rules.d/*.yml"),
        *PROMETHEUS.source.glob("scrape.d/*.yml"),
    ]
    assert sorted(found) == sorted(
        f"/etc/prometheus/{path.relative_to(PROMETHEUS.source)}" for path in expected
    )


def test_a_missing_variable_ends_the_container_with_its_name(containers: Containers) -> None:
    container = containers.start(variables={"AWS_REGION": VARIABLES["AWS_REGION"]})
    assert containers.docker.run("wait", container).stdout.strip() == "1"
    assert "Missing or empty: VPC_ID, ENVIRONMENT" in containers.logs(container)


@pytest.mark.parametrize(
    ("name", "directory"),
    [("PROMETHEUS_DATA_DIR", "/prometheus"), ("PROMETHEUS_RENDERED_DIR", "/run/prometheus")],
)
def test_a_volume_of_another_user_ends_the_container_with_its_name(
    containers: Containers, name: str, directory: str
) -> None:
    container = containers.start(f"--tmpfs={directory}:uid=0,mode=0755")
    assert containers.docker.run("wait", container).stdout.strip() == "1"
    expected = f"{name} is '{directory}', where user {NOBODY} cannot write."
    assert expected in containers.logs(container)


def test_no_secret_is_printed_or_written(
    containers: Containers, docker: Docker, image: str
) -> None:
    container = containers.start_healthy(variables={**VARIABLES, **SECRETS})
    rendered = containers.execute(
        container, "find", "/run/prometheus", "-type", "f", "-exec", "cat", "{}", "+"
    )
    assert VARIABLES["VPC_ID"] in rendered
    command_line = containers.execute(container, "cat", "/proc/1/cmdline")
    log = containers.logs(container)
    for secret in SECRETS.values():
        assert secret not in rendered
        assert secret not in command_line
        assert secret not in log
    built = docker.run("inspect", image).stdout + docker.run("history", "--no-trunc", image).stdout
    for name in SECRETS:
        assert name not in built


def test_it_stops_in_order_within_seconds(containers: Containers) -> None:
    container = containers.start_healthy()
    begin = time.monotonic()
    containers.docker.run("stop", "--time=60", container)
    assert time.monotonic() - begin < STOP_SECONDS
    assert containers.state(container)["ExitCode"] == 0
    assert "See you next time!" in containers.logs(container)


def test_data_survives_a_crash_and_a_restart(containers: Containers) -> None:
    container = containers.start_healthy(variables={**VARIABLES, "SCRAPE_INTERVAL": "1s"})
    [first] = query(containers, container, "process_start_time_seconds")
    containers.docker.run("kill", "--signal=KILL", container)
    containers.docker.run("wait", container)
    for command in ("start", "restart"):
        containers.docker.run(command, container)
        containers.wait_healthy(container)
        older = "min_over_time(process_start_time_seconds[1h]) < process_start_time_seconds"
        [oldest] = query(containers, container, older)
        assert oldest["value"][1] == first["value"][1]


@pytest.mark.parametrize("server", [PROMETHEUS, ALERTMANAGER], ids=lambda server: server.name)
def test_building_runs_nothing_that_the_base_image_holds(
    docker: Docker, server: Server, tmp_path: Path
) -> None:
    """So an image for arm64 is built on an x86 machine without emulation."""
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    base, tag = (f"prometheus-aws-test:{uuid.uuid4().hex}" for _ in range(2))
    docker.run("import", str(tmp_path / "empty.tar"), base)
    try:
        build(docker, server, tag, base, server.source)
    finally:
        docker.run("image", "rm", "--force", base, tag)
