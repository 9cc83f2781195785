"""A Python without the project's packages ends in one line that says what to run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments", ["sandbox status --name x", "settings dev", "docs.generate --check", "benchmarks"]
)
def test_missing_packages_are_told_in_one_line(arguments: str) -> None:
    called = ["-S", "-m", *arguments.split()]  # -S: without what is installed
    done = subprocess.run(
        [sys.executable, *called], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: this Python ({sys.executable}) has no ")
    assert line.endswith(f"run `make setup`, then `.venv/bin/python {' '.join(called)}`")


def test_another_error_keeps_its_trace() -> None:
    program = "import packages; 1/0"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
