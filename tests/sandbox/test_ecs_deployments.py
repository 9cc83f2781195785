"""Deployments of ECS services: how many tasks run meanwhile, and what the circuit breaker does."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.clusters import TIMEOUT_S, Playground, playground
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WITH_ROLLBACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
WITHOUT_ROLLBACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Playground]:
    with playground(tmp_path) as made:
        yield made


def _ids(made: Playground) -> set[str]:
    return {task["taskArn"] for task in made.tasks("web")}


def _answer(made: Playground, *versions: str) -> None:
    until("they answer", TIMEOUT_S, lambda: made.versions("web") == [*versions])


@pytest.mark.parametrize(("least", "most"), [(100, 200), (50, 100), (0, 100), (100, 150)])
def test_between_minimum_and_maximum(made: Playground, least: int, most: int) -> None:
    percent = {"minimumHealthyPercent": least, "maximumPercent": most}
    made.serve("web", made.revision(), desiredCount=2, deploymentConfiguration=percent)
    made.wait_until_stable("web")
    before = _ids(made)
    made.update("web", taskDefinition=made.revision(VERSION="2"))
    assert not made.is_stable("web")  # already in the answer to whoever waits
    deployments = made.service("web")["deployments"]
    assert [it["status"] for it in deployments] == ["PRIMARY", "ACTIVE"]
    assert [it["taskDefinition"].rpartition("/")[2] for it in deployments] == ["web:2", "web:1"]
    seen: list[int] = []

    def done() -> bool:
        seen.append(len(made.tasks("web")))
        return made.is_stable("web")

    until("it is done", TIMEOUT_S, done, pause_s=0.05)
    assert min(seen) >= math.ceil(2 * least / 100)
    assert max(seen) <= math.floor(2 * most / 100)
    assert not _ids(made) & before
    _answer(made, "2", "2")
    (deployment,) = made.service("web")["deployments"]
    assert deployment["rolloutState"] == "COMPLETED"
    assert (deployment["runningCount"], deployment["desiredCount"]) == (2, 2)
    assert f"(deployment {deployment['id']}) deployment completed." in made.events("web")
    assert {task["startedBy"] for task in made.tasks("web")} == {deployment["id"]}


def test_the_old_version_answers_until_the_new_one_does(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=2)
    made.wait_until_stable("web")
    _answer(made, "1", "1")
    made.update("web", taskDefinition=made.revision(VERSION="2"))
    both: set[tuple[str, ...]] = set()

    def done() -> bool:
        answered = made.versions("web")
        assert answered
        both.add(tuple(answered))
        return made.is_stable("web")

    until("it is done", TIMEOUT_S, done)
    assert ("1", "1", "2", "2") in both
    _answer(made, "2", "2")


def test_only_what_concerns_tasks_is_a_deployment(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=1)
    made.wait_until_stable("web")
    before = _ids(made)
    made.update("web", desiredCount=2, deploymentConfiguration=WITH_ROLLBACK)
    until("two run", TIMEOUT_S, lambda: made.service("web")["runningCount"] == 2)
    assert len(made.service("web")["deployments"]) == 1
    assert before < _ids(made)
    made.update("web", forceNewDeployment=True)
    assert len(made.service("web")["deployments"]) == 2
    made.wait_until_stable("web")
    assert not before & _ids(made)


def test_a_version_that_dies_is_rolled_back(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=2, deploymentConfiguration=WITH_ROLLBACK)
    made.wait_until_stable("web")
    before = _ids(made)
    (good,) = made.service("web")["deployments"]
    made.update("web", taskDefinition=made.revision(DIES="1"))
    seen: set[tuple[str, str]] = set()

    def rolled_back() -> bool:
        found = made.service("web")
        assert before <= _ids(made)
        seen.update((it["taskDefinition"][-1], it["rolloutState"]) for it in found["deployments"])
        return bool(found["taskDefinition"] == good["taskDefinition"])

    until("it is rolled back", TIMEOUT_S, rolled_back, pause_s=0.05)
    made.wait_until_stable("web")
    assert ("2", "IN_PROGRESS") in seen
    assert _ids(made) == before
    (deployment,) = made.service("web")["deployments"]
    assert deployment["id"] == good["id"]
    assert "deployment failed: tasks failed" in made.events("web")
    assert f"rolling back to (deployment {good['id']})" in made.events("web")
    assert made.agent.failure_count() == 0


def test_a_version_that_dies_in_place_of_the_old_one_is_rolled_back(made: Playground) -> None:
    percent = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    made.serve(
        "web", made.revision(), desiredCount=1, deploymentConfiguration=percent | WITH_ROLLBACK
    )
    made.wait_until_stable("web")
    before = _ids(made)
    made.update("web", taskDefinition=made.revision(DIES="1"))
    until(
        "it is rolled back",
        TIMEOUT_S,
        lambda: made.service("web")["taskDefinition"].endswith("web:1"),
    )
    made.wait_until_stable("web")
    _answer(made, "1")
    assert not _ids(made) & before


def test_without_rollback_nothing_more_is_tried(made: Playground) -> None:
    made.serve("web", made.revision(), desiredCount=1, deploymentConfiguration=WITHOUT_ROLLBACK)
    made.wait_until_stable("web")
    made.update("web", taskDefinition=made.revision(DIES="1"))

    def state() -> str:
        return str(made.service("web")["deployments"][0]["rolloutState"])

    until("it has failed", TIMEOUT_S, lambda: state() == "FAILED")
    tried = len(made.tasks("web", desiredStatus="STOPPED"))
    time.sleep(5)  # the next one would have started after 4
    assert tried == len(made.tasks("web", desiredStatus="STOPPED")) == 3
    _answer(made, "1")
    made.update("web", taskDefinition=made.revision(VERSION="3"))
    made.wait_until_stable("web")
    _answer(made, "3")


def test_the_first_version_has_nothing_to_go_back_to(made: Playground) -> None:
    made.serve(
        "web", made.revision(DIES="1"), desiredCount=1, deploymentConfiguration=WITH_ROLLBACK
    )
    until(
        "it has failed",
        TIMEOUT_S,
        lambda: made.service("web")["deployments"][0]["rolloutState"] == "FAILED",
    )
    assert made.agent.failure_count() == 3


def test_without_a_circuit_breaker_it_is_tried_again_and_again(made: Playground) -> None:
    made.serve("web", made.revision(DIES="1"), desiredCount=1)
    until("it has died four times", TIMEOUT_S, lambda: made.agent.failure_count() >= 4)
    assert made.service("web")["deployments"][0]["rolloutState"] == "IN_PROGRESS"
