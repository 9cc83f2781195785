"""Prometheus as an ECS service on Fargate, with its image, its credentials and its log."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NotRequired, cast

import pulumi
import pulumi_aws as aws

from components import assets, checks
from components.arguments import Knob, Rule, arguments, declared, resolve
from components.configuration import tools
from components.configuration.args import ConfiguredServerArgs
from components.configuration.delivery import delivery, dockerfile, is_live, read_tree
from components.containers.container_service import ContainerService, Member, new_cluster
from components.containers.definition import Container
from components.containers.image import ServerImage
from components.containers.names import dns_name
from components.containers.server import (
    in_different_subnets,
    not_with_image_context,
    together_with,
)
from components.exporters.discovery import DiscoveryTagKey, DiscoveryTagValue, NodeExporterPort
from components.network.security_groups import (
    allow,
    allow_between,
    allow_https_out,
    security_group,
)
from components.outputs import register_outputs
from components.prometheus import overlay
from components.prometheus.container import environment_variables, prometheus_container
from components.prometheus.discovery import may_discover, scoped_user
from components.prometheus.scraping import ScrapeInterval
from components.runbooks import RunbookBaseUrl
from components.storage import StorageArgs, data_hosts
from components.values import is_given

CREDENTIALS = ("iam-user", "task-role")

MAX_REPLICAS = 8
"""As many names as docker/prometheus/scrape.d/prometheus.yml looks for replicas by."""


def legal_overlay(path: str, scrape_interval: str) -> None:
    """Check a folder of the user's own rules and jobs, with `promtool()`.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if path:
        overlay.check(Path(path), overlay_variables(scrape_interval), promtool())


def promtool() -> Path | None:
    """Find promtool on PATH, in any version that knows all of the package's own configuration."""
    found = tools.on_path(overlay.SERVER)
    return found if found and overlay.suits(found, overlay_variables()) else None


def overlay_variables(scrape_interval: str = "") -> overlay.Variables:
    """Return what the container's variables may be.

    Args:
        scrape_interval: the one that other times have to fit. Default: the component's default.
    """
    known = declared(PrometheusServiceArgs)
    example = {
        **{key: argument.default for key, argument in known.items()},
        **({"scrape_interval": scrape_interval} if scrape_interval else {}),
        "vpc_id": "vpc-0123456789abcdef0",
        "environment": "example",
        "namespace_domain": "monitoring.internal",
    }

    def variables(**more: str) -> dict[str, str]:
        args = cast("PrometheusServiceArgs", {**example, **more})
        return cast("dict[str, str]", environment_variables(overlay.SERVER, args, "us-east-1", 0))

    always = assets.image_defaults(overlay.SERVER) | variables()
    wired = [key for key, argument in known.items() if argument.wired and not argument.required]
    optional = [
        {name: value for name, value in variables(**{key: "example"}).items() if name not in always}
        for key in wired
    ]
    return overlay.Variables(always, [group for group in optional if group])


