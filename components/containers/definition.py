"""A container, as ECS wants it described. Plain functions, no resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.containers import fargate
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.containers.image import Image

NOBODY = "65534:65534"
"""User and group of the official images of Prometheus and Alertmanager."""

RESTART_ATTEMPT_PERIOD_S = 60
"""ECS restarts a container only when it has run for so long; 60 s is the least it accepts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html
"""


HEALTH_INTERVAL_S, HEALTH_TIMEOUT_S, HEALTH_RETRIES, HEALTH_START_PERIOD_S = 30, 20, 10, 300
"""ECS stops a task whose health check fails, and its data goes with it: so only a server that has
not answered for five minutes is taken for dead, and it may take five minutes to replay its log.
The most that ECS accepts are 10 retries and a start period of 300 s. So a server is asked whether
it lives, not whether it is ready: a longer replay would be ended again and again (docs/adr/0001).

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""


@dataclass(frozen=True)
class SecretValue:
    """What a container gets of a secret."""

    arn: pulumi.Input[str]

    key: str = ""
    """Of the JSON object that the secret holds. Empty: the secret is the value."""

    version_id: pulumi.Input[str] = ""
    """Of the secret. Empty: the one that is current when a task starts, for a secret whose content
    is none of ours."""

    @property
    def value_from(self) -> pulumi.Output[str]:
        """How a container definition names it.

        Where the version is pinned, a new value makes a new task definition, and so a rolling
        replacement: ECS reads secrets only when a task starts. Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        if not self.key and not is_given(self.version_id):
            return pulumi.Output.from_input(self.arn)
        return pulumi.Output.concat(self.arn, ":", self.key, "::", self.version_id)


@dataclass(frozen=True)
class HealthCheck:
    """How ECS finds out whether a container is healthy."""

    command: Sequence[str]
    """Program and arguments, in the container. It ends with 0 when the container is healthy."""

    interval_s: int = HEALTH_INTERVAL_S
    timeout_s: int = HEALTH_TIMEOUT_S
    retries: int = HEALTH_RETRIES
    start_period_s: int = HEALTH_START_PERIOD_S


@dataclass(frozen=True)
class Container:
    """What is particular to a container."""

    name: str

    image: Image
    """What it runs."""

    user: str
    """User and group that it runs as: `uid:gid`. Empty: the image says it."""

    environment: Mapping[str, pulumi.Input[str]]
    """Variable -> value; nothing of it secret."""

    ports: Sequence[int]
    """TCP ports that it listens on."""

    volumes: Mapping[str, str]
    """Volume -> where it is mounted: all that can be written to, where the root is read-only."""

    health_path: str
    """Answers on the first port when the server is healthy; the image's busybox asks. Empty: nobody
    does."""

    open_files: int
    """Files and connections that it may hold open."""

    secrets: Mapping[str, SecretValue] = field(default_factory=dict)
    """Variable -> the secret that ECS puts into it when the task starts."""

    memory_mib: int | None = None
    """Of a container beside the server. None: it is the server, which gets the rest."""

    essential: bool = True
    """Does its task end with it? If not, neither its end nor its health is the task's."""

    health_check: HealthCheck | None = None
    """How to find out in another way than by `health_path`."""

    read_only_root: bool = True
    """Let it write to its volumes only."""

    init_process: bool = False
    """Let an init process start the program, forward signals to it and reap other processes."""


def container_definition(
    container: Container,
    memory_mib: int,
    region: pulumi.Input[str],
    log_group: pulumi.Input[str],
) -> dict[str, Any]:
    """Describe the container.

    It restarts in place when its program dies, unless it has just started: a new task would come
    with empty volumes.

    Args:
        container: what is particular to it.
        memory_mib: its memory. Without a limit of the container's own, a program would take the
            host's memory for its own and never collect garbage in time.
        region: of the log group.
        log_group: name of the CloudWatch log group.
    """
    return {
        "name": container.name,
        "image": container.image.reference,
        "essential": container.essential,
        "memory": memory_mib,
        **({"user": container.user} if container.user else {}),
        "readonlyRootFilesystem": container.read_only_root,
        # With `add`, as AWS returns it: the provider takes a difference in a nested list for a
        # change, which would replace the task and its data at every `pulumi up`.
        "linuxParameters": {
            "capabilities": {"add": [], "drop": ["ALL"]},
            **({"initProcessEnabled": True} if container.init_process else {}),
        },
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": RESTART_ATTEMPT_PERIOD_S},
        "stopTimeout": fargate.MAX_STOP_TIMEOUT_S,
        "ulimits": [
            {
                "name": "nofile",
                "softLimit": container.open_files,
                "hardLimit": container.open_files,
            }
        ],
        "portMappings": [
            {"containerPort": port, "hostPort": port, "protocol": "tcp"} for port in container.ports
        ],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(container.environment.items())
        ],
        "secrets": [
            {"name": name, "valueFrom": secret.value_from}
            for name, secret in container.secrets.items()
        ],
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": path, "readOnly": False}
            for volume, path in container.volumes.items()
        ],
        **_health_check(container),
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": container.name,
            },
        },
    }


def _health_check(container: Container) -> dict[str, Any]:
    check = container.health_check
    if check is None and container.health_path:
        # The image's busybox: a tool of the server's own (promtool has 43 MB) would take memory
        # from it at every check.
        url = f"http://127.0.0.1:{container.ports[0]}{container.health_path}"
        check = HealthCheck(["wget", "-q", "-O", "/dev/null", url])
    if check is None:
        return {}
    return {
        "healthCheck": {
            "command": ["CMD", *check.command],
            "interval": check.interval_s,
            "timeout": check.timeout_s,
            "retries": check.retries,
            "startPeriod": check.start_period_s,
        }
    }
