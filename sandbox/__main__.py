"""Command line of the sandbox, `python -m sandbox COMMAND`; see `_parser` for the commands."""

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sandbox import prometheus, state
from sandbox.addresses import AddressError, reserve_vpc_range
from sandbox.deploy import ROOT, DeployError, ProgramError
from sandbox.emulator import Emulator, EmulatorError, isolate_from_user
from sandbox.engine.errors import EngineError
from sandbox.engine.session import Session, provider_config
from sandbox.engine.values import shown
from sandbox.products import BinaryError
from sandbox.runtimes import ImageError
from sandbox.state import Directory, State, StateError
from sandbox.system import (
    RUNTIMES,
    NotUpError,
    Options,
    Sandbox,
    local_configuration,
    region_of,
)

_INTERRUPTED = 130
"""Exit code after a Ctrl-C: 128 + SIGINT."""

DEFAULT_STACK = "dev"
MAX_PORT = 65535

_POLL_INTERVAL_S = 0.1
_DOWN_TIMEOUT_S = 150
"""Prometheus may take two minutes to end."""


def main() -> int:
    """Run one command; return the exit code: 0, or 1 with the reason on stderr."""
    parsed = _parser().parse_args()
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (
        *(AddressError, BinaryError, DeployError, EmulatorError, EngineError, ImageError),
        *(NotUpError, ProgramError, StateError, prometheus.PrometheusError),
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The whole system on this machine: an emulated AWS, the real Prometheus.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="deploy, and stay until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return when all targets are UP")
    up.add_argument(
        "--engine",
        action="store_true",
        help="deploy through an engine, as `pulumi up` does; with --name, into the one that runs",
    )
    # How the background process of `--detach` tells that it is up.
    up.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    up.set_defaults(run=_up)
    demo = commands.add_parser("demo", help="deploy, show the targets, and stay until Ctrl-C")
    demo.add_argument("--once", action="store_true", help="end when all targets are UP")
    demo.set_defaults(run=_demo, engine=False)
    for command in (up, demo):
        _add_options(command)
    status = commands.add_parser("status", help="show targets and URLs")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)
    down = commands.add_parser("down", help="stop everything")
    down.set_defaults(run=_down)
    aws = commands.add_parser(
        "aws", help='print the environment for your own aws or boto3: eval "$(... aws)"'
    )
    aws.set_defaults(run=_aws)
    preview = commands.add_parser(
        "preview", help="show what `up --engine` would do, or would change with --name"
    )
    _add_configuration(preview)
    preview.add_argument(
        "--name",
        type=_name,
        help="of a sandbox that `up --engine` has started (default: an empty stack)",
    )
    preview.set_defaults(run=_preview)
    destroy = commands.add_parser("destroy", help="delete all that `up --engine` has made")
    destroy.set_defaults(run=_destroy)
    refresh = commands.add_parser("refresh", help="make the state what resources have become")
    refresh.set_defaults(run=_refresh)
    for command in (status, down, aws, refresh, destroy):
        command.add_argument("--name", type=_name, help="of the sandbox (default: the newest)")
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    _add_configuration(command)
    command.add_argument(
        "--port", type=_port, help="of the emulated AWS, on 127.0.0.1 (default: a free one)"
    )
    command.add_argument("--name", type=_name, help="of the sandbox (default: a random one)")
    command.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="how containers run (default: in Docker where possible, else as processes)",
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="how long targets may take to come up (default: 120)",
    )


def _add_configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument("--hosts", type=int, metavar="N", help="number of exporter hosts")
    command.add_argument("--stack", help=f"as in Pulumi.<stack>.yaml (default: {DEFAULT_STACK})")
    command.add_argument(
        "--config",
        action="append",
        default=[],
        type=_key_value,
        metavar="KEY=VALUE",
        help="configuration in place of the stack's, as often as you like",
    )


def _key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r}: expected KEY=VALUE")
    return key, value


def _name(text: str) -> str:
    try:
        return state.check_name(text)
    except StateError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port, 1 to {MAX_PORT}")
    return int(text)


def _options(parsed: argparse.Namespace) -> Options:
    return Options(
        stack=parsed.stack or DEFAULT_STACK,
        name=parsed.name,
        emulator_port=parsed.port,
        config=_overrides(parsed),
        engine=parsed.engine,
        runtime=parsed.runtime,
        timeout_s=parsed.timeout,
    )


def _overrides(parsed: argparse.Namespace) -> dict[str, str]:
    config = dict(parsed.config)
    if parsed.hosts is not None:
        config["hostCount"] = str(parsed.hosts)
    return config


def _demo(parsed: argparse.Namespace) -> int:
    with _running(_options(parsed)) as sandbox:
        targets = sandbox.wait_until_up()
        print(prometheus.table(targets))
        url = sandbox.state.prometheus_url
        print(f"\nPrometheus:    {url}")
        if not prometheus.has_pages(url):
            print(f"               built from source, without pages; try {url}/api/v1/targets")
        print(f"Emulated AWS:  {sandbox.state.emulator_url}", flush=True)
        if parsed.once:
            _say("\nEvery target is UP.")
        else:
            _say("\nIt runs until Ctrl-C. Meanwhile: .venv/bin/python -m sandbox status (or aws).")
            _wait_for_interrupt()
    _say("Next: make demo (without ONCE=1 it stays), or README.md, Deploying to AWS.")
    return 0


