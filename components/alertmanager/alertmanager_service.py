"""Alertmanager as an ECS service on Fargate: several tasks that know of each other."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, cast

import pulumi
import pulumi_aws as aws

from components import assets, checks, policies
from components.alertmanager import rules, times
from components.alertmanager.container import alertmanager_container, composed, routing
from components.arguments import Knob, Rule, arguments, resolve
from components.configuration.args import ConfiguredServerArgs
from components.configuration.delivery import delivery, dockerfile, read_tree
from components.containers.container_service import ContainerService, Member
from components.containers.image import ServerImage
from components.containers.names import dns_name
from components.containers.server import in_different_subnets, not_with_image_context
from components.network.security_groups import allow_between, allow_https_out, security_group
from components.outputs import register_outputs

MAX_REPLICAS = 8
"""A name leads to 8 tasks at most. Source:
https://docs.aws.amazon.com/cloud-map/latest/dg/services-route53.html"""

_TOLD = (
    Rule(rules.secrets_given, rules.SECRET_KEYS),
    Rule(rules.topic_given, ("topic_arn",), presence=True),
)


@arguments
class AlertmanagerServiceArgs(ConfiguredServerArgs):
    """Arguments of an `AlertmanagerService`."""

    # Nobody would find it without.
    namespace_id: pulumi.Input[str]  # type: ignore[misc] # what need not be given to any server
    """Id of the Cloud Map namespace in which Prometheus finds Alertmanager, and the Alertmanagers
    each other, by the component's name."""

    namespace_domain: pulumi.Input[str]  # type: ignore[misc] # likewise
    """Domain of that namespace, such as monitoring.internal."""

    overlay: NotRequired[
        Annotated[
            str,
            Knob("", rules.overlay),
            Rule(not_with_image_context, ("image_context",)),
        ]
    ]
    """Folder of your own templates (`templates/*.tmpl`), laid over the package's
    (docs/own-configuration.md), a path from the project's folder. Empty: there is none."""

    overlays: NotRequired[
        Annotated[
            Sequence[str],
            Knob(()),
            Rule(not_with_image_context, ("image_context",)),
            Rule(rules.overlays, ("overlay",)),
        ]
    ]
    """Further such folders. Empty: there are none."""

    version: NotRequired[Annotated[str, Knob(assets.VERSIONS["alertmanager"], checks.version)]]
    """Version of Alertmanager."""

    replicas: NotRequired[
        Annotated[
            int,
            Knob(2, checks.whole(1, MAX_REPLICAS)),
            Rule(in_different_subnets, ("subnet_ids",)),
        ]
    ]
    """Number of Alertmanagers, each in another zone, 1 to 8. They share silences and what they have
    told; with 1, both are lost with its task."""

    port: NotRequired[Annotated[int, Knob(9093, checks.port), Rule(rules.not_the_cluster_port)]]
    """Port of Alertmanager, 1024 to 65535, but not 9094, where they talk to each other."""

    page_with: NotRequired[Annotated[Sequence[str], Knob((), rules.integrations), *_TOLD]]
    """How people are told of alerts of severity `critical`: some of `sns`, `slack`, `pagerduty`,
    `opsgenie`, `webhook`. Empty: not at all."""

    notify_with: NotRequired[Annotated[Sequence[str], Knob((), rules.integrations), *_TOLD]]
    """How they are told of the others, but for `info` and `none`, likewise."""

    topic_arn: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """ARN of the SNS topic for `sns`; the task may publish to it."""

    slack_url_secret_arn: NotRequired[Annotated[str, Knob("", rules.secret_arn)]]
    """ARN of a secret that holds the URL of Slack's incoming webhook, and nothing else; encrypted
    with AWS's own key, as by default."""

    pagerduty_routing_key_secret_arn: NotRequired[Annotated[str, Knob("", rules.secret_arn)]]
    """ARN of a secret that holds PagerDuty's routing key (Events API v2), likewise."""

    opsgenie_api_key_secret_arn: NotRequired[Annotated[str, Knob("", rules.secret_arn)]]
    """ARN of a secret that holds Opsgenie's API key, likewise."""

    webhook_url_secret_arn: NotRequired[Annotated[str, Knob("", rules.secret_arn)]]
    """ARN of a secret that holds the URL of a webhook of yours (HTTPS, port 443), likewise."""

    watchdog_url_secret_arn: NotRequired[Annotated[str, Knob("", rules.secret_arn)]]
    """ARN of a secret that holds the URL of a service outside AWS that complains when there is no
    sign of life, likewise. Empty: none is given."""

    group_wait: NotRequired[Annotated[str, Knob("30s", checks.duration("0s", "1h"))]]
    """How long a first notification waits for more alerts of its name, 0s to 1h."""

    group_interval: NotRequired[Annotated[str, Knob("5m", checks.duration("1s", "1d"))]]
    """How long after a notification more alerts of its name wait, 1s to 1d."""

    repeat_interval: NotRequired[Annotated[str, Knob("4h", checks.duration("1m", "4d"))]]
    """After how long the notification of an alert that still fires is repeated, 1m to 4d: what was
    told is forgotten after 5 days."""

    notify_days: NotRequired[Annotated[str, Knob("", times.days)]]
    """Days on which people are told of what is not critical, such as `monday:friday`. Empty:
    all."""

    notify_hours: NotRequired[Annotated[str, Knob("", times.hours)]]
    """Hours of these days, such as `08:00-18:00`. Empty: all."""

    time_zone: NotRequired[Annotated[str, Knob("UTC", times.time_zone)]]
    """Time zone of these hours, such as `Europe/Berlin`."""

    routes_file: NotRequired[
        Annotated[
            str,
            Knob(""),
            Rule(
                rules.routes_file,
                (
                    *("page_with", "notify_with", "watchdog_url_secret_arn"),
                    *("notify_days", "notify_hours"),
                ),
            ),
        ]
    ]
    """File of your own routes, inhibition rules and time intervals (docs/alerting.md), a path from
    the project's folder. Empty: none."""

    external_url: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """URL by which people reach Alertmanager, for the links in notifications. Empty: they lead to
    the task's own address."""

    grafana_url: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """URL of Grafana, for the links to dashboards. Empty: there are none."""


