"""Prometheus on AWS, as Pulumi components.

Nothing in here reads `pulumi.Config` or knows the stack's name: every value is an argument.
"""

from components.exporters import ExporterGroup, ExporterGroupArgs, ExporterNode, ExporterNodeArgs
from components.network import MonitoringNetwork, MonitoringNetworkArgs
from components.prometheus import PrometheusService, PrometheusServiceArgs

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
