"""What the sandbox's command line takes."""

import argparse
from collections.abc import Sequence

from sandbox.errors import SandboxError
from sandbox.state import check_name

MAX_PORT = 65535


class Options(argparse.Namespace):
    """What the user asks for; a command has those of its own options."""

    command: str
    name: str | None
    """Of the sandbox. Default: a random one of a new one, else the newest."""
    stack: str
    port: int
    """Of the emulator; 0: a free one."""
    hosts: int | None
    config: list[tuple[str, str]]
    runtime: str
    """How containers run: `docker`, `process`, or `auto`: in Docker where an engine answers and the
    image can be had, else as processes."""
    deploy: str
    """How to deploy: `in-process`, by `pulumi` (its CLI), or `empty`: that is left to the user."""
    timeout: float
    """Seconds that targets may take to come up, once all is deployed."""
    detach: bool
    ready_fd: int | None
    once: bool
    json: bool
    arguments: list[str]
    """For the Pulumi CLI."""

    @property
    def overrides(self) -> dict[str, str]:
        """The configuration in place of what the stack's file says: key -> text."""
        hosts = {} if self.hosts is None else {"hosts.count": str(self.hosts)}
        return {**dict(self.config), **hosts}


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Parse a command line.

    Args:
        arguments: without the program's name. Default: this process's.

    Raises:
        SystemExit: it is wrong, or asks for help; that has been said.
    """
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments, Options())
    if parsed.command == "pulumi":
        parsed.arguments = [*rest, *parsed.arguments]  # options that stand first are Pulumi's too
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The whole system on this machine: an emulated AWS, the real Prometheus.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="deploy, and stay until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return when all targets are UP")
    deploy = up.add_mutually_exclusive_group()
    for name, help_ in (
        ("pulumi", "deploy with Pulumi's own engine, which needs its CLI"),
        ("empty", "deploy nothing; then use `pulumi up`"),
    ):
        deploy.add_argument(
            f"--{name}", action="store_const", dest="deploy", const=name, help=help_
        )
    # How the background process of `--detach` tells that it is up.
    up.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    demo = commands.add_parser("demo", help="deploy, show the targets, and stay until Ctrl-C")
    demo.add_argument("--once", action="store_true", help="end when all targets are UP")
    for command in (up, demo):
        command.set_defaults(deploy="in-process")
        _add_options(command)
    status = commands.add_parser("status", help="show targets and URLs")
    status.add_argument(
        "--json", action="store_true", help="for programs, with the stack's outputs"
    )
    down = commands.add_parser("down", help="stop everything")
    aws = commands.add_parser(
        "aws", help='print the environment for your own aws or boto3: eval "$(... aws)"'
    )
    pulumi = commands.add_parser(
        "pulumi",
        allow_abbrev=False,
        usage="%(prog)s [--name NAME] ARGS...",
        help="run Pulumi's CLI on what is deployed: preview, up, refresh, destroy ...",
    )
    for command in (status, down, aws, pulumi):
        command.add_argument("--name", type=_name, help="of the sandbox (default: the newest)")
    pulumi.add_argument("arguments", nargs=argparse.REMAINDER, help="see `pulumi help`")
    preview = commands.add_parser(
        "preview", help="show what `pulumi preview` says of an empty account; nothing stays"
    )
    _add_configuration(preview)
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    _add_configuration(command)
    command.add_argument(
        "--port", type=_port, default=0, help="of the emulated AWS (default: a free one)"
    )
    command.add_argument("--name", type=_name, help="of the sandbox (default: a random one)")
    command.add_argument(
        "--runtime",
        choices=("auto", "docker", "process"),
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
    command.add_argument(
        "--stack", default="dev", help="as in Pulumi.<stack>.yaml (default: %(default)s)"
    )
    command.add_argument(
        "--config",
        action="append",
        default=[],
        type=_key_value,
        metavar="KEY=VALUE",
        help="configuration in place of the stack's, such as hosts.count=3; as often as you like",
    )


def _key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r}: expected KEY=VALUE")
    return key, value


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port, 1 to {MAX_PORT}")
    return int(text)


def _name(text: str) -> str:
    try:
        return check_name(text)
    except SandboxError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
