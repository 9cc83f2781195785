"""The stack's configuration in a sandbox: what its file says, but on this machine's addresses."""

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from blocks import DEFAULT_TAGS
from components.alertmanager.configuration import INTEGRATIONS
from sandbox.addresses import VpcRange, check_vpc_cidr, free_port
from sandbox.errors import SandboxError
from settings import PROJECT, Settings, SettingsError
from stack_files import StackFileError, as_text, stack_file_config

ROOT = Path(__file__).resolve().parent.parent
"""The Pulumi project."""


_SCRAPES_PER_S = 30
"""Of all hosts together. One takes 12 ms of a processor in node_exporter and 3 ms in Prometheus
(measured), so this is half a processor. 300 hosts every 2 s took two, and up to half were DOWN."""

_SHORTEST_SCRAPE_S = 2
_SHORTEST_REFRESH_S = 5


RECEIVED = ("slack", "webhook", "watchdog")
"""What tells people by a URL, which in a sandbox is the local receiver's."""

_ALERTMANAGER = f"{PROJECT}:alertmanager"
_LOCAL = ("sns", "slack", "webhook")
"""The ways to tell people that stay on this machine: the others' addresses are not configurable."""


class ConfigurationError(SandboxError):
    """The configuration cannot be used; the message names the key, and says what is expected."""


class LocalStack(NamedTuple):
    """A stack as it is deployed on this machine."""

    config: dict[str, Any]
    """Key with its namespace -> value, as in a stack's file."""

    settings: Settings
    left_out: list[str]
    """Ways to tell people that would lead outside this machine."""

    @property
    def region(self) -> str:
        """The region that the emulated account is asked for."""
        return str(self.config["aws:region"])


def local_stack(stack: str, vpc: VpcRange, changes: Mapping[str, str]) -> LocalStack:
    """Return a stack's configuration with what is the sandbox's own in place of what is for AWS.

    Args:
        stack: name of the stack, as in `Pulumi.<stack>.yaml`.
        vpc: the range to use, whatever the stack's file says.
        changes: path such as `hosts.count` or `aws:region` -> text; they come last.

    Raises:
        AddressError: the user's changes lead outside this machine.
        ConfigurationError: the configuration cannot be read, is not legal, or names no region.
    """
    config = _stack_file(stack)
    for path, value in {**_overrides(vpc), **_intervals(0), **changes}.items():
        _set(config, path, value)
    for path in _encrypted("", config):
        raise ConfigurationError(
            f"{path} in Pulumi.{stack}.yaml is encrypted, and the sandbox has no key: give a value"
            f" for the sandbox with --config {path}=..."
        )
    _check_region(config.get("aws:region"), stack)
    left_out = _tell_the_receiver(config)
    hosts = _settings(config, stack).hosts["count"]  # legal, and there: now the intervals for it
    for path, value in {**_intervals(hosts), **changes}.items():
        _set(config, path, value)
    grafana = config.get(_full("grafana"))
    if isinstance(grafana, Mapping):  # it is on
        config[_full("grafana")] = {"port": free_port(), **grafana}
    _tell_the_receiver(config)
    settings = _settings(config, stack)
    check_vpc_cidr(settings.network["vpc_cidr"])
    return LocalStack(config, settings, left_out)


def _settings(config: Mapping[str, Any], stack: str) -> Settings:
    text = handed_over(config)
    own = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in text.items()
        if key.startswith(f"{PROJECT}:")
    }
    tags = text.get(DEFAULT_TAGS, "")
    try:
        return Settings.parse(own, stack=stack, emulated=True, default_tags=tags)
    except SettingsError as error:
        raise ConfigurationError(str(error)) from error


