"""The image of what brings configuration, as far as that can be said without building it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

from components import assets
from components.containers.content import shipped_files
from sandbox.addresses import free_port
from sandbox.runtimes import parse_dockerfile
from tests.components.configuration.test_delivery import LIVE, containers, service
from tests.sandbox.command import until
from tests.unit.test_requirements import pinned

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = assets.image_context("configuration")
DOCKERFILE = (CONTEXT / "Dockerfile").read_text(encoding="utf-8")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_it_runs_the_program_of_its_folder() -> None:
    image = parse_dockerfile(DOCKERFILE)
    assert image.entrypoint == ["python", "-m", "live_configuration"]
    assert image.copied[image.environment["PYTHONPATH"]] == "."
    assert (CONTEXT / "live_configuration" / "__main__.py").exists()


def test_user_volume_and_health_are_those_of_the_task() -> None:
    _, beside = containers(service(**LIVE))
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == [beside["user"]]
    (mount,) = beside["mountPoints"]
    assert f'VOLUME ["{mount["containerPath"]}"]' in DOCKERFILE
    assert parse_dockerfile(DOCKERFILE).environment["CONFIGURATION_DIR"] == mount["containerPath"]
    (health,) = re.findall(r"^    CMD (wget .+)$", DOCKERFILE, re.MULTILINE)
    port = parse_dockerfile(DOCKERFILE).environment["CONFIGURATION_PORT"]
    command = health.replace('"', "").replace("${CONFIGURATION_PORT}", port)
    assert ["CMD", *command.split()] == beside["healthCheck"]["command"]


def test_the_images_have_what_brings_configuration_runs() -> None:
    for server in ("prometheus", "alertmanager"):
        assert {"render.sh", "entrypoint.sh"} <= set(shipped_files(assets.image_context(server)))
    modules = {f"live_configuration/{it.name}" for it in CONTEXT.glob("live_configuration/*.py")}
    assert set(shipped_files(CONTEXT)) == {
        *modules,
        *("Dockerfile", "requirements.txt", "requirements.lock"),
    }


def test_only_the_stage_that_builds_runs_anything() -> None:
    """Emulation would be needed where another architecture's image ran a command."""
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    running = [stage for stage in stages if re.search(r"^RUN ", stage, re.MULTILINE)]
    assert [stage.split()[0] for stage in running] == ["--platform=$BUILDPLATFORM"]
    (stage,) = running
    for option in ("--require-hashes", "--only-binary=:all:", "--no-deps"):
        assert option in stage


def test_its_packages_are_those_of_the_tests_and_pure_python() -> None:
    own = pinned("docker/configuration/requirements.lock")
    assert own.items() <= pinned("requirements-dev.lock").items()
    assert own.keys() == {
        *("botocore", "prometheus-client"),
        *("jmespath", "python-dateutil", "six", "urllib3"),  # all of them wheels for any machine
    }
    assert pinned("docker/configuration/requirements.txt").items() <= own.items()


def test_it_serves_its_metrics_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    port = free_port()
    variables = {
        **parse_dockerfile(DOCKERFILE).environment,
        "PYTHONPATH": str(CONTEXT),
        "PATH": os.environ["PATH"],
        "CONFIGURATION_DIR": str(tmp_path),
        "CONFIGURATION_LISTEN_HOST": "127.0.0.1",
        "CONFIGURATION_PORT": str(port),
        "CONFIGURATION_SERVER": "prometheus",
        "CONFIGURATION_BUCKET": "nobodys",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    process = subprocess.Popen([sys.executable, "-m", "live_configuration"], env=variables)

    def metrics() -> str:
        with suppress(OSError), DIRECT.open(f"http://127.0.0.1:{port}/metrics") as answer:
            return str(answer.read().decode())
        return ""

    try:
        found = until("metrics", 30, metrics)
        assert 'configuration_attempts_total{result="live",server="prometheus"} 0.0' in found
        assert "configuration_last_success_timestamp_seconds" in found
        # Before the server has left its first version, nothing is done.
        assert not list(tmp_path.iterdir())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
