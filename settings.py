"""The stack's configuration: one block a room, by the names of the components' own arguments.

This is the only reader of `pulumi.Config`. Defaults and rules are those that the components
declare; here stands only what belongs to the program. Every problem is reported at once, under the
key that the user typed, before any resource is registered.

    python -m settings [STACK ...]    # check stack files; nothing is deployed
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NotRequired, Self, TypedDict

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from components import (
    ExporterGroupArgs,
    ExporterNodeArgs,
    MonitoringNetworkArgs,
    PrometheusServiceArgs,
    checks,
)
from components.arguments import Argument, Knob, arguments, declared, examine, suggestion
from components.network.subnets import hosts_fit

PROJECT = "prometheus-aws"
"""Namespace of the keys: the project's name in `Pulumi.yaml`."""

ENVIRONMENT = "environment"
"""The one key that is no block: a label of every metric and a tag of every host."""

MAX_HOSTS = 1000


class SettingsError(pulumi.RunError):
    """The configuration is not legal; the message names every key, its value and what is expected.

    A `RunError`, so that Pulumi shows the message without a stack trace.
    """


@arguments
class HostsArgs(TypedDict):
    """What the program itself adds to the hosts' arguments."""

    count: NotRequired[Annotated[int, Knob(2, checks.whole(0, MAX_HOSTS))]]
    """Number of exporter hosts, 0 to 1000."""


class Block(NamedTuple):
    """A block of settings: the knobs of one or more components."""

    sentence: str
    shapes: tuple[type, ...]
    given: frozenset[str]
    """Arguments that are no settings: the program gives them."""

    @property
    def knobs(self) -> dict[str, Argument]:
        """Key as the user types it -> what the component declares."""
        return {
            camel(key): argument._replace(
                rules=tuple(
                    rule._replace(needs=tuple(map(camel, rule.needs))) for rule in argument.rules
                )
            )
            for shape in self.shapes
            for key, argument in declared(shape).items()
            if not argument.wired and key not in self.given
        }


BLOCKS: Mapping[str, Block] = {
    "network": Block(
        "The VPC and its subnets.",
        (MonitoringNetworkArgs,),
        frozenset({"allow_loopback_cidr", "ssh_cidrs"}),
    ),
    "hosts": Block(
        "The EC2 hosts that run node_exporter, and how Prometheus finds them.",
        (HostsArgs, ExporterGroupArgs, ExporterNodeArgs),
        frozenset(
            {"node_exporter_version", "replace_on_new_ami", "associate_public_ip", ENVIRONMENT}
        ),
    ),
    "prometheus": Block(
        "The Prometheus server.",
        (PrometheusServiceArgs,),
        frozenset(
            {
                *(ENVIRONMENT, "version", "assign_public_ip", "image_context"),
                *("node_exporter_port", "discovery_tag_key", "discovery_tag_value"),
            }
        ),
    ),
}
"""Name of a block -> what is in it."""


