"""components.containers.definition: a container as ECS wants it described, to the letter."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from components.containers.definition import Container, SecretValue, container_definition
from mocks.recording import deploy
from tests.components.services import ANY_IMAGE

GOLDEN = Path(__file__).parent / "golden" / "definition.json"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:server-AbCdEf"
CONTAINER = Container(
    name="server",
    image=ANY_IMAGE,
    user="1000:1000",
    environment={"ZONE": "a", "PORT": "8080"},
    ports=[8080, 8081],
    volumes={"data": "/data", "scratch": "/tmp"},  # noqa: S108 - a path in the container
    health_path="/healthy",
    open_files=1024,
    secrets={"KEY": SecretValue(ARN, "the_key", "version-1")},
)


def definition(container: Container) -> dict[str, Any]:
    """The definition as JSON, with everything known."""
    found: list[str] = []

    def program() -> None:
        described = container_definition(container, 512, "eu-central-1", "log")
        pulumi.Output.json_dumps(described).apply(found.append)

    deploy(program)
    (text,) = found
    return dict(json.loads(text))


def test_the_definition() -> None:
    """After a change that is meant, edit the golden file."""
    assert definition(CONTAINER) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_without_a_secret_there_is_none() -> None:
    expected = {**definition(CONTAINER), "secrets": []}
    assert definition(replace(CONTAINER, secrets={})) == expected


def test_a_new_version_of_a_secret_is_a_new_definition() -> None:
    rotated = replace(CONTAINER, secrets={"KEY": SecretValue(ARN, "the_key", "version-2")})
    (secret,) = definition(rotated)["secrets"]
    assert secret == {"name": "KEY", "valueFrom": f"{ARN}:the_key::version-2"}


def test_a_secret_may_be_all_of_the_value_and_its_version_somebody_elses() -> None:
    whole, not_ours = SecretValue(ARN, version_id="version-1"), SecretValue(ARN)
    described = definition(replace(CONTAINER, secrets={"KEY": whole, "OTHER": not_ours}))
    assert {it["name"]: it["valueFrom"] for it in described["secrets"]} == {
        "KEY": f"{ARN}:::version-1",
        "OTHER": ARN,
    }
