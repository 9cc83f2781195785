"""The table of resource types: how each lives in the emulator. One entry a type."""

from collections.abc import Mapping

from sandbox.resources import compute, containers, identity, network
from sandbox.resources.base import Account, Created, ImageSource, Inputs, ResourceType
from sandbox.resources.containers import image_source
from sandbox.resources.invokes import INVOKES

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    **network.RESOURCE_TYPES,
    **compute.RESOURCE_TYPES,
    **identity.RESOURCE_TYPES,
    **containers.RESOURCE_TYPES,
}
"""Pulumi's token of a type -> how it is made, read, changed and removed."""

__all__ = [
    "INVOKES",
    "RESOURCE_TYPES",
    "Account",
    "Created",
    "ImageSource",
    "Inputs",
    "ResourceType",
    "image_source",
]
