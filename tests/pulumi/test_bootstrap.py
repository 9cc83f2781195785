"""From an empty account to a deployment from GitHub: state in the bucket, secrets by the key.

Each role's policies must allow what the workflow of that role calls, and this is recorded: the
providers' calls where the emulated provider makes them, those of the CLI where the emulator gets
them.
"""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from sandbox.emulator import SESSION
from tests.bootstrap.account import Account, prepared
from tests.bootstrap.matching import allows
from tests.pulumi.stack import new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.pulumi.stack import Stack

NAME = "github"
NEED_NO_PERMISSION = {"sts:GetCallerIdentity"}
ONLY_IN_THE_EMULATOR = {"ec2:DeleteNetworkInterface"}  # AWS removes a NAT gateway's by itself
OF_OBJECTS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}
PASSED = {
    "RegisterTaskDefinition": ("ecs-tasks.amazonaws.com", ("executionRoleArn", "taskRoleArn")),
    "CreateFlowLogs": ("vpc-flow-logs.amazonaws.com", ("DeliverLogsPermissionArn",)),
    "AddRoleToInstanceProfile": ("ec2.amazonaws.com", ("RoleName",)),
}
"""Call -> to whom it passes a role, and the arguments that name it."""


class Call(NamedTuple):
    action: str
    resource: str
    service: str = ""
    """To which a role is passed."""


@dataclass
class Recorder:
    """Notes the calls of a phase."""

    account: Account
    calls: set[Call] = field(default_factory=set)
    _arns: dict[str, str] = field(default_factory=dict)

    def provider(self, params: Mapping[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        service, name = model.service_model.signing_name, model.name
        self.calls.add(Call(f"{service}:{name}", self._resource(service, name, params)))
        passed_to, arguments = PASSED.get(name, ("", ()))
        for argument in {*arguments} & params.keys():
            role = params[argument]
            self.calls.add(Call("iam:PassRole", self._arns.get(role, role), passed_to))

    def server(self, environ: dict[str, Any]) -> None:
        path, target = environ["PATH_INFO"], environ.get("HTTP_X_AMZ_TARGET", "")
        bucket = self.account.resources["StateBucket"]
        if target.startswith("TrentService."):
            key = self.account.resources["SecretsKey"]
            arn = f"arn:aws:kms:eu-central-1:123456789012:key/{key}"
            self.calls.add(Call(f"kms:{target.partition('.')[2]}", arn))
        elif path.strip("/") == bucket:
            self.calls.add(Call("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
        elif path.startswith(f"/{bucket}/"):
            verb = OF_OBJECTS[environ["REQUEST_METHOD"]]
            self.calls.add(Call(f"s3:{verb}Object", f"arn:aws:s3:::{path[1:]}"))

    def _resource(self, service: str, call: str, params: Mapping[str, Any]) -> str:
        """ARN of what a call is about; `*` where AWS, or our policy, does not tell."""
        account, region = "123456789012", "eu-central-1"
        kinds = {"InstanceProfileName": "instance-profile", "RoleName": "role", "UserName": "user"}
        for argument, kind in kinds.items():
            if argument in params:
                name = params[argument]
                if call.startswith("Create") and "Path" in params:
                    self._arns[name] = f"arn:aws:iam::{account}:{kind}{params['Path']}{name}"
                return self._arns.get(name, f"arn:aws:iam::{account}:{kind}/{name}")
        named = {
            ("ecr", "repositoryName"): f"arn:aws:ecr:{region}:{account}:repository/{{}}",
            ("logs", "logGroupName"): f"arn:aws:logs:{region}:{account}:log-group:{{}}",
            ("logs", "logGroupNamePrefix"): f"arn:aws:logs:{region}:{account}:log-group:{{}}",
            ("secretsmanager", "Name"): f"arn:aws:secretsmanager:{region}:{account}:secret:{{}}",
            ("ssm", "Name"): f"arn:aws:ssm:{region}::parameter{{}}",
            **{
                (service, argument): "{}"
                for argument in ("resourceArn", "SecretId", "service", "cluster")
            },
        }
        for (of, argument), arn in named.items():
            if of == service and argument in params:
                return arn.format(params[argument])
        if service == "ecr" and "repositoryNames" in params:
            return named["ecr", "repositoryName"].format(params["repositoryNames"][0])
        if service == "ecs" and {"clusters", "services"} & params.keys():
            return str(params.get("services", params.get("clusters"))[0])
        return "*"


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

    def denied(self, role: str, calls: set[Call]) -> set[Call]:
        """Return which of some calls the role's policies do not allow."""
        policy = self.account.statements(role)
        context = {
            "aws:RequestedRegion": "eu-central-1",
            "aws:ResourceTag/project": "prometheus-aws",  # of all that the program makes
            "iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        }
        return {
            call
            for call in calls
            if call.action not in NEED_NO_PERMISSION | ONLY_IN_THE_EMULATOR
            and not allows(
                policy,
                call.action,
                call.resource,
                {**context, "iam:PassedToService": call.service},
            )
        }


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Github]:
    with contextlib.ExitStack() as context:
        account = context.enter_context(prepared())
        recorder = Recorder(account)
        event = "before-parameter-build.*.*"
        SESSION.register(event, recorder.provider)
        context.callback(SESSION.unregister, event, recorder.provider)
        server: Any = account.emulator._server._server  # type: ignore[union-attr]
        app = server.app

        def recorded(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI
            recorder.server(environ)
            return app(environ, start_response)

        server.app = recorded
        account.emulator._clients.clear()  # the next ones are recorded
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
    assert github.denied("Preview", calls) == set()

    _, calls = github.run("up", "--yes", "--skip-preview", *on_stack)
    actions = {call.action for call in calls}
    assert actions >= {"ec2:CreateFlowLogs", "iam:PassRole", "s3:PutObject", "ec2:CreateNatGateway"}
    assert github.denied("Deploy", calls) == set()
    assert github.denied("Preview", calls) >= {it for it in calls if ":Create" in it.action}

    text, calls = github.run("preview", "--expect-no-changes", *on_stack)
    assert "unchanged" in text
    assert github.denied("Deploy", calls) == set()

    _, calls = github.run("preview", "--refresh", "--expect-no-changes", *on_stack)
    assert {call.action for call in calls} >= {"ec2:DescribeVpcs", "iam:GetRole"}
    assert github.denied("Drift", calls) == set()
    logs = github.account.emulator.client("logs")
    group = logs.describe_log_groups(logGroupNamePrefix="prometheus-")["logGroups"][0]
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=1)
    text, _ = github.run("preview", "--refresh", "--expect-no-changes", *on_stack, fails=True)
    assert "changes were proposed" in text

    _, calls = github.run("destroy", "--yes", "--skip-preview", *on_stack)
    assert {call.action for call in calls} >= {"ec2:DeleteVpc", "iam:DeleteUser"}
    assert github.denied("Deploy", calls) == set()
