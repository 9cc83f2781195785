"""The engine's two gRPC services, as a program and the plugins see them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from sandbox.engine.deployment import Deployment
from sandbox.engine.errors import EngineError
from sandbox.engine.plugins import CHANNEL_OPTIONS
from sandbox.engine.steps import Goal, urn
from sandbox.engine.values import from_struct, has_unknown, to_struct

_WORKERS = 64
"""Registrations that may wait for their turn."""

_UNSUPPORTED = {
    "importId": "import_",
    "remote": "remote",
    "customTimeouts": "custom_timeouts",
    "deletedWith": "deleted_with",
    "envVarMappings": "env_var_mappings",
    "hooks": "hooks",
    "packageRef": "package_ref",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
    "state_migrations": "state_migrations",
    "transforms": "transforms",
}
"""Options of a resource that this engine does not know: refused, never dropped in silence.

By field of the request, as a program spells them.
"""


class EngineService(engine_pb2_grpc.EngineServicer):
    """Takes messages."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            say: called with each message that is no error.
        """
        self.errors: list[str] = []
        self._say = say
        self._root = ""

    def Log(  # noqa: N802 - the protocol's name
        self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext
    ) -> Any:  # noqa: ANN401 - protobuf has no types here
        """Keep an error; pass on information and warnings."""
        if request.severity == engine_pb2.ERROR:
            self.errors.append(request.message)
        elif request.severity != engine_pb2.DEBUG:
            self._say(request.message)
        return empty_pb2.Empty()

    def GetRootResource(  # noqa: N802
        self, _request: engine_pb2.GetRootResourceRequest, _context: grpc.ServicerContext
    ) -> engine_pb2.GetRootResourceResponse:
        """Return the stack's URN."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(  # noqa: N802
        self, request: engine_pb2.SetRootResourceRequest, _context: grpc.ServicerContext
    ) -> engine_pb2.SetRootResourceResponse:
        """Take the stack's URN."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Takes registrations and calls of functions."""

    def __init__(self, deployment: Deployment, project: str, stack: str) -> None:
        """Prepare.

        Args:
            deployment: what carries out the registrations.
            project: name of the project.
            stack: name of the stack.
        """
        self.failure: Exception | None = None
        """The first thing that went wrong; nothing is begun after it."""
        self.complete = False
        """The program has registered all that it has, the stack's outputs last."""
        self._deployment = deployment
        self._project = project
        self._stack = stack
        self._closed = False
        self._turn = threading.Lock()

    def close(self) -> None:
        """Wait for the step that is under way, whose outcome must be known; begin no other."""
        with self._turn:
            self._closed = True

    def GetDeploymentInfo(  # noqa: N802
        self, _request: object, _context: grpc.ServicerContext
    ) -> resource_pb2.DeploymentInfo:
        """Say what this engine can do; the SDK refuses to a program what it cannot."""
        return resource_pb2.DeploymentInfo(
            project=self._project,
            stack=self._stack,
            supportedFeatures=[resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS],
        )

    def RegisterResource(  # noqa: N802
        self, request: resource_pb2.RegisterResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterResourceResponse:
        """Make, change or leave alone a resource."""
        with self._step(context):
            registered = self._deployment.register(self._goal(request))
            return resource_pb2.RegisterResourceResponse(
                urn=registered.urn, id=registered.id, object=to_struct(registered.outputs)
            )

    def RegisterResourceOutputs(  # noqa: N802
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: grpc.ServicerContext
    ) -> Any:  # noqa: ANN401
        """Take a component's outputs."""
        with self._step(context):
            self._deployment.register_outputs(request.urn, from_struct(request.outputs))
            return empty_pb2.Empty()

    def Invoke(  # noqa: N802
        self, request: resource_pb2.ResourceInvokeRequest, context: grpc.ServicerContext
    ) -> resource_pb2.ResourceInvokeResponse:
        """Call a function; with unknown arguments, its result is unknown."""
        arguments = from_struct(request.args)
        if has_unknown(arguments):
            return resource_pb2.ResourceInvokeResponse(unknown=True)
        with self._step(context):
            result = self._deployment.invoke(
                request.tok, arguments, request.provider, request.version
            )
            return resource_pb2.ResourceInvokeResponse(**{"return": to_struct(result)})

    def ReadResource(  # noqa: N802
        self, request: resource_pb2.ReadResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.ReadResourceResponse:
        """Refuse: nothing in the project reads resources that it has not made."""
        with self._step(context):
            raise EngineError(f"{request.type}.get() is unknown to the sandbox's engine")

    def SignalAndWaitForShutdown(  # noqa: N802
        self, _request: object, _context: grpc.ServicerContext
    ) -> Any:  # noqa: ANN401
        """Let the program end: it has no hooks that deletions could call."""
        self.complete = True
        return empty_pb2.Empty()

    def _goal(self, request: resource_pb2.RegisterResourceRequest) -> Goal:
        # The SDK also sends messages in which nothing is set, whose text is empty.
        fields = [field.name for field, value in request.ListFields() if str(value)]
        given = [_UNSUPPORTED[name] for name in fields if name in _UNSUPPORTED]
        given += [f'ignore_changes=["{path}"]' for path in request.ignoreChanges if "*" in path]
        if given:
            raise EngineError(
                f"{request.type} {request.name!r} has options that the sandbox's engine does not"
                f" know: {', '.join(given)}"
            )
        first = request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        return Goal(
            urn=urn(self._stack, self._project, request.parent, request.type, request.name),
            type=request.type,
            custom=request.custom,
            inputs=from_struct(request.object),
            parent=request.parent,
            dependencies=list(request.dependencies),
            property_dependencies={
                key: list(value.urns) for key, value in request.propertyDependencies.items()
            },
            provider=request.provider,
            version=request.version,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=first,
            ignore_changes=list(request.ignoreChanges),
            replace_on_changes=list(request.replaceOnChanges),
            additional_secret_outputs=list(request.additionalSecretOutputs),
            aliases=list(request.aliasURNs) + [alias.urn for alias in request.aliases],
        )

    @contextmanager
    def _step(self, context: grpc.ServicerContext) -> Iterator[None]:
        """One at a time; none after a failure."""
        with self._turn:
            if self._closed or self.failure is not None:
                _refuse(context)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the driver raises it again
                self.failure = error
                _refuse(context)


def _refuse(context: grpc.ServicerContext) -> NoReturn:
    # To the SDK, this says that the engine stops, for a reason that it tells the user itself.
    context.abort(grpc.StatusCode.UNAVAILABLE, "the engine stops")
    raise AssertionError  # abort has raised


@contextmanager
def serving(*services: EngineService | Monitor) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yield the address."""
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=CHANNEL_OPTIONS)
    for service in services:
        if isinstance(service, Monitor):
            resource_pb2_grpc.add_ResourceMonitorServicer_to_server(service, server)
        else:
            engine_pb2_grpc.add_EngineServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
