"""Hints can be pasted as they are printed."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.hints import command
from tests.sandbox.command import ROOT


@pytest.mark.parametrize(
    ("executable", "expected"),
    [
        ("/here/.venv/bin/python", ".venv/bin/python -m sandbox up --config 'a=b c'"),
        ("/else where/python", "'/else where/python' -m sandbox up --config 'a=b c'"),
    ],
)
def test_the_python_is_this_one(
    executable: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(Path, "cwd", lambda: Path("/here"))
    assert command("up", "--config", "a=b c") == expected


def test_a_hint_works_as_it_is_printed() -> None:
    def run(line: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stderr

    said = run(f"{shlex.quote(sys.executable)} -m sandbox status --name nobody")
    assert "no sandbox 'nobody' is running" in said
    _, hint, _ = said.split("`")
    assert "expected a whole number" in run(f"{hint} --port 0")
