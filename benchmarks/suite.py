"""How long the tests take."""

import re
import subprocess
import time
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).parent.parent


def tests() -> list[Figure]:
    """Duration of `make test`, and its ten slowest tests."""
    started = time.perf_counter()
    done = subprocess.run(
        ["make", "test"], cwd=ROOT, check=False, capture_output=True, text=True, errors="replace"
    )
    total = time.perf_counter() - started
    summary = re.findall(r"=+ (.*(?:passed|failed|error).*) =+", done.stdout)
    figures = [Figure("make test", f"{total:.0f} s", "<= 900 s")]
    figures += [Figure("  its own summary", summary[-1])] if summary else []
    for seconds, phase, test in re.findall(r"^([\d.]+)s (\w+)\s+(\S+)", done.stdout, re.MULTILINE):
        figures.append(Figure(f"  {phase} {test.removeprefix('tests/')[:80]}", f"{seconds} s"))
    return figures
