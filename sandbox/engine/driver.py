"""The part of Pulumi's engine, in Python, over its real protocols.

The program runs in a process of its own, through the SDK, and registers its resources over gRPC;
provider plugins are processes too. Why there is such a driver: docs/engine.md.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import processes
from sandbox.engine import display, program
from sandbox.engine.deployment import Deployment
from sandbox.engine.errors import EngineError
from sandbox.engine.monitor import EngineService, Monitor, serving
from sandbox.engine.plugins import Plugins, read_paths, what
from sandbox.engine.state import StateFile
from sandbox.engine.steps import Op, Step

PLUGINS = Path(__file__).parent / "plugins.yaml"
"""The sandbox's plugins: the emulated AWS."""

_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    counts: Mapping[Op, int]
    """How many resources each operation was for; those without any are left out."""
    steps: list[Step]
    """What was done, in order; in a preview, what would be."""
    outputs: Mapping[str, Any]
    """The stack's; secrets and unknowns are marked as in `sandbox.engine.values`."""


@dataclass(frozen=True)
class _Run:
    """What one run needs, and what it has done."""

    deployment: Deployment
    service: EngineService
    address: str
    """Of the service."""
    steps: list[Step]


class Engine:
    """A stack, and what can be done with it."""

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        project_dir: Path,
        stack: str,
        config: Mapping[str, str],
        *,
        state_dir: Path,
        passphrase: str,
        plugins: Path = PLUGINS,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            project_dir: where `Pulumi.yaml` and `__main__.py` are.
            stack: name of the stack.
            config: configuration key, with its namespace, -> value as text, JSON for the rest.
            state_dir: where the states of stacks are kept, and the logs of the last run.
            passphrase: protects the secrets in the state.
            plugins: file that says which plugin serves which package.
            say: called with each line for the user.
        """
        self._project_dir = project_dir
        project = yaml.safe_load((project_dir / "Pulumi.yaml").read_text(encoding="utf-8"))
        self._project: str = project["name"]
        self._stack = stack
        self._config = config
        self._paths = read_paths(plugins)
        self._logs = state_dir
        self._say = say
        self.state = StateFile(state_dir, self._project, stack, passphrase)
        """The stack's state."""

    def preview(self) -> Result:
        """Tell what `up` would do.

        Raises:
            EngineError: the program or a step fails.
        """
        return self._deploy("Previewing update", dry_run=True)

    def up(self) -> Result:
        """Make the stack what the program says.

        Raises:
            EngineError: the program or a step fails; the state tells how far it came, nothing has
                been deleted, and the next `up` completes it.
        """
        return self._deploy("Updating", dry_run=False)

    def refresh(self) -> Result:
        """Make the state what the resources have become.

        Raises:
            EngineError: a resource cannot be read.
        """
        with self._run("Refreshing", dry_run=False) as run:
            run.deployment.refresh()
            return self._end(run, planned=False)

    def destroy(self) -> Result:
        """Delete all the stack's resources.

        Raises:
            EngineError: one is protected (then none is deleted), or cannot be deleted (then the
                state holds it and those that it depends on).
        """
        with self._run("Destroying", dry_run=False) as run:
            run.deployment.delete_rest()
            return self._end(run, planned=False)

    def _deploy(self, title: str, *, dry_run: bool) -> Result:
        with self._run(title, dry_run=dry_run) as run:
            monitor = Monitor(run.deployment, self._project, self._stack)
            with serving(monitor) as address:
                try:
                    code = self._run_program(address, run.address, dry_run=dry_run)
                finally:
                    monitor.close()
                if monitor.failure:
                    raise monitor.failure
                if run.service.errors:
                    raise EngineError("\n".join(run.service.errors))
                if code or not monitor.complete:
                    raise EngineError(f"the program has ended too early, with exit code {code}")
                # While serving: the plugins that the monitor's threads have started die with them.
                run.deployment.delete_rest()
                return self._end(run, planned=dry_run)

    @contextmanager
    def _run(self, title: str, *, dry_run: bool) -> Iterator[_Run]:
        steps: list[Step] = []

        def report(step: Step) -> None:
            steps.append(step)
            text = display.line(step)
            if text:
                self._say(text)

        with self.state.locked():
            self._say(f"{title} ({self._stack}):")
            snapshot = self.state.load()
            for resource in snapshot.creating:
                self._say(
                    f"warning: the last run was interrupted while it made {what(resource)}: look"
                    " whether it exists; the state does not hold it"
                )
            service = EngineService(self._say)
            with (
                serving(service) as address,
                Plugins(self._paths, self._logs, address, self._config) as plugins,
            ):
                deployment = Deployment(
                    snapshot,
                    plugins,
                    (self._stack, self._project),
                    dry_run=dry_run,
                    save=self.state.save,
                    report=report,
                )
                yield _Run(deployment, service, address, steps)

    def _end(self, run: _Run, *, planned: bool) -> Result:
        counts = display.counted(run.steps)
        outputs = run.deployment.outputs
        for text in (*display.outputs(outputs), *display.summary(counts, planned=planned)):
            self._say(text)
        return Result(counts, run.steps, outputs)

    def _run_program(self, monitor: str, engine: str, *, dry_run: bool) -> int:
        log = self._logs / "program.log"
        log.write_bytes(b"")
        child = processes.start(
            [
                *(sys.executable, "-u", "-P", program.__file__),
                *("--project", self._project, "--stack", self._stack),
                *("--monitor", monitor, "--engine", engine),
                *("--directory", self._project_dir),
                *(["--dry-run"] if dry_run else []),
            ],
            log=log,
            environment={**os.environ, "PULUMI_CONFIG": json.dumps(dict(self._config))},
            directory=self._project_dir,
        )
        try:
            code = child.wait()
        finally:
            processes.stop([child], _STOP_TIMEOUT_S)
            for printed in log.read_text(encoding="utf-8", errors="replace").splitlines():
                self._say(f"    {printed}")
        return code
