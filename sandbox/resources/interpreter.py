"""What an entry of the table of resource types says, and how that is carried out."""

import functools
import re
import secrets
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jmespath  # type: ignore[import-untyped]

from sandbox.resources import api
from sandbox.resources.base import Account, GoneError, Inputs, Step, unless_gone


class Created(NamedTuple):
    """A resource that has just been made."""

    id: str
    """What Pulumi calls the resource's id."""

    properties: Mapping[str, Any]
    """All of them: the inputs as completed, and the outputs."""


class _Tagging(NamedTuple):
    """A service's calls for tags; none to read them: a resource's description has them."""

    add: str = "tag_resource"
    remove: str = "untag_resource"
    read: str = "list_tags_for_resource"


_TAGGING = {
    "ec2": _Tagging("create_tags", "delete_tags", ""),
    "iam": _Tagging("tag_{kind}", "untag_{kind}", ""),
    "secretsmanager": _Tagging(read=""),
}
_TAGS = "Tags || tags || `[]`"
_GONE = {"deleted", "Deleted", "INACTIVE", "terminated"}
"""States of what AWS still describes for a while."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ResourceType:
    """How a type of resource lives in the emulator, and what AWS adds to it.

    What a call takes is read from AWS's model (`api.Call`), and it gets all inputs that it takes.
    What neither the creating, an updating nor the deleting call takes, nor a step, is refused.

    An input changes in place if an updating call takes it, and the reading and the deleting one,
    whose arguments say which resource is meant, do not. Any other change replaces.

    Answers are looked into with JMESPath, as in `aws --query`. Text with braces is first filled
    in, from the properties, the answer, and `id`, `kind`, `region` and `account`.
    """

    service: str = ""
    """boto3's name of it."""

    kind: str = ""
    """What ARNs, and calls for tags, name the kind of resource."""

    create: str | Callable[[Account, Inputs], Mapping[str, Any]]
    """The creating call, or code in its place."""

    id: str
    """Where the id is in the answer, or a text with braces."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Property -> the API's names of it, where they differ; as for `api.Call`."""

    constants: Mapping[str, object] = field(default_factory=dict)
    """Arguments that are always the same, by Pulumi's names, for all calls that take them."""

    arguments: Callable[[Account, Inputs], Mapping[str, Any]] | None = None
    """Arguments of the creating call that need code."""

    by_code: str = ""
    """Inputs that `create` or `arguments` applies: no call gets them by name."""

    ignored: str = ""
    """Inputs that mean nothing to the emulator."""

    required: str = ""
    """Inputs that must be given, besides those without which AWS's model allows no call."""

    defaults: Mapping[str, object] = field(default_factory=dict)
    """What the provider assumes for an input that is not given."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    """Output -> where it is in the answer. If it is an input, too, AWS chooses what is not given."""

    secret_outputs: frozenset[str] = frozenset()
    """Outputs that the provider marks as secret."""

    changing_outputs: frozenset[str] = frozenset()
    """Outputs that are not known before an update has been made."""

    read: str | Callable[[Account, str, Inputs], Mapping[str, Any]] = ""
    """The reading call, or code in its place. None: it is in the state only."""

    found: str = "@"
    """Where the resource is in the reading call's answer."""

    seen: Mapping[str, str] = field(default_factory=dict)
    """Property -> where it is in what was found; there, none means that it is not given any more.

    Other inputs are found by name; those that are not are as recorded."""

    update: tuple[str | Step, ...] = ()
    """What changes it in place. A step also follows the creation, and so does a call that takes
    what the creating one does not."""

    delete: str | Step = ""
    """The deleting call. None: it stays, as the provider leaves it."""

    replaces: Callable[[str, Inputs, Inputs], bool] = lambda _name, _before, _after: False
    """Of an input that changes in place, by name: whether this change of it replaces."""

    delete_before_replace: bool = False
    """The old and the new one cannot be there at the same time."""

    @functools.cached_property
    def inputs(self) -> frozenset[str]:
        """All inputs that are applied; any other one is an error."""
        calls = (self.create, *self.update, self.delete)
        taken = [self._taken(call) for call in calls]
        return frozenset((self.by_code + " " + self.ignored).split()).union(*taken)

    @functools.cached_property
    def _in_place(self) -> frozenset[str]:
        updating = frozenset[str]().union(*map(self._taken, self.update))
        deleting = self._taken(self.delete)
        which = self._taken(self.read) | (
            frozenset() if isinstance(self.delete, Step) else deleting
        )
        only_deleting = deleting - self._taken(self.create)
        return (updating - which) | only_deleting | {"tags"}

    @functools.cached_property
    def _required(self) -> frozenset[str]:
        needs = self._call(self.create).needs if isinstance(self.create, str) else frozenset()
        return (needs & self.inputs - {"name", *self.defaults}) | frozenset(self.required.split())

    @property
    def taggable(self) -> bool:
        """Whether it has an input `tags`, into which the provider's default tags go."""
        return "tags" in self.inputs

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
            f" {', '.join(sorted(self._required))}"
            for key in sorted(self._required - given)
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
        if "name" in self.inputs and "name" not in filled:
            old = (before or {}).get("name", "")
            automatic = _is_automatic(old, logical_name)
            filled["name"] = old if automatic else f"{logical_name}-{secrets.token_hex(4)[:7]}"
        if self.taggable:
            filled["tags"] = {**account.default_tags, **filled.get("tags", {})}
        return filled

    def make(self, account: Account, given: Inputs) -> Created:
        """Make the resource; what is half made when something fails is removed.

        Args:
            account: where to make it.
            given: the inputs as `fill_in` completes them.
        """
        if isinstance(self.create, str):
            extra = self.arguments(account, given) if self.arguments else {}
            answer = self._do(account, self.create, given, extra)
        else:
            answer = self.create(account, given)
        identifier = self._find(account, self.id, answer, given)
        if not identifier:
            raise ValueError(f"{self.create} has made nothing: {answer}")
        scope = {**given, "id": identifier}
        outputs = {
            name: self._find(account, where, answer, scope) for name, where in self.outputs.items()
        }
        state = {**outputs, **given, **self._all_tags(given)}
        try:
            for call in self.update:
                if isinstance(call, Step):
                    state |= call.apply(account, identifier, {}, state) or {}
                elif more := given.keys() & self._taken(call) - self._taken(self.create):
                    self._change(account, call, identifier, given, more)
        except Exception:
            self.remove(account, identifier, state)
            raise
        return Created(identifier, state)

    def look(self, account: Account, identifier: str, state: Inputs) -> dict[str, Any] | None:
        """Return the resource's properties as they are now, or None when it is gone."""
        with unless_gone():
            item = self._item(account, identifier, state)
            named = {api.camel(key): value for key, value in item.items()}
            now = dict(state)
            for name in (self.inputs & state.keys()) - self.seen.keys() - {"tags"}:
                paths = self.names.get(name, "").split()
                found = [jmespath.search(path, item) for path in paths] + [named.get(name)]
                value = next((it for it in found if it is not None), None)
                now[name] = state[name] if value is None else self._as_given(name, value, state)
            for name, where in self.seen.items():
                value = jmespath.search(where, item)
                now.pop(name, None)
                if value is not None and (value not in ("", []) or name in state):
                    now[name] = self._as_given(name, value, state)
            if self.taggable:
                now["tags"] = self._tags(account, identifier, state, item)
            return now | self._all_tags(now)
        return None

    def changes(self, state: Inputs, given: Inputs) -> dict[str, bool]:
        """Compare a resource with what it should be.

        Args:
            state: its properties.
            given: the inputs that it should have, as `fill_in` completes them.

        Returns:
            Input that differs -> whether its change replaces the resource.
        """
        return {
            name: name not in self._in_place or self.replaces(name, state, given)
            for name in sorted(self.inputs & (state.keys() | given.keys()))
            if (state.get(name) or None) != (given.get(name) or None)
            and name not in self.ignored.split()
            and not (name in self.outputs and given.get(name) is None)
        }

    def change(
        self, account: Account, identifier: str, state: Inputs, given: Inputs
    ) -> dict[str, Any]:
        """Change the resource in place to what the inputs say, and return all its properties."""
        changed = self.changes(state, given).keys()
        after = self.changed_state(state, given)
        for call in self.update:
            concerned = changed & self._taken(call)
            if concerned and isinstance(call, Step):
                after |= call.apply(account, identifier, state, after) or {}
            elif concerned and isinstance(call, str):
                self._change(account, call, identifier, given, concerned)
        if "tags" in changed:
            self._change_tags(account, identifier, state, given["tags"])
        return after

    def changed_state(self, state: Inputs, given: Inputs) -> dict[str, Any]:
        """Return the properties after a change in place, as far as they are known before it."""
        kept = {
            name: value
            for name, value in state.items()
            if name not in self.inputs or name in self.outputs
        }
        return {**kept, **given, **self._all_tags(given)}

    def remove(self, account: Account, identifier: str, state: Inputs) -> None:
        """Remove the resource; it may be gone already."""
        with unless_gone():
            self._item(account, identifier, state)  # some services refuse what is gone otherwise
            for step in (*reversed(self.update), self.delete):
                if isinstance(step, Step) and (step.undone or step is self.delete):
                    step.apply(account, identifier, state, {})
            if self.delete and isinstance(self.delete, str):
                self._do(account, self.delete, {**state, "id": identifier})

    def needs_delete_first(self, logical_name: str, state: Inputs, given: Inputs) -> bool:
        """Say whether a replacement is only possible once the old one is gone.

        So it is when both have the same name, which somebody chose.
        """
        name = given.get("name")
        chosen = bool(name) and name == state["name"] and not _is_automatic(name, logical_name)
        return self.delete_before_replace or chosen

    @functools.cache  # noqa: B019 - there are as many types as entries of the table
    def _call(self, operation: str) -> api.Call:
        return api.Call(self.service, operation, self.names)

    def _taken(self, call: object) -> frozenset[str]:
        """Return the inputs that a call or a step takes."""
        if isinstance(call, Step):
            return frozenset(call.inputs.split())
        if not call or not isinstance(call, str):
            return frozenset()
        no_inputs = {"id", *self.constants, *(self.names.keys() & self.outputs.keys())}
        return self._call(call).takes - no_inputs - frozenset(self.by_code.split())

    def _do(
        self, account: Account, operation: str, properties: Inputs, extra: Inputs | None = None
    ) -> Mapping[str, Any]:
        """Make a call with all the inputs that it takes."""
        known = self.inputs.union(self.names) - frozenset(self.by_code.split())
        scope = {name: value for name, value in properties.items() if name in known}
        arguments = self._call(operation).arguments({**self.constants, **scope}, self.kind)
        call = getattr(account.client(self.service), operation)
        answer: Mapping[str, Any] = call(**arguments, **(extra or {}))
        return answer

    def _change(
        self,
        account: Account,
        operation: str,
        identifier: str,
        given: Inputs,
        changed: Set[str],
    ) -> None:
        """Make an updating call."""
        if operation.endswith("_attribute"):  # EC2 takes one at a time
            for name in sorted(changed):
                self._do(account, operation, {"id": identifier, name: given.get(name)})
            return
        # A call that puts or replaces leaves out what is not given any more.
        emptied = changed if operation.startswith(("update_", "modify_")) else ()
        self._do(account, operation, {**dict.fromkeys(emptied), **given, "id": identifier})

    def _item(self, account: Account, identifier: str, state: Inputs) -> Mapping[str, Any]:
        """Return how AWS describes the resource.

        Raises:
            GoneError: it does not, or as gone.
        """
        if callable(self.read):
            item = self.read(account, identifier, state)
        elif self.read:
            answer = self._do(account, self.read, {**state, "id": identifier})
            where = self.found.format(**{**state, "id": identifier})
            item = jmespath.search(where, answer)
        else:
            return {}
        if not item or "DeletedDate" in item:
            raise GoneError
        if jmespath.search("State.Name || State || Status || status", item) in _GONE:
            raise GoneError
        return item

    def _as_given(self, name: str, value: object, state: Inputs) -> Any:  # noqa: ANN401 - any JSON
        """Return what AWS has as a property: as it is recorded, if it still says the same."""
        recorded = sent = state.get(name)
        if name in state and isinstance(self.create, str) and name in self._taken(self.create):
            sent = self._call(self.create).spelt(name, recorded)
        return recorded if api.same(sent, value) else api.as_given(value, recorded)

    def _find(self, account: Account, where: str, answer: Inputs, scope: Inputs) -> Any:  # noqa: ANN401
        if "{" not in where:
            return jmespath.search(where, answer)
        emulator = account.emulator
        about = {"region": emulator.region, "account": emulator.account_id, "kind": self.kind}
        return where.format(**{**answer, **scope, **about})

    def _all_tags(self, given: Inputs) -> dict[str, Any]:
        return {"tagsAll": given["tags"]} if self.taggable else {}

    def _tags(
        self, account: Account, identifier: str, state: Inputs, item: Mapping[str, Any]
    ) -> dict[str, str]:
        operation = _TAGGING.get(self.service, _Tagging()).read
        if operation:
            item = self._do_tagging(account, operation, identifier, state, {})
        found = jmespath.search(_TAGS, item)
        if isinstance(found, list):
            found = {
                tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in found
            }
        return {key: value for key, value in found.items() if not key.startswith("aws:")}

    def _change_tags(
        self, account: Account, identifier: str, state: Inputs, tags: Mapping[str, str]
    ) -> None:
        before = state.get("tags") or {}
        tagging = _TAGGING.get(self.service, _Tagging())
        removed = sorted(before.keys() - tags.keys())
        added = {key: value for key, value in tags.items() if before.get(key) != value}
        if removed:
            what = {"tagKeys": removed, "tags": dict.fromkeys(removed)}
            self._do_tagging(account, tagging.remove, identifier, state, what)
        if added:
            self._do_tagging(account, tagging.add, identifier, state, {"tags": added})

    def _do_tagging(
        self, account: Account, operation: str, identifier: str, state: Inputs, what: Inputs
    ) -> Mapping[str, Any]:
        call = self._call(operation.format(kind=self.kind))
        which = {"id": identifier, "resources": identifier, "resourceArn": state.get("arn")}
        arguments = call.arguments({**state, **which, **what})
        answer: Mapping[str, Any] = getattr(account.client(self.service), call.operation)(
            **arguments
        )
        return answer


def _is_automatic(name: str, logical_name: str) -> bool:
    return re.fullmatch(re.escape(logical_name) + "-[0-9a-f]{7}", name) is not None
