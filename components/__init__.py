"""Prometheus on AWS, as Pulumi components.

Nothing in here reads `pulumi.Config` or knows the stack's name: every value is an argument.
"""

from components.alertmanager import AlertmanagerService, AlertmanagerServiceArgs
from components.configuration import ConfigurationBucket, ConfigurationBucketArgs
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

__all__ = [
    "AlertmanagerService",
    "AlertmanagerServiceArgs",
    "ConfigurationBucket",
    "ConfigurationBucketArgs",
    "ExporterGroup",
    "ExporterGroupArgs",
    "ExporterNode",
    "ExporterNodeArgs",
    "GrafanaService",
    "GrafanaServiceArgs",
    "Ingress",
    "IngressArgs",
    "MonitoringNetwork",
    "MonitoringNetworkArgs",
    "NotificationTopic",
    "NotificationTopicArgs",
    "PrometheusService",
    "PrometheusServiceArgs",
    "ServiceNamespace",
    "ServiceNamespaceArgs",
    "ServiceWatch",
    "ServiceWatchArgs",
]
