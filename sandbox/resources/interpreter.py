"""How entries of the table of resource types are carried out."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import jmespath  # type: ignore[import-untyped]

from sandbox.resources import api
from sandbox.resources.base import Account, Inputs, Step, unless_gone
from sandbox.resources.entry import Entry


class Created(NamedTuple):
    """A resource that has just been made."""

    id: str
    """What Pulumi calls the resource's id."""

    properties: Mapping[str, Any]
    """All of them: the inputs as completed, and the outputs."""


class ResourceType(Entry):
    """A type of resource, in the emulator."""

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
            f" {', '.join(sorted(self.required_inputs))}"
            for key in sorted(self.required_inputs - given)
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
        filled = {**self.defaults, **{k: v for k, v in inputs_.items() if v is not None}}
        if self.named in self.inputs and self.named not in filled:
            old = (before or {}).get(self.named, "")
            automatic = _is_automatic(old, logical_name)
            filled[self.named] = old if automatic else f"{logical_name}-{secrets.token_hex(4)[:7]}"
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
            answer = self.do(
                account, self.create, given, self.arguments(self.client(account), given)
            )
        else:
            answer = self.create(self.client(account), given)
        identifier = self.find(account, self.id, answer, given)
        if not identifier:
            raise ValueError(f"{self.create} has made nothing: {answer}")
        scope = {**given, "id": identifier}
        outputs = {
            name: self.find(account, where, answer, scope) for name, where in self.outputs.items()
        }
        state = {**outputs, **given, **self._all_tags(given)}
        try:
            for call in self.update:
                if isinstance(call, Step):
                    state |= call.apply(self.client(account), identifier, {}, state) or {}
                elif more := (given.keys() & self.taken(call)) - self.taken(self.create):
                    self.do_update(account, call, scope, more)
        except Exception:
            self.remove(account, identifier, state)
            raise
        return Created(identifier, state)

    def look(self, account: Account, identifier: str, state: Inputs) -> dict[str, Any] | None:
        """Return the resource's properties as they are now, or None when it is gone.

        Without any `state`, they are all that AWS says: the resource is about to be imported.
        """
        with unless_gone():
            now = dict(state) or self.of_id(account, identifier)
            item = self.described(account, identifier, now)
            named = {api.camel(key): value for key, value in item.items()}
            if not state:
                last = {name: where.rpartition(".")[2] for name, where in self.outputs.items()}
                seen = {name: item[it] for name, it in last.items() if it in item}
                now = {**self.defaults, **seen, **now}
            known = now.keys() if state else self.inputs
            for name in (self.inputs & known) - self.seen.keys() - {"tags"}:
                paths = self.names.get(name, "").split()
                found = [jmespath.search(path, item) for path in paths] + [named.get(name)]
                value = next((it for it in found if it is not None), None)
                if value is not None:
                    now[name] = self.as_given(name, value, state)
            for name, where in self.seen.items():
                value = jmespath.search(where, item)
                now.pop(name, None)
                if value is not None and (value not in ("", []) or name in state):
                    now[name] = self.as_given(name, value, state)
            if self.taggable and self.reading:
                now["tags"] = self.tags(account, identifier, now, item)
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
            name: name not in self.in_place or self.replaces(name, state, given)
            for name in sorted(self.inputs.difference(self.ignored.split()))
            if (state.get(name) or None) != (given.get(name) or None)
            and not (name in self.outputs and given.get(name) is None)
        }

    def change(
        self, account: Account, identifier: str, state: Inputs, given: Inputs
    ) -> dict[str, Any]:
        """Change the resource in place to what the inputs say, and return all its properties."""
        changed = self.changes(state, given).keys()
        after = self.changed_state(state, given)
        for call in self.update:
            concerned = changed & self.taken(call)
            if concerned and isinstance(call, Step):
                after |= call.apply(self.client(account), identifier, state, after) or {}
            elif concerned and isinstance(call, str):
                self.do_update(account, call, {**given, "id": identifier}, concerned)
        if "tags" in changed and self.taggable:
            self.change_tags(account, identifier, state, given["tags"])
        return after

    def changed_state(self, state: Inputs, given: Inputs) -> dict[str, Any]:
        """Return the properties after a change in place, as far as they are known before it."""
        stays = state.keys() - (self.inputs - self.outputs.keys())
        return {**{name: state[name] for name in stays}, **given, **self._all_tags(given)}

    def remove(self, account: Account, identifier: str, state: Inputs) -> None:
        """Remove the resource; it may be gone already."""
        with unless_gone():
            # Some services do not say so when they are to delete what is gone.
            self.described(account, identifier, state)
            steps = [step for step in self.update if isinstance(step, Step) and step.undone]
            for step in (*reversed(steps), self.deleting):
                if isinstance(step, Step):
                    step.apply(self.client(account), identifier, state, {})
                elif step:
                    self.do(account, step, {**state, "id": identifier})

    def needs_delete_first(self, logical_name: str, state: Inputs, given: Inputs) -> bool:
        """Say whether a replacement is only possible once the old one is gone.

        So it is when both have the same name, which somebody chose.
        """
        name = given.get(self.named, "")
        chosen = (
            bool(name) and name == state.get(self.named) and not _is_automatic(name, logical_name)
        )
        return self.delete_before_replace or chosen

    def _all_tags(self, given: Inputs) -> dict[str, Any]:
        return {"tagsAll": given["tags"]} if self.taggable else {}


def _is_automatic(name: str, logical_name: str) -> bool:
    return re.fullmatch(re.escape(logical_name) + "-[0-9a-f]{7}", name) is not None
