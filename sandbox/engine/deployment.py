"""One run of the engine: what the program registers becomes true, step by step."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sandbox.engine.errors import EngineError
from sandbox.engine.plugins import Plugin, PluginEndedError, Plugins, what
from sandbox.engine.state import (
    PROVIDER_TYPE,
    STACK_TYPE,
    Resource,
    Snapshot,
    is_default_provider,
)
from sandbox.engine.steps import (
    Diff,
    Goal,
    Op,
    Step,
    decide,
    deletion_order,
    keep_ignored,
    package,
    rename,
    urn,
    with_unknown,
)
from sandbox.engine.values import mark_like, plain, secret

LET_GO = (
    "it is protected. To let go of it, set `protect` to false where the program makes it, run"
    " `up`, and try again"
)


class Registered(NamedTuple):
    """What the program learns of a resource that it has registered."""

    urn: str
    id: str
    """Empty: not known yet."""
    outputs: Mapping[str, Any]


class Deployment:
    """The resources of a stack while a run changes them.

    Its caller sees to it that there is one step at a time.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        plugins: Plugins,
        name: tuple[str, str],
        *,
        dry_run: bool,
        save: Callable[[Snapshot], None],
        report: Callable[[Step], None],
    ) -> None:
        """Take over where the last run ended.

        Args:
            snapshot: what the last run left.
            plugins: of this run.
            name: of the stack, and of its project.
            dry_run: only find out what would be done.
            save: called with the state after each step that was done.
            report: called with each step, done or found out.
        """
        self.outputs: Mapping[str, Any] = {}
        """The stack's."""
        self._olds = list(snapshot.resources)
        self._done: set[Resource] = set()
        """The old ones that have been taken over or deleted."""
        self._news: dict[str, Resource] = {}
        self._creating: list[Resource] = []
        self._plugins = plugins
        self._stack, self._project = name
        self._dry_run = dry_run
        self._save_snapshot = save
        self._report = report

    # --- what the program asks for ---

    def register(self, goal: Goal) -> Registered:
        """Make true what the program says of a resource.

        Raises:
            EngineError: that cannot be done.
        """
        if goal.urn in self._news:
            raise EngineError(
                f"{what(goal)} is registered twice under the same parent: give it another name"
            )
        old = self._old(goal)
        if not goal.custom:
            return self._register_component(goal, old)
        if goal.type.startswith(PROVIDER_TYPE):
            return self._register_provider(goal, old)
        return self._register_custom(goal, old)

    def register_outputs(self, of: str, outputs: Mapping[str, Any]) -> None:
        """Take the outputs of a component, or of the stack."""
        resource = self._news[of]
        resource.outputs = dict(outputs)
        if resource.type == STACK_TYPE:
            self.outputs = outputs
        self._save()

    def invoke(
        self, token: str, arguments: Mapping[str, Any], provider: str, version: str
    ) -> dict[str, Any]:
        """Call a function of a provider."""
        return self._plugin(token, self._provider(token, provider, version)).invoke(
            token, arguments
        )

    # --- what follows when the program has ended well, or without a program ---

    def delete_rest(self) -> None:
        """Delete what was replaced, and what the program has not registered.

        Raises:
            EngineError: a resource is protected (then nothing is deleted), or cannot be deleted.
        """
        rest = deletion_order([old for old in self._olds if old not in self._done])
        for old in rest:
            self._refuse_protected(old, "deleted")
        for old in rest:
            self._delete(old)

    def refresh(self) -> None:
        """Adopt what resources have become."""
        for old in self._olds:
            if not old.custom or old.is_provider or old.delete:
                continue
            found = self._plugin(old.type, old.provider).read(old)
            if found is None:
                self._done.add(old)
                self._forget(old.urn)
                self._finish(Step(Op.DELETE, old.type, old.name))
                continue
            outputs = self._with_secrets(found.outputs, old.outputs, old.additional_secret_outputs)
            changed = _differences(old.outputs, outputs)
            old.inputs = mark_like(found.inputs or old.inputs, old.inputs)
            old.outputs = outputs
            op = Op.UPDATE if changed else Op.SAME
            self._finish(Step(op, old.type, old.name, changed))

    # --- registration ---

    def _old(self, goal: Goal) -> Resource | None:
        for name in (goal.urn, *goal.aliases):
            for old in self._olds:
                if old.urn == name and not old.delete and old not in self._done:
                    if name != goal.urn:
                        for resource in (*self._olds, *self._news.values()):
                            rename(resource, name, goal.urn)
                    return old
        return None

    def _register_component(self, goal: Goal, old: Resource | None) -> Registered:
        new = _resource(goal, goal.inputs)
        new.outputs = old.outputs if old else {}
        changed = _differences(old.inputs, new.inputs) if old else []
        op = (Op.UPDATE if changed else Op.SAME) if old else Op.CREATE
        self._take_over(goal, old, new, op, changed)
        return Registered(new.urn, "", new.inputs)

    def _register_provider(self, goal: Goal, old: Resource | None) -> Registered:
        if is_default_provider(goal.urn):
            raise EngineError(
                f"{what(goal)}: the engine's own providers have such names: give it another name"
            )
        new = _resource(goal, goal.inputs)
        new.id = old.id if old else str(uuid.uuid4())
        new.outputs = dict(new.inputs)
        changed = _differences(old.inputs, new.inputs) if old else []
        op = (Op.UPDATE if changed else Op.SAME) if old else Op.CREATE
        self._take_over(goal, old, new, op, changed)
        return Registered(new.urn, new.id, new.outputs)

    def _register_custom(self, goal: Goal, old: Resource | None) -> Registered:
        provider = self._provider(goal.type, goal.provider, goal.version)
        plugin = self._plugin(goal.type, provider)
        if old is None:
            inputs = plugin.check(goal, {}, goal.inputs)
            new = _resource(goal, inputs, provider)
            self._create(plugin, goal, new)
            self._take_over(goal, None, new, Op.CREATE)
            return Registered(new.urn, new.id, new.outputs)
        given = keep_ignored(goal.inputs, old.inputs, goal.ignore_changes)
        inputs = plugin.check(goal, old.inputs, given)
        new = _resource(goal, inputs, provider)
        diff = plugin.diff(goal, old, inputs)
        if _moves(old.provider, provider):
            diff = diff._replace(
                changes=True,
                replaces=[*diff.replaces, "provider"],
                changed=[*diff.changed, "provider"],
            )
        op = decide(diff, goal.replace_on_changes)
        if op is Op.REPLACE:
            self._replace(plugin, goal, given, old, new, diff)
        else:
            new.id, outputs, new.modified = old.id, old.outputs, old.modified
            if op is Op.UPDATE:
                outputs = plugin.update(goal, old, inputs, preview=self._dry_run)
                new.touch()
            new.outputs = self._with_secrets(outputs, inputs, new.additional_secret_outputs)
        self._take_over(goal, old, new, op, diff.changed)
        return Registered(new.urn, new.id, new.outputs)

    def _replace(
        self,
        plugin: Plugin,
        goal: Goal,
        given: Mapping[str, Any],
        old: Resource,
        new: Resource,
        diff: Diff,
    ) -> None:
        self._refuse_protected(old, "replaced")
        # Without the old inputs, so that automatic names are new ones.
        new.inputs = plugin.check(goal, {}, given)
        first = goal.delete_before_replace
        if diff.delete_before_replace if first is None else first:
            doomed = self._dependents_to_replace(old)
            for resource in doomed:
                self._refuse_protected(resource, "replaced")
            for resource in (*reversed(doomed), old):
                resource.delete = True
                self._delete(resource)
        self._create(plugin, goal, new)
        old.delete = True

    def _dependents_to_replace(self, old: Resource) -> list[Resource]:
        """Return what cannot outlive a resource: dependents that its going replaces, too."""
        doomed: list[Resource] = []
        urns = {old.urn}
        for candidate in self._olds:
            if candidate in self._done or candidate.delete or not candidate.custom:
                continue
            inputs = with_unknown(candidate, urns)
            if inputs is None or candidate is old:
                continue
            plugin = self._plugin(candidate.type, candidate.provider)
            if decide(plugin.diff(candidate, candidate, inputs), ()) is Op.REPLACE:
                doomed.append(candidate)
                urns.add(candidate.urn)
        return doomed

    def _create(self, plugin: Plugin, goal: Goal, new: Resource) -> None:
        self._creating = [new]
        self._save()
        try:
            made = plugin.create(goal, new.inputs, preview=self._dry_run)
        except PluginEndedError:  # perhaps it is made
            raise
        except EngineError:
            self._creating = []
            self._save()
            raise
        self._creating = []
        new.id = made.id
        new.outputs = self._with_secrets(made.outputs, new.inputs, new.additional_secret_outputs)
        new.touch()

    def _take_over(
        self,
        goal: Goal,
        old: Resource | None,
        new: Resource,
        op: Op,
        changed: Sequence[str] = (),
    ) -> None:
        self._news[goal.urn] = new
        if old is not None and op is not Op.REPLACE:
            self._done.add(old)
        self._finish(Step(op, goal.type, goal.name, changed))

    @staticmethod
    def _with_secrets(
        outputs: Mapping[str, Any], model: Mapping[str, Any], names: Sequence[str]
    ) -> dict[str, Any]:
        marked = mark_like(dict(outputs), dict(model))
        return {key: secret(item) if key in names else item for key, item in marked.items()}

    # --- providers ---

    def _provider(self, token: str, reference: str, version: str) -> str:
        if reference:
            return reference
        name = package(token)
        label = "_".join(["default", *re.findall(r"\d+", version)])
        own = urn(self._stack, self._project, "", f"{PROVIDER_TYPE}{name}", label)
        if own not in self._news:
            new = Resource(own, f"{PROVIDER_TYPE}{name}", custom=True, id=str(uuid.uuid4()))
            new.inputs = {"version": version} if version else {}
            new.outputs = dict(new.inputs)
            for old in self._olds:
                if old.urn == own:
                    new.id = old.id
                    self._done.add(old)
            self._news[own] = new
        return f"{own}::{self._news[own].id}"

    def _plugin(self, token: str, reference: str) -> Plugin:
        own = reference.rpartition("::")[0]
        if is_default_provider(own):
            return self._plugins.default(token)
        found = (old for old in self._olds if old.urn == own)
        provider = self._news.get(own) or next(found, None)
        if provider is None:
            raise EngineError(f"the provider {own} of a {token} is not in the state")
        return self._plugins.explicit(provider)

    # --- deletion ---

    def _delete(self, old: Resource) -> None:
        kept = not old.custom or old.is_provider or old.retain_on_delete
        if not kept and not self._dry_run:
            self._plugin(old.type, old.provider).delete(old)
        self._done.add(old)
        if old.is_default_provider:
            self._save()
        else:
            op = Op.DELETE_REPLACED if old.delete else Op.DELETE
            self._finish(Step(op, old.type, old.name))

    def _refuse_protected(self, old: Resource, done: str) -> None:
        if old.protect:
            raise EngineError(f"{what(old)} cannot be {done}: {LET_GO}")

    # --- bookkeeping ---

    def _forget(self, gone: str) -> None:
        for resource in self._olds:
            resource.dependencies = [name for name in resource.dependencies if name != gone]
            resource.property_dependencies = {
                key: [name for name in urns if name != gone]
                for key, urns in resource.property_dependencies.items()
            }

    def _finish(self, step: Step) -> None:
        self._save()
        self._report(step)

    def _save(self) -> None:
        if not self._dry_run:
            rest = [old for old in self._olds if old not in self._done]
            self._save_snapshot(Snapshot([*self._news.values(), *rest], self._creating))


def _resource(goal: Goal, inputs: Mapping[str, Any], provider: str = "") -> Resource:
    return Resource(
        urn=goal.urn,
        type=goal.type,
        custom=goal.custom,
        inputs=dict(inputs),
        parent=goal.parent,
        dependencies=sorted(goal.dependencies),
        property_dependencies={
            key: sorted(urns) for key, urns in goal.property_dependencies.items()
        },
        provider=provider,
        protect=goal.protect,
        retain_on_delete=goal.retain_on_delete,
        additional_secret_outputs=list(goal.additional_secret_outputs),
    )


def _moves(before: str, after: str) -> bool:
    """Tell whether a resource goes to another provider; the default ones are all the same."""
    old, new = (reference.rpartition("::")[0] for reference in (before, after))
    return old != new and not (is_default_provider(old) and is_default_provider(new))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*old, *new} if plain(old.get(key)) != plain(new.get(key)))
