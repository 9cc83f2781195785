"""The container that runs Prometheus, as ECS wants it described. Plain functions, no resources."""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

CONTAINER_NAME = "prometheus"
VOLUMES = {"data": "/prometheus", "rendered": "/run/prometheus"}
"""Volume -> where Prometheus writes: its samples, and the configuration that was filled in."""

NOBODY = "65534:65534"
"""User and group of the official image."""

STOP_TIMEOUT_S = 120
"""The most that Fargate allows; Prometheus writes its head block out before it ends.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

RESTART_ATTEMPT_PERIOD_S = 60
"""ECS restarts a container only when it has run for so long; 60 s is the least it accepts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html
"""

OPEN_FILES = 65536
"""Prometheus maps every block and holds a connection to every target."""

SIZE_RETENTION_SHARE = 0.8
"""Share of the disk for the TSDB's blocks; the write-ahead log and compaction need the rest.

Source: https://prometheus.io/docs/prometheus/latest/storage/ (at most 80 to 85 %)
"""


class Discovery(NamedTuple):
    """Which hosts Prometheus looks for, and where."""

    region: str
    vpc_id: str
    tag_key: str
    tag_value: str
    refresh_interval: str
    node_exporter_port: int


class Storage(NamedTuple):
    """How long Prometheus keeps its data, and on how much disk."""

    retention: str
    storage_gib: int


class Secret(NamedTuple):
    """One version of a secret that holds an access key as JSON."""

    arn: str
    version_id: str

    def value_from(self, key: str) -> str:
        """Name one JSON key of this very version.

        The version is pinned, so that a new key makes a new task definition, and so a rolling
        replacement: ECS reads secrets only when a task starts. Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        return f"{self.arn}:{key}::{self.version_id}"


def environment_variables(
    environment: str,
    scrape_interval: str,
    prometheus_port: int,
    discovery: Discovery,
    storage: Storage,
) -> dict[str, str]:
    """Everything that `docker/prometheus/entrypoint.sh` reads, nothing of it secret."""
    return {
        "AWS_REGION": discovery.region,
        "VPC_ID": discovery.vpc_id,
        "ENVIRONMENT": environment,
        "DISCOVERY_TAG_KEY": discovery.tag_key,
        "DISCOVERY_TAG_VALUE": discovery.tag_value,
        "DISCOVERY_REFRESH_INTERVAL": discovery.refresh_interval,
        "NODE_EXPORTER_PORT": str(discovery.node_exporter_port),
        "SCRAPE_INTERVAL": scrape_interval,
        "RETENTION_TIME": storage.retention,
        "RETENTION_SIZE": f"{int(storage.storage_gib * SIZE_RETENTION_SHARE)}GB",
        "PROMETHEUS_PORT": str(prometheus_port),
    }


def container_definition(
    image: str,
    memory_mib: int,
    environment: Mapping[str, str],
    secret: Secret | None,
    log_group: str,
) -> dict[str, Any]:
    """Describe the container.

    It restarts in place when Prometheus dies, unless it has just started: a new task would come
    with empty volumes.

    Args:
        image: reference by digest.
        memory_mib: the task's memory. Without a limit of the container's own, Prometheus would take
            the host's memory for its own and never collect garbage in time.
        environment: as `environment_variables` makes it.
        secret: the access key, or None where the task has a role of its own.
        log_group: name of the CloudWatch log group.
    """
    port = int(environment["PROMETHEUS_PORT"])
    secrets = {
        "AWS_ACCESS_KEY_ID": "access_key_id",
        "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    }
    return {
        "name": CONTAINER_NAME,
        "image": image,
        "essential": True,
        "memory": memory_mib,
        "user": NOBODY,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": RESTART_ATTEMPT_PERIOD_S},
        "stopTimeout": STOP_TIMEOUT_S,
        "ulimits": [{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}],
        "portMappings": [{"containerPort": port, "hostPort": port, "protocol": "tcp"}],
        "environment": [{"name": n, "value": v} for n, v in sorted(environment.items())],
        "secrets": [
            {"name": name, "valueFrom": secret.value_from(key)} for name, key in secrets.items()
        ]
        if secret
        else [],
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": path, "readOnly": False}
            for volume, path in VOLUMES.items()
        ],
        "healthCheck": {
            # Asks /-/healthy; promtool is in every variant of the image, a shell is not.
            "command": ["CMD", "promtool", "check", "healthy", f"--url=http://127.0.0.1:{port}"],
            "interval": 15,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 60,
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": environment["AWS_REGION"],
                "awslogs-stream-prefix": CONTAINER_NAME,
            },
        },
    }


def image_tag(context: Path, prometheus_version: str, cpu_architecture: str) -> str:
    """Name an image by what is in it, so that tags can be immutable.

    Args:
        context: folder that the image is built from.
        prometheus_version: such as `3.15.0`.
        cpu_architecture: `ARM64` or `X86_64`.

    Returns:
        Version, architecture and 12 hexadecimal digits over every file's path, mode and content.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in context.rglob("*") if path.is_file()):
        executable = bool(file.stat().st_mode & stat.S_IXUSR)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(context).as_posix()} {executable} {content}\n".encode())
    return f"{prometheus_version}-{cpu_architecture.lower()}-{digest.hexdigest()[:12]}"


def url_command(region: str, cluster: str, service: str, port: int, *, public: bool) -> str:
    """Write the shell command that prints where Prometheus is now.

    A Fargate task gets its address when it starts, after Pulumi has ended.

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
        port: Prometheus's port.
        public: print the task's public address; otherwise its private one.
    """
    address = "Association.PublicIp" if public else "PrivateIpAddress"
    aws = f"aws --region {region} --output text"
    details = "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value"
    return (
        f"TASK=$({aws} ecs list-tasks --cluster {cluster} --service-name {service}"
        " --query 'taskArns[0]') && "
        f'ENI=$({aws} ecs describe-tasks --cluster {cluster} --tasks "$TASK"'
        f' --query "{details}") && '
        f'ADDRESS=$({aws} ec2 describe-network-interfaces --network-interface-ids "$ENI"'
        f" --query 'NetworkInterfaces[0].{address}') && "
        f'echo "http://$ADDRESS:{port}"'
    )
