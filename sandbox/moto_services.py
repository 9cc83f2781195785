"""ECS services in moto as AWS has them: what they keep, who changes them, and who lists what.

What runs for them, and what of that is recorded, is for the agent (`sandbox.ecs`).
"""

import functools
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_KEPT = {
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
    "capacityProviderStrategy": "capacity_provider_strategy",
    "enableExecuteCommand": "enable_execute_command",
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
    "placementConstraints": "placement_constraints",
    "placementStrategy": "placement_strategy",
}
"""What moto drops when a service is created -> where it has it after an update."""

_DEPLOYED = (
    "task_definition",
    "network_configuration",
    "capacity_provider_strategy",
    "platform_version",
    "load_balancers",
    "service_registries",
)
"""Whose change begins a deployment. Source:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html"""

_NEVER = {"progression": "manual", "times": 10**12}


def begin_deployment(service: Any) -> dict[str, Any]:  # noqa: ANN401 - moto's
    """Make what a service says now its primary deployment, and return that; the agent ends it."""
    now = datetime.now(UTC)
    identifier = f"ecs-svc/{uuid.uuid4().int % 10**19:019}"
    before = service.deployments[0]
    before["status"] = "ACTIVE"
    made = {
        **before,
        "id": identifier,
        "status": "PRIMARY",
        "taskDefinition": service.task_definition,
        "networkConfiguration": service.network_configuration,
        "desiredCount": service.desired_count,
        "runningCount": 0,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": now,
        "updatedAt": now,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {identifier} in progress.",
    }
    service.deployments.insert(0, made)
    return made


@functools.cache  # once a process
def leave_services_to_the_agent() -> None:
    """Let services and tasks be what the agent makes of them, and refuse what AWS refuses."""
    from moto.moto_api import state_manager  # noqa: PLC0415 - slow

    # Otherwise every look at a task brings it nearer to its end.
    state_manager.set_transition("ecs::task", _NEVER)
    _keep_what_is_given()
    _list_what_is_asked_for()
    _refuse_what_is_used()


def _keep_what_is_given() -> None:
    from moto.ecs.models import EC2ContainerServiceBackend  # noqa: PLC0415 - slow
    from moto.ecs.responses import EC2ContainerServiceResponse  # noqa: PLC0415 - slow

    backend: Any = EC2ContainerServiceBackend
    response: Any = EC2ContainerServiceResponse
    moto_creates, moto_updates = response.create_service, backend.update_service

    def create(answering: Any) -> Any:  # noqa: ANN401 - moto's
        answer = moto_creates(answering)
        _keep(answer.result["service"], answering._get_params())  # noqa: SLF001
        return answer

    def update(ecs: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401 - moto's
        service = ecs._get_service(given.get("cluster", "default"), given["service"])  # noqa: SLF001
        forced = given.pop("force_new_deployment", False)
        if wanted := given.get("task_definition"):
            given["task_definition"] = ecs.describe_task_definition(wanted).arn
        if wanted := given.get("deployment_configuration"):
            given["deployment_configuration"] = {**service.deployment_configuration, **wanted}
        before, running = _deployed(service), (service.running_count, service.pending_count)
        updated = moto_updates(ecs, given)
        updated.running_count, updated.pending_count = running
        if forced or _deployed(updated) != before:
            begin_deployment(updated)
        return updated

    response.create_service = create
    backend.update_service = update


def _list_what_is_asked_for() -> None:
    from moto.ecs.models import EC2ContainerServiceBackend  # noqa: PLC0415 - slow

    def list_services(
        ecs: Any,  # noqa: ANN401 - moto's
        cluster_str: str,
        scheduling_strategy: str | None = None,
        launch_type: str | None = None,
    ) -> list[str]:
        cluster = ecs._get_cluster(cluster_str)  # noqa: SLF001
        return sorted(
            service.arn
            for service in list(ecs.services.values())
            if service.cluster_name == cluster.name
            and service.status != "INACTIVE"
            and scheduling_strategy in (None, service.scheduling_strategy)
            and launch_type in (None, service.launch_type)
        )

    def list_tasks(ecs: Any, cluster_str: str, *wanted: str | None) -> list[Any]:  # noqa: ANN401 - moto's
        cluster = ecs._get_cluster(cluster_str)  # noqa: SLF001
        instance, family, started_by, service, status = wanted
        return [
            task
            for task in list(ecs.tasks.get(cluster.name, {}).values())
            if task.desired_status == (status or "RUNNING")
            and (not instance or (task.container_instance_arn or "").endswith(instance))
            and (not family or f"/{family}:" in task.task_definition_arn)
            and started_by in (None, task.started_by)
            and (not service or task.group == f"service:{service.rpartition('/')[2]}")
        ]

    backend: Any = EC2ContainerServiceBackend
    backend.list_services = list_services
    backend.list_tasks = list_tasks


def _refuse_what_is_used() -> None:
    """Refuse to take away a capacity provider that is in use.

    Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCapacityProvider.html
    and API_PutClusterCapacityProviders.html there (`ResourceInUseException`)
    """
    from moto.ecs.exceptions import ECSException  # noqa: PLC0415 - slow
    from moto.ecs.models import EC2ContainerServiceBackend  # noqa: PLC0415 - slow

    backend: Any = EC2ContainerServiceBackend
    moto_deletes, moto_sets = (
        backend.delete_capacity_provider,
        backend.put_cluster_capacity_providers,
    )

    def in_use(what: str, by: str) -> ECSException:
        return ECSException("ResourceInUseException", f"{what} is in use by {by}")

    def delete(ecs: Any, name_or_arn: str) -> Any:  # noqa: ANN401 - moto's
        name = name_or_arn.rpartition("/")[2]
        for cluster in ecs.clusters.values():
            if name in (cluster.capacity_providers or []):
                raise in_use(f"The capacity provider {name}", f"the cluster {cluster.name}")
        return moto_deletes(ecs, name_or_arn)

    def associate(ecs: Any, cluster: str, providers: list[str] | None, default: Any) -> Any:  # noqa: ANN401 - moto's
        name = ecs._get_cluster(cluster).name  # noqa: SLF001
        kept = {*(providers or []), "FARGATE", "FARGATE_SPOT"}
        for service in ecs.services.values():
            used = {it["capacityProvider"] for it in service.capacity_provider_strategy or []}
            if (service.cluster_name, service.status) == (name, "ACTIVE") and used - kept:
                raise in_use(f"The capacity provider {used}", f"the service {service.name}")
        return moto_sets(ecs, cluster, providers, default)

    backend.delete_capacity_provider = delete
    backend.put_cluster_capacity_providers = associate


def _deployed(service: Any) -> list[Any]:  # noqa: ANN401 - moto's
    return [getattr(service, name) for name in _DEPLOYED]


def _keep(service: Any, given: Mapping[str, Any]) -> None:  # noqa: ANN401 - moto's
    """Put what was given, and AWS's defaults, where moto reads them.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    for name, attribute in _KEPT.items():
        setattr(service, attribute, given.get(name))
    daemon = service.scheduling_strategy == "DAEMON"
    service.deployment_configuration = {
        "minimumHealthyPercent": 0 if daemon else 100,
        "maximumPercent": 100 if daemon else 200,
        **given.get("deploymentConfiguration", {}),
    }
    if service.capacity_provider_strategy:
        service.launch_type = None
    for deployment in service.deployments:
        deployment["launchType"] = service.launch_type
        if daemon:  # moto knows of no task that it should have
            deployment["rolloutState"] = "IN_PROGRESS"
