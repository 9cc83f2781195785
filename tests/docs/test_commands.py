"""Commands in the Markdown: ready to paste, whatever region the reader's AWS CLI has."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

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


CUSTOM = {"cloudformation deploy", "ec2 wait", "logs tail", "s3 cp", "s3 ls"}
"""Commands that the AWS CLI has beyond the operations of AWS's APIs."""

OF_ALL_COMMANDS = {"region", "output", "query"}
"""Options that each command takes, of those that are used."""


@functools.cache
def operations(service: str) -> dict[str, Any]:
    """Return a service's operations as botocore knows them: command of the AWS CLI -> model."""
    model = botocore.session.get_session().get_service_model(
        {"s3api": "s3"}.get(service, service)  # as the AWS CLI calls it
    )
    return {xform_name(it, "-"): model.operation_model(it) for it in model.operation_names}


def problems(command: str) -> list[str]:
    """Say what keeps a command of the AWS CLI from doing what it is for."""
    command = re.sub(r"\$\([^)]*\)", "", command)  # other programs, with options of their own
    _, service, name, *_ = command.split()
    if f"{service} {name}" in CUSTOM:
        return []
    operation = operations(service).get(name)
    if operation is None:
        return [f"{service} has no command {name}"]
    shape = operation.input_shape
    options = {xform_name(member, "-") for member in shape.members} | OF_ALL_COMMANDS
    needed = {xform_name(member, "-") for member in shape.required_members}
    # Without it, ECS takes a cluster that is named "default", which is none of ours.
    needed |= {"cluster"} & options
    given = {
        it if it in options else it.removeprefix("no-")
        for it in re.findall(r"\s--([a-z0-9-]+)", command)
    }
    return [
        *(f"--{it} is missing" for it in sorted(needed - given)),
        *(f"--{it} is unknown" for it in sorted(given - options)),
    ]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("aws ecs stop-task --region x", ["--cluster is missing", "--task is missing"]),
        ("aws ecs stop-task --cluster x --tasks y", ["--task is missing", "--tasks is unknown"]),
        ("aws ecs stop-tasks --region x", ["ecs has no command stop-tasks"]),
        ("aws ecs stop-task \\\n  --cluster x \\\n  --task y --region z", []),
        ("aws ec2 stop-instances --instance-ids i-1 --no-force", []),
        ("aws s3api head-bucket --region $(x --y)", ["--bucket is missing"]),
        ("aws s3 ls s3://x", []),
    ],
)
def test_what_is_wrong_with_a_command(command: str, expected: list[str]) -> None:
    assert problems(command) == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_has_the_arguments_that_it_needs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {it: found for _, it in commands(text) if (found := problems(it))}
    assert wrong == {}
