"""The stack's configuration: one block a room, by the names of the components' own arguments.

This is the only reader of `pulumi.Config`. Defaults and rules are those that the components
declare; here stands only what belongs to the program. Every problem is reported at once, under the
key that the user typed, before any resource is registered.

    python -m settings [STACK ...]    # check stack files; nothing is deployed
"""

import python_version  # noqa: F401 - first of all

if __name__ == "__main__":
    import excepthook  # noqa: F401 - before what may fail

# isort: split

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from between_blocks import problems_between
from blocks import (
    BLOCKS,
    DEFAULT_TAGS,
    ENVIRONMENT,
    Block,
    for_network,
    for_storage,
    paths,
)
from components import checks
from components.alertmanager.overlay import amtool_on_path
from components.alertmanager.rules import PEER_TIMEOUT_S
from components.arguments import Problem, camel, examine, legal_name, suggestion
from components.exporters.instance_types import usd_a_month
from components.prometheus.prometheus_args import promtool
from components.values import shortened
from stack_files import (
    StackFileError,
    as_text,
    project_config,
    stack_file_config,
    without_encrypted,
)

_T = TypeVar("_T")

PROJECT = "prometheus-aws"
"""Namespace of the keys: the project's name in `Pulumi.yaml`."""

NAMESPACES = (PROJECT, "aws", "docker", "random", "pulumi")
"""Whose keys configure something: this program, its packages, Pulumi itself."""

EVALUATION_S = 15
"""Between two evaluations of rules: `evaluation_interval` of docker/prometheus/prometheus.yml."""

EXPENSIVE_USD = 1000
"""Hosts that cost more a month are worth a warning."""


class SettingsError(pulumi.RunError):
    """The configuration is not legal; the message names every key, its value and what is expected.

    A `RunError`, so that Pulumi shows the message without a stack trace.
    """


