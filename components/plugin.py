"""The components as a Pulumi plugin, for programs in Pulumi's other languages."""

import json
import sys

from pulumi.provider import main
from pulumi.provider.experimental.component import ComponentProvider

from components.arguments import camel, sentences
from components.exporters import ExporterGroup, ExporterGroupArgs, ExporterNode, ExporterNodeArgs
from components.network import MonitoringNetwork, MonitoringNetworkArgs
from components.prometheus import PrometheusService, PrometheusServiceArgs

PACKAGE = "prometheus-aws"

COMPONENTS = {
    MonitoringNetwork: MonitoringNetworkArgs,
    PrometheusService: PrometheusServiceArgs,
    ExporterGroup: ExporterGroupArgs,
    ExporterNode: ExporterNodeArgs,
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


def serve() -> None:
    """Serve the components to Pulumi's CLI, which has started this process."""
    main(Plugin(), sys.argv[1:])
