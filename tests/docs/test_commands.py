"""Commands in the Markdown: ready to paste, whatever region the reader's AWS CLI has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DEFINITION = re.compile(
    r"^ *REGION=(\$\(pulumi stack output region\)|[a-z]+-[a-z]+-\d)", re.MULTILINE
)


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Yield each command of the AWS CLI, with where it begins."""
    # In code, a command ends with its line (unless that goes on), with its quotes, or at the next.
    pattern = r"\baws [a-z0-9-]+ [a-z]+(?:-[a-z]+)*(?:\\\n|\$\([^)]*\)|[^\n`;|&)])*"
    for found in re.finditer(pattern, text):
        yield found.start(), found.group()


def test_what_is_taken_for_a_command() -> None:
    text = 'An aws: (`aws s3 ls --a "$(x y)" \\\n  --b`, $(aws ec2 describe-vpcs) | aws logs tail'
    expected = ['aws s3 ls --a "$(x y)" \\\n  --b', "aws ec2 describe-vpcs", "aws logs tail"]
    assert [command for _, command in commands(text)] == expected


def test_there_are_commands() -> None:
    assert len([1 for page in PAGES for _ in commands(page.read_text(encoding="utf-8"))]) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_says_its_region(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for start, command in commands(text):
        region = re.search(r' --region ("[^"]+"|\S+)', command)
        assert region, command
        assert region[1] != '"$REGION"' or DEFINITION.search(text[:start]), command


def test_every_secret_goes_in_without_the_line_break_at_the_end_of_its_file() -> None:
    """The AWS CLI keeps it, and the entrypoints of the images refuse it."""
    stored = [
        (page.name, block)
        for page in PAGES
        for block in re.split(r"\n\n|```", page.read_text(encoding="utf-8"))
        if "--secret-string" in block
    ]
    assert {page for page, _ in stored} == {"access.md", "alerting.md", "dead-mans-switch.md"}
    for page, block in stored:
        assert re.search(
            r"tr -d '\\n' <file >(\w+) .*\n *aws .* --secret-string file://\1\b", block
        ), page
