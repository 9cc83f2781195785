"""The GitHub workflows: least permissions, pinned actions, no long-lived keys."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def test_there_are_the_three_workflows() -> None:
    assert [file.stem for file in WORKFLOWS] == ["deploy", "preview", "test"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_permissions_are_given_job_by_job(file: Path) -> None:
    workflow = load(file)
    assert workflow["permissions"] == {}
    expected = {
        "test": {"contents": "read"},
        "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "deploy": {"contents": "read", "id-token": "write"},
    }
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        file.stem: expected[file.stem]
    }


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_no_access_key_is_stored(file: Path) -> None:
    secrets = set(re.findall(r"secrets\.(\w+)", file.read_text(encoding="utf-8")))
    assert secrets <= {"PULUMI_CONFIG_PASSPHRASE"}


def test_deployment_waits_behind_an_environment() -> None:
    assert load(ROOT / ".github/workflows/deploy.yml")["jobs"]["deploy"]["environment"]
