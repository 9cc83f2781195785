"""Provider plugins: real processes, spoken to over Pulumi's plugin protocol."""

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import grpc  # type: ignore[import-untyped]
import yaml
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox import processes
from sandbox.engine.errors import EngineError
from sandbox.engine.state import Resource
from sandbox.engine.steps import Diff, Goal, package
from sandbox.engine.values import from_struct, mark_like, plain, redact, to_struct

ROOT = Path(__file__).resolve().parents[2]
"""Where plugins import from."""

CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
]
"""As the SDK's own. Source: pulumi/runtime/_grpc_settings.py."""

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_POLL_INTERVAL_S = 0.02

_Answer = TypeVar("_Answer")


class PluginEndedError(EngineError):
    """The plugin has ended during a call: nobody knows what the call has done."""


class Made(NamedTuple):
    """What the provider made."""

    id: str
    outputs: dict[str, Any]


class Found(NamedTuple):
    """What the provider found of a resource."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]


def read_paths(file: Path) -> dict[str, Path]:
    """Read which plugin serves which package.

    Args:
        file: in the shape of `plugins.yaml`.

    Raises:
        EngineError: it names a file that does not exist.
    """
    providers = yaml.safe_load(file.read_text(encoding="utf-8"))["plugins"]["providers"]
    paths = {entry["name"]: file.parent / entry["path"] for entry in providers}
    for name, path in paths.items():
        if not path.is_file():
            raise EngineError(f"{file}: the plugin of {name}, {path}, does not exist")
    return paths


class Plugin:
    """One plugin process, configured."""

    def __init__(self, path: Path, log: Path, engine: str, config: Mapping[str, str]) -> None:
        """Start it.

        Args:
            path: its Python file.
            log: for its output.
            engine: address of the engine's own service.
            config: configuration key, with its package, -> value.

        Raises:
            EngineError: it does not start, or refuses its configuration.
        """
        self._log = log
        self._name = path.name
        log.write_bytes(b"")
        self._process = processes.start(
            [sys.executable, "-P", path, engine],
            log=log,
            environment={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            channel = grpc.insecure_channel(f"127.0.0.1:{self._port()}", options=CHANNEL_OPTIONS)
            self._stub = provider_pb2_grpc.ResourceProviderStub(channel)
            request = provider_pb2.ConfigureRequest(
                variables=config, acceptSecrets=True, acceptResources=True
            )
            answer = self._call(f"plugin {self._name}", lambda: self._stub.Configure(request))
        except BaseException:
            self.stop()
            raise
        if not (answer.acceptSecrets and answer.supportsPreview):
            self.stop()
            raise EngineError(f"plugin {self._name} must accept secrets and support previews")

    def stop(self) -> None:
        """End the process."""
        processes.stop([self._process], _STOP_TIMEOUT_S)

    def check(self, goal: Goal, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs as the provider completes them.

        Raises:
            EngineError: it refuses some.
        """
        request = provider_pb2.CheckRequest(
            urn=goal.urn, name=goal.name, type=goal.type, olds=to_struct(olds), news=to_struct(news)
        )
        answer = self._call(what(goal), lambda: self._stub.Check(request), news, olds)
        if answer.failures:
            problems = "; ".join(
                f"{failure.property}: {failure.reason}" if failure.property else failure.reason
                for failure in answer.failures
            )
            raise EngineError(_about(what(goal), redact(problems, news, olds)))
        checked: dict[str, Any] = mark_like(from_struct(answer.inputs), dict(news))
        return checked

    def diff(self, goal: Goal | Resource, old: Resource, news: Mapping[str, Any]) -> Diff:
        """Return what changes when a resource gets new inputs."""
        ignored = goal.ignore_changes if isinstance(goal, Goal) else ()
        request = provider_pb2.DiffRequest(
            id=old.id,
            urn=goal.urn,
            name=goal.name,
            type=goal.type,
            olds=to_struct(old.outputs),
            old_inputs=to_struct(old.inputs),
            news=to_struct(news),
            ignoreChanges=ignored,
        )
        answer = self._call(
            what(goal), lambda: self._stub.Diff(request), news, old.inputs, old.outputs
        )
        if answer.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN:
            changed = sorted(
                key for key in {*old.inputs, *news} if old.inputs.get(key) != news.get(key)
            )
            return Diff(bool(changed), changed=changed)
        return Diff(
            answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            list(answer.replaces),
            sorted({*answer.diffs, *answer.detailedDiff, *answer.replaces}),
            answer.deleteBeforeReplace,
        )

    def create(self, goal: Goal, inputs: Mapping[str, Any], *, preview: bool) -> Made:
        """Make a resource; in a preview, only tell its outputs as far as they are known."""
        request = provider_pb2.CreateRequest(
            urn=goal.urn,
            name=goal.name,
            type=goal.type,
            properties=to_struct(inputs),
            preview=preview,
        )
        answer = self._call(what(goal), lambda: self._stub.Create(request), inputs)
        return Made("" if preview else answer.id, from_struct(answer.properties))

    def update(
        self, goal: Goal, old: Resource, inputs: Mapping[str, Any], *, preview: bool
    ) -> dict[str, Any]:
        """Change a resource in place, and return its outputs; in a preview, only tell them."""
        request = provider_pb2.UpdateRequest(
            id=old.id,
            urn=goal.urn,
            name=goal.name,
            type=goal.type,
            olds=to_struct(old.outputs),
            old_inputs=to_struct(old.inputs),
            news=to_struct(inputs),
            ignoreChanges=goal.ignore_changes,
            preview=preview,
        )
        answer = self._call(
            what(goal), lambda: self._stub.Update(request), inputs, old.inputs, old.outputs
        )
        return from_struct(answer.properties)

    def read(self, resource: Resource) -> Found | None:
        """Return what a resource is now; None: it is gone."""
        request = provider_pb2.ReadRequest(
            id=resource.id,
            urn=resource.urn,
            name=resource.name,
            type=resource.type,
            properties=to_struct(resource.outputs),
            inputs=to_struct(resource.inputs),
        )
        answer = self._call(
            what(resource), lambda: self._stub.Read(request), resource.inputs, resource.outputs
        )
        if not answer.id:
            return None
        return Found(from_struct(answer.inputs), from_struct(answer.properties))

    def delete(self, resource: Resource) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            id=resource.id,
            urn=resource.urn,
            name=resource.name,
            type=resource.type,
            properties=to_struct(resource.outputs),
            old_inputs=to_struct(resource.inputs),
        )
        self._call(
            what(resource), lambda: self._stub.Delete(request), resource.inputs, resource.outputs
        )

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function (a data source), and return its result.

        Raises:
            EngineError: the function refuses its arguments.
        """
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        answer = self._call(token, lambda: self._stub.Invoke(request), arguments)
        if answer.failures:
            problems = "; ".join(failure.reason for failure in answer.failures)
            raise EngineError(f"{token}: {redact(problems, arguments)}")
        return from_struct(getattr(answer, "return"))

    def _call(
        self, who: str, call: Callable[[], _Answer], *properties: Mapping[str, Any]
    ) -> _Answer:
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                lines = redact("\n".join(processes.last_lines(self._log)), *properties)
                raise PluginEndedError(f"{who}: plugin {self._name} has ended:\n{lines}") from None
            reason = redact(_reason(error.details()), *properties)
            raise EngineError(_about(who, reason)) from None

    def _port(self) -> int:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            ended = self._process.poll() is not None
            # Other lines may stand before the one that says the port.
            match = re.search(r"^(\d+)\n", self._log.read_text(encoding="utf-8"), re.MULTILINE)
            if match:
                return int(match[1])
            if ended or time.monotonic() > deadline:
                lines = "\n".join(processes.last_lines(self._log))
                raise EngineError(f"plugin {self._name} does not start:\n{lines}")
            time.sleep(_POLL_INTERVAL_S)


def what(resource: Goal | Resource) -> str:
    """Name a resource, for people."""
    return f"{resource.type} {resource.name!r}"


def _about(who: str, message: str) -> str:
    """Say whom a message is about, unless it says so itself."""
    return message if who in message else f"{who}: {message}"


def _reason(details: str) -> str:
    """Take off what gRPC and the SDK's server put around an exception's own message."""
    text = re.sub(r"^Unexpected <class '[^']*'>: ", "", details)
    return re.sub(r":\n  File \".*", "", text, flags=re.DOTALL)


class Plugins:
    """The plugins of one run: one process for each path, one for each provider of the program."""

    def __init__(
        self, paths: Mapping[str, Path], logs: Path, engine: str, config: Mapping[str, str]
    ) -> None:
        """Start the default ones.

        Args:
            paths: package -> its plugin's Python file.
            logs: directory for their output.
            engine: address of the engine's own service.
            config: configuration key -> value, for all packages.

        Raises:
            EngineError: one does not start.
        """
        self._paths = paths
        self._logs = logs
        self._engine = engine
        self._by_path: dict[Path, Plugin] = {}
        self._by_urn: dict[str, Plugin] = {}
        try:
            for path in dict.fromkeys(paths.values()):
                served = {name for name, its_path in paths.items() if its_path == path}
                own = {key: text for key, text in config.items() if package(key) in served}
                log = logs / f"plugin-{path.stem}.log"
                self._by_path[path] = Plugin(path, log, engine, own)
        except BaseException:
            self.stop()
            raise

    def default(self, token: str) -> Plugin:
        """Return the plugin that serves a type or a function.

        Raises:
            EngineError: none does.
        """
        return self._by_path[self._path(package(token))]

    def explicit(self, provider: Resource) -> Plugin:
        """Return the plugin of a provider that the program has made.

        Raises:
            EngineError: none serves its package.
        """
        if provider.urn not in self._by_urn:
            name = provider.type.rsplit(":", 1)[-1]
            path = self._path(name)
            log = self._logs / f"plugin-{path.stem}-{len(self._by_urn) + 1}.log"
            config = {f"{name}:{key}": str(plain(value)) for key, value in provider.inputs.items()}
            self._by_urn[provider.urn] = Plugin(path, log, self._engine, config)
        return self._by_urn[provider.urn]

    def stop(self) -> None:
        """End all of them."""
        for plugin in (*self._by_path.values(), *self._by_urn.values()):
            plugin.stop()

    def _path(self, name: str) -> Path:
        if name not in self._paths:
            raise EngineError(
                f"there is no plugin for the package {name!r}: expected one of"
                f" {', '.join(sorted(self._paths))}; add it to plugins.yaml"
            )
        return self._paths[name]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """End all of them."""
        self.stop()
