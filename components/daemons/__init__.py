"""What watches the hosts of an ECS cluster and their containers: a task on each host."""

from components.daemons.cluster_daemons import ClusterDaemons, ClusterDaemonsArgs

__all__ = ["ClusterDaemons", "ClusterDaemonsArgs"]
