"""The components as a Pulumi plugin, for programs in Pulumi's other languages."""

import json
import sys

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from components.alertmanager import AlertmanagerService, AlertmanagerServiceArgs
from components.arguments import ArgumentError, camel, sentences
from components.bastion import Bastion, BastionArgs
from components.cluster import ServiceCluster, ServiceClusterArgs
from components.configuration import ConfigurationBucket, ConfigurationBucketArgs
from components.daemons import ClusterDaemons, ClusterDaemonsArgs
from components.exporters import ExporterGroup, ExporterGroupArgs, ExporterNode, ExporterNodeArgs
from components.grafana import GrafanaService, GrafanaServiceArgs
from components.ingress import Ingress, IngressArgs
from components.network import (
    MonitoringNetwork,
    MonitoringNetworkArgs,
    ServiceNamespace,
    ServiceNamespaceArgs,
)
from components.notifications import (
    NotificationTopic,
    NotificationTopicArgs,
    ServiceWatch,
    ServiceWatchArgs,
)
from components.prometheus import PrometheusService, PrometheusServiceArgs
from components.services import (
    ExistingService,
    ExistingServiceArgs,
    MonitoredService,
    MonitoredServiceArgs,
)

PACKAGE = "prometheus-aws"

COMPONENTS = {
    MonitoringNetwork: MonitoringNetworkArgs,
    ServiceNamespace: ServiceNamespaceArgs,
    ConfigurationBucket: ConfigurationBucketArgs,
    AlertmanagerService: AlertmanagerServiceArgs,
    Ingress: IngressArgs,
    PrometheusService: PrometheusServiceArgs,
    GrafanaService: GrafanaServiceArgs,
    ExporterGroup: ExporterGroupArgs,
    ExporterNode: ExporterNodeArgs,
    NotificationTopic: NotificationTopicArgs,
    ServiceWatch: ServiceWatchArgs,
    MonitoredService: MonitoredServiceArgs,
    ExistingService: ExistingServiceArgs,
    ServiceCluster: ServiceClusterArgs,
    ClusterDaemons: ClusterDaemonsArgs,
    Bastion: BastionArgs,
}


class Plugin(ComponentProvider):
    """Makes components for another language's program, and describes them in a schema."""

    def __init__(self) -> None:
        """Infer the schema from the components' types."""
        super().__init__(list(COMPONENTS), PACKAGE)
        # Pulumi's analysis finds the sentences of a class's own fields only, none that it inherits.
        schema = json.loads(self.schema or "")
        for component, shape in COMPONENTS.items():
            inputs = schema["resources"][f"{PACKAGE}:index:{component.__name__}"]["inputProperties"]
            for key, sentence in sentences(shape).items():
                inputs[camel(key)]["description"] = sentence
        self.schema = json.dumps(schema)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertiesError: illegal arguments, named as the other language spells them.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if not isinstance(error.inner, ArgumentError):
                raise
            raise InputPropertiesError(
                "it cannot be made",
                [
                    {"property_path": camel(problem.key), "reason": problem.message}
                    for problem in error.inner.problems
                ],
            ) from error


def serve() -> None:
    """Serve the components to Pulumi's CLI, which has started this process."""
    main(Plugin(), sys.argv[1:])
