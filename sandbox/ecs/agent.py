"""All services of an account, followed."""

from collections.abc import Callable
from pathlib import Path

from sandbox import processes
from sandbox.ecs import record
from sandbox.ecs.placement import Hosts
from sandbox.ecs.scheduler import Scheduler
from sandbox.ecs.task import Launcher
from sandbox.following import Follower
from sandbox.resources import Account
from sandbox.runtimes import Runtime

_LINES = 500
_ERROR = "level=ERROR"
"""How Prometheus marks an error in its log."""


class Agent(Follower):
    """Keeps the desired number of tasks running for each service, until `stop`.

    On AWS, these are the service scheduler, Fargate, and ECS's agent on each host.
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
            account: whose services to run; of an emulator that is in this process.
            runtime: the way to run containers.
            directory: where the volumes of tasks go.
            logs: where the output of containers goes, a file a task.
            tell: called with what cannot be run here, and why, when that changes.
            resolv_conf: as `Names.file`. Default: tasks resolve names as this machine does.
        """
        super().__init__("ecs", account)
        self._launcher = Launcher(account, runtime, directory, logs, resolv_conf)
        self._hosts = Hosts(account)
        self._services: dict[str, Scheduler] = {}
        self._tell = tell
        self._told: list[str] = []

    def _end(self) -> None:
        for service in self._services.values():
            service.stop(service.tasks, "the sandbox stops")
        self._launcher.end()
        self._hosts.end()

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
        self._hosts.follow()
        wanted = {it.arn: it for it in record.services(record.backend(self._account))}
        for arn, known in list(self._services.items()):
            if known.service is not wanted.get(arn):
                known.stop(known.tasks, "the service has been deleted")
        self._services = {
            arn: self._services[arn]
            if arn in self._services and self._services[arn].service is service
            else Scheduler(
                self._account, service, self._launcher, self._hosts, self._stopping.is_set
            )
            for arn, service in wanted.items()
        }
        for service in self._services.values():
            service.reconcile()
        not_run = [it.not_run for it in self._services.values() if it.not_run]
        if not_run != self._told:
            self._told = not_run
            self._tell(not_run)
