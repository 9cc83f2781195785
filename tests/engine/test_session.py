"""The engine as the sandbox uses it, and its commands."""

from __future__ import annotations

import contextvars
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.deploy import ROOT, deploy
from sandbox.engine import session
from sandbox.engine.errors import EngineError
from sandbox.resources import Account
from tests.engine.real_stack import RealStack, real_stack
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMEOUT_S = 120


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RealStack]:
    with real_stack(tmp_path) as made:
        yield made


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def outputs(name: str) -> dict[str, Any]:
    report: dict[str, dict[str, Any]] = json.loads(
        sandbox("status", "--json", "--name", name).stdout
    )
    return report["outputs"]


def test_the_engine_deploys_what_the_sandbox_deploys_in_process(stack: RealStack) -> None:
    config = stack.config()
    by_engine = session.up(
        stack.directory / "session", "dev", config, Account(stack.emulator), print
    )
    in_process = contextvars.copy_context().run(
        deploy, Account(stack.emulator), "dev", config, lambda _count: None
    )
    assert by_engine.resources == in_process.resources
    assert by_engine.outputs.keys() == in_process.outputs.keys()
    assert by_engine.secret_outputs == in_process.secret_outputs


def test_a_session_is_taken_up_with_changes(stack: RealStack) -> None:
    directory = stack.directory / "session"
    session.up(directory, "dev", stack.config(), Account(stack.emulator), lambda _line: None)
    assert directory.stat().st_mode & 0o077 == 0
    engine = session.Session.open(directory).engine(
        directory, stack.said.append, {"hostCount": "3"}
    )
    engine.preview()
    assert "    +  2 to create" in stack.said
    engine.destroy()
    assert stack.inventory()["instance"] == set()


def test_a_sandbox_without_a_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="up --engine"):
        session.Session.open(tmp_path)


def test_a_preview_needs_no_sandbox() -> None:
    done = sandbox("preview", "--hosts", "1")
    assert done.returncode == 0, done.stderr
    assert " +  aws:ec2/instance:Instance  exporter-0-arm64  create" in done.stdout
    assert " to create" in done.stdout


def test_a_preview_of_a_bad_configuration_says_so_without_a_trace() -> None:
    done = sandbox("preview", "--config", "hostCount=-1")
    assert done.returncode == 1
    assert "prometheus-aws:hostCount" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_system_deployed_by_the_engine_is_updated_while_it_runs_and_destroyed() -> None:
    """One host more and a new access key: the task is replaced, and discovers with the new key."""
    name = "tests-engine"
    try:
        up = sandbox("up", "--engine", "--detach", "--name", name, "--runtime", "process")
        assert up.returncode == 0, up.stderr
        assert " to create" not in up.stderr
        assert " created" in up.stderr
        status = sandbox("status", "--name", name)
        assert status.stdout.count(" UP") == 3
        other = sandbox("up", "--engine", "--name", name, "--stack", "prod")
        assert (other.returncode, other.stdout) == (1, "")
        assert "has stack 'dev', not 'prod'" in other.stderr
        changes = ("--hosts", "3", "--config", "accessKeyRotation=2")
        promised = sandbox("preview", "--name", name, *changes)
        assert "    +- 2 to replace" in promised.stdout
        assert len(outputs(name)["host_ids"]) == 2
        updated = sandbox("up", "--engine", "--name", name, *changes)
        assert updated.returncode == 0, updated.stderr
        assert "    +- 2 replaced" in updated.stdout
        assert len(outputs(name)["host_ids"]) == 3
        four_up = lambda: sandbox("status", "--name", name).stdout.count(" UP") == 4  # noqa: E731
        until("the new host and the new task are UP", _TIMEOUT_S, four_up)
        again = sandbox("up", "--engine", "--name", name)  # with the configuration as it is now
        assert " created" not in again.stdout + again.stderr
        refreshed = sandbox("refresh", "--name", name)
        assert refreshed.stdout.splitlines()[-1].endswith(" unchanged")
        destroyed = sandbox("destroy", "--name", name)
        assert destroyed.returncode == 0, destroyed.stderr
        assert " deleted" in destroyed.stdout
    finally:
        sandbox("down", "--name", name)
