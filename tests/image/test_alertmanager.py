"""Alertmanager's image starts, is healthy, and keeps secrets to itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from components.alertmanager.configuration import Routing, configuration
from tests.image.conftest import ALERTMANAGER, NOBODY, Containers, built

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.image.engine import Docker

SLACK = "https://hooks.example.com/image-test-secret"
VARIABLES = {
    "ALERTMANAGER_CONFIG": json.dumps(
        configuration(Routing(page_with=["slack"], time_zone="UTC", notify_hours="08:00-18:00"))
    ),
    "SLACK_URL": SLACK,
    "GRAFANA_URL": "https://grafana.example.com",
}
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


@pytest.fixture(scope="module")
def image(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield Alertmanager's image, in place of Prometheus's."""
    with built(docker, ALERTMANAGER, tmp_path_factory.mktemp("image")) as tag:
        yield tag


def test_it_is_healthy_as_nobody_on_a_read_only_root(containers: Containers) -> None:
    container = containers.start_healthy(*HARDENED, variables=VARIABLES)
    status = containers.execute(container, "cat", "/proc/1/status")
    assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
    assert status.splitlines()[0] == "Name:\talertmanager"
    containers.execute(
        container, "amtool", "config", "show", "--alertmanager.url=http://127.0.0.1:9093"
    )


def test_the_secret_is_in_its_file_and_nowhere_else(containers: Containers) -> None:
    container = containers.start_healthy(variables=VARIABLES)
    file = "/run/alertmanager/secrets/slack_url"
    assert containers.execute(container, "cat", file) == SLACK
    assert containers.execute(container, "stat", "-c", "%a %u", file) == f"400 {NOBODY}\n"
    others = containers.execute(
        container,
        "find",
        "/run/alertmanager",
        "-type",
        "f",
        "!",
        "-path",
        file,
        "-exec",
        "cat",
        "{}",
        "+",
    )
    assert VARIABLES["GRAFANA_URL"] in others
    assert SLACK not in others
    assert SLACK not in containers.execute(container, "cat", "/proc/1/cmdline", "/proc/1/environ")
    assert SLACK not in containers.logs(container)


@pytest.mark.parametrize("directory", ["/alertmanager", "/run/alertmanager"])
def test_the_volumes_belong_to_nobody(
    containers: Containers, docker: Docker, image: str, directory: str
) -> None:
    volumes = json.loads(docker.run("inspect", "--format={{json .Config.Volumes}}", image).stdout)
    assert directory in volumes
    owner = containers.execute(
        containers.start(variables=VARIABLES), "stat", "-c", "%u:%g", directory
    )
    assert owner.strip() == f"{NOBODY}:{NOBODY}"


def test_it_holds_what_the_entrypoint_needs_and_nothing_else(containers: Containers) -> None:
    container = containers.start(variables=VARIABLES)
    found = containers.execute(container, "find", "/etc/alertmanager", "-type", "f").split()
    source = ALERTMANAGER.source
    expected = [source / name for name in ("entrypoint.sh", "render.sh", "alertmanager.yml")]
    expected += source.glob("templates/*.tmpl")
    assert sorted(found) == sorted(
        f"/etc/alertmanager/{path.relative_to(source)}" for path in expected
    )


def test_a_missing_secret_ends_the_container_with_its_name(containers: Containers) -> None:
    container = containers.start(variables={**VARIABLES, "SLACK_URL": ""})
    assert containers.docker.run("wait", container).stdout.strip() == "1"
    assert "Missing or empty: SLACK_URL." in containers.logs(container)
