"""Prometheus as an ECS service on Fargate, with its image, its credentials and its log."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import policies
from components.arguments import resolve
from components.configuration.delivery import delivery, dockerfile, is_live, read_tree
from components.containers.container_service import ContainerService, Member, new_cluster
from components.containers.definition import Container
from components.containers.image import ServerImage
from components.containers.names import dns_name
from components.network.security_groups import (
    allow,
    allow_between,
    allow_https_out,
    security_group,
)
from components.outputs import register_outputs
from components.prometheus.clusters import (
    may_describe_clusters,
    may_describe_interfaces,
    may_read_tasks,
)
from components.prometheus.container import prometheus_container
from components.prometheus.discovery import may_discover, scoped_user
from components.prometheus.prometheus_args import PrometheusServiceArgs
from components.storage import data_hosts, replace_hosts_command
from components.values import is_given


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

    replace_hosts_command: pulumi.Output[str]
    """Shell command that replaces the hosts of all replicas, one after the other (it needs the AWS
    CLI); empty without hosts."""

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
        discovery = _may_discover(args, region)
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
            task_statements=[*([] if user else discovery), *delivered.statements],
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
        groups = [member.host.group for member in members if member.host]
        self.replace_hosts_command = (
            pulumi.Output.all(
                region, service.cluster_name, pulumi.Output.all(*groups), self.service_names
            ).apply(lambda its: replace_hosts_command(*its))
            if groups
            else pulumi.Output.from_input("")
        )
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
            if is_live(args):
                rules += allow_between(
                    self,
                    f"{base}-replicas-configuration",
                    group.id,
                    group.id,
                    args["configuration_port"],
                    "Prometheus to what brings other replicas their configuration",
                )
        return group, rules


def _may_discover(
    args: PrometheusServiceArgs, region: pulumi.Output[str]
) -> list[pulumi.Output[policies.Statement]]:
    """Say what Prometheus calls to find its targets."""
    hosts = region.apply(may_discover)
    if not args["cluster_arns"]:
        return [hosts]
    arns: pulumi.Output[Any] = pulumi.Output.from_input(args["cluster_arns"])
    return [
        hosts,
        region.apply(may_describe_interfaces),
        arns.apply(may_describe_clusters),
        arns.apply(may_read_tasks),
    ]


def _member(args: PrometheusServiceArgs, replica: int, containers: Sequence[Container]) -> Member:
    """Describe one replica: what runs in its task, and in which zone."""
    subnet_ids = pulumi.Output.from_input(args["subnet_ids"])
    # One that is alone may be in any zone, unless its samples are in one.
    anywhere = args["replicas"] == 1 and args["storage_kind"] == "ephemeral"
    return Member(containers, None if anywhere else subnet_ids.apply(lambda its: [its[replica]]))
