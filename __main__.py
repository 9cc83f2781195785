"""The Pulumi program: settings -> components -> exports."""

import python_version  # noqa: F401 - first of all

# isort: split

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from blocks import for_network
from components import (
    AlertmanagerService,
    AlertmanagerServiceArgs,
    ConfigurationBucket,
    ExporterGroup,
    ExporterGroupArgs,
    ExporterNode,
    ExporterNodeArgs,
    GrafanaService,
    GrafanaServiceArgs,
    Ingress,
    IngressArgs,
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
from components.containers.names import member_name
from components.network.foreign import foreign_interfaces_command
from default_tags import STACK, tag_everything
from settings import Settings

settings = Settings.load()
tag_everything({STACK: pulumi.get_stack()})

network = MonitoringNetwork(
    "monitoring",
    {
        **pick(MonitoringNetworkArgs, settings.network),
        **pick(MonitoringNetworkArgs, for_network(settings.hosts, settings.storage)),
        "allow_loopback_cidr": settings.emulated,
    },
)
subnet_ids = network.public_subnets if settings.in_public_subnets else network.private_subnets

servers = ["prometheus"]
if settings.alertmanager is not None:
    servers.append("alertmanager")
if settings.grafana is not None:
    servers.append("grafana")

ingress = None
urls: dict[str, Any] = {}
if settings.ingress is not None:
    ingress = Ingress(
        "ingress",
        {
            **pick(IngressArgs, settings.ingress),
            "vpc_id": network.vpc_id,
            "subnet_ids": (
                network.private_subnets if settings.ingress["internal"] else network.public_subnets
            ),
            "servers": servers,
            "ipv6": settings.network["ipv6"],
            "sticky_servers": ["prometheus"] if settings.prometheus["replicas"] > 1 else [],
        },
    )
    urls = {name: ingress.urls[name] for name in servers}

server: dict[str, Any] = {
    "vpc_id": network.vpc_id,
    "subnet_ids": subnet_ids,
    "assign_public_ip": settings.in_public_subnets,
}
# A server that is alone is looked for by nobody.
if len(servers) > 1 or settings.prometheus["replicas"] > 1:
    names = ServiceNamespace("names", {"vpc_id": network.vpc_id})
    server |= {"namespace_id": names.namespace_id, "namespace_domain": names.domain}

if settings.configuration["delivery"] == "live":
    configuration = ConfigurationBucket("configuration", {})
    server |= {
        "configuration_bucket": configuration.bucket,
        "configuration_refresh_interval": settings.configuration["refresh_interval"],
        "configuration_port": settings.configuration["port"],
    }
    pulumi.export("configuration_bucket", configuration.bucket)


def common(name: str) -> dict[str, Any]:
    """What every server gets; each its own place behind the load balancer."""
    if ingress is None:
        return server
    return {
        **server,
        "load_balancer_security_group_id": ingress.security_group_id,
        "target_group_arn": ingress.target_groups[name],
    }


notifications = alertmanager = None
if settings.notifications is not None:
    notifications = NotificationTopic(
        "notifications", pick(NotificationTopicArgs, settings.notifications)
    )
topic_arn = notifications.topic_arn if notifications else ""
found: dict[str, Any] = {}
if settings.alertmanager is not None:
    alertmanager = AlertmanagerService(
        "alertmanager",
        {
            **pick(AlertmanagerServiceArgs, {**settings.alertmanager, **common("alertmanager")}),
            "external_url": urls.get("alertmanager", ""),
            "grafana_url": urls.get("grafana", ""),
            "topic_arn": topic_arn,
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
        **pick(
            PrometheusServiceArgs,
            {
                **settings.hosts,
                **settings.prometheus,
                **settings.storage,
                **common("prometheus"),
                **found,
            },
        ),
        "environment": settings.environment,
        "external_url": urls.get("prometheus", ""),
    },
)

grafana = None
if settings.grafana is not None:
    # The load balancer leaves Grafana's login to Grafana, at the same identity provider.
    oidc = {k: v for k, v in (settings.ingress or {}).items() if k.startswith("oidc_")}
    grafana = GrafanaService(
        "grafana",
        {
            **pick(GrafanaServiceArgs, {**settings.grafana, **common("grafana"), **found}),
            **pick(GrafanaServiceArgs, oidc),
            "public_url": urls.get("grafana", ""),
            # Nobody looks for Grafana by name.
            "namespace_id": "",
            "namespace_domain": "",
            "prometheus_dns_name": prometheus.dns_name,
            "prometheus_replicas": settings.prometheus["replicas"],
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

running: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "prometheus": (prometheus, settings.prometheus)
}
if alertmanager and settings.alertmanager is not None:
    running["alertmanager"] = alertmanager, settings.alertmanager
if grafana and settings.grafana is not None:
    running["grafana"] = grafana, settings.grafana

region = aws.get_region_output().region
host_ids = pulumi.Output.all(*(host.instance_id for host in hosts))

pulumi.export("region", region)
pulumi.export("vpc_id", network.vpc_id)
for name, (service, block) in running.items():
    replicas = block.get("replicas", 1)
    # Each Prometheus is a service of its own; the Alertmanagers are tasks of one.
    services = (
        [prometheus.service_names[index] for index in range(replicas)]
        if service is prometheus
        else [service.service_name]
    )
    for index, service_name in enumerate(services if notifications else ()):
        ServiceWatch(
            f"{member_name(name, index)}-watch",
            {
                **pick(ServiceWatchArgs, settings.prometheus),
                "topic_arn": topic_arn,
                "cluster_name": service.cluster_name,
                "service_name": service_name,
                "desired_count": replicas // len(services),
            },
        )
    # Prometheus's own are what most commands ask for.
    prefix = "" if name == "prometheus" else f"{name}_"
    pulumi.export(f"{prefix}cluster_name", service.cluster_name)
    pulumi.export(f"{prefix}service_name", service.service_name)
    pulumi.export(f"{prefix}log_group_name", service.log_group_name)
    if block["enable_execute_command"] and not settings.on_this_machine:
        pulumi.export(f"{name}_port_forwarding_command", service.port_forwarding_command)
    if name in urls:
        pulumi.export(f"{name}_url", urls[name])
if settings.prometheus["replicas"] > 1:
    pulumi.export("service_names", prometheus.service_names)
pulumi.export("prometheus_port", settings.prometheus["port"])
pulumi.export(
    "prometheus_url_command",
    # The sandbox's tasks are processes of this machine, which no call to AWS finds.
    f"echo http://127.0.0.1:{settings.prometheus['port']}"
    if settings.on_this_machine
    else prometheus.url_command,
)
pulumi.export("credentials_secret_arn", prometheus.credentials_secret_arn)
if alertmanager:
    pulumi.export("alertmanager_dns_name", alertmanager.dns_name)
if grafana and settings.grafana is not None:
    pulumi.export("grafana_admin_password_secret_arn", grafana.admin_password_secret_arn)
    pulumi.export("grafana_admin_password_command", grafana.admin_password_command)
    if settings.on_this_machine:
        pulumi.export("grafana_url", f"http://127.0.0.1:{settings.grafana['port']}")
if ingress:
    pulumi.export("load_balancer_dns_name", ingress.load_balancer_dns_name)
if notifications:
    pulumi.export("notification_topic_arn", topic_arn)
pulumi.export("prometheus_security_group_id", prometheus.security_group_id)
pulumi.export("exporter_security_group_id", exporters.security_group_id)
pulumi.export("host_ids", host_ids)
pulumi.export(
    "foreign_interfaces_command",
    pulumi.Output.all(
        region,
        network.vpc_id,
        [service.security_group_id for service, _ in running.values()],
        host_ids,
    ).apply(lambda known: foreign_interfaces_command(*known)),
)
