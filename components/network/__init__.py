"""The network: VPC, subnets, routes, security-group rules, flow logs, names."""

from components.network.monitoring_network import MonitoringNetwork
from components.network.network_args import MonitoringNetworkArgs
from components.network.service_namespace import ServiceNamespace, ServiceNamespaceArgs

__all__ = ["MonitoringNetwork", "MonitoringNetworkArgs", "ServiceNamespace", "ServiceNamespaceArgs"]
