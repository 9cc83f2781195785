"""The emulated AWS as Pulumi's providers see it: resource types, functions and images, as data."""

from collections.abc import Mapping
from typing import Any

from sandbox.resources import (
    containers,
    identity,
    ingress,
    instances,
    network,
    notifications,
    objects,
    services,
    storage,
)
from sandbox.resources.base import Account, GoneError, Inputs
from sandbox.resources.images import ImageSource
from sandbox.resources.interpreter import Created, ResourceType
from sandbox.resources.invokes import INVOKES

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    **network.RESOURCE_TYPES,
    **instances.RESOURCE_TYPES,
    **identity.RESOURCE_TYPES,
    **containers.RESOURCE_TYPES,
    **notifications.RESOURCE_TYPES,
    **ingress.RESOURCE_TYPES,
    **objects.RESOURCE_TYPES,
    **storage.RESOURCE_TYPES,
    **services.RESOURCE_TYPES,
}
"""Pulumi's token of a type -> how it is made, read, changed and removed."""


def resource_type(token: str) -> ResourceType:
    """Return the entry of a type.

    Raises:
        ValueError: there is none.
    """
    if token not in RESOURCE_TYPES:
        raise ValueError(
            f"the sandbox has no entry for the type {token}: add one to RESOURCE_TYPES in"
            " sandbox/resources/"
        )
    return RESOURCE_TYPES[token]


def invoke(account: Account, token: str, args: Inputs) -> dict[str, Any]:
    """Answer a function (data source).

    Raises:
        ValueError: there is no entry for it.
    """
    if token not in INVOKES:
        raise ValueError(
            f"the sandbox has no entry for the function {token}: add one to INVOKES in"
            " sandbox/resources/invokes.py"
        )
    return INVOKES[token](account, args)


__all__ = [
    "RESOURCE_TYPES",
    "Account",
    "Created",
    "GoneError",
    "ImageSource",
    "Inputs",
    "ResourceType",
    "invoke",
    "resource_type",
]
