"""The commands of docs/github.md, run as printed, with stand-ins that note their arguments."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bootstrap.template import template
from tests.docs.test_workflows import VARIABLES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "github.md").read_text(encoding="utf-8")

STAND_IN = """#!/bin/bash
{ printf '%q ' "${0##*/}" "$@"; echo; } >> "$CALLS"
case "$*" in
*list-open-id-connect-providers*) echo arn:aws:iam::123456789012:oidc-provider/github ;;
*customization/sub*) echo repo:acme@1/monitoring@2 ;;
*OutputKey==*) sed "s/.*OutputKey=='\\([A-Za-z]*\\)'.*/value-of-\\1/" <<< "$*" ;;
esac
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Run all of them in one shell, in their order; return the commands that were called."""
    directory = tmp_path_factory.mktemp("guide")
    for name in ("aws", "gh", "git", "pulumi"):
        (directory / name).write_text(STAND_IN, encoding="utf-8")
        (directory / name).chmod(0o755)
    section = GUIDE.partition("## Preparing an account\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^ {4,}(?! )(.*(?:\\\n.*)*)$|^ {7,}(.*)$", section, re.MULTILINE)
    script = "\n".join(first or second for first, second in lines)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": f"{directory}:/usr/bin:/bin", "CALLS": str(directory / "calls")},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(map(shlex.split, (directory / "calls").read_text(encoding="utf-8").splitlines()))


def _one(calls: list[list[str]], *words: str) -> list[str]:
    (found,) = [call for call in calls if call[: len(words)] == [*words]]
    return found


def test_the_account_is_prepared_from_the_generated_template(calls: list[list[str]]) -> None:
    deploy = _one(calls, "aws", "cloudformation", "deploy")
    assert (ROOT / deploy[deploy.index("--template-file") + 1]).read_text("utf-8") == template()
    given = dict(it.split("=", 1) for it in deploy[deploy.index("--parameter-overrides") + 1 :])
    parameters = json.loads(template())["Parameters"]
    assert given.keys() <= parameters.keys()
    for name in parameters.keys() - given.keys():
        assert parameters[name]["Default"] == ""
        assert f'`"{name}=' in GUIDE, "not explained"
    assert given == {
        "SubjectPrefix": "repo:acme@1/monitoring@2",
        "OidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/github",
    }


def test_the_stack_is_made_in_that_bucket_with_that_key(calls: list[list[str]]) -> None:
    login = calls.index(["pulumi", "login", "value-of-BackendUrl"])
    options = ["--secrets-provider", "value-of-SecretsProvider"]
    init = calls.index(["pulumi", "stack", "init", "dev", *options])
    assert calls.index(_one(calls, "aws", "cloudformation", "deploy")) < login < init
    assert calls.index(["git", "add", "Pulumi.dev.yaml"]) > init


def test_every_output_exists_and_every_regional_command_names_the_region(
    calls: list[list[str]],
) -> None:
    asked = {it for call in calls for it in re.findall(r"OutputKey=='(\w+)'", " ".join(call))}
    assert asked == json.loads(template())["Outputs"].keys()
    regional = [call for call in calls if call[0] == "aws" and call[1] != "iam"]
    assert len(regional) > len(asked)
    for call in regional:
        assert call[call.index("--region") + 1] == "eu-central-1"


def test_the_variables_are_those_that_the_workflows_read(calls: list[list[str]]) -> None:
    variables = {call[3]: call[-1] for call in calls if call[:3] == ["gh", "variable", "set"]}
    workflows = "".join(file.read_text("utf-8") for file in (ROOT / ".github").rglob("*.yml"))
    roles = {f"AWS_{name}_ROLE_ARN" for name in ("PREVIEW", "DRIFT", "DEPLOY")}
    assert variables.keys() == {*VARIABLES, *roles}
    assert set(re.findall(r"vars\.([A-Z_]+)", workflows)) == variables.keys()
    assert variables["AWS_DEPLOY_ROLE_ARN"] == "value-of-DeployRoleArn"
    assert variables["PULUMI_BACKEND_URL"] == "value-of-BackendUrl"
