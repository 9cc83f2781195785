"""components.prometheus.container: what is particular to Prometheus's container.

Its environment is asserted once, in tests/program/test_environment.py.
"""

import re

from hypothesis import given
from hypothesis import strategies as st

from components import assets
from components.arguments import resolve
from components.containers.definition import SecretValue, container_definition
from components.prometheus import PrometheusServiceArgs
from components.prometheus.container import environment_variables, prometheus_container
from tests.components.examples import SERVICE
from tests.components.services import ANY_IMAGE

DOCKERFILE = (assets.image_context("prometheus") / "Dockerfile").read_text(encoding="utf-8")


def arguments(**args: object) -> PrometheusServiceArgs:
    given_ones: PrometheusServiceArgs = {**SERVICE.fewest, **args}  # type: ignore[typeddict-item]
    return resolve(PrometheusServiceArgs, "prom", given_ones)


def test_the_container() -> None:
    args = arguments(port=9091)
    secrets = {"AWS_ACCESS_KEY_ID": SecretValue("arn", "access_key_id", "version-1")}
    container = prometheus_container("prom", args, ANY_IMAGE, "eu-central-1", secrets)
    assert container.environment == environment_variables("prom", args, "eu-central-1", 0)
    assert {k: v for k, v in vars(container).items() if k != "environment"} == {
        "name": "prometheus",
        "image": ANY_IMAGE,
        "user": "65534:65534",
        "secrets": secrets,
        "ports": [9091],
        "volumes": {"data": "/prometheus", "rendered": "/run/prometheus"},
        "health_path": "/-/healthy",
        "health_check": None,
        "read_only_root": True,
        "open_files": 65536,
        "memory_mib": None,
        "essential": True,
        "init_process": False,
    }


def test_user_volumes_and_health_are_those_of_the_image() -> None:
    container = prometheus_container("prom", arguments(), ANY_IMAGE, "eu-central-1", {})
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == [container.user]
    (volumes,) = re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.MULTILINE)
    assert sorted(re.findall(r'"([^"]+)"', volumes)) == sorted(container.volumes.values())
    (health,) = re.findall(r"^    CMD (wget .+)$", DOCKERFILE, re.MULTILINE)
    port = container.environment["PROMETHEUS_PORT"]
    command = health.replace('"', "").replace("${PROMETHEUS_PORT}", str(port))
    described = container_definition(container, 512, "eu-central-1", "log")
    assert ["CMD", *command.split()] == described["healthCheck"]["command"]


@given(st.integers(21, 200))
def test_blocks_never_fill_the_disk(storage_gib: int) -> None:
    variables = environment_variables("prom", arguments(storage_gib=storage_gib), "eu-central-1", 0)
    size = int(str(variables["RETENTION_SIZE"]).removesuffix("GB"))
    assert 0.7 * storage_gib < size <= 0.8 * storage_gib
