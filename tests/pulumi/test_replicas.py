"""Two Prometheus servers under Pulumi's own engine: one is updated after the other.

The tests share a deployment, and each goes on where the one before has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.ecs.models import EC2ContainerServiceBackend

from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, SECOND = "prometheus-service", "prometheus-1-service"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    with new_emulator() as emulator, new_stack(emulator, directory) as made:
        made.up({"prometheus.replicas": 2, "hosts.count": 0})
        yield made


def _runs(stack: Stack) -> dict[str, str]:
    """Name of each ECS service as a resource -> the task definition that it runs."""
    ecs = stack.emulator.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    found = ecs.describe_services(cluster=cluster, services=arns)["services"]
    return {it["serviceName"].rpartition("-")[0]: it["taskDefinition"] for it in found}


def test_an_update_ends_for_the_first_before_it_begins_for_the_second(stack: Stack) -> None:
    before = _runs(stack)
    run = stack.up({"prometheus.retention": "20d"})
    kinds = ("resourcePreEvent", "resOutputsEvent")
    events = [
        (kind, event[kind]["metadata"]["urn"].rpartition("::")[2])
        for event in run.events
        for kind in kinds
        if kind in event and event[kind]["metadata"]["op"] == "update"
    ]
    of_services = [it for it in events if it[1] in (FIRST, SECOND)]
    assert of_services == [(kind, name) for name in (FIRST, SECOND) for kind in kinds]
    after = _runs(stack)
    assert all(after[name] != before[name] for name in (FIRST, SECOND))


def test_when_the_first_is_rolled_back_the_second_is_left_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _runs(stack)
    update = EC2ContainerServiceBackend.update_service

    def roll_back(backend: Any, service: dict[str, Any]) -> object:  # noqa: ANN401 - moto's own
        """Take the update, and go back at once to the old task definition, as ECS does later."""
        return update(backend, {**service, "task_definition": None})

    with monkeypatch.context() as broken:
        broken.setattr(EC2ContainerServiceBackend, "update_service", roll_back)
        failed = stack.run("up", "--yes", "--skip-preview", changes={"prometheus.retention": "21d"})
    assert failed.code != 0
    assert "ECS has rolled back" in failed.problems
    assert SECOND not in {name for _, name in failed.steps}
    assert _runs(stack) == before

    # The next update, with what is wrong mended, reaches both.
    stack.up({"prometheus.retention": "22d"})
    after = _runs(stack)
    assert all(after[name] != before[name] for name in (FIRST, SECOND))
    assert stack.preview("--refresh").steps == []
