"""Legal arguments of every component, the fewest and all of them."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pulumi

from components import (
    ExporterGroup,
    ExporterNode,
    MonitoringNetwork,
    NotificationTopic,
    PrometheusService,
    ServiceWatch,
)

ROOT = Path(__file__).parents[2]


class Example(NamedTuple):
    """A component, and arguments for it."""

    component: Callable[..., pulumi.ComponentResource]
    fewest: Mapping[str, Any]
    others: Mapping[str, Any]
    """The arguments that have a default, with other values than it."""

    @property
    def shape(self) -> type:
        """The `TypedDict` of its arguments."""
        found: type = inspect.signature(self.component).parameters["args"].annotation
        return found

    @property
    def all(self) -> dict[str, Any]:
        """Every argument."""
        return {**self.fewest, **self.others}


NETWORK = Example(
    MonitoringNetwork,
    {},
    {
        "vpc_cidr": "10.43.0.0/16",
        "zone_count": 3,
        "exclude_zone_ids": ["euc1-az9"],
        "instance_types": ["t4g.nano"],
        "nat_strategy": "per-az",
        "flow_logs": True,
        "log_retention_days": 30,
        "network_acl": True,
        "network_acl_ingress": ["tcp 80 0.0.0.0/0"],
        "network_acl_egress": ["udp 53 198.51.100.0/24"],
        "ssh_cidrs": ["203.0.113.8/32"],
        "allow_loopback_cidr": True,
    },
)
SERVICE = Example(
    PrometheusService,
    {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"], "environment": "dev"},
    {
        "assign_public_ip": True,
        "enable_execute_command": True,
        "admin_cidrs": ["203.0.113.7/32", "198.51.100.0/24"],
        "version": "3.14.0",
        "port": 9091,
        "node_exporter_port": 9101,
        "discovery_tag_key": "team:monitor",
        "discovery_tag_value": "yes",
        "discovery_refresh_interval": "2m",
        "scrape_interval": "30s",
        "retention": "90d",
        "storage_gib": 100,
        "cpu_architecture": "X86_64",
        "task_cpu": 1024,
        "task_memory": 4096,
        "credentials": "task-role",
        "access_key_rotation": 2,
        "sample_limit": 20_000,
        "body_size_limit_mib": 20,
        "target_limit": 500,
        "runbook_base_url": "https://example.com/runbooks",
        "log_retention_days": 30,
        "image_context": str(ROOT / "docker" / "prometheus"),
        "delete_images_on_destroy": True,
    },
)
GROUP = Example(
    ExporterGroup,
    {"vpc_id": "vpc-1", "prometheus_security_group_id": "sg-prometheus"},
    {
        "node_exporter_version": "1.12.0",
        "node_exporter_port": 9101,
        "instance_type": "t3.micro",
        "ami_id": "ami-0fedcba9876543210",
        "ssh_cidrs": ["203.0.113.8/32"],
    },
)
NODE = Example(
    ExporterNode,
    {
        "subnet_id": "subnet-1",
        "security_group_id": "sg-hosts",
        "instance_profile_name": "profile-1",
        "user_data": "#!/bin/bash\n",
        "ami_id": "ami-0123456789abcdef0",
    },
    {
        "replace_on_new_ami": True,
        "instance_type": "t3.micro",
        "root_volume_gib": 20,
        "associate_public_ip": True,
        "ssh_key_name": "admin",
        "discovery_tag_key": "team:monitor",
        "discovery_tag_value": "yes",
        "environment": "dev",
    },
)
TOPIC = Example(
    NotificationTopic,
    {},
    {"emails": ["on-call@example.com", "ops@example.com"], "sms": ["+4915112345678"]},
)
WATCH = Example(
    ServiceWatch,
    {
        "topic_arn": "arn:aws:sns:eu-central-1:123456789012:topic",
        "cluster_name": "cluster-1",
        "service_name": "service-1",
    },
    {"desired_count": 2, "runbook_base_url": "https://example.com/runbooks"},
)
EXAMPLES = {
    "MonitoringNetwork": NETWORK,
    "PrometheusService": SERVICE,
    "ExporterGroup": GROUP,
    "ExporterNode": NODE,
    "NotificationTopic": TOPIC,
    "ServiceWatch": WATCH,
}
