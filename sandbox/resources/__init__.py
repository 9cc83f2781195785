"""The emulated AWS as Pulumi's providers see it: resource types, functions and images, as data."""

from collections.abc import Mapping

from sandbox.resources import containers, identity, instances, network
from sandbox.resources.base import Account, GoneError, Inputs
from sandbox.resources.images import ImageSource
from sandbox.resources.interpreter import Created, ResourceType
from sandbox.resources.invokes import INVOKES

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    **network.RESOURCE_TYPES,
    **instances.RESOURCE_TYPES,
    **identity.RESOURCE_TYPES,
    **containers.RESOURCE_TYPES,
}
"""Pulumi's token of a type -> how it is made, read, changed and removed."""

__all__ = [
    "INVOKES",
    "RESOURCE_TYPES",
    "Account",
    "Created",
    "GoneError",
    "ImageSource",
    "Inputs",
    "ResourceType",
]
