"""What an entry of the table of resource types says, and the calls that come of it."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jmespath  # type: ignore[import-untyped]

from sandbox.resources import api
from sandbox.resources.base import Account, Client, GoneError, Inputs, Step

Code: TypeAlias = Callable[[Client, Inputs], Mapping[str, Any]]
"""Takes the properties."""

_KMS_TAGS = "Tags[].{key: TagKey, value: TagValue}"
_TAG_CALLS = {
    "ec2": ("create_tags", "delete_tags", "", "Tags"),
    "iam": ("tag_{kind}", "untag_{kind}", "", "Tags"),
    "secretsmanager": ("tag_resource", "untag_resource", "", "Tags"),
    "kms": ("tag_resource", "untag_resource", "list_resource_tags", _KMS_TAGS),
    "elbv2": ("add_tags", "remove_tags", "describe_tags", "TagDescriptions[0].Tags"),
    "acm": (
        "add_tags_to_certificate",
        "remove_tags_from_certificate",
        "list_tags_for_certificate",
        "Tags",
    ),
    "s3": ("", "", "get_bucket_tagging", "TagSet"),
    "": ("", "", "", "Tags"),
}
"""Service -> its calls to add, remove and read tags, and where they are in the answer.

Without a call to read them: where they are in the resource's description. Without one to add and
remove them: a step puts all of them."""
_USUAL_TAG_CALLS = ("tag_resource", "untag_resource", "list_tags_for_resource", "Tags || tags")
_GONE = {"deleted", "Deleted", "INACTIVE", "terminated"}
"""States of what AWS still describes for a while."""
_NO_DESCRIPTIONS = {"Tags", "tags", "failures"}
"""What else may be in the answer of a reading call."""


@dataclass(frozen=True, eq=False)
class Entry:
    """How a type of resource lives in the emulator, and what AWS adds to it.

    A call gets all inputs that it takes, says AWS's model (`api.Call`). What neither the creating,
    an updating nor the deleting call takes, nor a step, is refused. An input changes in place if
    an updating call takes it, and the reading and the deleting one do not: their arguments say
    which resource is meant. A change of any other one replaces.

    Answers are looked into with JMESPath, as in `aws --query`. A text with braces is filled in
    first, from the properties, `id`, `kind`, `region` and `account`, and the answer.

    Attributes:
        service: boto3's name of it.
        create: the creating call, or code in its place.
        id: where the id is in the answer, or a text with braces. The last word of the path is what
            other calls name the id.
        read: the reading call, or code in its place. Default: `describe_`, `get_` or `list_` what
            is created. Empty: the resource is in the state only.
        found: where the resource is in that answer. Default: it is all that is in there.
        seen: property -> where it is in what was found; there, none says that it is not given any
            more. Other inputs are found by name; those that are not are as recorded.
        update: what changes it in place. A step also follows the creation, and so does a call that
            takes what the creating one does not.
        delete: the deleting call. Default: `delete_` what is created. Empty: the provider leaves
            the resource where it is.
        names: property -> the API's names of it, where they differ; as for `api.Call`.
        constants: arguments that are the same in all calls that take them, by Pulumi's names.
        by_code: inputs that `create` or `arguments` applies: no call gets them by name.
        arguments: further arguments of the creating call.
        ignored: inputs that mean nothing to the emulator.
        required: inputs that must be given, besides those without which AWS's model allows no call.
        defaults: what the provider assumes for an input that is not given.
        outputs: output -> where it is in the answer. If it is an input, too: what AWS chooses.
        secret_outputs: outputs that the provider marks as secret.
        changing_outputs: outputs that are not known before an update has been made.
        replaces: of an input that changes in place, by name: whether this change of it replaces.
        delete_before_replace: whether the old and the new one cannot be there at the same time.
        kind: what EC2 calls it in ARNs and tags. Default: what is created.
        named: the input that the provider makes up from the logical name.
    """

    service: str
    create: str | Code
    id: str
    read: str | Callable[[Client, str, Inputs], Mapping[str, Any]] | None = None
    found: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    update: tuple[str | Step, ...] = ()
    delete: str | Step | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    by_code: str = ""
    arguments: Code = lambda _client, _given: {}
    ignored: str = ""
    required: str = ""
    defaults: Mapping[str, object] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    changing_outputs: frozenset[str] = frozenset()
    replaces: Callable[[str, Inputs, Inputs], bool] = lambda _name, _before, _after: False
    delete_before_replace: bool = False
    kind: str = ""
    named: str = "name"

    @functools.cached_property
    def inputs(self) -> frozenset[str]:
        """All inputs that are applied; any other one is an error."""
        taken = frozenset[str]().union(*map(self.taken, (self.create, *self.update)))
        return taken.union(self._of_deletion, self.by_code.split(), self.ignored.split())

    @property
    def _of_deletion(self) -> frozenset[str]:
        """The inputs that say how to delete."""
        named = self.names.keys() if isinstance(self.deleting, str) else self.taken(self.deleting)
        return (self.taken(self.deleting) & named) - self.taken(self.create)

    @functools.cached_property
    def in_place(self) -> frozenset[str]:
        """The inputs that change in place."""
        updating = frozenset[str]().union(*map(self.taken, self.update))
        return (updating - self.taken(self.reading) - self.taken(self.deleting)).union(
            self._of_deletion, {"tags"}
        )

    @functools.cached_property
    def required_inputs(self) -> frozenset[str]:
        """The inputs that must be given; its name is made from the logical one."""
        needs = self.call(self.create).needs if isinstance(self.create, str) else frozenset()
        others = {self.named, *self.defaults}
        return ((needs & self.inputs) - others).union(self.required.split())

    @property
    def taggable(self) -> bool:
        """Whether it has an input `tags`, into which the provider's default tags go.

        An auto-scaling group's is a list of its own, which also says whether instances get them; of
        a scalable target's, moto keeps nothing.
        """
        return "tags" in self.inputs and not self.service.endswith("autoscaling")

    def client(self, account: Account) -> Client:
        """Return the client of its service; None: it is in the state only."""
        return account.client(self.service) if self.service else None

    @functools.cached_property
    def _noun(self) -> str:
        """What is created, in the words of calls; empty if code creates it."""
        return self.create.partition("_")[2] if isinstance(self.create, str) else ""

    @functools.cached_property
    def reading(self) -> str | Callable[[Client, str, Inputs], Mapping[str, Any]]:
        """The reading call, or code in its place; empty if there is none."""
        forms = ("describe_{}s", "describe_{}", "get_{}", "list_{}s")
        return self._usual(*forms) if self.read is None else self.read

    @functools.cached_property
    def deleting(self) -> str | Step:
        """The deleting call, or code in its place; empty if there is none."""
        return self._usual("delete_{}", "delete_{}s") if self.delete is None else self.delete

    def _usual(self, *forms: str) -> str:
        calls = [form.format(self._noun) for form in forms] if self._noun else [""]
        for call in calls:
            if not call or call in api.operations(self.service):
                return call
        raise ValueError(f"{self.service} has none of {', '.join(calls)}: name it in the entry")

    @functools.cache  # noqa: B019 - there are as many as entries of the table
    def call(self, operation: str) -> api.Call:
        """Return how a call takes the properties."""
        of_id = [] if "{" in self.id else re.findall(r"[A-Za-z]+", self.id)[-1:]
        return api.Call(self.service, operation, {"id": "".join(of_id), **self.names})

    def taken(self, call: object) -> frozenset[str]:
        """Return the inputs that a call or a step takes; code in a call's place has none."""
        if isinstance(call, Step):
            return frozenset(call.inputs.split())
        if not call or not isinstance(call, str):
            return frozenset()
        no_inputs = {"id", *self.constants, *(self.names.keys() & self.outputs.keys())}
        return self.call(call).takes - no_inputs.union(self.by_code.split())

    def do(
        self, account: Account, operation: str, properties: Inputs, further: Inputs | None = None
    ) -> Mapping[str, Any]:
        """Make a call with all the inputs that it takes, and further arguments."""
        known = self.inputs.union(self.names, {"id"}).difference(self.by_code.split())
        scope = {name: properties[name] for name in known & properties.keys()}
        arguments = self.call(operation).arguments({**self.constants, **scope}, self._kind)
        answer: Mapping[str, Any] = getattr(self.client(account), operation)(
            **arguments, **(further or {})
        )
        return answer

    def do_update(
        self, account: Account, operation: str, properties: Inputs, changed: AbstractSet[str]
    ) -> None:
        """Make an updating call, for inputs that have changed; `properties` has the id, too."""
        if operation.endswith("_attribute"):  # EC2 takes one at a time
            for name in sorted(changed):
                one = {"id": properties["id"], name: properties.get(name)}
                self.do(account, operation, one)
        else:
            # A call that puts or replaces leaves out what is not given any more.
            emptied = changed if operation.startswith("update_") else ()
            without_tags = {name: it for name, it in properties.items() if name != "tags"}
            self.do(account, operation, {**dict.fromkeys(emptied), **without_tags})

    def described(self, account: Account, identifier: str, state: Inputs) -> Mapping[str, Any]:
        """Return how AWS describes the resource.

        Raises:
            GoneError: it does not, or as gone.
        """
        scope = {**state, "id": identifier}
        if not self.reading:
            return {}
        if isinstance(self.reading, str):
            answer = self.do(account, self.reading, scope)
            item = jmespath.search(self._found.format(**scope), answer)
        else:
            item = self.reading(self.client(account), identifier, state)
        if not item or "DeletedDate" in item:
            raise GoneError
        if jmespath.search("State.Name || State.Code || State || Status || status", item) in _GONE:
            raise GoneError
        described: Mapping[str, Any] = item
        return described

    @functools.cached_property
    def _found(self) -> str:
        members = api.operations(self.service)[str(self.reading)].output_shape.members
        kinds = {
            name: shape.type_name
            for name, shape in members.items()
            if shape.type_name in ("list", "structure") and name not in _NO_DESCRIPTIONS
        }
        usual = [f"{name}[0]" if kind == "list" else name for name, kind in kinds.items()]
        return self.found or (usual[0] if len(usual) == 1 else "@")

    def as_given(self, name: str, value: object, state: Inputs) -> Any:  # noqa: ANN401 - any JSON
        """Return what AWS has as a property: as it is recorded, if it still says the same."""
        recorded = sent = state.get(name)
        if isinstance(self.create, str) and name in self.taken(self.create):
            call = self.call(self.create)
            if name in state:
                sent = call.spelt(name, recorded)
            elif call.shape(name).type_name == "string" and not isinstance(value, str):
                return json.dumps(value)
        return recorded if api.same(sent, value) else api.as_given(value, recorded)

    @property
    def _kind(self) -> str:
        return self.kind or self._noun.replace("_", "-" if self.service == "ec2" else "_")

    def find(self, account: Account, where: str, answer: Inputs, properties: Inputs) -> Any:  # noqa: ANN401
        """Return what is somewhere in an answer, or what a text with braces comes to."""
        if "{" not in where:
            return jmespath.search(where, answer)
        emulator = account.emulator
        about = {"region": emulator.region, "account": emulator.account_id, "kind": self._kind}
        return where.format(**{**answer, **properties, **about})

    def of_id(self, account: Account, identifier: str) -> dict[str, Any]:
        """Return the properties that an id tells."""
        form = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(self.id))
        match = re.fullmatch(form, identifier) if "{" in self.id else None
        told = match.groupdict() if match else {}
        filled = {name: where for name, where in self.outputs.items() if "{" in where}
        scope = {**told, "id": identifier}
        return told | {name: self.find(account, it, {}, scope) for name, it in filled.items()}

    def tags(
        self, account: Account, identifier: str, state: Inputs, item: Mapping[str, Any]
    ) -> dict[str, str]:
        """Return the tags of a resource that has been described."""
        _, _, read, where = _TAG_CALLS.get(self.service, _USUAL_TAG_CALLS)
        asked = read and where not in item  # code that reads may have asked already
        answer = self._do_tags(account, read, identifier, state, {}) if asked else item
        found = jmespath.search(where, answer) or {}
        if isinstance(found, list):
            small = [{key.lower(): text for key, text in tag.items()} for tag in found]
            found = {tag["key"]: tag["value"] for tag in small}
        return {key: value for key, value in found.items() if not key.startswith("aws:")}

    def change_tags(
        self, account: Account, identifier: str, state: Inputs, tags: Mapping[str, str]
    ) -> None:
        """Change the tags to others."""
        before = state.get("tags") or {}
        add, remove, *_ = _TAG_CALLS.get(self.service, _USUAL_TAG_CALLS)
        removed = sorted(before.keys() - tags.keys())
        added = {key: value for key, value in tags.items() if before.get(key) != value}
        if removed and remove:
            what = {"tagKeys": removed, "tags": dict.fromkeys(removed)}
            self._do_tags(account, remove, identifier, state, what)
        if added and add:
            self._do_tags(account, add, identifier, state, {"tags": added})

    def _do_tags(
        self, account: Account, operation: str, identifier: str, state: Inputs, what: Inputs
    ) -> Mapping[str, Any]:
        call = self.call(operation.format(kind=self._kind))
        arn = state.get("arn")
        which = {"id": identifier, "resources": identifier, "resourceArn": arn, "resourceArns": arn}
        method = getattr(self.client(account), call.operation)
        answer: Mapping[str, Any] = method(
            **call.arguments({**self.constants, **state, **which, **what})
        )
        return answer
