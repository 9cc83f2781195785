"""Legal arguments of every component, the fewest and all of them."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pulumi

from components import (
    AlertmanagerService,
    Bastion,
    ClusterDaemons,
    ConfigurationBucket,
    ExistingService,
    ExporterGroup,
    ExporterNode,
    GrafanaService,
    Ingress,
    MonitoredService,
    MonitoringNetwork,
    NotificationTopic,
    PrometheusService,
    ServiceCluster,
    ServiceNamespace,
    ServiceWatch,
)
from components.alertmanager.configuration import SECRETS

ROOT = Path(__file__).parents[2]
OWN = ROOT / "examples" / "own_configuration"
MORE = ROOT / "tests" / "components" / "more_configuration"
"""What a service brings along, beside the user's own."""
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"  # noqa: S105 - an ARN


class Example(NamedTuple):
    """A component, and arguments for it."""

    component: Callable[..., pulumi.ComponentResource]
    fewest: Mapping[str, Any]
    others: Mapping[str, Any]
    """The arguments that have a default, with other values than it."""

    instead: Mapping[str, Any] = MappingProxyType({})
    """Further arguments, which do not go with the others."""

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
        "ipv6": True,
        "flow_logs": True,
        "log_retention_days": 30,
        "network_acl": True,
        "network_acl_ingress": ["tcp 80 0.0.0.0/0"],
        "network_acl_egress": ["udp 53 198.51.100.0/24"],
        "ssh_cidrs": ["203.0.113.8/32"],
        "allow_loopback_cidr": True,
    },
)
NAMESPACE = Example(ServiceNamespace, {"vpc_id": "vpc-1"}, {"domain": "watch.example"})
SERVER = {
    "namespace_id": "ns-1",
    "namespace_domain": "watch.example",
    "target_group_arn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/t/1",
    "load_balancer_security_group_id": "sg-load-balancer",
}
"""What wires a server, whichever it is, to others."""
DELIVERED = {
    "configuration_bucket": "configuration-1",
    "configuration_refresh_interval": "1m",
    "configuration_port": 9534,
}
SERVICE = Example(
    PrometheusService,
    {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"], "environment": "dev"},
    {
        **SERVER,
        **DELIVERED,
        "alertmanager_dns_name": "alertmanager.watch.example",
        "alertmanager_security_group_id": "sg-alertmanager",
        "alertmanager_port": 9193,
        "assign_public_ip": True,
        "enable_execute_command": True,
        "admin_cidrs": ["203.0.113.7/32", "198.51.100.0/24"],
        "version": "3.14.0",
        "replicas": 2,
        "port": 9091,
        "node_exporter_port": 9101,
        "cluster_arns": [
            "arn:aws:ecs:eu-central-1:123456789012:cluster/shop",
            "arn:aws:ecs:eu-central-1:123456789012:cluster/office",
        ],
        "cluster_hosts": {"shop": "hosts-of-shop"},
        "expected_tasks": {"web": 3},
        "cadvisor_port": 9102,
        "discovery_tag_key": "team:monitor",
        "discovery_tag_value": "yes",
        "discovery_refresh_interval": "2m",
        "scrape_interval": "30s",
        "retention": "90d",
        "storage_gib": 100,
        "storage_size_gib": 200,
        "storage_iops": 4000,
        "storage_throughput": 250,
        "storage_instance_type": "t3.large",
        "storage_snapshot_hour": 4,
        "storage_snapshot_retention_days": 30,
        "storage_restore_snapshot_id": "snap-0123456789abcdef0",
        "storage_delete_volumes_on_destroy": True,
        "cpu_architecture": "X86_64",
        "task_cpu": 1024,
        "task_memory": 4096,
        "credentials": "task-role",
        "access_key_rotation": 2,
        "sample_limit": 20_000,
        "body_size_limit_mib": 20,
        "target_limit": 500,
        "external_url": "https://prometheus.example.com",
        "runbook_base_url": "https://example.com/runbooks",
        "log_retention_days": 30,
        "image_context": str(ROOT / "docker" / "prometheus"),
        "delete_images_on_destroy": True,
    },
    # A task on a host has no public address.
    instead={
        "overlay": str(OWN / "prometheus"),
        "overlays": [str(MORE / "prometheus")],
        "storage_kind": "ebs",
    },
)
ALERTS = Example(
    AlertmanagerService,
    {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2", "subnet-3"],
        "namespace_id": SERVER["namespace_id"],
        "namespace_domain": SERVER["namespace_domain"],
    },
    {
        "target_group_arn": SERVER["target_group_arn"],
        "load_balancer_security_group_id": SERVER["load_balancer_security_group_id"],
        **DELIVERED,
        "assign_public_ip": True,
        "enable_execute_command": True,
        "version": "0.33.1",
        "replicas": 3,
        "port": 9193,
        "page_with": ["sns", "slack", "pagerduty", "opsgenie", "webhook"],
        "notify_with": ["slack"],
        "topic_arn": "arn:aws:sns:eu-central-1:123456789012:topic",
        **{f"{name}_secret_arn": f"{SECRET}:{name}-AbCdEf" for name in SECRETS.values()},
        "group_wait": "1m",
        "group_interval": "10m",
        "repeat_interval": "1d",
        "notify_days": "monday:friday",
        "notify_hours": "08:00-18:00",
        "time_zone": "Europe/Berlin",
        "routes_file": str(ROOT / "tests" / "components" / "alertmanager" / "routes.yml"),
        "external_url": "https://alertmanager.example.com",
        "grafana_url": "https://grafana.example.com",
        "storage_gib": 30,
        "cpu_architecture": "X86_64",
        "task_cpu": 512,
        "task_memory": 1024,
        "log_retention_days": 30,
        "image_context": str(ROOT / "docker" / "alertmanager"),
        "delete_images_on_destroy": True,
    },
    {"overlay": str(OWN / "alertmanager"), "overlays": [str(MORE / "alertmanager")]},
)
GRAFANA = Example(
    GrafanaService,
    {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "prometheus_dns_name": "prometheus.monitoring.internal",
        "prometheus_security_group_id": "sg-prometheus",
    },
    {
        "prometheus_replicas": 2,
        "prometheus_port": 9091,
        "alertmanager_dns_name": "alertmanager.monitoring.internal",
        "alertmanager_security_group_id": "sg-alertmanager",
        "alertmanager_port": 9094,
        "namespace_id": "ns-1",
        "namespace_domain": "monitoring.internal",
        "target_group_arn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/g/1",
        "load_balancer_security_group_id": "sg-load-balancer",
        "public_url": "https://grafana.example.com",
        "assign_public_ip": True,
        "enable_execute_command": True,
        "version": "13.2.2",
        "port": 3001,
        "scrape_interval": "30s",
        "runbook_base_url": "https://example.com/runbooks",
        "anonymous_viewer": True,
        "admin_password_rotation": 2,
        "oidc_client_id": "grafana",
        "oidc_client_secret_arn": "arn:aws:secretsmanager:eu-central-1:1:secret:oidc-AbCdEf",
        "oidc_authorization_endpoint": "https://id.example.com/authorize",
        "oidc_token_endpoint": "https://id.example.com/token",
        "oidc_user_info_endpoint": "https://id.example.com/userinfo",
        "oidc_scopes": ["openid", "email", "groups"],
        "oidc_role_attribute_path": "contains(groups[*], 'sre') && 'Admin' || 'Viewer'",
        "storage_gib": 30,
        "cpu_architecture": "X86_64",
        "task_cpu": 512,
        "task_memory": 1024,
        "log_retention_days": 30,
        "image_context": str(ROOT / "docker" / "grafana"),
        "delete_images_on_destroy": True,
    },
    {"overlay": str(OWN / "grafana"), "overlays": [str(MORE / "grafana")]},
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
INGRESS = Example(
    Ingress,
    {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "servers": ["prometheus", "alertmanager", "grafana"],
        "domain": "monitoring.example.com",
        "zone_id": "Z0123456789ABCDEFGHIJ",
        "cidrs": ["203.0.113.7/32"],
        "oidc_issuer": "https://login.example.com",
        "oidc_authorization_endpoint": "https://login.example.com/authorize",
        "oidc_token_endpoint": "https://login.example.com/token",
        "oidc_user_info_endpoint": "https://login.example.com/userinfo",
        "oidc_client_id": "monitoring",
        "oidc_client_secret_arn": (
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prometheus-login-AbCdEf"
        ),
    },
    {
        "certificate_arn": (
            "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
        ),
        "ipv6": True,
        "sticky_servers": ["prometheus"],
        "internal": True,
        "waf_acl_arn": (
            "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/"
            "12345678-1234-1234-1234-123456789012"
        ),
        "deletion_protection": True,
        "access_log_retention_days": 30,
        "delete_access_logs_on_destroy": True,
    },
    {
        "open_to_the_world": True,
        "cognito_user_pool_arn": (
            "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf"
        ),
        "cognito_client_id": "monitoring",
        "cognito_domain": "our-company",
        "without_authentication": True,
    },
)
SHOP = ROOT / "tests" / "components" / "monitored_services" / "shop"
"""A service's folder."""
MONITORED = Example(
    MonitoredService,
    {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "cluster_arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/shops",
        "prometheus_security_group_id": "sg-prometheus",
        "metrics": ["8000/metrics"],
        "image_context": str(SHOP),
    },
    {
        "namespace_id": "ns-1",
        "namespace_domain": "watch.example",
        "job": "shop",
        "capacity_provider": "hosts",
        "launch_type": "EC2",
        "security_group_ids": ["sg-0123456789abcdef1"],
        "enable_execute_command": True,
        "user": "1000:1000",
        "read_only_root_filesystem": False,
        "writable_paths": ["/tmp", "/var/cache/shop"],  # noqa: S108 - in the container
        "environment": ["LOG_LEVEL=info", "EMPTY="],
        "secret_arns": [f"DATABASE_PASSWORD={SECRET}:database-AbCdEf"],
        "port": 8001,
        "health_path": "/healthy",
        "health_command": ["python", "-m", "shop.health"],
        "cpu": 384,
        "memory": 300,
        "cpu_architecture": "X86_64",
        "desired_count": 3,
        "max_count": 6,
        "cpu_target_percent": 50,
        "host_name": "shop.example.com",
        "listener_priority": 100,
        "domain": "example.com",
        "listener_arn": "arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/way-in/1/2",
        "load_balancer_security_group_id": "sg-load-balancer",
        "load_balancer_dns_name": "way-in-1.eu-central-1.elb.amazonaws.com",
        "load_balancer_zone_id": "Z215JYRZR1TBD5",
        "zone_id": "Z0123456789ABCDEFGHIJ",
        "ipv6": True,
        "log_retention_days": 30,
        "delete_images_on_destroy": True,
        "monitoring": str(SHOP / "monitoring"),
    },
    # Only a task on Fargate has a public address.
    {"image": "registry.example.com/shop:1.2", "assign_public_ip": True},
)
EXISTING = Example(
    ExistingService,
    {
        "prometheus_security_group_id": "sg-prometheus",
        "service_arn": "arn:aws:ecs:eu-central-1:123456789012:service/theirs/orders",
        "metrics": ["80/metrics", "9102/stats"],
    },
    {
        "security_group_ids": ["sg-0123456789abcdef0"],
        "job": "orders-api",
        "monitoring": str(SHOP / "monitoring"),
    },
)
CLUSTER = Example(
    ServiceCluster,
    {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"]},
    {
        "instance_types": ["m7i.large", "m6i.large"],
        "min_size": 2,
        "desired_size": 4,
        "max_size": 6,
        "spot_percent": 50,
        "root_size_gib": 60,
        "container_insights": True,
    },
    instead={"capacity": "fargate"},
)
DAEMONS = Example(
    ClusterDaemons,
    {
        "cluster_arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/apps",
        "prometheus_security_group_id": "sg-prometheus",
    },
    {
        "host_security_group_ids": ["sg-hosts", "sg-more-hosts"],
        "cpu_architecture": "X86_64",
        "node_exporter_version": "1.12.0",
        "node_exporter_port": 9200,
        "node_exporter_cpu": 64,
        "node_exporter_memory": 128,
        "cadvisor_version": "0.60.4",
        "cadvisor_port": 9201,
        "cadvisor_cpu": 128,
        "cadvisor_memory": 512,
        "housekeeping_interval": "30s",
        "log_retention_days": 30,
        "delete_images_on_destroy": True,
    },
)
BASTION = Example(
    Bastion,
    {
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "prometheus_security_group_id": "sg-prometheus",
        "prometheus_cluster_name": "cluster-1",
        "prometheus_service_name": "service-1",
    },
    {
        "prometheus_port": 9091,
        "alertmanager_security_group_id": "sg-alertmanager",
        "alertmanager_port": 9193,
        "grafana_security_group_id": "sg-grafana",
        "grafana_port": 3001,
        "associate_public_ip": True,
        "instance_type": "t3.micro",
        "ssh_cidrs": ["203.0.113.9/32"],
        "key_name": "admin",
    },
)
BUCKET = Example(ConfigurationBucket, {}, {})
EXAMPLES = {
    "ConfigurationBucket": BUCKET,
    "MonitoringNetwork": NETWORK,
    "ServiceNamespace": NAMESPACE,
    "Ingress": INGRESS,
    "AlertmanagerService": ALERTS,
    "PrometheusService": SERVICE,
    "GrafanaService": GRAFANA,
    "ExporterGroup": GROUP,
    "ExporterNode": NODE,
    "NotificationTopic": TOPIC,
    "ServiceWatch": WATCH,
    "MonitoredService": MONITORED,
    "ExistingService": EXISTING,
    "ServiceCluster": CLUSTER,
    "ClusterDaemons": DAEMONS,
    "Bastion": BASTION,
}
