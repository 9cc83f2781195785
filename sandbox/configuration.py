"""The stack's configuration in a sandbox: what its file says, but on this machine's addresses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.addresses import VpcRange, check_vpc_cidr, free_port
from sandbox.errors import SandboxError

ROOT = Path(__file__).resolve().parent.parent
"""The Pulumi project."""


class ConfigurationError(SandboxError):
    """The configuration cannot be used; the message names the key, and says what is expected."""


def local_configuration(stack: str, vpc: VpcRange, changes: Mapping[str, str]) -> dict[str, Any]:
    """Return a stack's configuration with what is the sandbox's own in place of what is for AWS.

    Args:
        stack: name of the stack.
        vpc: the range to use, whatever the stack's file says.
        changes: the user's, as for `configuration`; they come last.

    Raises:
        AddressError: the user's changes lead outside this machine.
        ConfigurationError: the configuration cannot be read, or names no region.
    """
    config = configuration(stack, {**_overrides(vpc), **changes})
    check_vpc_cidr(str(config["prometheus-aws:vpcCidr"]))
    if not config.get("aws:region"):
        raise ConfigurationError(
            f"aws:region is not set: add it to Pulumi.{stack}.yaml or give --config"
            " aws:region=eu-central-1"
        )
    return config


def _overrides(vpc: VpcRange) -> dict[str, Any]:
    """Configuration that is the sandbox's own: addresses of this machine, and short intervals."""
    return {
        "vpcCidr": vpc.cidr,
        "prometheusPort": free_port(),
        "nodeExporterPort": vpc.node_exporter_port,
        "scrapeInterval": "2s",
        "discoveryRefreshInterval": "5s",
        "aws:skipCredentialsValidation": True,
        "aws:skipRequestingAccountId": True,
        "aws:skipMetadataApiCheck": True,
    }


def ports(config: Mapping[str, Any]) -> tuple[int, int]:
    """Return the ports of Prometheus and of node_exporter.

    Raises:
        ConfigurationError: one is not a number.
    """
    prometheus, node_exporter = (
        _port(key, str(config[f"prometheus-aws:{key}"]))
        for key in ("prometheusPort", "nodeExporterPort")
    )
    return prometheus, node_exporter


def _port(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ConfigurationError(f"{key} is {value!r}: expected a port")
    return int(value)


def project() -> dict[str, Any]:
    """Read `Pulumi.yaml`."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return read


def configuration(stack: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Pulumi.<stack>.yaml` says, each key with its namespace.

    Args:
        stack: name of the stack.
        overrides: key -> value, in place of what the file says; the namespace may be left out.

    Raises:
        ConfigurationError: there is no such stack file, or it holds an encrypted value.
    """
    stacks = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
    file = ROOT / f"Pulumi.{stack}.yaml"
    if stack not in stacks:
        raise ConfigurationError(
            f"there is no stack {stack!r}: expected one of {', '.join(stacks)}, or a file"
            f" {file.name}"
        )
    given = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config", {})
    merged = {**_named(given), **_named(overrides)}
    for key, value in merged.items():
        if isinstance(value, dict) and "secure" in value:
            raise ConfigurationError(
                f"{key} in {file.name} is encrypted, and the sandbox has no key: give a value for"
                f" the sandbox with --config {key}=..."
            )
    return merged


def as_text(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration as Pulumi hands it to the program: text, JSON for the rest.

    Args:
        config: key -> value, as `configuration` returns it; the project's defaults are added.
    """
    # A key of the project has a default, one of a provider a value.
    defaults = {
        key: schema.get("default", schema.get("value"))
        for key, schema in project().get("config", {}).items()
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in {**_named(defaults), **config}.items()
    }


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    name = project()["name"]
    return {key if ":" in key else f"{name}:{key}": value for key, value in config.items()}
