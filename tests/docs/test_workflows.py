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
        "test": {"test": {"contents": "read"}},
        "preview": {
            "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
            "emulated": {"contents": "read"},
        },
        "deploy": {"deploy": {"contents": "read", "id-token": "write"}},
    }
    permissions = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert permissions == expected[file.stem]


def test_a_pull_request_gets_a_preview_with_or_without_an_account() -> None:
    """One of the two, and an identity, a passphrase and an environment in the first only."""
    jobs = load(ROOT / ".github/workflows/preview.yml")["jobs"]
    fork = "github.event.pull_request.head.repo.full_name {} github.repository"
    role = "vars.AWS_PREVIEW_ROLE_ARN {} ''"
    assert jobs["preview"]["if"] == f"{role.format('!=')} && {fork.format('==')}"
    assert jobs["emulated"]["if"] == f"{role.format('==')} || {fork.format('!=')}"
    assert "environment" not in jobs["emulated"]
    assert "secrets." not in str(jobs["emulated"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_no_access_key_is_stored(file: Path) -> None:
    secrets = set(re.findall(r"secrets\.(\w+)", file.read_text(encoding="utf-8")))
    assert secrets <= {"PULUMI_CONFIG_PASSPHRASE"}


def test_deployment_waits_behind_an_environment() -> None:
    assert load(ROOT / ".github/workflows/deploy.yml")["jobs"]["deploy"]["environment"]
