"""EC2 hosts that run node_exporter."""

from components.exporters.exporter_group import ExporterGroup, ExporterGroupArgs
from components.exporters.exporter_node import ExporterNode, ExporterNodeArgs

__all__ = ["ExporterGroup", "ExporterGroupArgs", "ExporterNode", "ExporterNodeArgs"]