@dataclass(frozen=True)
class Settings:
    """The stack's settings: of each block, all arguments by the components' own names.

    An optional block that is not there is None.
    """

    environment: str
    network: Mapping[str, Any]
    hosts: Mapping[str, Any]
    storage: Mapping[str, Any]
    prometheus: Mapping[str, Any]
    alertmanager: Mapping[str, Any] | None
    notifications: Mapping[str, Any] | None
    grafana: Mapping[str, Any] | None
    ingress: Mapping[str, Any] | None
    configuration: Mapping[str, Any]
    cluster: Mapping[str, Any] | None
    services: Mapping[str, Mapping[str, Any]]
    """Name of a service -> its arguments."""

    bastion: Mapping[str, Any] | None

    emulated: bool
    """Whether the AWS provider talks to an emulator, so that the VPC may be in 127.0.0.0/8."""

    @property
    def in_public_subnets(self) -> bool:
        """Whether there is no NAT gateway: only public subnets have internet access then."""
        return bool(self.network["nat_strategy"] == "none")

    @property
    def expected_tasks(self) -> dict[str, int]:
        """Job of a service's tasks -> how many are to run."""
        return {
            block["job"] or name: block["desired_count"] for name, block in self.services.items()
        }

    @property
    def on_this_machine(self) -> bool:
        """Whether the VPC is in 127.0.0.0/8: what the sandbox runs, it runs on this machine."""
        return ip_network(self.network["vpc_cidr"]).is_loopback

    @classmethod
    def parse(
        cls,
        values: Mapping[str, str],
        *,
        stack: str,
        emulated: bool = False,
        default_tags: str = "",
        secret: Sequence[str] = (),
        invoke: pulumi.InvokeOptions | None = None,
    ) -> Self:
        """Check raw configuration values.

        Args:
            values: key without namespace, unless that is another one (see `own`) -> value as Pulumi
                hands it over: text, JSON for a block.
            stack: name of the stack, the default of `environment`.
            emulated: see the attribute.
            default_tags: `aws:defaultTags`, as Pulumi hands it over.
            secret: keys whose values are never shown.
            invoke: how to ask AWS. Default: what only AWS knows (which zones can be used) is
                left to the components.

        Raises:
            SettingsError: with every problem.
        """
        problems = [
            f"{shortened(key if ':' in key else f'{PROJECT}:{key}')} {_unknown(key)}"
            for key in values
            if key not in {ENVIRONMENT, *BLOCKS}
        ]
        environment = values.get(ENVIRONMENT) or stack
        try:
            checks.label_value(environment)
        except ValueError as error:
            path = ENVIRONMENT if values.get(ENVIRONMENT) else f"{ENVIRONMENT} (the stack's name)"
            problem = Problem("", str(error), environment)
            problems.append(_sentence(path, problem, hide=ENVIRONMENT in secret))
        found: dict[str, Any] = {}
        wrong: dict[str, list[Problem]] = {}
        for name in reversed(list(BLOCKS)):  # the network depends on the hosts
            block = BLOCKS[name]
            if block.optional and name not in values:
                found[name], wrong[name] = None, []
                continue
            if block.names:
                found[name], wrong[name] = _several(block, _block(values.get(name, "{}")))
                continue
            of_others = for_storage(found.get("prometheus", {})) | for_network(
                found.get("hosts", {}), found.get("storage", {}), found.get("bastion")
            )
            legal, wrong[name] = examine(
                block.knobs,
                _block(values.get(name, "{}")),
                fixed={
                    "allowLoopbackCidr": emulated,
                    **{camel(key): value for key, value in of_others.items()},
                },
                others=list(paths()),
                invoke=invoke,
            )
            found[name] = {block.argument(key): value for key, value in legal.items()}
        try:
            tags = _tag_keys(default_tags)
        except ValueError as error:
            tags = ()
            problems.append(f"{DEFAULT_TAGS} {error}")
        problems += [
            _sentence(f"{name}.{it.key}" if it.key else name, it, hide=name in secret)
            for name in BLOCKS
            for it in wrong[name]
        ]
        problems += [
            # It may repeat what another block says.
            _sentence(path, problem, hide=not BLOCKS.keys().isdisjoint(secret))
            for path, problem in problems_between(found, tags)
        ]
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
        # Pulumi has no public way to list the keys, which is what finds the misspelt ones.
        everybodys = sorted({*CONFIG.get(), *get_config_env()})
        keys = own({key: key for key in everybodys})
        secret = [key for key, full in keys.items() if is_config_secret(full)]
        config, aws = pulumi.Config(PROJECT), pulumi.Config("aws")
        settings = cls.parse(
            {key: config.get(key) or "" for key in keys},
            stack=pulumi.get_stack(),
            emulated=bool(aws.get_object("endpoints")),
            default_tags=aws.get("defaultTags") or "",
            secret=secret,
            invoke=pulumi.InvokeOptions(),
        )
        for warning in settings.warnings(everybodys, secret):
            pulumi.warn(warning)
        return settings

    def warnings(self, keys: Iterable[str], secret: Collection[str] = ()) -> Iterator[str]:
        """Say what is legal, but probably not meant.

        Args:
            keys: all that is configured, with namespaces.
            secret: blocks whose values are never shown.
        """
        for key in keys:
            namespace = key.partition(":")[0]
            if namespace not in NAMESPACES:
                hint = suggestion(namespace, NAMESPACES)
                yield f"{shortened(key)} configures nothing: its namespace is unknown; {hint}"
        yield from self._of_alertmanager()
        if self.notifications is not None and not any(self.notifications.values()):
            yield (
                f"{PROJECT}:notifications has neither emails nor sms: nobody is told anything"
                " unless somebody subscribes to the topic"
            )
        # Prometheus and Alertmanager are of use to people who never open them; Grafana is not.
        if self.ingress is None and self.grafana and not self.grafana["enable_execute_command"]:
            yield (
                f"{PROJECT}:grafana has no enableExecuteCommand, and there is no block"
                f" {PROJECT}:ingress: nobody can reach it"
            )
        yield from self._of_runbooks(secret)
        yield from self._half_checked(secret)
        count, instance_type = self.hosts["count"], self.hosts["instance_type"]
        usd = count * usd_a_month(instance_type)
        if usd > EXPENSIVE_USD and "hosts" not in secret:
            yield (
                f"{PROJECT}:hosts: {count} hosts of type {instance_type} cost in the order of USD"
                f" {float(f'{usd:.2g}'):,.0f} a month on demand, with accelerators several times"
                " as much"
            )

    def _of_alertmanager(self) -> Iterator[str]:
        if self.alertmanager is None:
            return
        if not any(self.alertmanager[key] for key in ("page_with", "notify_with")):
            yield f"{PROJECT}:alertmanager has neither pageWith nor notifyWith: it tells nobody"
        disagree = checks.duration_seconds(self.prometheus["scrape_interval"]) + EVALUATION_S
        group_wait = self.alertmanager["group_wait"]
        if self.prometheus["replicas"] > 1 and checks.duration_seconds(group_wait) < disagree:
            yield (
                f"{PROJECT}:alertmanager.groupWait is {group_wait}: several Prometheus servers may"
                f" disagree for {disagree:g}s, a scrape and an evaluation, and people may be told"
                " twice; choose a longer one"
            )
        interval, others = self.alertmanager["group_interval"], self.alertmanager["replicas"] - 1
        if checks.duration_seconds(interval) < PEER_TIMEOUT_S * others:
            yield (
                f"{PROJECT}:alertmanager.groupInterval is {interval}: the last of {others + 1}"
                f" Alertmanagers waits {PEER_TIMEOUT_S * others}s for the others, and may tell"
                " again of what has changed meanwhile; choose a longer one"
            )

    def _of_runbooks(self, secret: Collection[str]) -> Iterator[str]:
        """Say that what people get to see has no link, but a path (docs/adr/0016)."""
        url: str = self.prometheus["runbook_base_url"]
        rooms = ("alertmanager", "grafana", "notifications")
        seen = [name for name in rooms if getattr(self, name) is not None]
        # What a sandbox tells, it tells beside a checkout, which has that path.
        if seen and not self.emulated and not url.startswith(("http://", "https://")):
            shown = "no URL" if "prometheus" in secret else f"{shortened(url)}, which is no URL"
            yield (
                f"{PROJECT}:prometheus.runbookBaseUrl is {shown}: the links of {', '.join(seen)} to"
                " runbooks lead nowhere; put docs/runbooks where people can open it, such as a"
                " repository of yours, and set the key to its https:// address"
            )

    def _half_checked(self, secret: Collection[str]) -> Iterator[str]:
        """Say which of the user's own files no tool has seen."""
        for server, key, tool, found in (
            ("prometheus", "overlay", "promtool", promtool),
            ("alertmanager", "overlay", "amtool", amtool_on_path),
            ("alertmanager", "routes_file", "amtool", amtool_on_path),
        ):
            own = (getattr(self, server) or {}).get(key)
            if own and found() is None:
                path = "..." if server in secret else shortened(own)
                yield (
                    f"{PROJECT}:{server}.{camel(key)}: there is no {tool} on PATH, or an old one,"
                    f" so only the form of it was checked: `make check CONFIG={path}` checks"
                    " all of it"
                )


