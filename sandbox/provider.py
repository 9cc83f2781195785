"""The emulated AWS as a provider for Pulumi's engine.

One for the packages that the program uses: `aws`, `docker` and `random`. It knows what
`sandbox.resources` knows, and speaks to nothing but its sandbox's emulator.
"""

import contextlib
import functools
import importlib.metadata
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.provider.experimental import provider as protocol
from pulumi.runtime.rpc import UNKNOWN

from sandbox.addresses import AddressError, check_vpc_cidr
from sandbox.emulator import Emulator
from sandbox.plugin_server import RefusedError, serving
from sandbox.properties import marked, plain_properties
from sandbox.resources import RESOURCE_TYPES, Account, ResourceType, invoke, resource_type

_Request: TypeAlias = (
    protocol.CheckRequest
    | protocol.DiffRequest
    | protocol.CreateRequest
    | protocol.ReadRequest
    | protocol.UpdateRequest
    | protocol.DeleteRequest
)


class SandboxProvider(protocol.Provider):
    """Serves the table of resource types."""

    def __init__(self, emulator: Emulator, package: str) -> None:
        """Wait for `configure`.

        Args:
            emulator: whose account to work in.
            package: the one that the engine has asked for; it gets all the same.
        """
        self._emulator = emulator
        self._package = package
        self._account = Account(emulator)

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        """Take `aws:region`, `aws:accessKey`, `aws:secretKey` and `aws:defaultTags`, if given.

        Raises:
            RefusedError: `aws:endpoints` leads to anything but the emulator.
        """
        settings = _settings(request)
        emulator = self._emulator
        urls = {url for service in settings.get("endpoints", []) for url in service.values()}
        if urls - {emulator.endpoint}:
            raise RefusedError(
                f"aws:endpoints names {', '.join(sorted(urls))}: expected {emulator.endpoint},"
                " this sandbox's emulated AWS, and nothing else"
            )
        identity = (
            settings.get("region") or emulator.region,
            settings.get("accessKey") or emulator.access_key_id,
            settings.get("secretKey") or emulator.secret_access_key,
        )
        if identity != (emulator.region, emulator.access_key_id, emulator.secret_access_key):
            emulator = Emulator.connect(emulator.endpoint, *identity)
        self._account = Account(emulator, settings.get("defaultTags", {}).get("tags", {}))
        return protocol.ConfigureResponse(
            accept_secrets=True,
            supports_preview=True,
            # The SDK's plugin cannot read an output value that carries no list of dependencies.
            accept_outputs=False,
            accept_resources=False,
        )

    async def get_schema(self, request: protocol.GetSchemaRequest) -> protocol.GetSchemaResponse:
        """Name the types and their inputs, for the code that `pulumi import` writes."""
        del request
        anything = {"$ref": "pulumi.json#/Any"}
        schema = {
            "name": self._package,
            "version": _version(self._package),
            "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},  # aws:ec2/vpc:Vpc is in the module ec2
            "resources": {
                token: {"inputProperties": dict.fromkeys(sorted(entry.inputs), anything)}
                for token, entry in RESOURCE_TYPES.items()
                if token.startswith(f"{self._package}:")
            },
        }
        return protocol.GetSchemaResponse(json.dumps(schema))

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        """Refuse unknown inputs and missing ones, and complete the others."""
        given = plain_properties(request.new_inputs)
        with _entry(request) as entry:
            problems = {**entry.problems(given), **_range_problem(_type(request), given)}
            if problems:
                return protocol.CheckResponse(
                    inputs=request.new_inputs,
                    failures=[
                        protocol.CheckFailure(name, f"{_type(request)} {request.name!r}: {reason}")
                        for name, reason in problems.items()
                    ],
                )
            unknown = {"tags": UNKNOWN} if given.get("tags") == UNKNOWN else {}
            known = {name: it for name, it in given.items() if name not in unknown}
            old = plain_properties(request.old_inputs)
            filled = {**entry.fill_in(self._account, request.name, known, old), **unknown}
        return protocol.CheckResponse(inputs=marked(filled, request.new_inputs))

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        """Say which inputs differ from the resource's properties, and whether one replaces it."""
        state = plain_properties(request.old_state)
        given = plain_properties(request.new_inputs)
        with _entry(request) as entry:
            found = entry.changes(state, given)
            first = entry.needs_delete_first(request.name, state, given)
        changes = {name: it for name, it in found.items() if name not in request.ignore_changes}
        replaces = [name for name, replacing in changes.items() if replacing]
        return protocol.DiffResponse(
            changes=bool(changes),
            replaces=replaces,
            diffs=list(changes),
            delete_before_replace=bool(replaces) and first,
            detailed_diff={
                name: protocol.PropertyDiff(
                    _kind(name, state, given, replaces=replacing), input_diff=False
                )
                for name, replacing in changes.items()
            },
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        """Make a resource; in a preview, only its inputs are known."""
        if request.preview:
            return protocol.CreateResponse(properties=request.properties)
        with _entry(request) as entry:
            created = entry.make(self._account, plain_properties(request.properties))
        return protocol.CreateResponse(
            created.id, marked(created.properties, request.properties, entry.secret_outputs)
        )

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        """Return the resource's properties as they are now; no id when it is gone."""
        state = plain_properties(request.properties)
        with _entry(request) as entry:
            seen = entry.look(self._account, request.resource_id, state)
        if seen is None:
            return protocol.ReadResponse()
        properties = marked(seen, request.properties, entry.secret_outputs)
        names = request.inputs or entry.inputs  # none: it is imported
        inputs = {name: properties[name] for name in names if name in properties}
        return protocol.ReadResponse(request.resource_id, properties, inputs)

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        """Change a resource in place."""
        state, given = plain_properties(request.olds), plain_properties(request.news)
        with _entry(request) as entry:
            if request.preview:
                unknown = dict.fromkeys(entry.changing_outputs, UNKNOWN)
                after = {**entry.changed_state(state, given), **unknown}
            else:
                after = entry.change(self._account, request.resource_id, state, given)
                # AWS's provider, too, ends with a look: ECS, for one, may have rolled back.
                after = entry.look(self._account, request.resource_id, after) or after
        before = {**request.olds, **request.news}
        return protocol.UpdateResponse(marked(after, before, entry.secret_outputs))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        """Remove a resource; it may be gone already."""
        state = plain_properties(request.properties)
        with _entry(request) as entry:
            entry.remove(self._account, request.resource_id, state)

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        """Answer a function (data source)."""
        with _named(request.tok, ""):
            found = invoke(self._account, request.tok, plain_properties(request.args))
        return protocol.InvokeResponse(marked(found, {}))


def _type(request: _Request) -> str:
    """Return the resource's type; what the SDK takes from the URN has the parents' before it."""
    return request.type.rsplit("$", 1)[-1]


@contextlib.contextmanager
def _entry(request: _Request) -> Iterator[ResourceType]:
    with _named(_type(request), request.name):
        yield resource_type(_type(request))


def _range_problem(token: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Refuse a VPC in which the sandbox's Prometheus would scrape other machines."""
    cidr = given.get("cidrBlock", UNKNOWN)
    if token == "aws:ec2/vpc:Vpc" and cidr != UNKNOWN:  # noqa: S105 - a type
        try:
            check_vpc_cidr(cidr)
        except AddressError as error:
            return {"cidrBlock": str(error)}
    return {}


@contextlib.contextmanager
def _named(token: str, name: str) -> Iterator[None]:
    """Say which resource it was that the emulator refused."""
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        raise RefusedError(f"{token} {name!r}: {error}") from error


def _kind(
    name: str, state: Mapping[str, Any], given: Mapping[str, Any], *, replaces: bool
) -> protocol.PropertyDiffKind:
    kinds = protocol.PropertyDiffKind
    if not state.get(name):
        return kinds.ADD_REPLACE if replaces else kinds.ADD
    if given.get(name) is None:
        return kinds.DELETE_REPLACE if replaces else kinds.DELETE
    return kinds.UPDATE_REPLACE if replaces else kinds.UPDATE


def _settings(request: protocol.ConfigureRequest) -> dict[str, Any]:
    """Return the provider's configuration by name; what is not text comes as JSON."""
    variables = {key.rsplit(":", 1)[-1]: value for key, value in request.variables.items()}
    settings = {**variables, **plain_properties(request.args)}
    for name in ("endpoints", "defaultTags"):
        if isinstance(settings.get(name), str):
            settings[name] = json.loads(settings[name])
    return settings


@contextlib.contextmanager
def serve(emulator: Emulator) -> Iterator[dict[str, str]]:
    """Serve the provider of an emulator until the context ends.

    Yields:
        The environment variables that lead the Pulumi CLI and all that it starts to the emulator.
    """
    packages = sorted({token.partition(":")[0] for token in RESOURCE_TYPES})
    versions = {package: _version(package) for package in packages}
    with serving(functools.partial(SandboxProvider, emulator), versions) as here:
        yield {**emulator.environment, **here}


def _version(package: str) -> str:
    """Return the version of a package's SDK, which asks for a plugin of the same."""
    return importlib.metadata.version(f"pulumi-{package}")
