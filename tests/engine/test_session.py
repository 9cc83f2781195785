"""The engine as the sandbox uses it, and its commands."""

from __future__ import annotations

import contextvars
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.deploy import ROOT, deploy
from sandbox.engine import session
from sandbox.engine.errors import EngineError
from sandbox.resources import Account
from tests.engine.real_stack import RealStack, real_stack

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


def test_the_engine_deploys_what_the_sandbox_deploys_in_process(stack: RealStack) -> None:
    config = stack.config()
    by_engine = session.up(
        stack.directory / "session", "dev", config, account := Account(stack.emulator), print
    )
    in_process = contextvars.copy_context().run(
        deploy, other := Account(stack.emulator), "dev", config, lambda _count: None
    )
    assert by_engine.resources == in_process.resources
    assert by_engine.outputs.keys() == in_process.outputs.keys()
    assert by_engine.secret_outputs == in_process.secret_outputs
    assert list(account.images.values()) == list(other.images.values())


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


def test_a_system_deployed_by_the_engine_runs_until_it_is_destroyed() -> None:
    name = "tests-engine"
    try:
        up = sandbox("up", "--engine", "--detach", "--name", name, "--runtime", "process")
        assert up.returncode == 0, up.stderr
        assert " to create" not in up.stderr
        assert " created" in up.stderr
        status = sandbox("status", "--name", name)
        assert status.stdout.count(" UP") == 3
        destroyed = sandbox("destroy", "--name", name)
        assert destroyed.returncode == 0, destroyed.stderr
        assert " deleted" in destroyed.stdout
    finally:
        sandbox("down", "--name", name)
