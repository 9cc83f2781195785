"""Serve the provider to Pulumi's engine, from this process: no plugin is installed or started."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.addresses import LOOPBACK

_OF_CONNECTION = ("Check", "Configure", "Create", "Delete", "Diff", "Invoke", "Read", "Update")


class RefusedError(Exception):
    """The provider cannot do what it is asked to do; the message says why, and what to do."""


class _Servicer(ProviderServicer):
    """The SDK's, for engines that attach, and with refusals that people can read."""

    def __init__(self, version: str, make: Callable[[], Provider]) -> None:
        super().__init__([], version, make(), "")
        self._make = make
        # An engine has a connection, and a configuration, for each provider of the program.
        self._connections: dict[str, ProviderServicer] = {}

    async def Attach(self, _request: object, _context: object) -> empty_pb2.Empty:  # noqa: N802 - gRPC's
        return empty_pb2.Empty()

    def of(self, connection: str) -> ProviderServicer:
        if connection not in self._connections:
            self._connections[connection] = ProviderServicer([], self._version, self._make(), "")
        return self._connections[connection]


def _of_connection(
    method: Callable[..., Awaitable[Any]],
) -> Callable[[_Servicer, Any, Any], Awaitable[Any]]:
    async def call(servicer: _Servicer, request: Any, context: Any) -> Any:  # noqa: ANN401 - gRPC's
        try:
            return await method(servicer.of(context.peer()), request, context)
        except Exception as error:
            if isinstance(error.__context__, RefusedError):  # the SDK puts a trace below it
                await context.abort(grpc.StatusCode.UNKNOWN, str(error.__context__))
            raise

    return call


for _method in _OF_CONNECTION:
    setattr(_Servicer, _method, _of_connection(getattr(ProviderServicer, _method)))


@contextlib.contextmanager
def serving(
    make: Callable[[str], Provider], versions: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Serve until the context ends, on a loopback port for each package.

    Args:
        make: makes a package's provider; each connection of an engine gets one of its own.
        versions: package -> version to report; an engine warns unless it is the one that the
            program asks for.

    Yields:
        The environment variable that leads the Pulumi CLI here.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="plugins", daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    servers: list[Any] = []
    ports: dict[str, int] = {}

    async def start() -> None:
        for package, version in versions.items():
            server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
            servicer = _Servicer(version, lambda package=package: make(package))  # type: ignore[misc]
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
            ports[package] = server.add_insecure_port(f"{LOOPBACK}:0")
            servers.append(server)
            await server.start()

    async def stop() -> None:
        for server in servers:
            await server.stop(None)

    try:
        run(start())
        yield {"PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{at}" for name, at in ports.items())}
    finally:
        run(stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