def _up(parsed: argparse.Namespace) -> int:
    if parsed.engine and parsed.name is not None and state.is_running(parsed.name):
        return _update(parsed)
    if parsed.detach:
        return _up_detached()
    with _running(_options(parsed)) as sandbox:
        sandbox.wait_until_up()
        _say(f"sandbox {sandbox.state.name} is up: {sandbox.state.prometheus_url}")
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
    """Let whoever waits for the end of our output go on."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())


@contextlib.contextmanager
def _running(options: Options) -> Iterator[Sandbox]:
    """Start a sandbox, and stop it at the end, however that comes.

    The first Ctrl-C (SIGTERM, SIGHUP) stops everything in order, a second one at once.
    """
    _end_by_signals()
    with Sandbox(options, _say) as sandbox:
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
        signal.signal(number, lambda *_: os._exit(_INTERRUPTED))
    raise KeyboardInterrupt


def _wait_for_interrupt() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            signal.pause()


def _status(parsed: argparse.Namespace) -> int:
    found = state.find(parsed.name)
    current = found.read()
    error = ""
    targets: list[prometheus.Target] = []
    try:
        targets = prometheus.targets(current.prometheus_url)
    except prometheus.PrometheusError as problem:
        error = str(problem)
    if parsed.json:
        print(json.dumps(_report(found, current, targets, error), indent=2))
    else:
        print(f"Sandbox:       {current.name} (stack {current.stack}, {current.phase})")
        print(f"Prometheus:    {current.prometheus_url}")
        print(f"Emulated AWS:  {current.emulator_url}")
        print(f"Logs:          {found.logs}\n")
        print(error or prometheus.table(targets))
    return 0


def _report(
    found: Directory, current: State, targets: Sequence[prometheus.Target], error: str
) -> dict[str, Any]:
    return {
        "name": current.name,
        "stack": current.stack,
        "phase": current.phase,
        "pid": current.pid,
        "urls": {"prometheus": current.prometheus_url, "emulator": current.emulator_url},
        "logs": str(found.logs),
        "outputs": current.outputs,
        "targets": [target._asdict() for target in targets],
        "prometheus_error": error,
    }


def _down(parsed: argparse.Namespace) -> int:
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


def _aws(parsed: argparse.Namespace) -> int:
    current = state.find(parsed.name).read()
    variables = {
        "AWS_ENDPOINT_URL": current.emulator_url,
        "AWS_REGION": current.region,
        "AWS_DEFAULT_REGION": current.region,
        "AWS_ACCESS_KEY_ID": current.access_key_id,
        "AWS_SECRET_ACCESS_KEY": current.secret_access_key,
    }
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _preview(parsed: argparse.Namespace) -> int:
    changes = _overrides(parsed)
    with _emulated_aws_of_ones_own():
        if parsed.name is not None:
            directory, session = _session(parsed)
            session.engine(directory, print, changes).preview()
            _say(f"Nothing was changed. Next: python -m sandbox up --engine --name {parsed.name}")
            return 0
        stack = parsed.stack or DEFAULT_STACK
        vpc = reserve_vpc_range()
        config = local_configuration(stack, vpc, changes)
        emulator = Emulator(region_of(stack, config))
        emulator.start()
        try:
            with tempfile.TemporaryDirectory() as temporary:
                directory = Path(temporary) / "engine"
                session = Session.create(directory, stack, {**config, **provider_config(emulator)})
                session.engine(directory, print, {}).preview()
        finally:
            emulator.stop()
            vpc.release()
    _say("Nothing was made. Next: python -m sandbox up --engine")
    return 0


def _update(parsed: argparse.Namespace) -> int:
    """Deploy again into a sandbox that runs; what runs in it follows by itself."""
    with _emulated_aws_of_ones_own():
        directory, before = _session(parsed)
        session = before.changed(_overrides(parsed))
        result = session.engine(directory, print, {}).up()
        session.save(directory)
        found = state.find(parsed.name)
        current = found.read()
        current.outputs = shown(result.outputs)
        found.write(current)
    _say(f"Next: python -m sandbox status --name {parsed.name}")
    return 0


def _refresh(parsed: argparse.Namespace) -> int:
    with _emulated_aws_of_ones_own():
        directory, session = _session(parsed)
        session.engine(directory, print, {}).refresh()
    return 0


def _destroy(parsed: argparse.Namespace) -> int:
    with _emulated_aws_of_ones_own():
        directory, session = _session(parsed)
        session.engine(directory, print, {}).destroy()
    _say("The emulated AWS runs on, empty. Next: python -m sandbox down")
    return 0


def _session(parsed: argparse.Namespace) -> tuple[Path, Session]:
    """Find the session of a sandbox that runs.

    Raises:
        DeployError: it is one of another stack than was asked for.
    """
    found = state.find(parsed.name)
    session = Session.open(found.engine)
    stack = getattr(parsed, "stack", None)
    if stack not in {None, session.stack}:
        raise DeployError(
            f"sandbox {found.path.name} has stack {session.stack!r}, not {stack!r}: leave --stack"
            " out, or start another sandbox"
        )
    return found.engine, session


@contextlib.contextmanager
def _emulated_aws_of_ones_own() -> Iterator[None]:
    """Run a command of the engine: away from the user's AWS, and ended by signals in order."""
    _end_by_signals()
    isolate_from_user()
    yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
