"""What ECS's API says of tasks and services: moto's objects, which the agent writes.

Not through the API, which AWS lets nobody do either: this process is the emulated AWS. What moto's
server may be looking at is replaced rather than changed.
"""

import copy
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sandbox.resources import Account

Backend: TypeAlias = Any
"""moto's ECS in one region."""

Service: TypeAlias = Any
"""moto's, with what `sandbox.moto_services` keeps."""

_MOST_EVENTS = 100
"""Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html (`events`)"""


def backend(account: Account) -> Backend:
    """Return the account's ECS."""
    from moto.ecs.models import ecs_backends  # noqa: PLC0415 - slow

    return ecs_backends[account.emulator.account_id][account.emulator.region]


def services(ecs: Backend) -> list[Service]:
    """Return all services that are not deleted."""
    return [service for service in list(ecs.services.values()) if service.status == "ACTIVE"]


def new_task(  # noqa: PLR0913 - each is a part of its own
    ecs: Backend,
    service: Service,
    definition: Mapping[str, Any],
    *,
    identifier: str,
    started_by: str,
    host: Any | None,  # noqa: ANN401 - moto's
    interface: Mapping[str, Any] | None,
) -> Any:  # noqa: ANN401 - moto's
    """Record a task that is about to start.

    Args:
        ecs: where.
        service: whose task it is.
        definition: as ECS describes it.
        identifier: the last part of its ARN.
        started_by: id of the deployment.
        host: its container instance; None on Fargate.
        interface: its own, as EC2 describes it; None: it has its host's.
    """
    from moto.ecs.models import Task  # noqa: PLC0415 - slow

    cluster = ecs.clusters[service.cluster_name]
    # A task in a network of its own would make an interface that is in no subnet.
    without_network = copy.copy(ecs.describe_task_definition(definition["taskDefinitionArn"]))
    without_network.network_mode = "none"
    strategy = service.capacity_provider_strategy or []
    task: Any = Task(
        cluster,
        without_network,
        host.container_instance_arn if host else None,
        resource_requirements=None,
        backend=ecs,
        group=f"service:{service.name}",
        launch_type="EC2" if host else "FARGATE",
        started_by=started_by,
        tags=list(service.tags) if service.propagate_tags == "SERVICE" else [],
        platform_version=None if host else "1.4.0",
        capacity_provider_name=strategy[0]["capacityProvider"] if strategy else None,
    )
    # What a stop gives back to the host: nothing, as placement knows what is free.
    task.resource_requirements = {"CPU": 0, "MEMORY": 0, "PORTS": []}
    task.id = identifier
    task.last_status = "PENDING"
    task.platform_family = None if host else "Linux"
    task.cpu, task.memory = definition.get("cpu"), definition.get("memory")
    task.created_at = datetime.now(UTC)
    task.health_status = "UNKNOWN"
    task.containers = [
        {
            "containerArn": f"{task.task_arn.replace(':task/', ':container/')}/{uuid.uuid4()}",
            "taskArn": task.task_arn,
            "name": container["name"],
            "image": container["image"],
            "lastStatus": "PENDING",
            "healthStatus": "UNKNOWN",
            "runtimeId": uuid.uuid4().hex * 2,
        }
        for container in definition["containerDefinitions"]
    ]
    if interface:
        task.availability_zone = interface["AvailabilityZone"]
        task.attachments = [_attachment(interface)]
    elif host:
        task.availability_zone = host.attributes["ecs.availability-zone"]
    ecs.tasks = {
        **ecs.tasks,
        cluster.name: {**ecs.tasks.get(cluster.name, {}), task.task_arn: task},
    }
    return task


def _attachment(interface: Mapping[str, Any]) -> dict[str, Any]:
    details = {
        "subnetId": interface["SubnetId"],
        "networkInterfaceId": interface["NetworkInterfaceId"],
        "macAddress": interface["MacAddress"],
        "privateIPv4Address": interface["PrivateIpAddress"],
    }
    return {
        "id": str(uuid.uuid4()),
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def labelled(task: Any, container: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401 - moto's
    """Return a container's id in Docker, and what ECS tells Docker of it.

    Source: `labelPrefix` and what is after it in
    https://github.com/aws/amazon-ecs-agent/blob/master/agent/engine/docker_task_engine.go
    """
    family, _, version = task.task_definition_arn.rpartition("/")[2].partition(":")
    labels = {
        "cluster": task.cluster_name,
        "container-name": container["name"],
        "task-arn": task.task_arn,
        "task-definition-family": family,
        "task-definition-version": version,
    }
    (identifier,) = (it["runtimeId"] for it in task.containers if it["name"] == container["name"])
    return identifier, {
        "name": f"ecs-{family}-{version}-{container['name']}-{identifier[:16]}",
        "image": container["image"],
        "memory": container.get("memory", 0),
        "labels": {f"com.amazonaws.ecs.{name}": value for name, value in labels.items()},
    }


def runs(task: Any) -> None:  # noqa: ANN401 - moto's
    """Record that all of a task's containers have been started."""
    task.last_status = "RUNNING"
    task.started_at = datetime.now(UTC)
    task.containers = [{**container, "lastStatus": "RUNNING"} for container in task.containers]


def stopping(task: Any, reason: str) -> None:  # noqa: ANN401 - moto's
    """Record that a task is to stop: from now on it is not listed among those that run."""
    task.desired_status, task.last_status = "STOPPED", "STOPPING"
    task.stopped_reason = reason
    task.stopping_at = datetime.now(UTC)


def stopped(task: Any) -> None:  # noqa: ANN401 - moto's
    """Record that a task has stopped."""
    task.last_status = "STOPPED"
    task.stopped_at = datetime.now(UTC)
    task.containers = [{**container, "lastStatus": "STOPPED"} for container in task.containers]
    task.attachments = [{**attached, "status": "DELETED"} for attached in task.attachments]


def event(service: Service, message: str) -> None:
    """Add to a service's events, the latest of which is the first."""
    text = f"(service {service.name}) {message}"
    if not service.events or service.events[0]["message"] != text:
        new = {"id": str(uuid.uuid4()), "createdAt": datetime.now(UTC), "message": text}
        service.events = [new, *service.events[: _MOST_EVENTS - 1]]


def count(ecs: Backend, service: Service, tasks: Sequence[Any], desired: int) -> None:
    """Record how many tasks of a service, and of each of its deployments, run.

    A deployment that is not the primary one ends with its last task.
    """
    if service.scheduling_strategy == "DAEMON":  # nobody else's business
        service.desired_count = desired
    service.running_count = sum(task.status == "RUNNING" for task in tasks)
    service.pending_count = len(tasks) - service.running_count
    primary = service.deployments[0]
    for deployment in list(service.deployments):
        mine = [task for task in tasks if task.started_by == deployment["id"]]
        if deployment is not primary and not mine:
            service.deployments.remove(deployment)
            continue
        deployment["desiredCount"] = desired if deployment is primary else 0
        deployment["runningCount"] = sum(task.status == "RUNNING" for task in mine)
        deployment["pendingCount"] = len(mine) - deployment["runningCount"]
    cluster = ecs.clusters[service.cluster_name]
    all_tasks = list(ecs.tasks.get(cluster.name, {}).values())
    cluster.running_tasks_count = sum(task.status == "RUNNING" for task in all_tasks)
    cluster.pending_tasks_count = sum(task.status == "PENDING" for task in all_tasks)
