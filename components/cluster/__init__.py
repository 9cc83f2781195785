"""An ECS cluster for services: on EC2 hosts that scale with them, or on Fargate."""

from components.cluster.service_cluster import ServiceCluster, ServiceClusterArgs

__all__ = ["ServiceCluster", "ServiceClusterArgs"]
