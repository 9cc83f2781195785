"""`make PYTHON=...`: the virtual environment is of the Python that was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, for which no package is to be installed."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements-dev.lock").touch()
    return tmp_path


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {"PYTHON", "MAKEFLAGS"}
    }
    return subprocess.run(
        ["make", ".venv/ready", *arguments],
        cwd=project,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


def test_another_python_makes_the_environment_anew(project: Path) -> None:
    first = make(project, f"PYTHON={sys.executable}")
    assert first.returncode == 0, first.stderr
    mark = project / ".venv" / "mark"
    mark.touch()
    # The same Python, by another name too, or none: the environment stays.
    for arguments in ([f"PYTHON={sys.executable}"], ["PYTHON=.venv/bin/python"], []):
        done = make(project, *arguments)
        assert done.returncode == 0, done.stderr
        assert "Making" not in done.stdout
        assert mark.exists()
    # One that says of itself that it is another one.
    other = project / "other"
    other.write_text(
        "#!/bin/sh\n"
        f'case "$2" in *base_prefix*) echo other ;; *) exec {sys.executable} "$@" ;; esac\n'
    )
    other.chmod(0o755)
    done = make(project, f"PYTHON={other}")
    assert done.returncode == 0, done.stderr
    assert f"Making .venv with {other}" in done.stdout
    assert not mark.exists()


def test_a_python_that_is_none_leaves_the_environment(project: Path) -> None:
    assert make(project, f"PYTHON={sys.executable}").returncode == 0
    done = make(project, "PYTHON=/no/python")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed; tried: /no/python" in done.stderr
    assert (project / ".venv" / "ready").exists()
