"""Prometheus on AWS, as Pulumi components.

Nothing in here reads `pulumi.Config` or knows the stack's name: every value is an argument.
"""

from components.exporters import ExporterGroup, ExporterGroupArgs, ExporterNode, ExporterNodeArgs
from components.network import MonitoringNetwork, MonitoringNetworkArgs
from components.notifications import (
    NotificationTopic,
    NotificationTopicArgs,
    ServiceWatch,
    ServiceWatchArgs,
)
from components.prometheus import PrometheusService, PrometheusServiceArgs

__all__ = [
    "ExporterGroup",
    "ExporterGroupArgs",
    "ExporterNode",
    "ExporterNodeArgs",
    "MonitoringNetwork",
    "MonitoringNetworkArgs",
    "NotificationTopic",
    "NotificationTopicArgs",
    "PrometheusService",
    "PrometheusServiceArgs",
    "ServiceWatch",
    "ServiceWatchArgs",
]