def handed_over(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration as Pulumi hands it to the program: text, JSON for the rest.

    Args:
        config: as in `LocalStack`; the project's defaults are added.
    """
    # A key of the project has a default, one of a provider a value.
    defaults = {
        _full(key): schema.get("default", schema.get("value"))
        for key, schema in project().get("config", {}).items()
    }
    return {key: as_text(value) for key, value in {**defaults, **config}.items()}


def project() -> dict[str, Any]:
    """Read `Pulumi.yaml`."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return read


def _overrides(vpc: VpcRange) -> dict[str, Any]:
    """Configuration that is the sandbox's own: addresses of this machine."""
    return {
        "network.vpcCidr": vpc.cidr,
        "hosts.nodeExporterPort": vpc.node_exporter_port,
        "prometheus.port": free_port(),
        "configuration.port": free_port(),
        "aws:skipCredentialsValidation": True,
        "aws:skipRequestingAccountId": True,
        "aws:skipMetadataApiCheck": True,
    }


def secret_name(via: str) -> str:
    """Return the name of the secret with a URL of the receiver; its end is that of an ARN."""
    return f"sandbox-{via}-secret"


def _tell_the_receiver(config: dict[str, Any]) -> list[str]:
    """Let whoever an Alertmanager tells be the local receiver; return what is left out."""
    left_out: set[str] = set()
    if not isinstance(config.get(_ALERTMANAGER), Mapping):
        return []  # it is off
    for via in RECEIVED:
        arn = f"arn:aws:secretsmanager:{config['aws:region']}:123456789012:secret:"
        _set(config, f"alertmanager.{via}UrlSecretArn", arn + secret_name(via))
    for key in ("pageWith", "notifyWith"):
        ways = config[_ALERTMANAGER].get(key, [])
        if isinstance(ways, list):
            left_out |= {*INTEGRATIONS} & {*ways} - {*_LOCAL}
            kept = [way for way in ways if way not in left_out]
            _set(config, f"alertmanager.{key}", list(dict.fromkeys([*kept, "webhook"])))
    return sorted(left_out)


def _intervals(hosts: int) -> dict[str, str]:
    """Return intervals as short as this machine can bear: all hosts run on it."""
    scrape = max(_SHORTEST_SCRAPE_S, math.ceil(hosts / _SCRAPES_PER_S))
    return {
        "prometheus.scrapeInterval": f"{scrape}s",
        "prometheus.discoveryRefreshInterval": f"{max(_SHORTEST_REFRESH_S, scrape)}s",
    }


def _stack_file(stack: str) -> dict[str, Any]:
    stacks = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
    file = ROOT / f"Pulumi.{stack}.yaml"
    if stack not in stacks:
        raise ConfigurationError(
            f"there is no stack {stack!r}: expected one of {', '.join(stacks)}, or a file"
            f" {file.name}"
        )
    try:
        return stack_file_config(file)
    except StackFileError as error:
        raise ConfigurationError(str(error)) from error


def _check_region(region: object, stack: str) -> None:
    if not region:
        raise ConfigurationError(
            f"aws:region is not set: add it to Pulumi.{stack}.yaml or give --config"
            " aws:region=eu-central-1"
        )
    # Of AWS's commercial partition. A session would look for the user's profile first.
    emulated = EndpointResolver(Loader().load_data("endpoints")).get_available_endpoints("ec2")
    if region not in emulated:
        near = ", ".join(get_close_matches(str(region), emulated, cutoff=0))
        raise ConfigurationError(
            f"aws:region is {region!r}: expected one of the {len(emulated)} regions that the"
            f" sandbox emulates, such as {near} (none of GovCloud, China or another partition):"
            f" give --config aws:region={near.partition(',')[0]}"
        )


def _encrypted(path: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "secure" in value:
            yield path
        for key, item in value.items():
            yield from _encrypted(f"{path}.{key}" if path else str(key), item)


def _set(config: dict[str, Any], path: str, value: object) -> None:
    """Set what a path such as `hosts.count` leads to, as `pulumi config set --path` does."""
    *blocks, key = _full(path).split(".")
    inside = config
    for block in blocks:
        found = inside.get(block) or {}
        if not isinstance(found, Mapping):
            raise ConfigurationError(f"{block} is {found!r}: expected a block of settings")
        inside[block] = dict(found)
        inside = inside[block]
    inside[key] = _typed(value)


def _typed(value: object) -> object:
    """Take true, false, a whole number, a list or an object in a text for what it says."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            said = json.loads(value)
            if isinstance(said, bool | int | list | dict):
                return said
    return value


def _full(key: str) -> str:
    """Return a key with its namespace: the project's, unless it has another."""
    return key if ":" in key else f"{PROJECT}:{key}"
