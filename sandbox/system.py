"""One sandbox: the emulated AWS, the program deployed into it, and what runs on top."""

import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from sandbox import binaries, prometheus, security_groups
from sandbox.addresses import LOOPBACK, reserve_vpc_range
from sandbox.configuration import RECEIVED, LocalStack, handed_over, local_stack, secret_name
from sandbox.deploy import deploy
from sandbox.docker import DockerRuntime
from sandbox.ecs import Agent
from sandbox.emulator import Emulator, isolate_from_user
from sandbox.errors import SandboxError
from sandbox.hosts import Hosts
from sandbox.names import Names
from sandbox.options import Options
from sandbox.products import BinaryError
from sandbox.receiver import Notification, Receiver, Subscriber, line
from sandbox.resources import Account, images
from sandbox.runtimes import Fallback, ImageError, ProcessRuntime, Runtime
from sandbox.shortening import shortened
from sandbox.state import Directory, State
from sandbox.workspace import Workspace
from settings import Settings

_LOG = logging.getLogger("sandbox")

_POLL_INTERVAL_S = 0.25
_POLL_SHARE = 2
"""The pause is at least this many times as long as an answer takes, as in `sandbox.following`."""

_PROGRESS_INTERVAL_S = 5
"""Between two lines about targets that come up; the first one comes at once."""

_MOST_REASONS = 10
_GIVE_UP_AFTER_FAILURES = 3
"""Tasks in a row that die: what ECS's deployment circuit breaker counts too."""


class NotUpError(SandboxError):
    """Not all targets came up; the message says which, why, and where the logs are."""


