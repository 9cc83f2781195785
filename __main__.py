"""The Pulumi program: settings -> components -> exports."""

import python_version  # noqa: F401 - first of all

# isort: split

from typing import Any

import pulumi
import pulumi_aws as aws

from components import (
    AlertmanagerService,
    AlertmanagerServiceArgs,
    ExporterGroup,
    ExporterGroupArgs,
    ExporterNode,
    ExporterNodeArgs,
    GrafanaService,
    GrafanaServiceArgs,
    MonitoringNetwork,
    MonitoringNetworkArgs,
    NotificationTopic,
    NotificationTopicArgs,
    PrometheusService,
    PrometheusServiceArgs,
    ServiceNamespace,
    ServiceWatch,
    ServiceWatchArgs,
)
from components.arguments import pick
from components.network.foreign import foreign_interfaces_command
from default_tags import STACK, tag_everything
from settings import Settings, for_network

settings = Settings.load()
tag_everything({STACK: pulumi.get_stack()})

network = MonitoringNetwork(
    "monitoring",
    {
        **pick(MonitoringNetworkArgs, settings.network),
        **pick(MonitoringNetworkArgs, for_network(settings.hosts)),
        "allow_loopback_cidr": settings.emulated,
    },
)
subnet_ids = network.public_subnets if settings.in_public_subnets else network.private_subnets

server: dict[str, Any] = {
    "vpc_id": network.vpc_id,
    "subnet_ids": subnet_ids,
    "assign_public_ip": settings.in_public_subnets,
}
notifications = alertmanager = None
if settings.notifications is not None:
    notifications = NotificationTopic(
        "notifications", pick(NotificationTopicArgs, settings.notifications)
    )
# A server that is alone is looked for by nobody.
if settings.alertmanager is not None or settings.grafana is not None:
    names = ServiceNamespace("names", {"vpc_id": network.vpc_id})
    server |= {"namespace_id": names.namespace_id, "namespace_domain": names.domain}
found: dict[str, Any] = {}
if settings.alertmanager is not None:
    alertmanager = AlertmanagerService(
        "alertmanager",
        {
            **pick(AlertmanagerServiceArgs, {**settings.alertmanager, **server}),
            "topic_arn": notifications.topic_arn if notifications else "",
        },
    )
    found = {
        "alertmanager_dns_name": alertmanager.dns_name,
        "alertmanager_security_group_id": alertmanager.security_group_id,
        "alertmanager_port": settings.alertmanager["port"],
    }

prometheus = PrometheusService(
    "prometheus",
    {
        # How hosts are found is said once, in the hosts' block.
        **pick(PrometheusServiceArgs, {**settings.hosts, **settings.prometheus, **server, **found}),
        "environment": settings.environment,
    },
)

grafana = None
if settings.grafana is not None:
    grafana = GrafanaService(
        "grafana",
        {
            **pick(GrafanaServiceArgs, {**settings.grafana, **server, **found}),
            # Nobody looks for Grafana by name.
            "namespace_id": "",
            "namespace_domain": "",
            "prometheus_dns_name": prometheus.dns_name,
            "prometheus_port": settings.prometheus["port"],
            "prometheus_security_group_id": prometheus.security_group_id,
            "scrape_interval": settings.prometheus["scrape_interval"],
            "runbook_base_url": settings.prometheus["runbook_base_url"],
        },
    )

exporters = ExporterGroup(
    "exporters",
    {
        **pick(ExporterGroupArgs, settings.hosts),
        "vpc_id": network.vpc_id,
        "prometheus_security_group_id": prometheus.security_group_id,
    },
)

hosts = [
    ExporterNode(
        f"exporter-{index}",
        {
            **pick(ExporterNodeArgs, settings.hosts),
            # Spread over the zones.
            "subnet_id": subnet_ids[index % settings.network["zone_count"]],
            "security_group_id": exporters.security_group_id,
            "instance_profile_name": exporters.instance_profile_name,
            "user_data": exporters.user_data,
            "ami_id": exporters.ami_id,
            "replace_on_new_ami": bool(settings.hosts["ami_id"]),
            "associate_public_ip": settings.in_public_subnets,
            "environment": settings.environment,
        },
    )
    for index in range(settings.hosts["count"])
]

servers = {
    name: (service, (block or {}).get("replicas", 1))
    for name, service, block in (
        ("prometheus", prometheus, settings.prometheus),
        ("alertmanager", alertmanager, settings.alertmanager),
        ("grafana", grafana, settings.grafana),
    )
    if service is not None
}
if notifications is not None:
    for name, (service, count) in servers.items():
        ServiceWatch(
            f"{name}-watch",
            {
                **pick(ServiceWatchArgs, settings.prometheus),
                "topic_arn": notifications.topic_arn,
                "cluster_name": service.cluster_name,
                "service_name": service.service_name,
                "desired_count": count,
            },
        )
    pulumi.export("notification_topic_arn", notifications.topic_arn)

region = aws.get_region_output().region
host_ids = pulumi.Output.all(*(host.instance_id for host in hosts))

pulumi.export("region", region)
pulumi.export("vpc_id", network.vpc_id)
pulumi.export("cluster_name", prometheus.cluster_name)
pulumi.export("service_name", prometheus.service_name)
pulumi.export("log_group_name", prometheus.log_group_name)
pulumi.export("prometheus_port", settings.prometheus["port"])
pulumi.export(
    "prometheus_url_command",
    # The sandbox's tasks are processes of this machine, which no call to AWS finds.
    f"echo http://127.0.0.1:{settings.prometheus['port']}"
    if settings.on_this_machine
    else prometheus.url_command,
)
if settings.prometheus["enable_execute_command"] and not settings.on_this_machine:
    pulumi.export("prometheus_port_forwarding_command", prometheus.port_forwarding_command)
if alertmanager and settings.alertmanager:
    pulumi.export("alertmanager_cluster_name", alertmanager.cluster_name)
    pulumi.export("alertmanager_service_name", alertmanager.service_name)
    pulumi.export("alertmanager_log_group_name", alertmanager.log_group_name)
    pulumi.export("alertmanager_dns_name", alertmanager.dns_name)
    if settings.alertmanager["enable_execute_command"] and not settings.on_this_machine:
        pulumi.export("alertmanager_port_forwarding_command", alertmanager.port_forwarding_command)
if grafana and settings.grafana:
    pulumi.export("grafana_cluster_name", grafana.cluster_name)
    pulumi.export("grafana_service_name", grafana.service_name)
    pulumi.export("grafana_log_group_name", grafana.log_group_name)
    pulumi.export("grafana_admin_password_secret_arn", grafana.admin_password_secret_arn)
    pulumi.export("grafana_admin_password_command", grafana.admin_password_command)
    if settings.on_this_machine:
        pulumi.export("grafana_url", f"http://127.0.0.1:{settings.grafana['port']}")
    elif settings.grafana["enable_execute_command"]:
        pulumi.export("grafana_port_forwarding_command", grafana.port_forwarding_command)
pulumi.export("credentials_secret_arn", prometheus.credentials_secret_arn)
pulumi.export("exporter_security_group_id", exporters.security_group_id)
pulumi.export("host_ids", host_ids)
pulumi.export(
    "foreign_interfaces_command",
    pulumi.Output.all(
        region,
        network.vpc_id,
        [service.security_group_id for service, _ in servers.values()],
        host_ids,
    ).apply(lambda found: foreign_interfaces_command(*found)),
)