@dataclass(frozen=True)
class Settings:
    """The stack's settings: of each block, all arguments by the components' own names."""

    environment: str
    network: Mapping[str, Any]
    hosts: Mapping[str, Any]
    prometheus: Mapping[str, Any]
    emulated: bool
    """Whether the AWS provider talks to an emulator, so that the VPC may be in 127.0.0.0/8."""

    @property
    def in_public_subnets(self) -> bool:
        """Whether there is no NAT gateway: only public subnets have internet access then."""
        return bool(self.network["nat_strategy"] == "none")

    @classmethod
    def parse(
        cls,
        values: Mapping[str, str],
        *,
        stack: str,
        emulated: bool = False,
        secret: Sequence[str] = (),
        invoke: pulumi.InvokeOptions | None = None,
    ) -> Self:
        """Check raw configuration values.

        Args:
            values: key without namespace -> value as Pulumi hands it over: text, JSON for a block.
            stack: name of the stack, the default of `environment`.
            emulated: see the attribute.
            secret: keys whose values are never shown.
            invoke: how to ask AWS. Default: what only AWS knows (how many zones the region has) is
                left to the components.

        Raises:
            SettingsError: with every problem.
        """
        problems = [
            f"{PROJECT}:{key} is unknown: {suggestion(key, [ENVIRONMENT, *BLOCKS], list(_paths()))}"
            for key in values
            if key not in {ENVIRONMENT, *BLOCKS}
        ]
        environment = values.get(ENVIRONMENT) or stack
        try:
            checks.label_value(environment)
        except ValueError as problem:
            origin = "" if values.get(ENVIRONMENT) else " (the stack's name)"
            problems.append(f"{PROJECT}:{ENVIRONMENT} is {environment!r}{origin}: {problem}")
        found: dict[str, dict[str, Any]] = {}
        for name, block in BLOCKS.items():
            legal, illegal = examine(
                block.knobs,
                _block(values.get(name, "{}")),
                fixed={"allowLoopbackCidr": emulated},
                invoke=invoke,
            )
            found[name] = {snake(key): value for key, value in legal.items()}
            problems += [
                problem.text(_path(name, problem.key), hide=name in secret) for problem in illegal
            ]
        problems += _hosts_that_do_not_fit(found)
        if problems:
            lines = "".join(f"\n  - {problem}" for problem in problems)
            raise SettingsError(
                f"the configuration of stack {stack!r} has {len(problems)} problem(s); nothing was"
                f" changed:{lines}\nFix it in Pulumi.{stack}.yaml or with `pulumi config set --path"
                f" '{PROJECT}:<block>.<key>' <value>`; docs/configuration.md has all the keys."
            )
        return cls(environment=environment, emulated=emulated, **found)

    @classmethod
    def load(cls) -> Self:
        """Read and check the configuration of the stack that is being deployed.

        Raises:
            SettingsError: with every problem.
        """
        prefix = f"{PROJECT}:"
        # Pulumi has no public way to list the keys, which is what finds the misspelt ones.
        keys = [key for key in {*CONFIG.get(), *get_config_env()} if key.startswith(prefix)]
        config = pulumi.Config(PROJECT)
        values = {
            name: config.get(name) or "" for name in (key.removeprefix(prefix) for key in keys)
        }
        return cls.parse(
            values,
            stack=pulumi.get_stack(),
            emulated=bool(pulumi.Config("aws").get_object("endpoints")),
            secret=[key.removeprefix(prefix) for key in keys if is_config_secret(key)],
            invoke=pulumi.InvokeOptions(),
        )


def camel(name: str) -> str:
    """Spell an argument as users of Pulumi type it: `zone_count` -> `zoneCount`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def snake(name: str) -> str:
    """Spell a key as the component does: `zoneCount` -> `zone_count`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _paths() -> Iterator[str]:
    for name, block in BLOCKS.items():
        for key in block.knobs:
            yield f"{name}.{key}"


def _path(block: str, key: str) -> str:
    return f"{PROJECT}:{block}.{key}" if key else f"{PROJECT}:{block}"


def _block(text: str) -> object:
    """Parse a block; what is none stays as it is, for `examine` to refuse."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _hosts_that_do_not_fit(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Check the hosts against the network, if both are legal by themselves."""
    network, hosts = found["network"], found["hosts"]
    try:
        hosts_fit(hosts["count"], network["vpc_cidr"], network["zone_count"])
    except KeyError:
        return []
    except ValueError as problem:
        return [f"{_path('hosts', 'count')} is {hosts['count']}: {problem}"]
    return []


def stack_file_values(file: Path) -> dict[str, str]:
    """Read the program's keys from a stack's file, as Pulumi would hand them over.

    Encrypted values are left out: only Pulumi can read them.
    """
    config = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config", {})
    prefix = f"{PROJECT}:"
    return {
        key.removeprefix(prefix): value if isinstance(value, str) else json.dumps(value)
        for key, value in _without_encrypted(config).items()
        if key.startswith(prefix)
    }


def _without_encrypted(value: Any) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, Mapping):
        return {
            key: _without_encrypted(item)
            for key, item in value.items()
            if not (isinstance(item, Mapping) and item.keys() == {"secure"})
        }
    return value


def main(stacks: Sequence[str]) -> int:
    """Check stack files, all of them by default; return the exit code."""
    files = {file.name.split(".")[1]: file for file in sorted(Path().glob("Pulumi.*.yaml"))}
    failed = False
    for stack in stacks or files:
        if stack not in files:
            failed = True
            print(
                f"error: there is no Pulumi.{stack}.yaml here: expected one of"
                f" {', '.join(files) or 'none'}",
                file=sys.stderr,
            )
            continue
        try:
            Settings.parse(stack_file_values(files[stack]), stack=stack)
            print(f"Pulumi.{stack}.yaml: every setting is legal")
        except SettingsError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
