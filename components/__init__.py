"""Prometheus on AWS, as Pulumi components.

Nothing in here reads `pulumi.Config` or knows the stack's name: every value is an argument.
"""

from components.exporter_group import ExporterGroup, ExporterGroupArgs
from components.exporter_node import ExporterNode, ExporterNodeArgs
from components.monitoring_network import MonitoringNetwork, MonitoringNetworkArgs
from components.prometheus_service import PrometheusService, PrometheusServiceArgs

__all__ = [
    "ExporterGroup",
    "ExporterGroupArgs",
    "ExporterNode",
    "ExporterNodeArgs",
    "MonitoringNetwork",
    "MonitoringNetworkArgs",
    "PrometheusService",
    "PrometheusServiceArgs",
]
