"""One service: which tasks to start and to stop, and its deployments."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.ecs import record
from sandbox.ecs.placement import Hosts
from sandbox.ecs.task import Launcher, Task, TaskError
from sandbox.resources import Account
from sandbox.runtimes import NotRunError

_LOG = logging.getLogger("sandbox.ecs")

_STABLE_S = 60
"""After that, a task's end is not the one before's fault."""
_MAX_BACKOFF_S = 60
_LEAST_FAILURES, _MOST_FAILURES = 3, 200
"""Half of the desired count, between these, makes a deployment fail. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"""


class Scheduler:
    """Keeps the desired number of tasks of one service running.

    A deployment replaces tasks as far as the service's minimum and maximum allow. When its tasks
    end before one has settled, the circuit breaker, if there is one, ends it.
    """

    def __init__(
        self,
        account: Account,
        service: record.Service,
        launcher: Launcher,
        hosts: Hosts,
        is_stopping: Callable[[], bool],
    ) -> None:
        """Take a service of which no task runs; `reconcile` starts some."""
        self.service = service
        self.tasks: Sequence[Task] = []
        self.failures = 0
        """Tasks in a row that ended by themselves."""
        self.last_failure = ""
        self.not_run = ""
        """Why this machine cannot run its tasks; empty if it can."""
        self._account = account
        self._ecs = record.backend(account)
        self._launcher = launcher
        self._hosts = hosts
        self._is_stopping = is_stopping
        self._not_before = 0.0
        """Backoff: when the next task may start."""
        self._primary: dict[str, Any] = {}
        self._completed: dict[str, Any] | None = None
        """The last deployment that has become steady: what a failed one is rolled back to."""

    def reconcile(self) -> None:
        """Make what runs as the service says."""
        self._look_at_deployment()
        for task in list(self.tasks):
            self._watch(task)
        desired = self._desired()
        self._replace(desired)
        self._start(desired)
        self._conclude(desired)
        record.count(self._ecs, self.service, [it.record for it in self.tasks], desired)

    def stop(self, tasks: Sequence[Task], reason: str) -> None:
        """Stop some of the tasks."""
        for task in tasks:
            self.tasks = [it for it in self.tasks if it is not task]
            self._launcher.stop(task, reason)
            record.event(self.service, f"has stopped 1 running tasks: (task {task.id}).")

    def _look_at_deployment(self) -> None:
        primary = self.service.deployments[0]
        if primary is not self._primary:
            self._primary = primary
            self.failures, self._not_before, self.not_run = 0, 0.0, ""

    def _desired(self) -> int:
        if self.service.scheduling_strategy == "DAEMON":
            return len(self._hosts.of(self.service))
        return int(self.service.desired_count)

    def _of_primary(self) -> list[Task]:
        return [it for it in self.tasks if it.record.started_by == self._primary["id"]]

    def _replace(self, desired: int) -> None:
        """Stop what is too much, and as many of the old tasks as the minimum allows."""
        new = self._of_primary()
        self.stop(new[desired:], f"the desired count is {desired}")
        new = new[:desired]
        old = [it for it in self.tasks if it not in new]
        percent = self.service.deployment_configuration["minimumHealthyPercent"]
        needed = math.ceil(desired * percent / 100)
        settled = sum(task.has_run() for task in new)
        enough = max(0, settled + len(old) - needed)
        revision = self._primary["taskDefinition"].rsplit("/", 1)[-1]
        self.stop(old[:enough], f"replaced by {revision} (deployment {self._primary['id']})")

    def _start(self, desired: int) -> None:
        percent = self.service.deployment_configuration["maximumPercent"]
        most = math.floor(desired * percent / 100)
        while (
            len(self._of_primary()) < desired
            and len(self.tasks) < most
            and time.monotonic() >= self._not_before
            and self._primary["rolloutState"] != "FAILED"
            and not self._is_stopping()
        ):
            definition = self._account.client("ecs").describe_task_definition(
                taskDefinition=self._primary["taskDefinition"]
            )["taskDefinition"]
            places = [task.place for task in self.tasks]
            place = self._hosts.place(self.service, definition, places)
            if place is None:
                record.event(
                    self.service,
                    "was unable to place a task because no container instance met all of its"
                    " requirements.",
                )
                return
            deployment = self._primary["id"]
            self._run(self._launcher.new(self.service, definition, deployment, place))

    def _run(self, task: Task) -> None:
        self.tasks = [*self.tasks, task]
        try:
            self._launcher.run(task)
        except NotRunError as error:
            self.not_run, self._not_before = str(error), math.inf
            self.stop([task], self.not_run)
        except TaskError as error:
            self._fail(task, str(error))
        else:
            record.event(self.service, f"has started 1 tasks: (task {task.id}).")

    def _watch(self, task: Task) -> None:
        if task.place.host and task.place.host.gone:
            instance = task.place.host.instance_id
            self.stop([task], f"Host EC2 (instance {instance}) terminated.")
        elif task.record.desired_status == "STOPPED":  # by `aws ecs stop-task`
            self.stop([task], task.record.stopped_reason or "Task stopped by user")
        elif reason := self._launcher.watch(task):
            self._fail(task, reason)

    def _fail(self, task: Task, reason: str) -> None:
        """End a task that cannot go on; the next one starts after a while, with empty volumes."""
        self.failures += 1
        self.last_failure = reason
        wait = min(_MAX_BACKOFF_S, 2 ** (self.failures - 1))
        self._not_before = time.monotonic() + wait
        self.stop([task], f"it failed ({reason}); the next one starts in {wait} s")
        primary = self._primary
        if task.record.started_by == primary["id"] and primary["rolloutState"] == "IN_PROGRESS":
            primary["failedTasks"] += 1
            half = math.ceil(self._desired() / 2)
            breaker = self.service.deployment_configuration.get("deploymentCircuitBreaker", {})
            most = min(_MOST_FAILURES, max(_LEAST_FAILURES, half))
            if breaker.get("enable") and primary["failedTasks"] >= most:
                self._break_circuit(roll_back=breaker["rollback"])

    def _break_circuit(self, *, roll_back: bool) -> None:
        failed, back = self._primary, self._completed
        failed["rolloutState"] = "FAILED"
        failed["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
        record.event(self.service, f"(deployment {failed['id']}) deployment failed: tasks failed.")
        _LOG.warning("deployment of %s failed: %s", self.service.name, self.last_failure)
        if not roll_back or back is None:
            return
        self.service.task_definition = back["taskDefinition"]
        failed["status"], back["status"] = "ACTIVE", "PRIMARY"
        back["rolloutState"] = "IN_PROGRESS"
        back["rolloutStateReason"] = (
            f"ECS deployment circuit breaker: rolling back to deploymentId {back['id']}."
        )
        others = [it for it in self.service.deployments if it is not back]
        self.service.deployments[:] = [back, *others]
        record.event(self.service, f"rolling back to (deployment {back['id']}).")

    def _conclude(self, desired: int) -> None:
        """Note when a deployment's tasks have settled, and no others are left."""
        new, primary = self._of_primary(), self._primary
        settled = [task for task in new if task.has_run()]
        if settled:
            primary["failedTasks"] = 0
        if new and all(task.has_run(_STABLE_S) for task in self.tasks):
            self.failures = 0
        if len(self.tasks) == len(settled) == desired and primary["rolloutState"] == "IN_PROGRESS":
            primary["rolloutState"] = "COMPLETED"
            primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
            record.event(self.service, f"(deployment {primary['id']}) deployment completed.")
            record.event(self.service, "has reached a steady state.")
        if primary["rolloutState"] == "COMPLETED":
            self._completed = primary
