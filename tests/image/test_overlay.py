"""Prometheus's image with a user's own files in it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from components.configuration.tree import merged
from tests.components.examples import OWN
from tests.image.conftest import NOBODY, PROMETHEUS, Containers, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.image.engine import Docker


@pytest.fixture
def own(
    docker: Docker, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Containers]:
    """Yield what starts containers of an image that is built from the merged folder.

    On top of the package's image, which is made as the official one is.
    """
    monkeypatch.chdir(tmp_path)
    tag = f"prometheus-aws-test:{uuid.uuid4().hex}"
    build(docker, PROMETHEUS, tag, image, merged("prometheus", OWN / "prometheus"))
    started = Containers(docker, tag)
    yield started
    for container in started.started:
        docker.run("rm", "--force", "--volumes", container)
    docker.run("image", "rm", "--force", tag)


def test_it_starts_with_the_users_rules_and_without_their_tests(own: Containers) -> None:
    container = own.start_healthy("--read-only", "--cap-drop=ALL")
    assert "tests" not in own.execute(container, "ls", "/etc/prometheus")
    rules = "/etc/prometheus/rules.d/shop.yml"
    assert own.execute(container, "stat", "-c", "%a %u", rules).split() == ["644", str(NOBODY)]
    answer = own.execute(container, "wget", "-qO-", "http://127.0.0.1:9090/api/v1/rules")
    groups = {group["name"] for group in json.loads(answer)["data"]["groups"]}
    assert {"shop", "node.alerts", "targets.alerts"} <= groups
    assert own.execute(container, "promtool", "check", "rules", f"/run{rules[4:]}")
