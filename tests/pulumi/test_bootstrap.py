"""From an empty account to a deployment from GitHub: state in the bucket, secrets by the key.

Each role's policies must allow what the workflow of that role calls, and this is recorded: the
providers' calls where the emulated provider makes them, those of the CLI where the emulator gets
them.
"""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.bootstrap.account import Account, prepared
from tests.bootstrap.recorder import Call, Recorder
from tests.pulumi.stack import new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pulumi.stack import Stack

NAME = "github"


@dataclass
class Github:
    """The stack, as the workflows have it."""

    stack: Stack
    account: Account
    recorder: Recorder

    def run(self, *arguments: str, fails: bool = False) -> tuple[str, set[Call]]:
        """Run a command of the CLI, and look how it ends; return what it said and called."""
        self.recorder.calls.clear()
        emulator = self.account.emulator
        done = self.stack.workspace.run(
            *arguments,
            stdout=subprocess.PIPE,
            environment={
                # A bucket's name is no host name here.
                "PULUMI_BACKEND_URL": f"{self.account.outputs['BackendUrl']}"
                f"&endpoint={emulator.endpoint}&s3ForcePathStyle=true",
                "PULUMI_CONFIG_PASSPHRASE_FILE": "",
                **emulator.environment,
            },
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout, set(self.recorder.calls)


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Github]:
    with contextlib.ExitStack() as context:
        account = context.enter_context(prepared())
        recorder = Recorder(account)
        context.enter_context(recorder.recording())
        stack = context.enter_context(
            new_stack(account.emulator, tmp_path_factory.mktemp("github"))
        )
        content = yaml.safe_load(stack.workspace.stack_file.read_text(encoding="utf-8"))
        config = {
            **content["config"],
            "prometheus-aws:network": {
                **content["config"].get("prometheus-aws:network", {}),
                "natStrategy": "single",
                "flowLogs": True,
            },
        }
        file = stack.workspace.stack_file.with_name(f"Pulumi.{NAME}.yaml")
        file.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
        yield Github(stack, account, recorder)


def test_the_roles_may_do_what_their_workflows_do(github: Github) -> None:
    """The order is that of docs/github.md."""
    provider = github.account.outputs["SecretsProvider"]
    github.run("stack", "init", NAME, "--secrets-provider", provider)
    file = github.stack.workspace.stack_file.with_name(f"Pulumi.{NAME}.yaml")
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert settings["secretsprovider"] == provider
    assert settings["encryptedkey"]
    on_stack = ("--stack", NAME)

    text, calls = github.run("preview", *on_stack)
    assert "to create" in text
    assert {call.action for call in calls} >= {"kms:Decrypt", "s3:GetObject", "ssm:GetParameter"}
    assert github.recorder.denied("Preview", calls) == set()

    _, calls = github.run("up", "--yes", "--skip-preview", *on_stack)
    actions = {call.action for call in calls}
    assert actions >= {"ec2:CreateFlowLogs", "iam:PassRole", "s3:PutObject", "ec2:CreateNatGateway"}
    assert github.recorder.denied("Deploy", calls) == set()
    made = {it for it in calls if ":Create" in it.action}
    assert github.recorder.denied("Preview", calls) >= made

    text, calls = github.run("preview", "--expect-no-changes", *on_stack)
    assert "unchanged" in text
    assert github.recorder.denied("Deploy", calls) == set()

    _, calls = github.run("preview", "--refresh", "--expect-no-changes", *on_stack)
    assert {call.action for call in calls} >= {"ec2:DescribeVpcs", "iam:GetRole"}
    assert github.recorder.denied("Drift", calls) == set()
    logs = github.account.emulator.client("logs")
    group = logs.describe_log_groups(logGroupNamePrefix="prometheus-")["logGroups"][0]
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=1)
    text, _ = github.run("preview", "--refresh", "--expect-no-changes", *on_stack, fails=True)
    assert "changes were proposed" in text

    _, calls = github.run("destroy", "--yes", "--skip-preview", *on_stack)
    assert {call.action for call in calls} >= {"ec2:DeleteVpc", "iam:DeleteUser"}
    assert github.recorder.denied("Deploy", calls) == set()
