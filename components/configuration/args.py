"""The arguments of how configuration is delivered."""

from typing import Annotated, NotRequired, TypeAlias, TypedDict

import pulumi

from components import checks
from components.arguments import Knob, arguments
from components.containers.server import ServerArgs

DELIVERIES = ("image", "live")

RefreshInterval: TypeAlias = Annotated[str, Knob("15s", checks.duration("1s", "5m"))]
"""An argument: time between two looks for a new version."""

Port: TypeAlias = Annotated[int, Knob(9533, checks.port)]
"""An argument: port of the metrics of the container that brings configuration."""


@arguments
class ConfigurationArgs(TypedDict):
    """How the servers' configuration is delivered."""

    delivery: NotRequired[Annotated[str, Knob("image", checks.one_of(DELIVERIES))]]
    """How Prometheus and Alertmanager get their configuration. `image`: with their image, so that
    another one is another task. `live`: from a bucket, while they run (docs/live-configuration.md).
    Another value replaces the tasks."""

    refresh_interval: NotRequired[RefreshInterval]
    """With `live`, time between two looks for a new version, 1s to 5m."""

    port: NotRequired[Port]
    """With `live`, port of the metrics that say which version it is, 1024 to 65535."""


class ConfiguredServerArgs(ServerArgs):
    """Arguments of a server whose configuration may be delivered while it runs."""

    configuration_bucket: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name of the bucket that the configuration is delivered by. Empty: it comes with the image."""

    configuration_refresh_interval: NotRequired[RefreshInterval]
    """With a bucket, time between two looks for a new version, 1s to 5m."""

    configuration_port: NotRequired[Port]
    """With a bucket, port of the metrics that say which version it is, 1024 to 65535."""
