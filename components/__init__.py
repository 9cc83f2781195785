"""Prometheus on AWS, as Pulumi components.

Nothing in here reads `pulumi.Config` or knows the stack's name: every value is an argument.
"""

from components.alertmanager import AlertmanagerService, AlertmanagerServiceArgs
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

__all__ = [
    "AlertmanagerService",
    "AlertmanagerServiceArgs",
    "Bastion",
    "BastionArgs",
    "ClusterDaemons",
    "ClusterDaemonsArgs",
    "ConfigurationBucket",
    "ConfigurationBucketArgs",
    "ExistingService",
    "ExistingServiceArgs",
    "ExporterGroup",
    "ExporterGroupArgs",
    "ExporterNode",
    "ExporterNodeArgs",
    "GrafanaService",
    "GrafanaServiceArgs",
    "Ingress",
    "IngressArgs",
    "MonitoredService",
    "MonitoredServiceArgs",
    "MonitoringNetwork",
    "MonitoringNetworkArgs",
    "NotificationTopic",
    "NotificationTopicArgs",
    "PrometheusService",
    "PrometheusServiceArgs",
    "ServiceCluster",
    "ServiceClusterArgs",
    "ServiceNamespace",
    "ServiceNamespaceArgs",
    "ServiceWatch",
    "ServiceWatchArgs",
]