@arguments
class PrometheusServiceArgs(ConfiguredServerArgs, StorageArgs):
    """Arguments of a `PrometheusService`."""

    environment: Annotated[str, Rule(checks.label_value)]
    """Name of the environment: the external label `environment`."""

    overlay: NotRequired[
        Annotated[
            str,
            Knob(""),
            Rule(not_with_image_context, ("image_context",)),
            Rule(legal_overlay, ("scrape_interval",)),
        ]
    ]
    """Folder of your own rules (`rules.d/*.yml`) and scrape jobs (`scrape.d/*.yml`), laid over the
    package's (docs/own-configuration.md), a path from the project's folder. Empty: there is
    none."""

    version: NotRequired[Annotated[str, Knob(assets.VERSIONS["prometheus"], checks.version)]]
    """Version of Prometheus."""

    replicas: NotRequired[
        Annotated[
            int,
            Knob(1, checks.whole(1, MAX_REPLICAS)),
            Rule(in_different_subnets, ("subnet_ids",)),
        ]
    ]
    """Number of Prometheus servers, 1 to 8: each scrapes and stores everything for itself, in
    another zone. From 1 to more, or back, the first one's task is replaced: alone, it may be in any
    zone. A third changes nothing of the first two."""

    port: NotRequired[Annotated[int, Knob(9090, checks.port)]]
    """Port of Prometheus, 1024 to 65535."""

    admin_cidrs: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks that may reach Prometheus, by plain HTTP. Empty: none. 0.0.0.0/0 is refused."""

    # At least one block of the TSDB, which is two hours long.
    retention: NotRequired[Annotated[str, Knob("15d", checks.duration("2h", "100y"))]]
    """How long Prometheus keeps samples, at least 2h, as long as there is room in four fifths of
    the storage."""

    scrape_interval: NotRequired[ScrapeInterval]
    """Time between two scrapes of a target, 1s to 1m."""

    sample_limit: NotRequired[Annotated[int, Knob(10_000, checks.whole(1, 1_000_000))]]
    """Samples that one target may expose. One that exposes more counts as down, so that it cannot
    fill Prometheus's memory; node_exporter has 1000 to 2000."""

    body_size_limit_mib: NotRequired[Annotated[int, Knob(10, checks.whole(1, 1024))]]
    """Size in MiB that a target's answer may have. A target with a larger one counts as down."""

    target_limit: NotRequired[Annotated[int, Knob(2_000, checks.whole(1, 100_000))]]
    """Targets that a job may have. With more, none of the job's targets is scraped."""

    # Shorter than the alert on targets that are down waits for hosts that were terminated.
    discovery_refresh_interval: NotRequired[
        Annotated[str, Knob("60s", checks.duration("1s", "5m"))]
    ]
    """Discovery refresh interval: time between two queries for hosts, 1s to 5m."""

    discovery_tag_key: NotRequired[DiscoveryTagKey]
    """Key of the tag that a host carries to be scraped."""

    discovery_tag_value: NotRequired[DiscoveryTagValue]
    """Value of that tag."""

    node_exporter_port: NotRequired[NodeExporterPort]
    """Port of the hosts that Prometheus scrapes."""

    external_url: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """URL by which people reach Prometheus, such as https://prometheus.example.com, for the links
    in notifications. Empty: they lead to the task's own name."""

    runbook_base_url: NotRequired[RunbookBaseUrl]
    """Where the runbooks are, the beginning of every alert's `runbook_url`: a URL without a slash
    at its end. A relative path is one in a checkout of this project."""

    alertmanager_dns_name: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name that leads to the Alertmanagers, all of which get every alert. Empty: there are none."""

    alertmanager_security_group_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("alertmanager_dns_name")]
    ]
    """Id of the Alertmanagers' security group, which lets Prometheus in."""

    alertmanager_port: NotRequired[Annotated[int, Knob(9093, checks.port)]]
    """Port of the Alertmanagers."""

    credentials: NotRequired[Annotated[str, Knob("iam-user", checks.one_of(CREDENTIALS))]]
    """How Prometheus asks EC2 for hosts. `iam-user`: with the access key of a user of its own,
    kept in Secrets Manager. `task-role`: with the task's role, without a key."""

    access_key_rotation: NotRequired[Annotated[int, Knob(1, checks.whole(1, 1_000_000))]]
    """Raise it by one to get a new access key."""


