"""The Pulumi program: settings -> components -> exports."""

import python_version  # noqa: F401 - first of all

# isort: split

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from blocks import CLUSTER, DAEMONS, SERVICE, for_network
from components import (
    AlertmanagerService,
    AlertmanagerServiceArgs,
    Bastion,
    BastionArgs,
    ClusterDaemons,
    ClusterDaemonsArgs,
    ConfigurationBucket,
    ExporterGroup,
    ExporterGroupArgs,
    ExporterNode,
    ExporterNodeArgs,
    GrafanaService,
    GrafanaServiceArgs,
    Ingress,
    IngressArgs,
    MonitoredService,
    MonitoredServiceArgs,
    MonitoringNetwork,
    MonitoringNetworkArgs,
    NotificationTopic,
    NotificationTopicArgs,
    PrometheusService,
    PrometheusServiceArgs,
    ServiceCluster,
    ServiceClusterArgs,
    ServiceNamespace,
    ServiceWatch,
    ServiceWatchArgs,
)
from components.arguments import pick
from components.containers.names import member_name
from components.exporters.instance_types import instance_architecture
from components.network.foreign import foreign_interfaces_command
from components.services.monitoring import overlays
from default_tags import STACK, tag_everything
from settings import Settings

settings = Settings.load()
tag_everything({STACK: pulumi.get_stack()})

network = MonitoringNetwork(
    "monitoring",
    {
        **pick(MonitoringNetworkArgs, settings.network),
        **pick(
            MonitoringNetworkArgs,
            for_network(settings.hosts, settings.storage, settings.bastion),
        ),
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
# A server that is alone is looked for by nobody; services may look for each other.
if len(servers) > 1 or settings.prometheus["replicas"] > 1 or settings.services:
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

cluster = None
discovered: dict[str, Any] = {}
if settings.cluster is not None:
    cluster = ServiceCluster(
        CLUSTER,
        {
            **pick(ServiceClusterArgs, settings.cluster),
            "vpc_id": network.vpc_id,
            "subnet_ids": subnet_ids,
        },
    )
    discovered = {
        "cluster_arns": [cluster.cluster_arn],
        "expected_tasks": settings.expected_tasks,
    }
    if settings.cluster["capacity"] == "ec2":
        discovered["cadvisor_port"] = settings.cluster["cadvisor_port"]
        discovered["cluster_hosts"] = pulumi.Output.all(
            cluster.cluster_name, cluster.auto_scaling_group_name
        ).apply(lambda names: dict([names]))


def brought(name: str) -> list[str]:
    """Return the folders with what services bring for a server: rules, dashboards."""
    folders = [overlays(block["monitoring"]) for block in settings.services.values()]
    return [str(found[name]) for found in folders if name in found]


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
                **discovered,
            },
        ),
        "overlays": brought("prometheus"),
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
            "overlays": brought("grafana"),
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

monitored = {}
if cluster is not None and settings.cluster is not None:
    if settings.cluster["capacity"] == "ec2":
        ClusterDaemons(
            DAEMONS,
            {
                **pick(ClusterDaemonsArgs, {**settings.hosts, **settings.cluster}),
                "cluster_arn": cluster.cluster_arn,
                "host_security_group_ids": [cluster.host_security_group_id],
                "prometheus_security_group_id": prometheus.security_group_id,
                "cpu_architecture": instance_architecture(
                    settings.cluster["instance_types"][0]
                ).upper(),
            },
        )
    listener: dict[str, Any] = {}
    if ingress and settings.ingress is not None:
        listener = {
            "listener_arn": ingress.listener_arn,
            "load_balancer_security_group_id": ingress.security_group_id,
            "load_balancer_dns_name": ingress.load_balancer_dns_name,
            "load_balancer_zone_id": ingress.load_balancer_zone_id,
            "zone_id": settings.ingress["zone_id"],
            "domain": settings.ingress["domain"],
            "ipv6": settings.network["ipv6"],
        }
    for name, block in settings.services.items():
        on_hosts = block["launch_type"] == "EC2"
        monitored[name] = MonitoredService(
            f"{SERVICE}-{name}",
            {
                **pick(MonitoredServiceArgs, block),
                **pick(MonitoredServiceArgs, server),
                **pick(MonitoredServiceArgs, listener),
                "job": block["job"] or name,
                "cluster_arn": cluster.cluster_arn,
                "capacity_provider": cluster.capacity_provider if on_hosts else "",
                "assign_public_ip": settings.in_public_subnets and not on_hosts,
                "prometheus_security_group_id": prometheus.security_group_id,
            },
        )

running: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "prometheus": (prometheus, settings.prometheus)
}
if alertmanager and settings.alertmanager is not None:
    running["alertmanager"] = alertmanager, settings.alertmanager
if grafana and settings.grafana is not None:
    running["grafana"] = grafana, settings.grafana

bastion = None
if settings.bastion is not None:
    public = settings.in_public_subnets or bool(settings.bastion["ssh_cidrs"])
    bastion = Bastion(
        "bastion",
        {
            **pick(BastionArgs, settings.bastion),
            **pick(
                BastionArgs,
                {f"{name}_port": block["port"] for name, (_, block) in running.items()}
                | {
                    f"{name}_security_group_id": service.security_group_id
                    for name, (service, _) in running.items()
                },
            ),
            "vpc_id": network.vpc_id,
            "subnet_id": (network.public_subnets if public else network.private_subnets)[0],
            "associate_public_ip": public,
            "prometheus_cluster_name": prometheus.cluster_name,
            "prometheus_service_name": prometheus.service_name,
        },
    )

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
if settings.storage["storage_kind"] == "ebs" and not settings.on_this_machine:
    pulumi.export("prometheus_replace_hosts_command", prometheus.replace_hosts_command)
pulumi.export("credentials_secret_arn", prometheus.credentials_secret_arn)
if alertmanager:
    pulumi.export("alertmanager_dns_name", alertmanager.dns_name)
if grafana and settings.grafana is not None:
    pulumi.export("grafana_admin_password_secret_arn", grafana.admin_password_secret_arn)
    pulumi.export("grafana_admin_password_command", grafana.admin_password_command)
    if settings.on_this_machine:
        pulumi.export("grafana_url", f"http://127.0.0.1:{settings.grafana['port']}")
if cluster:
    pulumi.export("services_cluster_name", cluster.cluster_name)
    pulumi.export(
        "services",
        {
            name: {
                "service_name": service.service_name,
                "log_group_name": service.log_group_name,
                "dns_name": service.dns_name,
                "url": service.url,
                **(
                    {"port_forwarding_command": service.port_forwarding_command}
                    if settings.services[name]["enable_execute_command"]
                    and not settings.on_this_machine
                    else {}
                ),
            }
            for name, service in monitored.items()
        },
    )
if bastion:
    pulumi.export("bastion_instance_id", bastion.instance_id)
    if not settings.on_this_machine:
        pulumi.export("bastion_port_forwarding_command", bastion.port_forwarding_command)
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
        [
            *(service.security_group_id for service, _ in running.values()),
            *(service.security_group_id for service in monitored.values()),
            *([cluster.host_security_group_id] if cluster else []),
        ],
        [*(host.instance_id for host in hosts), *([bastion.instance_id] if bastion else [])],
    ).apply(lambda known: foreign_interfaces_command(*known)),
)
