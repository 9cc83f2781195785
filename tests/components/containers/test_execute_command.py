"""components.containers.execute_command: what Session Manager needs of a task, and no more."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.containers.execute_command import AGENT_VOLUMES, port_forwarding_command
from components.prometheus.discovery import may_discover
from mocks.recording import REGION, Deployment
from tests.components.services import ARN, container, document, outputs, service
from tests.components.shell import shell

# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
CHANNELS = {
    "Effect": "Allow",
    "Action": [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
    "Resource": "*",
}
CREDENTIALS = ["iam-user", "task-role"]


def session_manager(*, on: bool, credentials: str = "iam-user") -> Deployment:
    return service(enable_execute_command=on, credentials=credentials)


def without_agent(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A task definition's inputs, without what is the agent's; it must be there."""
    left = {**inputs, "containerDefinitions": json.loads(inputs["containerDefinitions"])}
    (described,) = left["containerDefinitions"]
    assert described["linuxParameters"].pop("initProcessEnabled") is True
    for name, path in AGENT_VOLUMES.items():
        left["volumes"].remove({"name": name})
        mount = {"sourceVolume": name, "containerPath": path, "readOnly": False}
        described["mountPoints"].remove(mount)
    return left


# --- the task ---


def test_the_agent_writes_where_it_has_to() -> None:
    """Sources: see AGENT_VOLUMES."""
    paths = {"/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"}
    assert set(AGENT_VOLUMES.values()) == paths
    described = container(session_manager(on=True))
    mounted = [mount["containerPath"] for mount in described["mountPoints"]]
    assert set(mounted) == {"/prometheus", "/run/prometheus", *paths}
    assert len(mounted) == len(set(mounted))
    assert described["readonlyRootFilesystem"] is True
    assert described["user"] == "65534:65534"
    assert described["linuxParameters"] == {
        "capabilities": {"add": [], "drop": ["ALL"]},
        "initProcessEnabled": True,
    }


def test_on_a_host_the_log_is_where_ecs_mounts_its_own_directory() -> None:
    """Docker refuses two mounts at one place."""
    described = container(service(enable_execute_command=True, storage_kind="ebs"))
    mounted = {mount["containerPath"] for mount in described["mountPoints"]}
    assert mounted == {"/prometheus", "/run/prometheus", "/var/lib/amazon/ssm"}
    assert described["linuxParameters"]["initProcessEnabled"] is True


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_nothing_else_of_the_stack_differs(credentials: str) -> None:
    on, off = (session_manager(on=it, credentials=credentials) for it in (True, False))
    role = {
        ("aws:iam/role:Role", "prom-task-role"),
        ("aws:iam/rolePolicy:RolePolicy", "prom-task-role-policy"),
    }
    assert on.children("prom") == off.children("prom") | role
    differ = {
        name
        for _, name in off.children("prom")
        if on.inputs(name) != off.inputs(name) and name != "prom-task-role-policy"
    }
    assert differ == {"prom-task", "prom-service"}
    task = {**off.inputs("prom-task"), "taskRoleArn": f"{ARN}:prom-task-role"}
    task["containerDefinitions"] = json.loads(task["containerDefinitions"])
    assert without_agent(on.inputs("prom-task")) == task
    assert on.inputs("prom-service") == {
        **off.inputs("prom-service"),
        "enableExecuteCommand": True,
    }


# --- the agent's rights ---


@pytest.mark.parametrize(
    ("credentials", "on", "statements"),
    [
        ("iam-user", True, [CHANNELS]),
        ("task-role", True, [may_discover(REGION), CHANNELS]),
        ("task-role", False, [may_discover(REGION)]),
    ],
)
def test_the_tasks_role_may_do_exactly(
    credentials: str, statements: list[dict[str, Any]], *, on: bool
) -> None:
    deployment = session_manager(on=on, credentials=credentials)
    assert document(deployment, "prom-task-role-policy")["Statement"] == statements
    assert deployment.inputs("prom-task-role-policy")["role"] == "prom-task-role-id"
    assert "prom-task-role-policy" in deployment.needs("prom-service")


def test_the_user_gets_no_right_of_the_agents() -> None:
    policy = document(session_manager(on=True), "prom-discovery-user-policy")
    assert policy["Statement"] == [may_discover(REGION)]


# --- the command ---

ARN_OF_TASK = "arn:aws:ecs:eu-central-1:123456789012:task/c-1/0123456789abcdef"
AWS_STAND_IN = rf"""#!/bin/sh
[ "$1 $2 $3 $4" = "--region eu-central-1 --output text" ] || exit 1
shift 4
case "$*" in
"ecs list-tasks --cluster c-1 --service-name s-1 --query taskArns[0]")
    echo {ARN_OF_TASK} ;;
"ecs describe-tasks --cluster c-1 --tasks {ARN_OF_TASK}"\
" --query tasks[0].containers[?name=='server'].runtimeId")
    echo 0123456789abcdef-527074092 ;;
"ssm start-session "*)
    shift 2
    echo "session: $*" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
COMMAND = port_forwarding_command("eu-central-1", "c-1", "s-1", "server", 9091)


def play(folder: Path, text: str) -> str:
    """Put an `aws` first in the PATH."""
    aws = folder / "aws"
    aws.write_text(text, encoding="utf-8")
    aws.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize("run", ["pasted", "by eval"])
def test_the_command_opens_the_session(tmp_path: Path, run: str) -> None:
    path = play(tmp_path, AWS_STAND_IN)
    command = ("-c", COMMAND) if run == "pasted" else ("-c", 'eval "$0"', COMMAND)
    assert shell("sh", *command, path=path).splitlines() == [
        "http://127.0.0.1:9091 until Ctrl-C",
        (
            "session: --target ecs:c-1_0123456789abcdef_0123456789abcdef-527074092"
            " --document-name AWS-StartPortForwardingSession"
            " --parameters portNumber=9091,localPortNumber=9091"
        ),
    ]


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ('*"ecs list-tasks"*) exit 254 ;;', 254, ""),
        ('*"ecs describe-tasks"*) exit 254 ;;', 254, ""),
        ('*"ecs list-tasks"*) echo None; exit ;;', 1, "no task of s-1 runs now"),
        ('*"ecs describe-tasks"*) exit ;;', 1, "container server of s-1 does not run yet"),
        ('*"ecs describe-tasks"*) echo None; exit ;;', 1, "container server of s-1 does not run"),
    ],
)
def test_the_command_fails_when_there_is_nothing_to_connect_to(
    tmp_path: Path, answers: str, code: int, said: str
) -> None:
    text = f'#!/bin/sh\ncase "$*" in {answers} *"start-session"*) exit 3 ;; esac\necho answer\n'
    done = subprocess.run(
        ["sh", "-c", COMMAND],
        env={"PATH": play(tmp_path, text)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said)


def test_the_output_is_the_command_for_this_server() -> None:
    assert outputs(session_manager(on=True))["port_forwarding_command"] == port_forwarding_command(
        REGION, "prom-cluster", "prom-service", "prometheus", 9090
    )
