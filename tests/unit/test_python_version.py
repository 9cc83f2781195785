"""A Python that is too old ends in one line that says so, whatever people start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import python_version

ROOT = Path(__file__).parents[2]

# An interpreter of another version is not to be had everywhere: this one says that it is old, and
# its `typing` has what that of Python 3.10 had.
PRETEND = """
import runpy, sys, typing
sys.version_info = (3, 10, 13, "final", 0)
del typing.NotRequired, typing.Self
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
{run}
"""
STARTS = {
    "pulumi up": "runpy.run_path('__main__.py', run_name='__main__')",
    "python -m settings": "runpy.run_module('settings', run_name='__main__')",
    "python -m sandbox": "runpy.run_module('sandbox', run_name='__main__')",
}


@pytest.mark.parametrize("run", STARTS.values(), ids=STARTS)
def test_an_old_python_is_told_in_one_line(run: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRETEND.format(run=run), "demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Python 3.11 or newer is needed; this is 3.10 (")
    assert "make setup" in line


def test_the_minimum_is_said_alike_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    major, minor = python_version.MINIMUM
    assert project["project"]["requires-python"] == f">={major}.{minor}"
    assert project["tool"]["ruff"]["target-version"] == f"py{major}{minor}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"sys\.version_info < \((\d+), (\d+)\)", makefile) == [
        (f"{major}", f"{minor}")
    ]
    assert re.findall(r"--python-version (\S+)", makefile) == [f"{major}.{minor}"]
