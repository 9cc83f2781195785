"""What an entry of the table of resource types is made of."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.emulator import Emulator

Inputs = Mapping[str, Any]
"""A resource's inputs as the program gave them, by Pulumi's names (camel case)."""


@dataclass(frozen=True)
class ImageSource:
    """What a container image is built from."""

    context: Path
    dockerfile: Path
    build_args: Mapping[str, str]


@dataclass(frozen=True)
class Account:
    """Where resources are made."""

    emulator: Emulator
    default_tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of every resource that can have tags: the provider's `defaultTags`."""

    images: dict[str, ImageSource] = field(default_factory=dict)
    """Image reference by digest -> what it is built from: the contents of the registry."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients are made at run time
        """Return the administrator's boto3 client of an AWS service."""
        return self.emulator.client(service)


class Created(NamedTuple):
    """A resource that has just been made."""

    id: str
    """What Pulumi calls the resource's id."""

    outputs: Mapping[str, Any]
    """Output properties, by Pulumi's names, that are not simply the inputs."""


@dataclass(frozen=True)
class ResourceType:
    """How a type of resource is made in the emulator, and what AWS adds to it."""

    create: Callable[[Account, Inputs], Created]
    """Makes the resource; the inputs have defaults, name and tags filled in."""

    inputs: frozenset[str]
    """The inputs that are applied. Any other one is an error, never dropped in silence."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the provider assumes for an input that is not given."""

    name_input: str | None = None
    """The input that is the physical name, made from the logical one when it is not given."""

    taggable: bool = False
    """It has an input `tags`, into which the provider's default tags go."""

    secret_outputs: frozenset[str] = frozenset()
    """Outputs that the provider marks as secret."""

    def fill_in(self, account: Account, logical_name: str, inputs: Inputs) -> dict[str, Any]:
        """Return the inputs as the provider completes them before it makes the resource.

        Raises:
            ValueError: an input that this entry does not know.
        """
        unknown = sorted(
            key for key, value in inputs.items() if value is not None and key not in self.inputs
        )
        if unknown:
            raise ValueError(
                f"the sandbox does not know its input {', '.join(map(repr, unknown))}:"
                f" expected some of {', '.join(sorted(self.inputs))}."
                " Add it to the type's entry in sandbox/resources/"
            )
        given = {key: value for key, value in inputs.items() if value is not None}
        filled = {**self.defaults, **given}
        if self.name_input:
            # As the provider's automatic names: the logical one and seven random digits.
            filled.setdefault(self.name_input, f"{logical_name}-{secrets.token_hex(4)[:7]}")
        if self.taggable:
            filled["tags"] = {**account.default_tags, **filled.get("tags", {})}
        return filled


def inputs(names: str) -> frozenset[str]:
    """Split a list of input names."""
    return frozenset(names.split())


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[Any]:
    """Tags as most of AWS's APIs take them; ECS spells `key` and `value` small."""
    return [{key: name, value: content} for name, content in tags.items()]


def tag_specification(kinds: Sequence[str], tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tags as EC2's creating calls take them: for each kind of resource that the call makes."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in kinds] if tags else []


def to_api(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Spell the keys of nested inputs as ECS's API does; they differ from Pulumi's in nothing else.

    Inputs that are not given (None) are left out.
    """
    if isinstance(value, Mapping):
        return {key: to_api(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [to_api(item) for item in value]
    return value


def pascal(inputs_: Inputs, names: str) -> dict[str, Any]:
    """Pick inputs for an API that spells them with a capital: `cidrBlock` -> `CidrBlock`.

    Args:
        inputs_: where to look.
        names: inputs to pick, separated by spaces; those that are not given are left out.
    """
    return {name[0].upper() + name[1:]: inputs_[name] for name in names.split() if name in inputs_}
