"""What is particular to Prometheus's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.configuration.delivery import is_live, live_variables
from components.containers.definition import NOBODY, Container, SecretValue
from components.prometheus.clusters import cluster_variables
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.containers.image import ServerImage
    from components.prometheus.prometheus_args import PrometheusServiceArgs

HEALTH_PATH = "/-/healthy"
"""Answers 200 when Prometheus is alive."""

OPEN_FILES = 65536
"""Prometheus maps every block and holds a connection to every target."""

SIZE_RETENTION_SHARE = 0.8
"""Share of the disk for the TSDB's blocks; the write-ahead log and compaction need the rest.

Source: https://prometheus.io/docs/prometheus/latest/storage/ (at most 80 to 85 %)
"""


def environment_variables(
    name: str, args: PrometheusServiceArgs, region: pulumi.Input[str], replica: int
) -> dict[str, pulumi.Input[str]]:
    """Everything that `docker/prometheus/entrypoint.sh` reads, nothing of it secret.

    Nothing of it says how many replicas there are: another one changes no task of those before.

    Args:
        name: the component's name.
        args: the component's arguments, resolved.
        region: AWS region.
        replica: which of the replicas it is, from 0; the image takes itself for the first.
    """
    replicas: dict[str, pulumi.Input[str]] = (
        {"PROMETHEUS_NAME": name, "PROMETHEUS_DOMAIN": args["namespace_domain"]}
        if is_given(args["namespace_id"])
        else {}
    )
    # Those beside the other replicas are scraped, too.
    if replicas and is_live(args):
        replicas["PROMETHEUS_CONFIGURATION_PORT"] = str(args["configuration_port"])
    if replica:
        replicas["PROMETHEUS_REPLICA"] = str(replica)
    alerting: dict[str, pulumi.Input[str]] = (
        {
            "ALERTMANAGER_DNS_NAME": args["alertmanager_dns_name"],
            "ALERTMANAGER_PORT": str(args["alertmanager_port"]),
        }
        if is_given(args["alertmanager_dns_name"])
        else {}
    )
    # Likewise those beside the Alertmanagers.
    if alerting and is_live(args):
        alerting["ALERTMANAGER_CONFIGURATION_PORT"] = str(args["configuration_port"])
    links: dict[str, pulumi.Input[str]] = (
        {"PROMETHEUS_EXTERNAL_URL": args["external_url"]} if is_given(args["external_url"]) else {}
    )
    return {
        **replicas,
        **alerting,
        **links,
        **live_variables(args),
        **cluster_variables(args),
        "AWS_REGION": region,
        "VPC_ID": args["vpc_id"],
        "ENVIRONMENT": args["environment"],
        "DISCOVERY_TAG_KEY": args["discovery_tag_key"],
        "DISCOVERY_TAG_VALUE": args["discovery_tag_value"],
        "DISCOVERY_REFRESH_INTERVAL": args["discovery_refresh_interval"],
        "NODE_EXPORTER_PORT": str(args["node_exporter_port"]),
        "SCRAPE_INTERVAL": args["scrape_interval"],
        "SAMPLE_LIMIT": str(args["sample_limit"]),
        "BODY_SIZE_LIMIT": f"{args['body_size_limit_mib']}MB",
        "TARGET_LIMIT": str(args["target_limit"]),
        "RUNBOOK_BASE_URL": args["runbook_base_url"],
        "RETENTION_TIME": args["retention"],
        "RETENTION_SIZE": f"{int(_disk_gib(args) * SIZE_RETENTION_SHARE)}GB",
        "PROMETHEUS_PORT": str(args["port"]),
    }


def _disk_gib(args: PrometheusServiceArgs) -> int:
    """Size of the disk that the samples are on."""
    return args["storage_size_gib"] if args["storage_kind"] == "ebs" else args["storage_gib"]


def prometheus_container(
    name: str,
    args: PrometheusServiceArgs,
    image: ServerImage,
    region: pulumi.Input[str],
    secrets: Mapping[str, SecretValue],
    replica: int = 0,
) -> Container:
    """Describe the container.

    Args:
        name: the component's name.
        args: the component's arguments, resolved.
        image: of Prometheus.
        region: AWS region.
        secrets: variable -> the secret for it.
        replica: which of the replicas it is, from 0.
    """
    return Container(
        name="prometheus",
        image=image,
        user=NOBODY,
        environment=environment_variables(name, args, region, replica),
        secrets=secrets,
        ports=[args["port"]],
        # Its samples, and the configuration that was filled in.
        volumes={"data": "/prometheus", "rendered": "/run/prometheus"},
        health_path=HEALTH_PATH,
        open_files=OPEN_FILES,
    )