class AlertmanagerService(pulumi.ComponentResource):
    """Alertmanagers in different zones, which tell people once although each gets every alert."""

    security_group_id: pulumi.Output[str]
    """Id of Alertmanager's security group; whoever connects registers the rules for it."""

    dns_name: pulumi.Output[str]
    """Name that leads to all Alertmanagers."""

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group_name: pulumi.Output[str]
    """Name of the log group."""

    repository_url: pulumi.Output[str]
    """URL of the ECR repository."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings the port of one Alertmanager to one's own machine through Session
    Manager (it needs the AWS CLI with the Session Manager plugin); empty without
    `enable_execute_command`."""

    def __init__(
        self,
        name: str,
        args: AlertmanagerServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(AlertmanagerServiceArgs, name, args, opts)
        super().__init__("prometheus-aws:index:AlertmanagerService", name, None, opts)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region

        server = cast("ConfiguredServerArgs", args)  # two of which are required here
        self.dns_name = dns_name(name, server)
        group, group_rules = self._security_group(name, args)
        image = ServerImage(
            self, name, server, "alertmanager", args["version"], dockerfile=dockerfile(server)
        )
        delivered = delivery(
            self,
            name,
            server,
            "alertmanager",
            {
                **read_tree(image.context, "templates/*.tmpl"),
                "alertmanager.yml": composed(args, region, own_routes=True),
            },
        )
        container = alertmanager_container(
            args, image, region, peer=self.dns_name, cluster_label=group.id
        )
        service = ContainerService(
            self,
            name,
            server,
            [Member(delivered.containers(container))],
            security_group=group,
            task_statements=[*self._may_publish(args), *delivered.statements],
            replicas=args["replicas"],
            after=[*group_rules, *delivered.after],
        )

        self.security_group_id = group.id
        self.cluster_name = service.cluster_name
        self.service_name = service.service_names[0]
        self.log_group_name = service.log_group_name
        self.repository_url = image.repository.repository_url
        self.port_forwarding_command = service.port_forwarding_command
        register_outputs(self)

    def _security_group(
        self, name: str, args: AlertmanagerServiceArgs
    ) -> "tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]":
        base = f"{name}-security-group"
        description = "Alertmanager: reached by Prometheus and each other"
        group = security_group(self, base, args["vpc_id"], description, name)
        out = "AWS endpoints, and whoever is notified"
        found: list[pulumi.Resource] = [allow_https_out(self, f"{base}-https", group.id, out)]
        if args["replicas"] > 1:
            for protocol in ("tcp", "udp"):
                found += allow_between(
                    self,
                    f"{base}-cluster-{protocol}",
                    group.id,
                    group.id,
                    rules.CLUSTER_PORT,
                    "Between Alertmanagers",
                    protocol=protocol,
                )
        return group, found

    def _may_publish(
        self, args: AlertmanagerServiceArgs
    ) -> list[pulumi.Output[policies.Statement]]:
        """Say that the task may publish to the topic, if it has to, and nothing else."""
        if "sns" not in routing(args).integrations:
            return []
        topic = pulumi.Output.from_input(args["topic_arn"])
        return [topic.apply(lambda arn: policies.allow(["sns:Publish"], arn))]