class PrometheusService(pulumi.ComponentResource):
    """Prometheus servers that discover EC2 hosts by tag.

    Mostly one. Several know the same, each by itself: a TSDB has a single writer.
    """

    security_group_id: pulumi.Output[str]
    """Id of Prometheus's security group: what exporters admit."""

    dns_name: pulumi.Output[str]
    """Name by which others in the VPC find Prometheus; empty without a namespace. Of the first
    replica: the next ones are `prometheus-1` and so on, in the same domain."""

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    service_name: pulumi.Output[str]
    """Name of the ECS service, the first replica's."""

    service_names: pulumi.Output[Sequence[str]]
    """Name of each replica's ECS service."""

    log_group_name: pulumi.Output[str]
    """Name of the log group."""

    repository_url: pulumi.Output[str]
    """URL of the ECR repository."""

    credentials_secret_arn: pulumi.Output[str]
    """ARN of the secret that holds the access key; empty with `task-role`."""

    url_command: pulumi.Output[str]
    """Shell command that prints Prometheus's URL (it needs the AWS CLI)."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings Prometheus's port to one's own machine through Session Manager (it
    needs the AWS CLI with the Session Manager plugin); empty without `enable_execute_command`."""

    def __init__(
        self,
        name: str,
        args: PrometheusServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(PrometheusServiceArgs, name, args, opts)
        super().__init__("prometheus-aws:index:PrometheusService", name, None, opts)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region

        group, rules = self._security_group(name, args)
        image = ServerImage(
            self, name, args, "prometheus", args["version"], dockerfile=dockerfile(args)
        )
        discovery = region.apply(may_discover)
        user = (
            scoped_user(self, f"{name}-discovery", discovery, args["access_key_rotation"])
            if args["credentials"] == "iam-user"
            else None
        )
        secrets = user.variables if user else {}
        delivered = delivery(self, name, args, "prometheus", read_tree(image.context, "**/*.yml"))
        members = [
            _member(
                args,
                replica,
                delivered.containers(
                    prometheus_container(name, args, image, region, secrets, replica)
                ),
            )
            for replica in range(args["replicas"])
        ]
        cluster = new_cluster(self, name)
        if args["storage_kind"] == "ebs":
            members = data_hosts(self, name, args, cluster, members)
        service = ContainerService(
            self,
            name,
            args,
            members,
            security_group=group,
            cluster=cluster,
            task_statements=[*([] if user else [discovery]), *delivered.statements],
            after=[*rules, *([user.policy] if user else []), *delivered.after],
        )

        self.security_group_id = group.id
        self.dns_name = dns_name(name, args)
        self.cluster_name = service.cluster_name
        self.service_name = service.service_names[0]
        self.service_names = pulumi.Output.all(*service.service_names)
        self.log_group_name = service.log_group_name
        self.repository_url = image.repository.repository_url
        self.credentials_secret_arn = user.secret_arn if user else pulumi.Output.from_input("")
        self.url_command = service.url_command
        self.port_forwarding_command = service.port_forwarding_command
        register_outputs(self)

    def _security_group(
        self, name: str, args: PrometheusServiceArgs
    ) -> "tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]":
        base = f"{name}-security-group"
        description = "Prometheus: reached by administrators only"
        group = security_group(self, base, args["vpc_id"], description, name)
        rules: list[pulumi.Resource] = [
            allow(
                "ingress",
                self,
                f"{base}-admin-{cidr}",
                group.id,
                args["port"],
                "Web interface and API of Prometheus, for administrators",
                cidr_ipv4=cidr,
            )
            for cidr in args["admin_cidrs"]
        ]
        to_aws = "AWS endpoints: image, secret, log, EC2 discovery"
        rules.append(allow_https_out(self, f"{base}-aws", group.id, to_aws))
        if is_given(args["alertmanager_security_group_id"]):
            rules += allow_between(
                self,
                f"{base}-alertmanager",
                group.id,
                args["alertmanager_security_group_id"],
                args["alertmanager_port"],
                "Prometheus to Alertmanager",
            )
            if is_live(args):
                rules += allow_between(
                    self,
                    f"{base}-alertmanager-configuration",
                    group.id,
                    args["alertmanager_security_group_id"],
                    args["configuration_port"],
                    "Prometheus to what brings Alertmanager its configuration",
                )
        if args["replicas"] > 1:
            rules += allow_between(
                self,
                f"{base}-replicas",
                group.id,
                group.id,
                args["port"],
                "Between replicas of Prometheus",
            )
        return group, rules


def _member(args: PrometheusServiceArgs, replica: int, containers: Sequence[Container]) -> Member:
    """Describe one replica: what runs in its task, and in which zone."""
    subnet_ids = pulumi.Output.from_input(args["subnet_ids"])
    # One that is alone may be in any zone, unless its samples are in one.
    anywhere = args["replicas"] == 1 and args["storage_kind"] == "ephemeral"
    return Member(containers, None if anywhere else subnet_ids.apply(lambda its: [its[replica]]))
