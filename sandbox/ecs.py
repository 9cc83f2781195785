"""The ECS agent: runs the tasks of the emulator's services, which the emulator itself does not."""

import logging
import math
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox import processes, secret_references, volumes
from sandbox.addresses import LOOPBACK
from sandbox.credentials import CredentialServer
from sandbox.following import Follower
from sandbox.names import NamesError
from sandbox.resources import Account, GoneError, ImageSource, images
from sandbox.runtimes import ContainerSpec, ImageError, NotRunError, Running, Runtime
from sandbox.secret_references import SecretError
from sandbox.security_groups import task_description

_LOG = logging.getLogger("sandbox.ecs")

_DEFAULT_STOP_TIMEOUT_S = 30
_DEFAULT_RESTART_PERIOD_S = 60
_MAX_BACKOFF_S = 60

_LINES = 500
_REPLICA = "PROMETHEUS_REPLICA"
"""Variable of every replica but the first."""

_ERROR = "level=ERROR"
"""How Prometheus marks an error in its log."""


@dataclass
class _Container:
    spec: ContainerSpec
    running: Running
    started: float
    """When it was (re)started."""


@dataclass(eq=False)
class Task:
    """A running task of a service."""

    id: str
    definition: Mapping[str, Any]
    address: str
    """Its private address."""
    interface_id: str
    directory: Path
    """Holds its volumes, but for those of a host."""
    log: Path
    names: Sequence[str] = ()
    """Ids of the Cloud Map services that it is registered with."""
    containers: dict[str, _Container] = field(default_factory=dict)

    def is_stable(self) -> bool:
        """Say whether all its containers have run for a while."""
        latest = max((it.started for it in self.containers.values()), default=time.monotonic())
        return time.monotonic() - latest >= _DEFAULT_RESTART_PERIOD_S


@dataclass
class _Service:
    tasks: list[Task] = field(default_factory=list)
    failures: int = 0
    """Tasks in a row that ended by themselves."""
    last_failure: str = ""
    not_before: float = 0.0
    """Backoff: when the next task may start."""
    revision: str = ""
    """ARN of the task definition that `failures` and `not_run` are about."""
    not_run: str = ""
    """Why this machine cannot run its tasks; empty if it can."""


