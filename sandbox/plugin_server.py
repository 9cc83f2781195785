"""Serve a provider to an engine, as the SDK does, but for how it tells refusals."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio  # type: ignore[import-untyped]
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

_METHODS = ("Check", "Configure", "Create", "Delete", "Diff", "Invoke", "Read", "Update")

_POLL_INTERVAL_S = 1


class RefusedError(Exception):
    """The plugin cannot do what it is asked to do; the message says why, and what to do."""


def _plainly(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Answer with the message of a refusal alone; the SDK puts a trace below all errors."""

    async def call(servicer: ProviderServicer, request: Any, context: Any) -> Any:  # noqa: ANN401 - gRPC's
        try:
            return await method(servicer, request, context)
        except Exception as error:
            if isinstance(error.__context__, RefusedError):
                await context.abort(grpc.StatusCode.UNKNOWN, str(error.__context__))
            raise

    return call


class _Servicer(ProviderServicer):
    """The SDK's, with refusals that people can read."""


for _method in _METHODS:
    setattr(_Servicer, _method, _plainly(getattr(ProviderServicer, _method)))


async def serve(provider: Provider, version: str, engine: str) -> None:
    """Serve until the engine ends; the port is the first line of standard output.

    Args:
        provider: what to serve.
        version: to report; an engine warns unless it is the one that the program asks for.
        engine: address of the engine's own service.
    """
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = _Servicer([], version, provider, engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - a killed engine does not end its plugins
        await asyncio.sleep(_POLL_INTERVAL_S)
