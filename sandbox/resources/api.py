"""AWS's API as botocore's model describes it: what a call takes, and how that is spelt."""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from botocore import xform_name

from sandbox.emulator import SESSION

_NO_PROPERTIES = {"DryRun", "ClientToken", "ClientRequestToken"}
_PAIRS = (("key", "value"), ("tagkey", "tagvalue"), ("name", "value"))
"""How the API spells what Pulumi has as a mapping: tags, KMS's tags, dimensions of a metric."""
_TAGS = "TagSpecifications"
"""How EC2's creating calls take tags: for each kind of resource that a call makes."""


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
        self._shape = operations(service)[operation].input_shape
        members = self._shape.members
        self._paths: dict[str, list[str]] = {}
        for name, text in names.items():
            plurals = [f"{argument}s" for argument in text.split()] if name == "id" else []
            paths = [argument.split(".") for argument in (*text.split(), *plurals)]
            found = [path for path in paths if path[0] in members]
            self._paths |= {name: found[0]} if found else {}
        others = members.keys() - {path[0] for path in self._paths.values()} - _NO_PROPERTIES
        self._paths |= {"tags" if it == _TAGS else camel(it): [it] for it in others}
        self.takes = frozenset(self._paths)
        """The properties that it takes."""
        required = self._shape.required_members
        self.needs = frozenset(name for name, it in self._paths.items() if it[0] in required)
        """The properties that it cannot do without."""

    def arguments(self, properties: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
        """Return what to call it with: of some properties, those that it takes.

        Args:
            properties: by Pulumi's names; None: not given any more.
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
        if _TAGS in result:
            tags = {"ResourceType": kind, "Tags": result.pop(_TAGS)}
            result |= {_TAGS: [tags]} if tags["Tags"] else {}
        return result

    def spelt(self, name: str, value: object) -> Any:  # noqa: ANN401 - any JSON
        """Return a property's value as the call takes it; None: what says that there is none."""
        shape = self.shape(name)
        empty = {"string": "", "list": [], "structure": {}, "boolean": False}
        return empty[shape.type_name] if value is None else _spelt(value, shape)

    def shape(self, name: str) -> Any:  # noqa: ANN401 - botocore's
        """Return botocore's description of the argument that a property is."""
        shape = self._shape
        for part in self._paths[name]:
            shape = shape.members[part]
        return shape.member.members["Tags"] if self._paths[name] == [_TAGS] else shape


@functools.cache
def operations(service: str) -> Mapping[str, Any]:
    """Return a service's calls, by boto3's names."""
    model = SESSION.get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def camel(name: str) -> str:
    """Spell an API's name as Pulumi does: `enableECSManagedTags` -> `enableEcsManagedTags`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name.replace("GiB", "Gib"))
    return "".join([words[0].lower(), *(word.capitalize() for word in words[1:])])


def _spelt(value: Any, shape: Any) -> Any:  # noqa: ANN401 - any JSON, botocore's shapes
    kind = shape.type_name
    if kind in ("structure", "list") and isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)  # Pulumi has it as a document
    if kind == "list":
        names = {member.lower(): member for member in getattr(shape.member, "members", ())}
        pair = [names[name] for pair in _PAIRS if set(pair) <= names.keys() for name in pair]
        if isinstance(value, Mapping) and pair:
            key, of_key, *_ = pair
            return [{key: k} | ({} if v is None else {of_key: v}) for k, v in value.items()]
        return [_spelt(it, shape.member) for it in (value if isinstance(value, list) else [value])]
    if kind == "structure":
        return _structure(value, shape)
    if isinstance(value, bool) and "ENABLED" in getattr(shape, "enum", ()):
        return "ENABLED" if value else "DISABLED"
    return value


def _structure(value: Any, shape: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    names = {_short(name): name for name in shape.members}
    names |= {camel(name): name for name in shape.members} | {name: name for name in shape.members}
    if isinstance(value, list):  # a block that is there once
        value = value[0] if value else {}
    if not isinstance(value, Mapping):  # the API has a box around it
        value = {next(iter(names)): value}
    unknown = sorted(value.keys() - names.keys())
    if unknown:
        raise ValueError(
            f"AWS's {shape.name} has no {', '.join(map(repr, unknown))}: expected some of"
            f" {', '.join(sorted(map(camel, shape.members)))}"
        )
    given = {names[name]: item for name, item in value.items() if item is not None}
    return {name: _spelt(item, shape.members[name]) for name, item in given.items()}


def _short(name: str) -> str:
    """Spell a member as Pulumi does where the API adds a word: `RedirectConfig` -> `redirect`."""
    return camel(name.removesuffix("Config"))


def same(sent: Any, seen: Any) -> bool:  # noqa: ANN401 - any JSON
    """Say whether AWS has what was sent; it adds members, and its lists have no order."""
    if isinstance(sent, Mapping) and isinstance(seen, Mapping):
        return all(same(value, seen.get(name)) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(seen, list):
        return len(sent) == len(seen) and all(any(same(it, one) for one in seen) for it in sent)
    if sent != seen and isinstance(sent, str) and sent[:1] in ("[", "{"):
        return bool(json.loads(sent) == (json.loads(seen) if isinstance(seen, str) else seen))
    return bool(sent == seen)


def as_given(seen: Any, given: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what AWS has in the form that the program has given it in; None: any."""
    result = seen
    if isinstance(given, str) and isinstance(seen, Mapping | list):
        result = json.dumps(seen)
    elif isinstance(given, bool) and isinstance(seen, str):
        result = seen == "ENABLED"
    elif isinstance(given, list) and isinstance(seen, Mapping):
        result = [as_given(seen, given[0] if given else None)]
    elif isinstance(seen, Mapping):
        named = {_short(name): value for name, value in seen.items()}
        named |= {camel(name): value for name, value in seen.items()}
        of_it = dict.fromkeys(named) if given is None else given
        result = {name: as_given(named.get(name), value) for name, value in of_it.items()}
    elif isinstance(seen, list) and given is None:
        result = [as_given(value, None) for value in seen]
    return result
