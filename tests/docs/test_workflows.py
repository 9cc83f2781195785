"""The GitHub workflows: least permissions, pinned actions, no stored key, what waits for what."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]

READY = "needs.configured.outputs.ready == 'true' && github.ref == 'refs/heads/main'"
VARIABLES = ("AWS_REGION", "PULUMI_BACKEND_URL", "PULUMI_STACK")


def load(file: Path) -> dict[str, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}  # YAML 1.1


def workflow(name: str) -> dict[str, Any]:
    return load(ROOT / ".github" / "workflows" / f"{name}.yml")


def pulumi_steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs of a job's steps that run Pulumi."""
    return [it["with"] for it in job["steps"] if it.get("uses", "").startswith("pulumi/actions@")]


def test_there_are_these_workflows() -> None:
    names = ["configured", "deploy", "drift", "preview", "test"]
    assert [file.stem for file in WORKFLOWS] == names
    assert [file.parent.name for file in ACTIONS] == ["aws"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version(file: Path) -> None:
    for action in re.findall(r"uses: (.*)", file.read_text(encoding="utf-8")):
        if action.startswith("./"):
            assert (ROOT / action).exists()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_permissions_are_given_job_by_job(file: Path) -> None:
    found = load(file)
    assert found["permissions"] == {}
    read: dict[str, str] = {"contents": "read"}
    identity = {**read, "id-token": "write"}
    expected: dict[str, dict[str, dict[str, str]]] = {
        "test": {"test": read},
        "configured": {"variables": {}},
        "preview": {"preview": {**identity, "pull-requests": "write"}, "emulated": read},
        "deploy": {"test": read, "configured": {}, "deploy": identity},
        "drift": {"configured": {}, "drift": identity},
    }
    permissions = {name: job["permissions"] for name, job in found["jobs"].items()}
    assert permissions == expected[file.stem]


def test_a_pull_request_gets_a_preview_with_or_without_an_account() -> None:
    """One of the two, and an identity and an environment in the first only."""
    jobs = workflow("preview")["jobs"]
    fork = "github.event.pull_request.head.repo.full_name {} github.repository"
    role = "vars.AWS_PREVIEW_ROLE_ARN {} ''"
    assert jobs["preview"]["if"] == f"{role.format('!=')} && {fork.format('==')}"
    assert jobs["emulated"]["if"] == f"{role.format('==')} || {fork.format('!=')}"
    assert jobs["preview"]["environment"] == "preview"
    assert "environment" not in jobs["emulated"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_stored_as_a_secret(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "PASSPHRASE" not in text


def test_deployment_waits_for_the_tests_of_the_same_commit_and_for_reviewers() -> None:
    found = workflow("deploy")
    assert found["on"] == {"push": {"branches": ["main"]}}
    jobs = found["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert jobs["deploy"]["needs"] == ["test", "configured"]
    assert jobs["deploy"]["if"] == READY
    assert jobs["deploy"]["environment"] == "production"
    assert found["concurrency"]["cancel-in-progress"] is False


def test_a_commit_on_main_is_tested_once() -> None:
    triggers = workflow("test")["on"]
    assert triggers.keys() == {"push", "pull_request", "workflow_call"}
    assert triggers["push"] == {"branches-ignore": ["main"]}


def test_after_a_deployment_there_is_nothing_left_to_change() -> None:
    up, check = pulumi_steps(workflow("deploy")["jobs"]["deploy"])
    assert up["command"] == "up"
    assert (check["command"], check["expect-no-changes"]) == ("preview", True)
    assert check["stack-name"] == up["stack-name"]


def test_drift_is_looked_for_every_day() -> None:
    found = workflow("drift")
    assert found["on"].keys() == {"schedule", "workflow_dispatch"}
    job = found["jobs"]["drift"]
    assert (job["needs"], job["if"]) == ("configured", READY)
    assert "environment" not in job  # it would ask reviewers, and be another subject
    (look,) = pulumi_steps(job)
    assert (look["command"], look["refresh"], look["expect-no-changes"]) == ("preview", True, True)


@pytest.mark.parametrize("name", ["deploy", "drift"])
def test_every_variable_that_a_job_needs_is_looked_for(name: str) -> None:
    jobs = workflow(name)["jobs"]
    role = jobs["configured"]["with"]["role"]
    assert role == f"AWS_{name.upper()}_ROLE_ARN"
    used = set(re.findall(r"vars\.(\w+)", str(jobs[name])))
    assert used == {*VARIABLES, role}


@pytest.mark.parametrize("missing", [(), ("PULUMI_STACK",), (*VARIABLES, "ROLE")])
def test_what_is_not_set_is_a_notice_and_no_failure(
    missing: tuple[str, ...], tmp_path: Path
) -> None:
    (step,) = workflow("configured")["jobs"]["variables"]["steps"]
    given = {name: "" if name in missing else "x" for name in (*VARIABLES, "ROLE")}
    assert step["env"].keys() == {*given, "ROLE_NAME"}
    output = tmp_path / "output"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        env={**given, "ROLE_NAME": "AWS_DEPLOY_ROLE_ARN", "GITHUB_OUTPUT": str(output)},
        capture_output=True,
        text=True,
        check=True,
    )
    if missing:
        names = " ".join(missing).replace("ROLE", "AWS_DEPLOY_ROLE_ARN")
        assert done.stdout == (
            f"::notice title=Skipped::Not set: {names}. docs/github.md says how to get them.\n"
        )
        assert not output.exists()
    else:
        assert done.stdout == ""
        assert output.read_text(encoding="utf-8") == "ready=true\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_packages_are_installed_by_their_hashes_only(file: Path) -> None:
    for line in file.read_text(encoding="utf-8").splitlines():
        if "pip install" in line:
            assert "--require-hashes -r requirements" in line
            assert line.rstrip().endswith(".lock")
