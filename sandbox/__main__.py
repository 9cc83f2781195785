"""Command line of the sandbox: `python -m sandbox COMMAND`; `sandbox.options` has the commands."""

if __name__ == "__main__":
    import excepthook  # noqa: F401 - before what may fail

# isort: split

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from excepthook import INTERRUPTED
from sandbox import binaries, prometheus, show, state, status, tour
from sandbox.addresses import reserve_vpc_range
from sandbox.configuration import ROOT, local_stack
from sandbox.emulator import Emulator, isolate_from_user
from sandbox.errors import SandboxError
from sandbox.hints import command
from sandbox.options import Options, parse
from sandbox.shortening import shortened
from sandbox.state import StateError
from sandbox.system import NotUpError, Sandbox
from sandbox.workspace import Workspace

_CLOSED_PIPE = 141
"""Exit code after the reader of our output has ended: 128 + SIGPIPE."""

_MOST_TARGETS = 20

_POLL_INTERVAL_S = 0.1
_SIGNAL_INTERVAL_S = 0.5
_DOWN_TIMEOUT_S = 150
"""Prometheus may take two minutes to end."""


def main() -> int:
    """Run one command; return the exit code: 0, or 1 with the reason on stderr."""
    try:
        try:
            parsed = parse()
            return _COMMANDS[parsed.command](parsed)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _leave_terminal()
        return _CLOSED_PIPE
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _demo(parsed: Options) -> int:
    shown = parsed.stack == show.STACK
    if shown:
        parsed.config = [*show.CONFIG.items(), *parsed.config]
    with _running(parsed) as sandbox:
        targets = sandbox.wait_until_up()
        sandbox.wait_until_told()
        rows = prometheus.table(targets).splitlines()
        print(*shortened(rows, _MOST_TARGETS), sep="\n")
        url = sandbox.state.prometheus_url
        print(f"\nPrometheus:    {url}")
        for alertmanager in prometheus.alertmanagers(url):
            print(f"Alertmanager:  {alertmanager}")
        print(f"Emulated AWS:  {sandbox.state.emulator_url}", flush=True)
        if parsed.once:
            _say("\nEvery target is UP.")
        else:
            if prometheus.has_pages(url):
                queries = show.QUERIES if shown else tour.QUERIES
                _say(f"\nOpen in a browser:\n{tour.pages(url, queries)}")
            else:
                _say("\nThis Prometheus has no web pages: see README.md, Troubleshooting.")
            if shown:
                _say("\nThe show, about two minutes:")
                show.play(url, sandbox.directory.notifications, sandbox.directory.logs, _say)
            else:
                _say(f"\n{tour.broken_host(url, targets, sandbox.hosts.pids())}")
            _say(f"\nIt runs until Ctrl-C. Meanwhile: {command('status')} (or aws).")
            _wait_for_interrupt()
    _say("Next: make demo (without ONCE=1 it stays), or README.md, Deploying to AWS.")
    return 0


def _up(parsed: Options) -> int:
    if parsed.detach:
        return _up_detached()
    with _running(parsed) as sandbox:
        name = sandbox.state.name
        if parsed.deploy == "empty":
            _say(f"sandbox {name} is empty. Next: {command('pulumi', '--name', name, 'up')}")
        else:
            sandbox.wait_until_up()
            _say(f"sandbox {name} is up: {sandbox.state.prometheus_url}")
        if parsed.ready_fd is not None:
            _leave_terminal()
            os.write(parsed.ready_fd, b"up")
            os.close(parsed.ready_fd)
        _wait_for_interrupt()
    return 0


def _up_detached() -> int:
    """Run the same command without `--detach` in the background, and wait until it is up."""
    _end_by_signals()
    read_end, write_end = os.pipe()
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    background = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments, f"--ready-fd={write_end}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=[write_end],
        start_new_session=True,
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as ready:
        try:
            if ready.read():  # until it is up, or has ended
                return 0
            return background.wait()
        except KeyboardInterrupt:
            background.terminate()
            return background.wait()


def _leave_terminal() -> None:
    """Let whoever waits for the end of our output go on, or has ended."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())


@contextlib.contextmanager
def _running(wanted: Options) -> Iterator[Sandbox]:
    """Start a sandbox, and stop it at the end, however that comes.

    The first Ctrl-C (SIGTERM, SIGHUP) stops everything in order, a second one at once.
    """
    _end_by_signals()
    with Sandbox(wanted, _say) as sandbox:
        try:
            yield sandbox
        except NotUpError as error:
            sandbox.fail(str(error))
            raise


def _end_by_signals() -> None:
    """Take SIGTERM and SIGHUP for a Ctrl-C, and a Ctrl-C even where it is ignored.

    A shell without job control starts its background commands that way.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def _wait_for_interrupt() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            # Not `signal.pause`: where another thread gets the signal, it does not wake this one,
            # which alone runs the handler.
            time.sleep(_SIGNAL_INTERVAL_S)


def _down(parsed: Options) -> int:
    found = state.find(parsed.name)
    current = found.read()
    os.kill(current.pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_TIMEOUT_S
    while found.is_owned():
        if time.monotonic() > deadline:
            _say(f"sandbox {current.name} has not stopped for {_DOWN_TIMEOUT_S} s: killing it")
            os.kill(current.pid, signal.SIGKILL)  # the kernel then kills all that it started
            deadline = float("inf")
        time.sleep(_POLL_INTERVAL_S)
    _say(f"sandbox {current.name} has stopped")
    return 0


def _aws(parsed: Options) -> int:
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in state.find(parsed.name).read().variables.items():
        if name.startswith("AWS_"):
            print(f"export {name}={shlex.quote(value)}")
    return 0


def _pulumi(parsed: Options) -> int:
    found = state.find(parsed.name)
    current = found.read()
    workspace = Workspace(found.pulumi, current.stack, current.variables)
    if not workspace.exists():
        raise StateError(
            f"sandbox {found.path.name} was deployed without Pulumi's engine, so there is no state"
            f" to work on: start another one with `{command('up', '--pulumi')}`, or with"
            f" `{command('up', '--empty')}`"
        )
    workspace.replace_process(parsed.arguments)


def _preview(parsed: Options) -> int:
    """Let Pulumi preview the stack in an emulated account of its own, in which nothing is."""
    _end_by_signals()
    with contextlib.ExitStack() as stack:
        vpc = reserve_vpc_range()
        stack.callback(vpc.release)
        here = local_stack(parsed.stack, vpc, parsed.overrides)
        binaries.ensure(["pulumi"])  # before the user's proxy is out of sight
        isolate_from_user()
        emulator = Emulator(here.region)
        emulator.start()
        stack.callback(emulator.stop)
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "pulumi"
        workspace = stack.enter_context(Workspace.new(path, parsed.stack, emulator, here.config))
        code = workspace.run("preview").returncode
    if not code:
        _say(f"Nothing was made. Next: {command('up', '--pulumi', *sys.argv[2:])}")
    return code


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except BrokenPipeError:
        _leave_terminal()  # what stops everything has more to say, and must not fail
        raise


_COMMANDS: Mapping[str, Callable[[Options], int]] = {
    "up": _up,
    "demo": _demo,
    "status": status.show,
    "down": _down,
    "aws": _aws,
    "pulumi": _pulumi,
    "preview": _preview,
}


if __name__ == "__main__":
    sys.exit(main())
