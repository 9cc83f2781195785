"""What a module that people run ends with instead of a trace."""

from __future__ import annotations

import signal
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
    program = "import excepthook; 1/0"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_ctrl_c_while_modules_are_imported_needs_no_words() -> None:
    program = "import excepthook; raise KeyboardInterrupt"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("module", ["sandbox", "settings", "benchmarks"])
def test_a_ctrl_c_right_after_the_start_leaves_no_trace(module: str) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored here
    started = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", module, "--help"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    assert started.stderr is not None
    with started.stderr as output:
        assert any("| excepthook" in line for line in output)
        started.send_signal(signal.SIGINT)
        assert "Traceback" not in output.read()
    assert started.wait(30) == 130
