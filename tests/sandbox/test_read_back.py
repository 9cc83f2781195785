"""What AWS returns of container definitions decides whether the next `up` replaces the task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.containers.definition import Container, container_definition
from components.containers.execute_command import with_agent
from sandbox.emulator import Emulator
from sandbox.resources import RESOURCE_TYPES, Account
from tests.components.services import ANY_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK = RESOURCE_TYPES["aws:ecs/taskDefinition:TaskDefinition"]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    emulator = Emulator("eu-west-1")
    emulator.start()
    yield Account(emulator)
    emulator.stop()


def ours(*, agent: bool = False) -> dict[str, Any]:
    """Describe a container of ours, with or without Session Manager's agent."""
    container = Container(
        name="server",
        image=ANY_IMAGE,
        user="65534:65534",
        environment={"A": "b"},
        ports=[9090],
        volumes={"data": "/data"},
        health_path="/healthy",
        open_files=1024,
    )
    container = with_agent(container) if agent else container
    return container_definition(container, 512, "eu-west-1", "log")


def next_up(account: Account, definition: dict[str, Any]) -> dict[str, bool]:
    """Make a task definition, and return what the next `up` would change."""
    text = json.dumps([definition])
    volumes = [{"name": mount["sourceVolume"]} for mount in ours(agent=True)["mountPoints"]]
    inputs = {"family": "tried", "containerDefinitions": text, "volumes": volumes}
    given = TASK.fill_in(account, "tried", inputs)
    made = TASK.make(account, given)
    return TASK.changes(made.properties, given)


@pytest.mark.parametrize("agent", [False, True])
def test_the_next_up_leaves_our_tasks_alone(account: Account, *, agent: bool) -> None:
    assert next_up(account, ours(agent=agent)) == {}


@pytest.mark.parametrize("given", [{"drop": ["ALL"]}, {"add": ["SYS_PTRACE"]}, {}])
def test_half_of_the_capabilities_would_replace_the_task(
    account: Account, given: dict[str, list[str]]
) -> None:
    definition = ours()
    definition["linuxParameters"] = {"capabilities": given}
    assert next_up(account, definition) == {"containerDefinitions": True}


@pytest.mark.parametrize("left_out", ["environment", "mountPoints", "portMappings", "secrets"])
def test_what_the_provider_knows_to_be_empty_is_no_difference(
    account: Account, left_out: str
) -> None:
    definition = ours()
    del definition[left_out]
    assert next_up(account, definition) == {}
