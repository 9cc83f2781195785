"""The way into a task without an open port: Session Manager, through the agent of ECS Exec.

AWS puts its agent (the SSM agent) into each container of a task that starts with
`enableExecuteCommand`. It connects outwards, by HTTPS, and runs as root whatever the container's
user is. Its credentials are those of the task's role, even where the environment has an access key:
https://github.com/aws/amazon-ssm-agent/blob/mainline/RELEASENOTES.md (3.1.1260.0)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from components import policies
from components.containers.url_command import aws_cli, running_task

if TYPE_CHECKING:
    from components.containers.definition import Container

AGENT_VOLUMES = {
    "managed-agents": "/managed-agents",
    "ssm-data": "/var/lib/amazon/ssm",
    "ssm-log": "/var/log/amazon/ssm",
}
"""Volume -> where the agent writes, under a root that stays read-only.

As the image has no such directories, Fargate's volumes belong to root: the agent can write there,
the server cannot. AWS documents that a read-only root is not supported; with these volumes it
works:
https://github.com/aws/containers-roadmap/issues/1359,
https://github.com/aws/containers-roadmap/issues/2824,
https://github.com/aws-containers/amazon-ecs-exec-checker/issues/71
"""


AGENT_VOLUMES_ON_HOSTS = {"ssm-data": "/var/lib/amazon/ssm"}
"""The same on an EC2 host, whose ECS agent mounts its own directory over the log's: Docker refuses
two mounts at one place. Source:
https://github.com/aws/amazon-ecs-agent/blob/master/agent/engine/execcmd/manager_init_task_linux.go
"""


def with_agent(container: Container, *, on_host: bool = False) -> Container:
    """Describe a container that the agent can run in.

    The init process reaps what sessions leave behind, which the server as first process would not.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html

    Args:
        container: the server's. In one beside it, two agents would share what is each one's own.
        on_host: whether its task runs on an EC2 host, rather than on Fargate.
    """
    volumes = AGENT_VOLUMES_ON_HOSTS if on_host else AGENT_VOLUMES
    return replace(container, volumes={**container.volumes, **volumes}, init_process=True)


def may_open_channels() -> policies.Statement:
    """What the agent calls: its channels to Session Manager, and nothing else.

    None of the actions can be limited to resources. Sources:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_ssmmessages.html
    """
    return policies.allow(
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        "*",
    )


def port_forwarding_command(
    region: str, cluster: str, service: str, container: str, port: int
) -> str:
    """Write the shell command that brings a server's port to this machine, until Ctrl-C.

    It needs the AWS CLI with its Session Manager plugin. What a session's target is called:
    https://github.com/aws/amazon-ssm-agent/blob/mainline/common/identity/availableidentities/ecs/ecs_identity.go

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
        container: name of the server's container; AWS adds containers of its own to some tasks.
        port: of the server, and of this machine.
    """
    aws = aws_cli(region)
    runtime_id = f"tasks[0].containers[?name=='{container}'].runtimeId"
    starting = f"container {container} of {service} does not run yet: wait for it"
    return (
        f"{running_task(region, cluster, service)} && "
        f'RUNTIME=$({aws} ecs describe-tasks --cluster {cluster} --tasks "$TASK"'
        f' --query "{runtime_id}") && '
        f'{{ [ "${{RUNTIME:-None}}" != None ] || {{ echo "{starting}" >&2; false; }}; }} && '
        + forwarding(region, f'"ecs:{cluster}_${{TASK##*/}}_$RUNTIME"', port)
    )


def forwarding(region: str, target: str, port: int, host: str = "") -> str:
    """Write the shell command that opens a session which forwards a port, until Ctrl-C.

    Source: the documents AWS-StartPortForwardingSession and
    AWS-StartPortForwardingSessionToRemoteHost, see
    https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html

    Args:
        region: AWS region.
        target: of the session, as the shell reads it.
        port: of the server, and of this machine.
        host: address of the server, as the shell reads it. Default: the target itself.
    """
    document = "AWS-StartPortForwardingSession" + ("ToRemoteHost" if host else "")
    parameters = f"portNumber={port},localPortNumber={port}"
    return (
        f'echo "http://127.0.0.1:{port} until Ctrl-C" && '
        f"{aws_cli(region)} ssm start-session --target {target} --document-name {document}"
        f" --parameters {f'host={host},' if host else ''}{parameters}"
    )