def own(config: Mapping[str, _T]) -> dict[str, _T]:
    """Return what a configuration has for this program: key without the namespace -> value.

    A key whose namespace is misspelt keeps it.
    """
    found = {}
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if get_close_matches(PROJECT, [namespace], cutoff=0.8):
            found[name if namespace == PROJECT else key] = value
    return found


def _unknown(key: str) -> str:
    if ":" in key:
        return f"is unknown: did you mean {PROJECT}:{key.partition(':')[2]}?"
    block, _, inner = key.partition(".")
    if key in paths():
        return (
            f"is not a key of its own: expected {inner} in the block {PROJECT}:{block}, where"
            " `pulumi config set --path` puts it"
        )
    return f"is unknown: {suggestion(key, [ENVIRONMENT, *BLOCKS], list(paths()))}"


def _block(text: str) -> object:
    """Parse a block; what is none stays as it is, for `examine` to refuse."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _several(block: Block, given: object) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Check blocks that are under names; keys of problems begin with the name."""
    if not isinstance(given, Mapping):
        message = "expected names, each with keys and values of its own"
        return {}, [Problem("", message, given)]
    found, problems = {}, []
    for name, content in given.items():
        shown = shortened(str(name)) or '""'
        if name in block.knobs and not isinstance(content, Mapping):
            message = f"is the key of a service: expected it below a name, such as shop.{name}"
            problems.append(Problem(name, message))
            continue
        try:
            legal_name(name, block.names)
        except ValueError as error:
            problems.append(Problem(shown, str(error)))
        legal, wrong = examine(block.knobs, content, others=list(paths()))
        found[name] = {block.argument(key): value for key, value in legal.items()}
        problems += [it._replace(key=f"{shown}.{it.key}".rstrip(".")) for it in wrong]
    return found, problems