class Sandbox:
    """A running sandbox, as a context manager: nothing of it is left behind its end."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        """Prepare; entering the context starts everything.

        Args:
            options: what the user asks for.
            say: called with each line about progress.
        """
        self._options = options
        self._say = say
        self._began = time.monotonic()
        self._stack = contextlib.ExitStack()
        self._account: Account
        self._agent: Agent
        self._watchdog = threading.Event()
        """Set when somebody has been told that alerting works, or nobody is to be told."""
        self._expected: Counter[str] = Counter()
        """Job -> number of its targets, besides the hosts of the outputs."""
        self._absent: set[str] = set()
        """Jobs whose targets cannot run here."""
        self.hosts: Hosts
        self.directory: Directory
        self.state: State

    def __enter__(self) -> Self:
        """Start everything.

        Raises:
            SandboxError: it cannot be started; what had been started has been stopped again.
        """
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop everything."""
        with self._stack:  # it closes even when nobody listens any more
            self._progress("stopping")
        self._progress("everything is stopped")

    def _start(self, stack: contextlib.ExitStack) -> None:
        options = self._options
        if options.runtime == "docker":
            self._need_docker(DockerRuntime.problem())
        vpc = reserve_vpc_range()
        stack.callback(vpc.release)
        stack_here = local_stack(options.stack, vpc, options.overrides)
        settings = stack_here.settings
        self._expect(settings)
        files = self._programs(settings)
        isolate_from_user()  # only now: a download goes through the user's proxy
        self.directory = Directory.create(options.name)
        stack.callback(self._clear_up)
        self.state = State(
            name=self.directory.path.name,
            pid=os.getpid(),
            stack=options.stack,
            started=time.time(),
            prometheus_url=f"http://{LOOPBACK}:{settings.prometheus['port']}",
        )
        self.directory.write(self.state)
        self._log_to_file(stack)

        emulator = Emulator(stack_here.region)
        emulator.start(options.port)
        stack.callback(emulator.stop)
        self._progress(f"emulated AWS at {emulator.endpoint}, VPC {vpc.cidr}")
        self.state.emulator_url = emulator.endpoint
        self.state.variables = emulator.environment
        self.directory.write(self.state)
        receiver = self._receive(emulator, stack_here, stack) if settings.alertmanager else None
        self._account = account = self._deploy(emulator, stack_here.config, stack)
        emulator.enforce_iam()
        self.directory.write(self.state)

        logs = self.directory.logs
        port = settings.hosts["node_exporter_port"]
        self.hosts = Hosts(account, files["node_exporter"], port, logs)
        self.hosts.start()
        stack.callback(self.hosts.stop)
        names = Names(account, settings.network["vpc_cidr"], self.directory.resolv_conf)
        stack.callback(names.stop)
        self._start_agent(self._runtime(account, files), names, stack)
        if receiver:
            subscriber = Subscriber(account, receiver)
            subscriber.start()
            stack.callback(subscriber.stop)
        else:
            self._watchdog.set()
        self._progress("hosts and ECS agent started")
        if options.deploy == "empty":
            self.state.phase = "up"
            self.directory.write(self.state)

    def _expect(self, settings: Settings) -> None:
        """Note what is to come up, besides the stack's own hosts."""
        self._expected.update(settings.expected_tasks)
        if settings.cluster and settings.cluster["capacity"] == "ec2":
            self._expected["node"] = settings.cluster["desired_size"]

    def _programs(self, settings: Settings) -> dict[str, Path]:
        """Get the programs that the stack needs here; without cAdvisor, expect none to come up."""
        alerting = [] if settings.alertmanager is None else ["alertmanager"]
        files = binaries.ensure([*binaries.ALWAYS, *alerting])
        if self._options.deploy != "in-process":
            binaries.ensure(["pulumi"])
        if settings.cluster and settings.cluster["capacity"] == "ec2":
            try:
                files |= binaries.ensure(["cadvisor"])
            except BinaryError as error:
                self._progress(f"no cAdvisor measures containers: {error}")
                self._absent.add("cadvisor")
        return files

    def wait_until_up(self) -> list[prometheus.Target]:
        """Wait until every host is a target, and every target is UP.

        Raises:
            NotUpError: that takes too long, or Prometheus keeps dying.
        """
        expected = self._expected + Counter(node=len(self.state.outputs.get("host_ids", [])))
        deadline = time.monotonic() + self._options.timeout
        told, told_at = "", 0.0
        while True:
            problem = ""
            asked = time.monotonic()
            try:
                targets = prometheus.targets(self.state.prometheus_url)
            except prometheus.PrometheusError as error:
                targets = []
                problem = f"Prometheus does not answer: {error}"
            targets = [target for target in targets if target.job not in self._absent]
            up = [target for target in targets if target.health == "up"]
            found = Counter(target.job for target in targets)
            if targets and len(up) == len(targets) and found >= expected:
                self.state.phase = "up"
                self.directory.write(self.state)
                return targets
            now = (
                f"{len(up)} targets UP, {found['node']} of {expected['node']} hosts discovered"
                if targets
                else "waiting for Prometheus and its first discovery"
            )
            if now != told and time.monotonic() - told_at >= _PROGRESS_INTERVAL_S:
                self._progress(now)
                told, told_at = now, time.monotonic()
            failed = self._agent.failure_count() >= _GIVE_UP_AFTER_FAILURES
            if failed or time.monotonic() > deadline:
                raise NotUpError(self._explain(targets, expected, problem))
            time.sleep(max(_POLL_INTERVAL_S, _POLL_SHARE * (time.monotonic() - asked)))

    def wait_until_told(self) -> None:
        """Wait until the receiver has been told that alerting works, where there is alerting.

        Raises:
            NotUpError: that takes too long.
        """
        if not self._watchdog.is_set():
            # An alert that fires before Prometheus knows an Alertmanager is sent again only then.
            self._progress("waiting for the first notification, which may take a minute")
        if not self._watchdog.wait(self._options.timeout):
            raise NotUpError(
                "nobody has been told of the Watchdog, the alert that always fires:"
                f" Alertmanager's logs may say why\nlogs: {self.directory.logs}"
            )

    def fail(self, reason: str) -> None:
        """Note that the sandbox has failed: its logs are kept when it ends."""
        _LOG.error("%s", reason)
        self.state.phase = "failed"
        self.directory.write(self.state)

    def _explain(
        self, targets: list[prometheus.Target], expected: Counter[str], problem: str
    ) -> str:
        lines = [problem] if problem else []
        lines += self._agent.failures()
        refusals = security_groups.refusals(self._account.client("ec2"), targets)
        reasons = prometheus.not_up(targets, refusals)
        lines += shortened([f"target {reason}" for reason in reasons], _MOST_REASONS)
        found = Counter(target.job for target in targets)
        missing = expected - found if targets else Counter()
        lines += [
            f"only {found[job]} of {expected[job]} {what} are discovered"
            for job in sorted(missing)
            for what in ["hosts" if job == "node" else f"tasks of {job}"]
        ]
        if missing:
            lines += self._agent.last_errors()
        return "\n".join([*lines, f"logs: {self.directory.logs}"])

    def _start_agent(self, runtime: Runtime, names: Names, stack: contextlib.ExitStack) -> None:
        volumes, logs = self.directory.volumes, self.directory.logs
        self._agent = Agent(self._account, runtime, volumes, logs, self._not_run, names.file)
        self._agent.start()
        stack.callback(self._agent.stop)

    def _receive(
        self, emulator: Emulator, stack_here: LocalStack, stack: contextlib.ExitStack
    ) -> Receiver:
        """Start the receiver, whose URLs are secrets of the account."""
        for way in stack_here.left_out:
            self._progress(f"nobody is told by {way}: it leads outside this machine")
        receiver = Receiver(self.directory.notifications, self._told)
        stack.callback(receiver.stop)
        for via in RECEIVED:
            emulator.client("secretsmanager").create_secret(
                Name=secret_name(via), SecretString=receiver.url(via)
            )
        return receiver

    def _told(self, notification: Notification) -> None:
        if notification["via"] == "watchdog":
            self._watchdog.set()
        self._progress(f"notified: {line(notification)}")

    def _deploy(
        self, emulator: Emulator, config: Mapping[str, Any], context: contextlib.ExitStack
    ) -> Account:
        """Deploy in the way that was asked for, and note the outputs."""
        stack = self._options.stack
        if self._options.deploy == "in-process":
            text = handed_over({**config, **emulator.config})
            tags = json.loads(text.get("aws:defaultTags") or "{}").get("tags", {})
            account = Account(emulator, tags)
            deployment = deploy(account, stack, text, self._resources_progress)
            self.state.outputs = deployment.outputs
            self._progress(f"stack {stack} deployed: {deployment.resources} resources")
            return account
        workspace = context.enter_context(
            Workspace.new(self.directory.pulumi, stack, emulator, config)
        )
        self.state.variables = workspace.variables
        self.directory.write(self.state)
        if self._options.deploy == "pulumi":
            workspace.up()
            self.state.outputs = workspace.outputs()
        return Account(emulator)

    def _runtime(self, account: Account, files: Mapping[str, Path]) -> Runtime:
        """Choose how containers run; in Docker, the images that there are are built now."""
        # Of the images that are made of Python, this Python stands for the base.
        folders = [file.parent for file in files.values()] + [Path(sys.executable).parent]
        processes = ProcessRuntime(list(dict.fromkeys(folders)))
        wanted = self._options.runtime
        if wanted == "process":
            return processes
        docker = DockerRuntime(self.directory.logs / "docker-build.log")
        problem = docker.problem()
        if not problem:
            self._progress("building the image in Docker")
            try:
                for source in images.sources(account):
                    docker.build(source)
            except ImageError as error:
                problem = str(error)
        if wanted == "docker":
            self._need_docker(problem)
        if problem:
            self._no_docker(problem)
            return processes
        return docker if wanted == "docker" else Fallback(docker, processes, self._no_docker)

    @staticmethod
    def _need_docker(problem: str) -> None:
        if problem:
            raise ImageError(
                f"containers cannot run in Docker: {problem}. Leave --runtime out, and they run as"
                " processes"
            )

    def _no_docker(self, problem: str) -> None:
        self._progress(f"containers run as processes, as Docker cannot be used: {problem}")

    def _not_run(self, reasons: list[str]) -> None:
        self.state.not_run = reasons
        self.directory.write(self.state)
        for reason in reasons:
            self._progress(reason)

    def _resources_progress(self, count: int) -> None:
        if count % 25 == 0:
            self._progress(f"{count} resources")

    def _progress(self, what: str) -> None:
        _LOG.info("%s", what)
        self._say(f"[{time.monotonic() - self._began:6.1f} s] {what}")

    def _log_to_file(self, stack: contextlib.ExitStack) -> None:
        handler = logging.FileHandler(self.directory.logs / "sandbox.log")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger = logging.getLogger("sandbox")
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        stack.callback(logger.removeHandler, handler)

    def _clear_up(self) -> None:
        self.directory.remove(keep_logs=self.state.phase == "failed")
