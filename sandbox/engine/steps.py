"""What is to be done with a resource: pure decisions, as Pulumi's engine makes them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sandbox.engine.state import STACK_TYPE, Resource
from sandbox.engine.values import UNKNOWN


class Op(StrEnum):
    """What happens to a resource in a run."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    DELETE_REPLACED = "delete-replaced"
    """The second half of a replacement: the one that was replaced goes."""


class Step(NamedTuple):
    """One thing that was done, or in a preview, would be done."""

    op: Op
    type: str
    name: str
    changed: Sequence[str] = ()
    """Names of the properties that differ."""


@dataclass(frozen=True)
class Goal:
    """A resource as the program registers it."""

    urn: str
    type: str
    custom: bool
    inputs: Mapping[str, Any]
    parent: str = ""
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    provider: str = ""
    """`<URN>::<id>`; empty: the default one of the package."""
    version: str = ""
    """Of the package."""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    """Default: as the provider says."""
    ignore_changes: Sequence[str] = ()
    replace_on_changes: Sequence[str] = ()
    additional_secret_outputs: Sequence[str] = ()
    aliases: Sequence[str] = ()
    """URNs that it had before."""

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[3]


class Diff(NamedTuple):
    """What the provider says of the difference between a resource and its new inputs."""

    changes: bool
    replaces: Sequence[str] = ()
    changed: Sequence[str] = ()
    delete_before_replace: bool = False


def urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """Return a resource's unique name; a component's type is part of its children's."""
    above = parent.split("::")[2] if parent else STACK_TYPE
    qualified = type_ if above == STACK_TYPE else f"{above}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def package(token: str) -> str:
    """Return the package that a type or a function belongs to."""
    return token.split(":", 1)[0]


def decide(diff: Diff, replace_on_changes: Sequence[str]) -> Op:
    """Decide what to do with a resource that exists.

    Args:
        diff: what the provider says.
        replace_on_changes: paths whose change replaces the resource, whatever the provider says.
    """
    if not diff.changes:
        return Op.SAME
    forced = any(
        path == "*" or _path(name)[: len(_path(path))] == _path(path)
        for path in replace_on_changes
        for name in diff.changed
    )
    return Op.REPLACE if diff.replaces or forced else Op.UPDATE


def keep_ignored(
    new: Mapping[str, Any], old: Mapping[str, Any], ignored: Sequence[str]
) -> dict[str, Any]:
    """Return new inputs in which the ignored properties have their old values.

    Args:
        new: inputs from the program.
        old: inputs of the resource that exists.
        ignored: paths, such as `tags.owner` or `ingress[0].port`.
    """
    result = dict(new)
    for text in ignored:
        result = _graft(result, old, _path(text))
    return result


def _path(text: str) -> list[str | int]:
    return [
        int(index) if index else quoted or name
        for index, quoted, name in re.findall(r'\[(\d+)\]|\["([^"]*)"\]|([^.\[\]"]+)', text)
    ]


def _graft(new: Any, old: Any, path: list[str | int]) -> Any:  # noqa: ANN401 - any JSON
    """Return `new` with what `old` has at a path, or without it where `old` has nothing there."""
    if not path:
        return old
    key, rest = path[0], path[1:]
    if isinstance(new, dict) and isinstance(old, dict):
        if key in old:
            grafted = _graft(new.get(key), old[key], rest) if key in new or not rest else old[key]
            return {**new, key: grafted}
        return new if rest else {name: item for name, item in new.items() if name != key}
    lists = isinstance(new, list) and isinstance(old, list)
    if lists and isinstance(key, int) and key < min(len(new), len(old)):
        return [*new[:key], _graft(new[key], old[key], rest), *new[key + 1 :]]
    return new


def with_unknown(resource: Resource, doomed: set[str]) -> dict[str, Any] | None:
    """Return a resource's inputs with unknowns for what comes from resources that will go.

    None: nothing comes from them.
    """
    affected = {
        key: UNKNOWN
        for key, urns in resource.property_dependencies.items()
        if doomed.intersection(urns)
    }
    return {**resource.inputs, **affected} if affected else None


def deletion_order(resources: Sequence[Resource]) -> list[Resource]:
    """Order resources for deletion: dependents before what they depend on.

    Args:
        resources: in the order of a snapshot, in which each comes after its dependencies.
    """
    return list(reversed(resources))


def rename(resource: Resource, before: str, after: str) -> None:
    """Replace a URN wherever a resource names it."""
    resource.urn = after if resource.urn == before else resource.urn
    resource.parent = after if resource.parent == before else resource.parent
    provider, _, identifier = resource.provider.rpartition("::")
    resource.provider = f"{after}::{identifier}" if provider == before else resource.provider
    resource.dependencies = _renamed(resource.dependencies, before, after)
    resource.property_dependencies = {
        key: _renamed(urns, before, after) for key, urns in resource.property_dependencies.items()
    }


def _renamed(urns: Sequence[str], before: str, after: str) -> list[str]:
    return [after if urn == before else urn for urn in urns]
