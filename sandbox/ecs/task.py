"""One task: its containers as processes of this machine, its network interface, its volumes."""

import logging
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
from sandbox.ecs import record
from sandbox.ecs.placement import Needs, Place
from sandbox.errors import SandboxError
from sandbox.names import NamesError
from sandbox.resources import Account, GoneError, ImageSource, images
from sandbox.runtimes import ContainerSpec, ImageError, NotRunError, Running, Runtime
from sandbox.secret_references import SecretError
from sandbox.security_groups import task_description

_LOG = logging.getLogger("sandbox.ecs")

_DEFAULT_STOP_TIMEOUT_S = 30
_DEFAULT_RESTART_PERIOD_S = 60
_SETTLED_S = 5
"""In place of health checks, which ask at an address that is not a task's here."""

_REPLICA = "PROMETHEUS_REPLICA"
"""Variable of every replica but the first."""


class TaskError(SandboxError):
    """A task cannot be started; the message says why."""


@dataclass
class _Container:
    spec: ContainerSpec
    running: Running
    started: float
    """When it was (re)started."""


@dataclass(eq=False)
class Task:
    """A task of a service."""

    record: Any
    """moto's task."""
    definition: Mapping[str, Any]
    place: Place
    address: str
    """Its own private address, or its host's."""
    interface_id: str
    """Empty: it has its host's."""
    directory: Path
    """Holds its volumes, but for those of a host."""
    log: Path
    names: Sequence[str]
    """Ids of the Cloud Map services that it is registered with."""
    needs: Needs
    containers: dict[str, _Container] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the last part of its ARN."""
        return str(self.record.id)

    def has_run(self, seconds: float = _SETTLED_S) -> bool:
        """Say whether all its containers have run for a while."""
        latest = max((it.started for it in self.containers.values()), default=time.monotonic())
        return time.monotonic() - latest >= seconds


class Launcher:
    """Starts, watches and stops tasks: what ECS's agent and Fargate do."""

    def __init__(
        self,
        account: Account,
        runtime: Runtime,
        directory: Path,
        logs: Path,
        resolv_conf: Callable[[], Path | None],
    ) -> None:
        """Take what `sandbox.ecs.Agent` takes."""
        self._account = account
        self._ecs = record.backend(account)
        self._runtime = runtime
        self._directory = directory
        self._logs = logs
        self._resolv_conf = resolv_conf
        self._credentials: dict[str, CredentialServer] = {}

    def new(
        self,
        service: record.Service,
        definition: Mapping[str, Any],
        deployment: str,
        place: Place,
    ) -> Task:
        """Return a task of a service that has a place and an address; `run` starts it."""
        host, identifier = place.host, uuid.uuid4().hex
        interface: Mapping[str, Any] | None = None
        if place.subnet:
            containers = [container["name"] for container in definition["containerDefinitions"]]
            interface = self._account.client("ec2").create_network_interface(
                SubnetId=place.subnet,
                Groups=service.network_configuration["awsvpcConfiguration"]["securityGroups"],
                Description=task_description(identifier, containers),
            )["NetworkInterface"]
        made = record.new_task(
            self._ecs,
            service,
            definition,
            identifier=identifier,
            started_by=deployment,
            host=host.record if host else None,
            interface=interface,
        )
        needs = Needs.of(definition)
        if host:
            host.take(needs)
        of_host = host.address if host else ""
        return Task(
            made,
            definition,
            place,
            interface["PrivateIpAddress"] if interface else of_host,
            interface["NetworkInterfaceId"] if interface else "",
            self._directory / identifier,
            self._logs / f"{service.name}-{identifier[:8]}.log",
            [it["registryArn"].rsplit("/", 1)[-1] for it in service.service_registries],
            needs,
        )

    def run(self, task: Task) -> None:
        """Start a task's containers.

        Raises:
            NotRunError: this machine cannot, however often it is tried.
            TaskError: for any other reason.
        """
        definition, host = task.definition, task.place.host
        containers = definition["containerDefinitions"]
        task.directory.mkdir(parents=True)
        try:
            instance = host.instance_id if host else ""
            stand_ins = host.docker.paths if host else {}
            mounts = volumes.directories(
                self._account, instance, definition, task.directory, stand_ins
            )
            of_role = self._role_environment(definition)
            resolv_conf = self._resolv_conf()
            for container in containers:
                environment = {
                    "AWS_ENDPOINT_URL": self._account.emulator.endpoint,
                    **of_role,
                    **{item["name"]: item["value"] for item in container["environment"]},
                    **_listen_hosts(containers, task.address),
                    **secret_references.resolve(self._account, container),
                }
                image = self._image(container["image"])
                spec = ContainerSpec(container, image, environment, mounts, task.log, resolv_conf)
                self._run(task, spec)
        except SecretError as error:
            raise TaskError(f"ResourceInitializationError: {error}") from error
        except NotRunError:
            raise
        except (ImageError, NamesError, OSError) as error:
            raise TaskError(str(error)) from error
        for name in task.names:
            self._account.client("servicediscovery").register_instance(
                ServiceId=name,
                InstanceId=task.id,
                Attributes={"AWS_INSTANCE_IPV4": _host(containers[0], task.address)},
            )
        record.runs(task.record)
        _LOG.info("task %s (%s) runs at %s", task.id[:8], definition["family"], task.address)

    def watch(self, task: Task) -> str:
        """Restart containers that have ended, as their restart policy says.

        Returns:
            Why the task has ended instead; empty while it runs.
        """
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
                    return f"container {name} cannot be restarted: {error}"
            elif definition.get("essential", True):
                lines = "\n".join(f"  | {line}" for line in processes.last_lines(task.log))
                return (
                    f"container {name} ended with {code} after {lasted:.0f} s; the end of"
                    f" {task.log}:\n{lines}"
                )
        return ""

    def stop(self, task: Task, reason: str) -> None:
        """Stop a task, and give back what it had."""
        _LOG.info("task %s stops: %s", task.id[:8], reason)
        record.stopping(task.record, reason)
        for name in task.names:
            with suppress(ClientError):  # it is not registered, or its name has been deleted
                self._account.client("servicediscovery").deregister_instance(
                    ServiceId=name, InstanceId=task.id
                )
        for container in task.containers.values():
            timeout = container.spec.definition.get("stopTimeout", _DEFAULT_STOP_TIMEOUT_S)
            container.running.stop(timeout)
        record.stopped(task.record)
        if task.interface_id:
            ec2 = self._account.client("ec2")
            ec2.delete_network_interface(NetworkInterfaceId=task.interface_id)
        if task.place.host:
            task.place.host.give_back(task.needs)
            for container in task.record.containers:
                task.place.host.docker.remove(container["runtimeId"])
        shutil.rmtree(task.directory, ignore_errors=True)  # it is not there before it runs

    def end(self) -> None:
        """Stop what tasks have been given credentials by."""
        for server in self._credentials.values():
            server.stop()

    def _run(self, task: Task, spec: ContainerSpec) -> None:
        running = self._runtime.start(spec)
        task.containers[spec.definition["name"]] = _Container(spec, running, time.monotonic())
        if task.place.host and running.pid:
            of_container = record.labelled(task.record, spec.definition)
            cpu = int(task.definition.get("cpu") or 0)
            task.place.host.docker.add(*of_container, cpu, running.pid)

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
    """Return the variables that tell a task's containers where to listen: where its server does.

    `LISTEN_HOST` is for any container; the servers of this project have names of their own, as
    several of them know of each other.
    """
    host = _host(containers[0], address)
    names = [container["name"] for container in containers]
    return {
        "LISTEN_HOST": host,
        **{
            "GF_SERVER_HTTP_ADDR" if name == "grafana" else f"{name.upper()}_LISTEN_HOST": host
            for name in names
        },
    }
