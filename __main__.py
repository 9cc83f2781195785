"""The Pulumi program: settings -> components -> exports."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components import (
    ExporterGroup,
    ExporterNode,
    ExporterNodeArgs,
    MonitoringNetwork,
    PrometheusService,
)
from settings import Settings

ROOT = Path(__file__).parent

settings = Settings.load()
versions = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))

network = MonitoringNetwork(
    "monitoring",
    {
        "vpc_cidr": settings.vpc_cidr,
        "zone_count": settings.zone_count,
        "nat_strategy": settings.nat_strategy,
        "flow_logs": settings.flow_logs,
        "log_retention_days": settings.log_retention_days,
        "ssh_cidrs": settings.ssh_cidrs,
        # The settings have refused such a range wherever AWS itself is meant.
        "allow_loopback_cidr": True,
    },
)
subnet_ids = network.public_subnet_ids if settings.in_public_subnets else network.private_subnet_ids

prometheus = PrometheusService(
    "prometheus",
    {
        "vpc_id": network.vpc_id,
        "subnet_ids": subnet_ids,
        "assign_public_ip": settings.in_public_subnets,
        "environment": settings.environment,
        "prometheus_version": versions["prometheus"],
        "image_context": str(ROOT / "docker" / "prometheus"),
        "admin_cidrs": settings.admin_cidrs,
        "prometheus_port": settings.prometheus_port,
        "node_exporter_port": settings.node_exporter_port,
        "discovery_tag_key": settings.discovery_tag_key,
        "discovery_tag_value": settings.discovery_tag_value,
        "discovery_refresh_interval": settings.discovery_refresh_interval,
        "scrape_interval": settings.scrape_interval,
        "retention": settings.retention,
        "storage_gib": settings.storage_gib,
        "cpu_architecture": settings.cpu_architecture,
        "task_cpu": settings.task_cpu,
        "task_memory": settings.task_memory,
        "credentials": settings.credentials,
        "access_key_rotation": settings.access_key_rotation,
        "log_retention_days": settings.log_retention_days,
        "delete_images_on_destroy": settings.delete_images_on_destroy,
    },
)

exporters = ExporterGroup(
    "exporters",
    {
        "vpc_id": network.vpc_id,
        "prometheus_security_group_id": prometheus.security_group_id,
        "node_exporter_version": versions["node_exporter"],
        "user_data_script": str(ROOT / "userdata" / "node_exporter.sh"),
        "node_exporter_port": settings.node_exporter_port,
        "instance_type": settings.host_instance_type,
        "ssh_cidrs": settings.ssh_cidrs,
    },
)


def exporter_node(index: int) -> ExporterNode:
    """Register host number `index`; the hosts are spread over the zones."""
    args: ExporterNodeArgs = {
        "subnet_id": subnet_ids[index % settings.zone_count],
        "security_group_id": exporters.security_group_id,
        "instance_profile_name": exporters.instance_profile_name,
        "user_data": exporters.user_data,
        "ami_id": settings.host_ami_id or exporters.ami_id,
        "replace_on_new_ami": bool(settings.host_ami_id),
        "instance_type": settings.host_instance_type,
        "root_volume_gib": settings.host_root_volume_gib,
        "associate_public_ip": settings.in_public_subnets,
        "discovery_tag_key": settings.discovery_tag_key,
        "discovery_tag_value": settings.discovery_tag_value,
        "environment": settings.environment,
    }
    if settings.ssh_key_name:
        args["ssh_key_name"] = settings.ssh_key_name
    return ExporterNode(f"exporter-{index}", args)


hosts = [exporter_node(index) for index in range(settings.host_count)]

pulumi.export("region", aws.get_region_output().region)
pulumi.export("vpc_id", network.vpc_id)
pulumi.export("cluster_name", prometheus.cluster_name)
pulumi.export("service_name", prometheus.service_name)
pulumi.export("log_group_name", prometheus.log_group_name)
pulumi.export("prometheus_port", settings.prometheus_port)
pulumi.export("prometheus_url_command", prometheus.url_command)
pulumi.export("credentials_secret_arn", prometheus.credentials_secret_arn)
pulumi.export("exporter_security_group_id", exporters.security_group_id)
pulumi.export("host_ids", [host.instance_id for host in hosts])
