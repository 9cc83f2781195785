"""The network: VPC, subnets, routes, security-group rules, flow logs."""

from components.network.monitoring_network import MonitoringNetwork
from components.network.network_args import MonitoringNetworkArgs

__all__ = ["MonitoringNetwork", "MonitoringNetworkArgs"]