class Agent(Follower):
    """Keeps the desired number of tasks running for each service, until `stop`.

    On AWS, these are the service scheduler and Fargate. A deployment stops the old tasks before it
    starts new ones, as with a minimum of 0 % and a maximum of 100 %: a Prometheus can do nothing
    else (its TSDB has a single writer), and what a service says of it moto does not keep.
    """

    def __init__(
        self,
        account: Account,
        runtime: Runtime,
        directory: Path,
        logs: Path,
        tell: Callable[[list[str]], None] = lambda _not_run: None,
        resolv_conf: Callable[[], Path | None] = lambda: None,
    ) -> None:
        """Prepare the agent; `start` starts it.

        Args:
            account: whose services to run.
            runtime: the way to run containers.
            directory: where the volumes of tasks go.
            logs: where the output of containers goes, a file a task.
            tell: called with what cannot be run here, and why, when that changes.
            resolv_conf: as `Names.file`. Default: tasks resolve names as this machine does.
        """
        super().__init__("ecs", account)
        self._resolv_conf = resolv_conf
        self._runtime = runtime
        self._directory = directory
        self._logs = logs
        self._services: dict[str, _Service] = {}
        self._credentials: dict[str, CredentialServer] = {}
        self._tell = tell
        self._told: list[str] = []

    def _end(self) -> None:
        for service in self._services.values():
            self._stop_tasks(service, service.tasks, "the sandbox stops")
        for server in self._credentials.values():
            server.stop()

    def failures(self) -> list[str]:
        """Return why tasks have failed, for each service whose task keeps failing."""
        return [
            f"service {arn.rsplit('/', 1)[-1]}: {service.failures} task(s) failed;"
            f" the last one: {service.last_failure}"
            for arn, service in list(self._services.items())
            if service.failures
        ]

    def last_errors(self) -> list[str]:
        """Return the last error that each running task has logged."""
        tasks = [task for service in list(self._services.values()) for task in service.tasks]
        errors = [
            [line for line in processes.last_lines(task.log, _LINES) if _ERROR in line]
            for task in tasks
        ]
        return [lines[-1] for lines in errors if lines]

    def failure_count(self) -> int:
        """Return how many tasks have failed in a row, of the service that fails most."""
        return max((service.failures for service in list(self._services.values())), default=0)

    def _follow(self) -> None:
        ecs = self._account.client("ecs")
        wanted: dict[str, Mapping[str, Any]] = {}
        for cluster in ecs.list_clusters()["clusterArns"]:
            arns = ecs.list_services(cluster=cluster)["serviceArns"]
            described = ecs.describe_services(cluster=cluster, services=arns) if arns else {}
            for service in described.get("services", []):
                if service["status"] == "ACTIVE":
                    wanted[service["serviceArn"]] = service
        for arn, known in self._services.items():
            if arn not in wanted:
                self._stop_tasks(known, known.tasks, "the service has been deleted")
        self._services = {arn: self._services.get(arn, _Service()) for arn in wanted}
        for arn, service in wanted.items():
            self._reconcile_service(self._services[arn], service)
        not_run = [it.not_run for it in self._services.values() if it.not_run]
        if not_run != self._told:
            self._told = not_run
            self._tell(not_run)

    def _reconcile_service(self, known: _Service, service: Mapping[str, Any]) -> None:
        revision = service["taskDefinition"]
        if known.revision != revision:
            known.revision, known.failures, known.not_before = revision, 0, 0.0
            known.not_run = ""
        outdated = [it for it in known.tasks if it.definition["taskDefinitionArn"] != revision]
        self._stop_tasks(known, outdated, f"replaced by {revision.rsplit('/', 1)[-1]}")
        desired = service["desiredCount"]
        self._stop_tasks(known, known.tasks[desired:], f"the desired count is {desired}")
        for task in list(known.tasks):
            self._watch(known, task)
        if known.tasks and all(task.is_stable() for task in known.tasks):
            known.failures = 0
        while (
            len(known.tasks) < desired
            and time.monotonic() >= known.not_before
            and not self._stopping.is_set()
        ):
            self._start_task(known, service)

    def _start_task(self, known: _Service, service: Mapping[str, Any]) -> None:
        definition = self._account.client("ecs").describe_task_definition(
            taskDefinition=service["taskDefinition"]
        )["taskDefinition"]
        identifier = uuid.uuid4().hex
        directory = self._directory / identifier
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        containers = [container["name"] for container in definition["containerDefinitions"]]
        interface = self._account.client("ec2").create_network_interface(
            SubnetId=network["subnets"][len(known.tasks) % len(network["subnets"])],
            Groups=network["securityGroups"],
            Description=task_description(identifier, containers),
        )["NetworkInterface"]
        task = Task(
            identifier,
            definition,
            interface["PrivateIpAddress"],
            interface["NetworkInterfaceId"],
            directory,
            self._logs / f"{service['serviceName']}-{identifier[:8]}.log",
            [it["registryArn"].rsplit("/", 1)[-1] for it in service["serviceRegistries"]],
        )
        known.tasks = [*known.tasks, task]
        mounts = {volume["name"]: directory / volume["name"] for volume in definition["volumes"]}
        directory.mkdir(parents=True)
        try:
            mounts |= volumes.directories(self._account, service, definition, self._directory)
            for mount in mounts.values():
                mount.mkdir(parents=True, exist_ok=True)
            of_role = self._role_environment(definition)
            resolv_conf = self._resolv_conf()
            for container in definition["containerDefinitions"]:
                environment = {
                    "AWS_ENDPOINT_URL": self._account.emulator.endpoint,
                    **of_role,
                    **{item["name"]: item["value"] for item in container["environment"]},
                    **_listen_hosts(definition["containerDefinitions"], task.address),
                    **secret_references.resolve(self._account, container),
                }
                image = self._image(container["image"])
                spec = ContainerSpec(container, image, environment, mounts, task.log, resolv_conf)
                self._run(task, spec)
        except SecretError as error:
            self._fail(known, task, f"ResourceInitializationError: {error}")
            return
        except NotRunError as error:
            known.not_run, known.not_before = str(error), math.inf
            self._stop_tasks(known, [task], known.not_run)
            return
        except (ImageError, NamesError, OSError) as error:
            self._fail(known, task, str(error))
            return
        for name in task.names:
            self._account.client("servicediscovery").register_instance(
                ServiceId=name,
                InstanceId=task.id,
                Attributes={
                    "AWS_INSTANCE_IPV4": _host(definition["containerDefinitions"][0], task.address)
                },
            )
        _LOG.info("task %s (%s) runs at %s", task.id[:8], definition["family"], task.address)

    def _run(self, task: Task, spec: ContainerSpec) -> None:
        running = self._runtime.start(spec)
        task.containers[spec.definition["name"]] = _Container(spec, running, time.monotonic())

    def _watch(self, known: _Service, task: Task) -> None:
        """Restart containers that have ended, as their restart policy says, or end the task."""
        for name, container in list(task.containers.items()):
            code = container.running.exit_code()
            if code is None:
                continue
            definition = container.spec.definition
            policy = definition.get("restartPolicy", {})
            lasted = time.monotonic() - container.started
            period = policy.get("restartAttemptPeriod", _DEFAULT_RESTART_PERIOD_S)
            ignored = code in policy.get("ignoredExitCodes", [])
            if policy.get("enabled") and not ignored and lasted >= period:
                _LOG.warning(
                    "container %s ended with %s after %.0f s: it is restarted in its task",
                    *(name, code, lasted),
                )
                container.running.discard()
                try:
                    self._run(task, container.spec)
                except (ImageError, OSError) as error:
                    self._fail(known, task, f"container {name} cannot be restarted: {error}")
                    return
            elif definition.get("essential", True):
                lines = "\n".join(f"  | {line}" for line in processes.last_lines(task.log))
                self._fail(
                    known,
                    task,
                    f"container {name} ended with {code} after {lasted:.0f} s; the end of"
                    f" {task.log}:\n{lines}",
                )
                return

    def _fail(self, known: _Service, task: Task, reason: str) -> None:
        """End a task that cannot go on; the next one starts after a while, with empty volumes."""
        known.failures += 1
        known.last_failure = reason
        wait = min(_MAX_BACKOFF_S, 2 ** (known.failures - 1))
        known.not_before = time.monotonic() + wait
        self._stop_tasks(known, [task], f"it failed ({reason}); the next one starts in {wait} s")

    def _stop_tasks(self, known: _Service, tasks: Sequence[Task], reason: str) -> None:
        for task in tasks:
            known.tasks = [it for it in known.tasks if it is not task]
            _LOG.info("task %s stops: %s", task.id[:8], reason)
            for name in task.names:
                with suppress(ClientError):  # it is not registered, or its name has been deleted
                    self._account.client("servicediscovery").deregister_instance(
                        ServiceId=name, InstanceId=task.id
                    )
            for container in task.containers.values():
                timeout = container.spec.definition.get("stopTimeout", _DEFAULT_STOP_TIMEOUT_S)
                container.running.stop(timeout)
            interface = task.interface_id
            self._account.client("ec2").delete_network_interface(NetworkInterfaceId=interface)
            shutil.rmtree(task.directory)

    def _image(self, reference: str) -> ImageSource:
        try:
            return images.source(self._account, reference)
        except GoneError:
            raise ImageError(
                f"CannotPullContainerError: the registry has no image {reference}"
            ) from None

    def _role_environment(self, definition: Mapping[str, Any]) -> dict[str, str]:
        """Serve the credentials of the task's role, and return what tells the container where."""
        arn = definition.get("taskRoleArn")
        if not arn:
            return {}
        if arn not in self._credentials:
            self._credentials[arn] = CredentialServer(self._account.emulator, arn)
        return self._credentials[arn].environment


def _host(container: Mapping[str, Any], address: str) -> str:
    """Return where a server listens: nobody else may connect.

    A task's network is its own on AWS; here it is the machine's loopback interface, of which a task
    has an address. What people open stays at the first one, on a port of its own: of several
    replicas of Prometheus, the first.
    """
    replica = any(item["name"] == _REPLICA for item in container["environment"])
    opened = container["name"] in ("prometheus", "grafana") and not replica
    return LOOPBACK if opened else address


def _listen_hosts(containers: Sequence[Mapping[str, Any]], address: str) -> dict[str, str]:
    """Return the variables that tell a task's containers where to listen: where its server does."""
    host = _host(containers[0], address)
    names = [container["name"] for container in containers]
    return {
        "GF_SERVER_HTTP_ADDR" if name == "grafana" else f"{name.upper()}_LISTEN_HOST": host
        for name in names
    }
