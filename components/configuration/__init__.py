"""How a server gets its configuration: with its image, or while it runs."""

from components.configuration.args import ConfigurationArgs
from components.configuration.configuration_bucket import (
    ConfigurationBucket,
    ConfigurationBucketArgs,
)

__all__ = ["ConfigurationArgs", "ConfigurationBucket", "ConfigurationBucketArgs"]
