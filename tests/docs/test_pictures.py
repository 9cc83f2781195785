"""What the README shows of what a user will see."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"!\[([^]]*)\]\(([^)]+)\)", README)


def test_every_picture_is_shown_and_every_shown_one_is_there() -> None:
    pictures = {str(path.relative_to(ROOT)) for path in (ROOT / "docs/pictures").iterdir()}
    assert len(pictures) >= 3
    assert sorted(pictures) == sorted(path for _, path in SHOWN)


@pytest.mark.parametrize(("text", "path"), SHOWN, ids=[Path(path).name for _, path in SHOWN])
def test_a_picture_is_small_and_described(text: str, path: str) -> None:
    content = (ROOT / path).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(content) < 100_000
    assert len(text) > 20


def test_the_message_is_what_alertmanager_makes_of_the_template() -> None:
    """`tests/configuration/test_templates.py` holds the golden file against amtool."""
    golden = ROOT / "tests/configuration/golden/alertmanager/sns.one.txt"
    subject, message = golden.read_text(encoding="utf-8").split("\n--- message\n")
    subject = subject.removeprefix("--- subject\n")
    assert f"```text\n{subject}\n\n{message.strip()}\n```" in README
