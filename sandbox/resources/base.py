"""What an entry of the table of resource types is made of."""

import contextlib
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from sandbox.emulator import Emulator
from sandbox.resources import tagging
from sandbox.resources.tagging import Tagger, tag_list

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


class GoneError(Exception):
    """The resource is not in AWS any more."""


def _as_recorded(_account: Account, _identifier: str, _state: Inputs) -> Mapping[str, Any]:
    return {}


def _nothing_to_delete(_account: Account, _identifier: str, _state: Inputs) -> None:
    pass


@dataclass(frozen=True)
class ResourceType:
    """How a type of resource lives in the emulator, and what AWS adds to it.

    A resource's properties (its "state") are its inputs as completed and, over them, its outputs.
    """

    create: Callable[[Account, Inputs], Created]
    """Makes the resource; the inputs have defaults, name and tags filled in."""

    inputs: frozenset[str]
    """The inputs that are applied. Any other one is an error, never dropped in silence."""

    read: Callable[[Account, str, Inputs], Mapping[str, Any]] = _as_recorded
    """Id, state -> properties as AWS has them now; those that it does not return are as recorded.

    Raises `GoneError`, or lets AWS's own error pass. Default: it exists in the state only."""

    delete: Callable[[Account, str, Inputs], object] = _nothing_to_delete
    """Id, state: removes the resource; AWS's error that it is gone may pass.

    Default: it exists in the state only."""

    required: frozenset[str] = frozenset()
    """The inputs that must be given."""

    updatable: frozenset[str] = frozenset()
    """The inputs that `update` changes in place; a change of any other one replaces."""

    update: Callable[[Account, str, Inputs, Inputs], Mapping[str, Any]] | None = None
    """Id, state, new inputs: makes the resource so, and returns the outputs that changed.

    Default: nothing to do in AWS; the inputs say what a later call does."""

    replaces: Callable[[str, Inputs, Inputs], bool] = lambda _name, _state, _new: False
    """Of an updatable input, by name: whether this change of it replaces all the same."""

    changing_outputs: frozenset[str] = frozenset()
    """Outputs that are not known before an update has been made."""

    computed: frozenset[str] = frozenset()
    """Inputs that AWS chooses when they are not given: leaving them out is no change."""

    not_compared: frozenset[str] = frozenset()
    """Inputs whose change is no change of the resource, such as a login that is always new."""

    delete_before_replace: bool = False
    """The old and the new one cannot be there at the same time."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the provider assumes for an input that is not given."""

    name_input: str | None = None
    """The input that is the physical name, made from the logical one when it is not given."""

    taggable: bool = False
    """It has an input `tags`, into which the provider's default tags go."""

    tagger: Tagger = tagging.EC2
    """How its tags are read and changed, if it is taggable."""

    secret_outputs: frozenset[str] = frozenset()
    """Outputs that the provider marks as secret."""

    def problems(self, inputs_: Inputs) -> dict[str, str]:
        """Return input -> what is wrong with it: unknown ones, and required ones left out."""
        given = {key for key, value in inputs_.items() if value is not None}
        unknown = {
            key: f"the sandbox does not know its input {key!r}: expected some of"
            f" {', '.join(sorted(self.inputs))}. Add it to the type's entry in sandbox/resources/"
            for key in sorted(given - self.inputs)
        }
        missing = {
            key: f"its input {key!r} is missing: expected a value; it needs"
            f" {', '.join(sorted(self.required))}"
            for key in sorted(self.required - given)
        }
        return unknown | missing

    def fill_in(
        self, account: Account, logical_name: str, inputs_: Inputs, before: Inputs | None = None
    ) -> dict[str, Any]:
        """Return the inputs as the provider completes them before it makes the resource.

        Args:
            account: whose default tags to add.
            logical_name: the resource's name in the program.
            inputs_: as the program gives them.
            before: the inputs as completed for the resource that exists; it keeps its name.

        Raises:
            ValueError: an input that this entry does not know, or a required one left out.
        """
        problems = self.problems(inputs_)
        if problems:
            raise ValueError("; ".join(problems.values()))
        given = {key: value for key, value in inputs_.items() if value is not None}
        filled = {**self.defaults, **given}
        if self.name_input and self.name_input not in filled:
            old = (before or {}).get(self.name_input, "")
            filled[self.name_input] = (
                old if _is_automatic(old, logical_name) else _automatic(logical_name)
            )
        if self.taggable:
            filled["tags"] = {**account.default_tags, **filled.get("tags", {})}
        return filled

    def make(self, account: Account, given: Inputs) -> Created:
        """Make the resource, and return all its properties.

        Args:
            account: where to make it.
            given: the inputs as `fill_in` completes them.
        """
        created = self.create(account, given)
        return Created(created.id, {**given, **self._all_tags(given), **created.outputs})

    def look(self, account: Account, identifier: str, state: Inputs) -> dict[str, Any] | None:
        """Return the resource's properties as they are now, or None when it is gone."""
        try:
            seen = dict(self.read(account, identifier, state))
            if self.taggable:
                tags = self.tagger.read(account, identifier, {**state, **seen})
                seen["tags"] = {k: v for k, v in tags.items() if not k.startswith("aws:")}
        except GoneError:
            return None
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        now = {**state, **self._all_tags(seen)}
        for name, value in seen.items():
            if value is None:
                now.pop(name, None)
            elif value not in ("", [], {}) or name in state:  # AWS's empty is as good as not given
                now[name] = value
        return now

    def changes(self, state: Inputs, given: Inputs) -> dict[str, bool]:
        """Compare a resource with what it should be.

        Args:
            state: its properties.
            given: the inputs that it should have, as `fill_in` completes them.

        Returns:
            Input that differs -> whether its change replaces the resource.
        """
        in_place = self.updatable | ({"tags"} if self.taggable else frozenset())
        return {
            name: name not in in_place or self.replaces(name, state, given)
            for name in sorted(self.inputs - self.not_compared)
            if (state.get(name) or None) != (given.get(name) or None)
            and not (name in self.computed and given.get(name) is None)
        }

    def change(
        self, account: Account, identifier: str, state: Inputs, given: Inputs
    ) -> dict[str, Any]:
        """Change the resource in place to what the inputs say, and return all its properties."""
        changed = self.changes(state, given).keys()
        outputs: Mapping[str, Any] = {}
        if self.update and changed - {"tags"}:
            outputs = self.update(account, identifier, state, given)
        if "tags" in changed:
            self._change_tags(account, identifier, state, given["tags"])
        return {**self.changed_state(state, given), **outputs}

    def changed_state(self, state: Inputs, given: Inputs) -> dict[str, Any]:
        """Return the properties after a change in place, as far as they are known before it."""
        kept = {
            name: value
            for name, value in state.items()
            if name not in self.inputs or name in self.computed
        }
        return {**kept, **given, **self._all_tags(given)}

    def remove(self, account: Account, identifier: str, state: Inputs) -> None:
        """Remove the resource; it may be gone already."""
        with contextlib.suppress(GoneError), unless_gone():
            self.delete(account, identifier, state)

    def needs_delete_first(self, logical_name: str, state: Inputs, given: Inputs) -> bool:
        """Say whether a replacement is only possible once the old one is gone.

        So it is when both have the same name, which somebody chose.
        """
        if self.delete_before_replace:
            return True
        name = given.get(self.name_input or "", "")
        return (
            bool(name)
            and name == state[self.name_input or ""]
            and not _is_automatic(name, logical_name)
        )

    def _all_tags(self, given: Inputs) -> dict[str, Any]:
        return {"tagsAll": given["tags"]} if self.taggable else {}

    def _change_tags(
        self, account: Account, identifier: str, state: Inputs, tags: Mapping[str, str]
    ) -> None:
        before = state.get("tags") or {}
        removed = sorted(before.keys() - tags.keys())
        added = {key: value for key, value in tags.items() if before.get(key) != value}
        if removed:
            self.tagger.remove(account, identifier, state, removed)
        if added:
            self.tagger.add(account, identifier, state, added)