def _sentence(path: str, problem: Problem, *, hide: bool) -> str:
    """Say what is wrong; of a secret not even that, since it may repeat the value."""
    if hide and problem.has_value:
        return (
            f"{PROJECT}:{path} is secret and not legal. No setting needs to be secret: set it in"
            " plain text to see what is expected"
        )
    return problem.text(f"{PROJECT}:{path}", lambda value: json.dumps(value, ensure_ascii=False))


def _tag_keys(default_tags: str) -> Collection[str]:
    """Return the keys of the tags that everything gets.

    Raises:
        ValueError: they are not what the AWS provider takes; with what is expected.
    """
    match _block(default_tags or "{}"):
        case {"tags": {**tags}}:
            return list(map(str, tags))
        case {**others} if not others:
            return ()
    raise ValueError('is not legal: expected tags, such as {"tags": {"owner": "me"}}')


def check_stack_file(file: Path, stack: str) -> str:
    """Check a stack's file without deploying it.

    What only AWS knows is not checked, nor what is encrypted, which only Pulumi can read.

    Returns:
        What was found to be legal, and what is probably not meant, a line each.

    Raises:
        SettingsError: with every problem.
        StackFileError: the file cannot be read.
    """
    config = project_config(file.with_name("Pulumi.yaml")) | stack_file_config(file)
    plain = without_encrypted(config)
    settings = Settings.parse(
        {key: as_text(value) for key, value in own(plain).items()},
        stack=stack,
        emulated=bool(plain.get("aws:endpoints")),
        default_tags=as_text(plain.get(DEFAULT_TAGS)),
    )
    rest = "" if plain == config else ", as far as it is not encrypted"
    lines = [f"warning: {warning}" for warning in settings.warnings(config)]
    return "\n".join([f"{file}: every setting is legal{rest}", *lines])


def main(arguments: Sequence[str]) -> int:
    """Check stack files, all of them by default; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m settings", description="Check stack files; nothing is deployed."
    )
    help_ = "as in Pulumi.<STACK>.yaml (default: all)"
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=help_)
    stacks: list[str] = parser.parse_args(arguments).stacks
    files = [
        file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for file in sorted(Path().glob("Pulumi.*.yaml"))
    ]
    wrong = [stack for stack in stacks if stack not in files]
    if wrong or not files:
        missing = wrong[0] if wrong else "<stack>"
        known = ", ".join(files) or "none"
        print(f"error: there is no Pulumi.{missing}.yaml here; stacks: {known}", file=sys.stderr)
        return 1
    failed = False
    for stack in stacks or files:
        try:
            print(check_stack_file(Path(f"Pulumi.{stack}.yaml"), stack))
        except (SettingsError, StackFileError) as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
