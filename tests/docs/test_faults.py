"""The table of faults: each line is shown by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]
FILES = re.findall(r"`(test_\w+\.py)`", PAGE.read_text(encoding="utf-8"))
TESTS = {
    name
    for file in FILES
    for name in re.findall(
        r"^def (test_\w+)",
        (ROOT / "tests" / "sandbox" / file).read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}


def test_there_are_rows() -> None:
    assert len(ROWS) > 5


@pytest.mark.parametrize("number", range(1, len(ROWS)))
def test_each_row_is_shown_by_tests_that_exist(number: int) -> None:
    fault, *_, shown = ROWS[number]
    names = re.findall(r"`(\w+)`", ROWS[number - 1][-1] if shown == "the same" else shown)
    assert names, fault
    assert set(names) <= TESTS, fault


def test_every_test_of_a_fault_is_in_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for file in ("test_faults.py", "test_storage_faults.py"):
        code = (ROOT / "tests" / "sandbox" / file).read_text(encoding="utf-8")
        assert [
            name for name in re.findall(r"^def (test_\w+)", code, re.MULTILINE) if name not in text
        ] == []


def test_the_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / link).is_file(), link
