"""What the table of resource types and the code beside it are made of."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from botocore.exceptions import ClientError

from sandbox.emulator import Emulator

Inputs: TypeAlias = Mapping[str, Any]
"""Properties of a resource by Pulumi's names (camel case)."""

Client: TypeAlias = Any
"""boto3's client of a service; they are made at run time."""


@dataclass(frozen=True)
class Account:
    """Where resources are made."""

    emulator: Emulator
    default_tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of every resource that can have tags: the provider's `defaultTags`."""

    def client(self, service: str) -> Client:
        """Return the administrator's client of an AWS service."""
        return self.emulator.client(service)


class GoneError(Exception):
    """The resource is not in AWS any more."""


class Step(NamedTuple):
    """Code for what takes AWS more than one call."""

    apply: Callable[[Client, str, Inputs, Inputs], Mapping[str, Any] | None]
    """Client, id, properties before (none: just made) and after (none: to be deleted).

    Returns outputs that it changes."""

    inputs: str = ""
    """The inputs that it applies, separated by spaces; they change in place."""

    undone: bool = False
    """Whether it also comes before the deletion."""


def capital(name: str) -> str:
    """Spell a name as most of AWS's APIs do: `cidrBlock` -> `CidrBlock`."""
    return name[0].upper() + name[1:]


def is_gone(error: ClientError) -> bool:
    """Say whether AWS refused because there is no such resource; each service has own codes."""
    code = error.response["Error"]["Code"]
    return "NotFound" in code or code.startswith("NoSuch")


@contextlib.contextmanager
def unless_gone() -> Iterator[None]:
    """Let AWS's error pass that there is no such resource, and `GoneError`."""
    try:
        yield
    except GoneError:
        pass
    except ClientError as error:
        if not is_gone(error):
            raise
