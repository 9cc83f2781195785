"""What the table of resource types and the code beside it are made of."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from botocore.exceptions import ClientError

from sandbox.emulator import Emulator

Inputs: TypeAlias = Mapping[str, Any]
"""Properties of a resource by Pulumi's names (camel case)."""


@dataclass(frozen=True)
class Account:
    """Where resources are made."""

    emulator: Emulator
    default_tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of every resource that can have tags: the provider's `defaultTags`."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients are made at run time
        """Return the administrator's boto3 client of an AWS service."""
        return self.emulator.client(service)


class GoneError(Exception):
    """The resource is not in AWS any more."""


class Step(NamedTuple):
    """Code for what takes AWS more than one call."""

    apply: Callable[[Account, str, Inputs, Inputs], Mapping[str, Any] | None]
    """Id, properties before (none: it has just been made) and after (none: it is to be deleted).

    Returns outputs that it changes."""

    inputs: str = ""
    """The inputs that it applies, separated by spaces; they change in place."""

    undone: bool = False
    """Whether it also comes before the deletion."""


def is_gone(error: ClientError) -> bool:
    """Say whether AWS refused because there is no such resource; each service has own codes."""
    code = error.response["Error"]["Code"]
    return "NotFound" in code or code == "NoSuchEntity"


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
