"""The emulated AWS as Pulumi's providers see it: resource types, functions and images, as data."""

from sandbox.resources.base import Account, GoneError, Inputs
from sandbox.resources.images import ImageSource
from sandbox.resources.interpreter import Created, ResourceType
from sandbox.resources.invokes import INVOKES
from sandbox.resources.table import RESOURCE_TYPES

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
