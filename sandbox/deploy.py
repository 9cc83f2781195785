"""Evaluate the Pulumi program in this process, and make what it registers in the emulator.

The program talks to Pulumi's mock monitor. The mock is not a stub: each resource is really made,
and its real id, ARN, address or key flows back into the program.
"""

import contextlib
import functools
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime import mocks

from mocks.evaluation import Monitor, as_secret, evaluate, is_secret, without_secrets
from sandbox.configuration import ROOT, project
from sandbox.errors import SandboxError
from sandbox.resources import Account, invoke, resource_type


class DeployError(SandboxError):
    """The program cannot be deployed, for a reason that the user can fix; no trace is needed."""


class ProgramError(SandboxError):
    """The program, or an entry of the table of resource types, is wrong; with its trace."""


class Deployment(NamedTuple):
    """What the program came to."""

    outputs: Mapping[str, Any]
    """The stack's outputs; what is secret in them is `[secret]`."""
    resources: int
    """Number of resources, components not counted."""


def deploy(
    account: Account, stack: str, config: Mapping[str, str], progress: Callable[[int], None]
) -> Deployment:
    """Evaluate the program once, and make its resources.

    Args:
        account: where to make the resources.
        stack: name of the stack.
        config: the configuration, as `handed_over` returns it.
        progress: called with the number of resources, each time that one has been made.

    Raises:
        DeployError: the program refuses (illegal settings): its own message.
        ProgramError: anything else went wrong in it, with the trace.
    """
    recorder = _Emulated(account, progress)
    monitor = Monitor(recorder)
    try:
        with _in_project():
            program = functools.partial(
                runpy.run_path, str(ROOT / "__main__.py"), run_name="__main__"
            )
            evaluate(program, monitor, project=project()["name"], stack=stack, config=config)
    except pulumi.RunError as error:
        raise DeployError(str(error)) from error
    except Exception as error:
        # What the emulator refused is the cause; what Pulumi says about it are consequences.
        raise ProgramError(recorder.failure or traceback.format_exc()) from error
    finally:
        recorder.end()
    return Deployment(_plain(without_secrets(monitor.stack_outputs)), recorder.count)


@contextlib.contextmanager
def _in_project() -> Iterator[None]:
    """Give the program the working directory and the import path that Pulumi gives it."""
    before = Path.cwd()
    path = list(sys.path)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Take the secret marks off, at any depth; whole numbers come as floats and are made whole."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if is_secret(value):
        return _plain(value["value"])
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


class _Emulated(mocks.Mocks):
    """Makes resources in the emulator, one at a time."""

    def __init__(self, account: Account, progress: Callable[[int], None]) -> None:
        self.count = 0
        self.failure = ""
        """The first failure, for people."""
        self._account = account
        self._progress = progress
        self._lock = threading.Lock()
        self._ended = False

    def end(self) -> None:
        """Begin nothing more: after a Ctrl-C Pulumi's threads go on, while the emulator ends."""
        with self._lock:
            self._ended = True

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return "", args.inputs  # a component: only its children exist in AWS
        with self._lock, self._noting(f"{args.typ} {args.name!r}"):
            entry = resource_type(args.typ)
            inputs = entry.fill_in(self._account, args.name, _plain(args.inputs))
            created = entry.make(self._account, inputs)
            self.count += 1
            self._progress(self.count)
        secret = {name: as_secret(created.properties[name]) for name in entry.secret_outputs}
        # The inputs as they came keep their secret marks.
        return created.id, {**created.properties, **args.inputs, **secret}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        with self._lock, self._noting(args.token):
            return invoke(self._account, args.token, _plain(args.args)), []

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        if self._ended:
            raise DeployError("the deployment has ended")
        try:
            yield
        except (ClientError, BotoCoreError, ValueError) as error:
            self.failure = self.failure or f"{what}: {error}"
            raise
        except Exception:
            self.failure = self.failure or f"{what}: {traceback.format_exc()}"
            raise
