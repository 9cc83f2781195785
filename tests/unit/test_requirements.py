"""The lock files: what `make setup` and the workflows install, to the byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("requirements", "requirements-dev")
_PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.!+]+)", re.MULTILINE)


def pinned(file: str) -> dict[str, set[str]]:
    """Package, as the index spells it -> the versions that a file names (one for each Python)."""
    found: dict[str, set[str]] = {}
    for name, version in _PIN.findall((ROOT / file).read_text(encoding="utf-8")):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


def test_what_the_program_needs_is_what_the_card_names() -> None:
    assert {"pulumi", "pulumi-aws", "pulumi-docker", "pulumi-random", "pytest"} <= pinned(
        "requirements.txt"
    ).keys()


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_is_a_pin_and_locked_at_it(name: str) -> None:
    lines = (ROOT / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    wanted = pinned(f"{name}.txt")
    assert len(wanted) == len([line for line in lines if line and line[0] not in "#-"])
    locked = pinned(f"{name}.lock")
    differ = {package for package, versions in wanted.items() if locked.get(package) != versions}
    assert not differ, "run `make lock`"


def test_both_files_lock_the_same_versions() -> None:
    program, everything = map(pinned, ("requirements.lock", "requirements-dev.lock"))
    assert program.items() <= everything.items()


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_locked_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .*)? \\\n    --hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text