def _automatic(logical_name: str) -> str:
    """Return a physical name as the provider's: the logical one and seven random digits."""
    return f"{logical_name}-{secrets.token_hex(4)[:7]}"


def _is_automatic(name: str, logical_name: str) -> bool:
    return re.fullmatch(re.escape(logical_name) + "-[0-9a-f]{7}", name) is not None


def is_gone(error: ClientError) -> bool:
    """Say whether AWS refused because there is no such resource; each service has own codes."""
    code = error.response["Error"]["Code"]
    return "NotFound" in code or code == "NoSuchEntity"


@contextlib.contextmanager
def unless_gone() -> Iterator[None]:
    """Let AWS's error pass that there is no such resource."""
    try:
        yield
    except ClientError as error:
        if not is_gone(error):
            raise


@contextlib.contextmanager
def undone_on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Complete a resource that was just made; when that fails, take it back, so none is lost."""
    try:
        yield
    except Exception:
        undo()
        raise


def only(found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the one resource that was found.

    Raises:
        GoneError: there is none.
    """
    if not found:
        raise GoneError
    return found[0]


def as_recorded_set(seen: Sequence[str], recorded: Sequence[str] | None) -> Sequence[str]:
    """Return names that have no order in AWS: as they were recorded, if they are the same."""
    same = recorded is not None and sorted(seen) == sorted(recorded)
    return recorded if recorded is not None and same else sorted(seen)


def as_document(document: object, recorded: str) -> str:
    """Return a JSON document of AWS's as text: as it was given, if it still says the same."""
    same = recorded and json.loads(recorded) == document
    return recorded if same else json.dumps(document)


def inputs(names: str) -> frozenset[str]:
    """Split a list of input names."""
    return frozenset(names.split())


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
