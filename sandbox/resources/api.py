"""AWS's API as botocore's model describes it: what a call takes, and how that is spelt."""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore import xform_name

_SESSION = botocore.session.get_session()
_EMPTY: Mapping[str, object] = {"string": "", "list": [], "structure": {}, "boolean": False}
_NO_INPUTS = {"DryRun", "ClientToken", "ClientRequestToken"}
_TAGS = "TagSpecifications"
"""How EC2's creating calls take tags: for each kind of resource that the call makes."""


class Call:
    """A call of AWS's, and which properties of a resource it takes as which argument.

    A property is the argument of the same name, or that which `names` gives it.
    """

    def __init__(self, service: str, operation: str, names: Mapping[str, str]) -> None:
        """Look the call up.

        Args:
            service: boto3's name of it.
            operation: boto3's name of the call.
            names: property -> the argument's name, with dots where it is nested. Where calls
                differ in it: several, separated by spaces; the first that the call has counts.
                The property `id` also goes where the call takes several ids (`VpcIds`).
        """
        self.operation = operation
        self._shape = _operations(service)[operation].input_shape
        members = self._shape.members
        self._paths: dict[str, list[str]] = {}
        for name, text in names.items():
            plurals = [f"{argument}s" for argument in text.split()] if name == "id" else []
            paths = [argument.split(".") for argument in (*text.split(), *plurals)]
            self._paths |= {name: path for path in reversed(paths) if path[0] in members}
        others = members.keys() - {path[0] for path in self._paths.values()} - _NO_INPUTS
        self._paths |= {camel(name): [name] for name in others}
        if _TAGS in members:
            self._paths["tags"] = self._paths.pop(camel(_TAGS))

    @property
    def takes(self) -> frozenset[str]:
        """The properties that it takes."""
        return frozenset(self._paths)

    @property
    def needs(self) -> frozenset[str]:
        """The properties that it cannot do without."""
        required = self._shape.required_members
        return frozenset(name for name, path in self._paths.items() if path[0] in required)

    def arguments(self, properties: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
        """Return what to call it with: the properties that it takes.

        Args:
            properties: by Pulumi's names; those that it does not take are left out.
            kind: EC2's name of the kind of resource, for its tags.

        Raises:
            ValueError: a nested name is none of the API's.
        """
        result: dict[str, Any] = {}
        for name in self._paths.keys() & properties.keys():
            *parents, last = self._paths[name]
            target = result
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = self.spelt(name, properties[name])
            if last == _TAGS:
                tags = {"ResourceType": kind, "Tags": target.pop(_TAGS)}
                target |= {_TAGS: [tags]} if tags["Tags"] else {}
        return result

    def spelt(self, name: str, value: object) -> Any:  # noqa: ANN401 - any JSON
        """Return a property's value as the call takes it; None: what says that there is none."""
        shape = self._shape
        for part in self._paths[name]:
            shape = shape.members[part]
        if self._paths[name] == [_TAGS]:
            shape = shape.member.members["Tags"]
        return _EMPTY[shape.type_name] if value is None else _spelt(value, shape)


@functools.cache
def _operations(service: str) -> Mapping[str, Any]:
    model = _SESSION.get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def camel(name: str) -> str:
    """Spell an API's name as Pulumi does: `enableECSManagedTags` -> `enableEcsManagedTags`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name.replace("GiB", "Gib"))
    return words[0].lower() + "".join(word.capitalize() for word in words[1:])


def _spelt(value: Any, shape: Any) -> Any:  # noqa: ANN401 - any JSON, botocore's shapes
    kind = shape.type_name
    if kind in ("structure", "list") and isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)  # Pulumi has it as a document
    if kind == "list" and isinstance(value, Mapping) and {"key", "value"} <= _lower(shape):
        names = {member.lower(): member for member in shape.member.members}
        return [  # tags
            {names["key"]: key} | ({} if content is None else {names["value"]: content})
            for key, content in value.items()
        ]
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [_spelt(item, shape.member) for item in items]
    if kind == "structure":
        return _structure(value, shape)
    if isinstance(value, bool) and "ENABLED" in getattr(shape, "enum", ()):
        return "ENABLED" if value else "DISABLED"
    return value


def _lower(shape: Any) -> frozenset[str]:  # noqa: ANN401 - botocore's shapes
    """Return the names of a list's structures in small letters."""
    return frozenset(member.lower() for member in getattr(shape.member, "members", ()))


def _structure(value: Any, shape: Any) -> Any:  # noqa: ANN401 - any JSON, botocore's shapes
    if isinstance(value, list):  # a block that is there once
        value = value[0] if value else {}
    if not isinstance(value, Mapping):  # the API has a box around it
        value = {camel(next(iter(shape.members))): value}
    names = {camel(name): name for name in shape.members} | {name: name for name in shape.members}
    unknown = sorted(value.keys() - names.keys())
    if unknown:
        raise ValueError(
            f"AWS's {shape.name} has no {', '.join(map(repr, unknown))}: expected some of"
            f" {', '.join(sorted(map(camel, shape.members)))}"
        )
    return {
        names[name]: _spelt(item, shape.members[names[name]])
        for name, item in value.items()
        if item is not None
    }


def same(sent: Any, seen: Any) -> bool:  # noqa: ANN401 - any JSON
    """Say whether AWS has what was sent; it adds members, and its lists have no order."""
    if isinstance(sent, Mapping) and isinstance(seen, Mapping):
        return all(same(value, seen.get(name)) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(seen, list):
        return len(sent) == len(seen) and all(any(same(it, one) for one in seen) for it in sent)
    if sent != seen and isinstance(sent, str) and sent[:1] in ("[", "{"):
        document = json.loads(seen) if isinstance(seen, str) else seen
        return bool(json.loads(sent) == document)
    return bool(sent == seen)


def as_given(seen: Any, given: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what AWS has in the form that the program has given it in."""
    if isinstance(given, str) and isinstance(seen, Mapping | list):
        return json.dumps(seen)
    if isinstance(given, bool) and isinstance(seen, str):
        return seen == "ENABLED"
    if isinstance(given, list) and isinstance(seen, Mapping):
        return [as_given(seen, given[0] if given else {})]
    if isinstance(given, Mapping) and isinstance(seen, Mapping):
        named = {camel(name): value for name, value in seen.items()}
        return {name: as_given(named.get(name), value) for name, value in given.items()}
    return seen
