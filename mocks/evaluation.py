"""Evaluating a Pulumi program in this process, without an engine: Pulumi's mocks play its part."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from unittest.mock import patch

import pulumi
import pulumi.runtime
from pulumi.runtime import resource, rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack

STACK_TYPE = "pulumi:pulumi:Stack"


def as_secret(value: object) -> dict[str, Any]:
    """Mark a value as secret, in the form in which it travels."""
    return {rpc._special_sig_key: rpc._special_secret_sig, "value": value}


def is_secret(value: object) -> bool:
    """Whether a value travels as a secret."""
    return isinstance(value, Mapping) and rpc._special_sig_key in value


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """What of a value is plain text in Pulumi's state: `[secret]` in place of what is not."""
    if is_secret(value):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value


class Monitor(MockMonitor):
    """Keeps the outputs of components and of the stack, which Pulumi's own mock drops."""

    def __init__(self, mocks: Any) -> None:  # noqa: ANN401 - the SDK's `Mocks`, which has no types
        super().__init__(mocks)
        self.component_outputs: dict[str, dict[str, Any]] = {}
        """URN of a component, or of the stack -> its outputs."""

    @property
    def stack_outputs(self) -> dict[str, Any]:
        """The stack's outputs; none before the program has ended."""
        urns = [urn for urn in self.component_outputs if f"::{STACK_TYPE}::" in urn]
        return self.component_outputs[urns[0]] if urns else {}

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802 - as in the SDK
        self.component_outputs[request.urn] = rpc.deserialize_properties(
            request.outputs, keep_unknowns=True
        )
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def evaluate(  # noqa: PLR0913 - each says something
    program: Callable[[], object],
    monitor: Monitor,
    *,
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret: Sequence[str] = (),
    preview: bool = False,
) -> None:
    """Evaluate a program to its end; whatever it raises comes out here.

    Args:
        program: registers resources.
        monitor: gets the registrations.
        project: name of the project.
        stack: name of the stack.
        config: full keys with namespace -> text.
        secret: keys of it whose values are secret.
        preview: computed outputs are unknown, where the mocks give no id.
    """
    loop = asyncio.new_event_loop()
    # Of what fails, the first comes out here; of the rest, asyncio would tell when nobody asks.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    pulumi.runtime.set_all_config(dict(config), list(secret))
    # Where there is no root, `set_mocks` makes a stack and closes it; exports want an open one.
    ROOT.set(cast("pulumi.Resource", object()))
    pulumi.runtime.set_mocks(
        monitor.mocks, project=project, stack=stack, preview=preview, monitor=monitor
    )
    ROOT.set(None)

    def run() -> None:
        program()

    try:
        # Where in the source a resource is made: for an engine's messages, and a fifth of the work.
        with patch.object(resource, "_get_stack_trace", StackTrace):
            loop.run_until_complete(run_in_stack(run))
    finally:
        loop.close()
