"""Configurations of a stack, as Pulumi hands them to the program, and what is said about them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from blocks import BLOCKS
from components.arguments import camel
from settings import Settings, SettingsError
from tests.components.examples import INGRESS as EXAMPLE
from tests.components.examples import MONITORED

Values = Mapping[str, Any]
"""Key -> text, or a block."""

INGRESS: Mapping[str, Any] = {
    camel(key): value
    for key, value in EXAMPLE.fewest.items()
    if camel(key) in BLOCKS["ingress"].knobs
}
"""A legal block: it has no defaults that are."""

SERVICE: Mapping[str, Any] = {
    camel(key): value
    for key, value in MONITORED.fewest.items()
    if camel(key) in BLOCKS["services"].knobs
}
"""A legal service: likewise."""

FARGATE: Mapping[str, Any] = {"capacity": "fargate"}
"""A cluster that is legal without a NAT gateway."""


def as_text(values: Values) -> dict[str, str]:
    """Values as Pulumi hands them over: text, JSON for a block."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}


def parse(values: Values | None = None, *, stack: str = "test", **options: Any) -> Settings:  # noqa: ANN401
    return Settings.parse(as_text(values or {}), stack=stack, **options)


def problems(values: Values, **options: Any) -> list[str]:  # noqa: ANN401
    """What is said about bad values, a line for each problem."""
    with pytest.raises(SettingsError) as error:
        parse(values, **options)
    first, *lines, last = str(error.value).splitlines()
    stack = options.get("stack", "test")
    assert first == (
        f"the configuration of stack {stack!r} has {len(lines)} problem(s); nothing was changed:"
    )
    assert last == (
        f"Fix it in Pulumi.{stack}.yaml or with `pulumi config set --path"
        " 'prometheus-aws:<block>.<key>' <value>`; docs/configuration.md has all the keys."
    )
    assert all(line.startswith("  - prometheus-aws:") for line in lines)
    return [line.removeprefix("  - prometheus-aws:") for line in lines]


def namespaced(values: Values) -> dict[str, str]:
    return {f"prometheus-aws:{key}": text for key, text in as_text(values).items()}
