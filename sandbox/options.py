"""What the sandbox's command line takes."""

import argparse
from collections.abc import Callable, Sequence

from blocks import MAX_HOSTS
from sandbox.errors import SandboxError
from sandbox.hints import command as command_line
from sandbox.state import check_name

MAX_PORT = 65535
MAX_TIMEOUT_S = 24 * 3600


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
    timeout: int
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
        prog=command_line(),
        description="The whole system on this machine: an emulated AWS, the real Prometheus.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: str) -> argparse.ArgumentParser:
        # No abbreviations: `--detach` is looked for as it is, and the CLI has options of its own.
        return commands.add_parser(
            name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False
        )

    up = add("up", "deploy, and stay until Ctrl-C")
    up.add_argument(
        "--detach",
        action="store_true",
        help="go on in the background until `down`; return when all targets are UP",
    )
    deploy = up.add_mutually_exclusive_group()
    for name, help_ in (
        ("pulumi", "deploy with Pulumi's own engine, which needs its CLI"),
        ("empty", "deploy nothing: that is left to the command `pulumi`"),
    ):
        deploy.add_argument(
            f"--{name}", action="store_const", dest="deploy", const=name, help=help_
        )
    # How the background process of `--detach` tells that it is up.
    up.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    demo = add("demo", "deploy, show the targets, and stay until Ctrl-C")
    demo.add_argument("--once", action="store_true", help="end when all targets are UP")
    for command in (up, demo):
        command.set_defaults(deploy="in-process")
        _add_options(command)
    status = add("status", "show targets and URLs")
    status.add_argument(
        "--json", action="store_true", help="for programs, with the stack's outputs"
    )
    down = add("down", "stop a sandbox, and remove all that it has made")
    aws = add("aws", "print the environment for your own aws or boto3, as `eval` takes it")
    pulumi = add(
        "pulumi",
        "run Pulumi's CLI (preview, up, refresh, destroy ...) on what `up --pulumi` has deployed,"
        " or after `up --empty`",
    )
    pulumi.usage = "%(prog)s [--name NAME] ARGS..."
    for command in (status, down, aws, pulumi):
        command.add_argument("--name", type=_name, help="of the sandbox (default: the newest)")
    pulumi.add_argument("arguments", nargs=argparse.REMAINDER, help="see `pulumi help`")
    preview = add("preview", "show what `pulumi preview` says of an empty account; nothing stays")
    _add_configuration(preview)
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    _add_configuration(command)
    command.add_argument(
        "--port",
        type=_whole(1, MAX_PORT),
        default=0,
        help="of the emulated AWS (default: a free one)",
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
        type=_whole(1, MAX_TIMEOUT_S),
        default=120,
        metavar="SECONDS",
        help="how long targets may take to come up (default: %(default)s)",
    )


def _add_configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--hosts",
        type=_whole(0, MAX_HOSTS),
        metavar="N",
        help="number of exporter hosts (default: the stack's)",
    )
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


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number in decimal digits."""

    def read(text: str) -> int:
        digits = text if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else "-1"
        if not least <= int(digits) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r}: expected a whole number, {least} to {most}"
            )
        return int(digits)

    return read


def _name(text: str) -> str:
    try:
        return check_name(text)
    except SandboxError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
