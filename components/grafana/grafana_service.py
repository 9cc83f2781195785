"""Grafana as an ECS service on Fargate, with its image, its password and its log."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NotRequired

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import assets, checks
from components.arguments import Knob, Rule, arguments, resolve
from components.configuration.tree import every_overlay
from components.containers.container_service import ContainerService, Member
from components.containers.image import ServerImage
from components.containers.kept_secret import KeptSecret
from components.containers.server import ServerArgs, not_with_image_context, together_with
from components.containers.url_command import aws_cli
from components.grafana import overlay
from components.grafana.container import grafana_container
from components.network.security_groups import allow_between, allow_https_out, security_group
from components.outputs import register_outputs
from components.prometheus.prometheus_args import MAX_REPLICAS
from components.prometheus.scraping import ScrapeInterval
from components.runbooks import RunbookBaseUrl
from components.values import is_given

PASSWORD_LENGTH = 32
"""Letters and digits: 190 bits."""


def scopes(value: Sequence[str]) -> None:
    """Check what Grafana asks an identity provider for.

    Raises:
        ValueError: with what is expected.
    """
    if "openid" not in value or any(not scope or set(scope) & set(" ,") for scope in value):
        raise ValueError("expected scopes without blanks and commas, openid among them")


def legal_overlay(path: str) -> None:
    """Check a folder of the user's own dashboards.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if path:
        overlay.check([Path(path)])


def legal_overlays(paths: Sequence[str], own: str) -> None:
    """Check further folders together with the user's own, as `legal_overlay` does.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if paths:
        overlay.check(every_overlay(paths, own))


def roles_of_users(path: str, client_id: pulumi.Input[str]) -> None:
    """Check that a rule for roles has users whom it is for.

    Raises:
        ValueError: it has none.
    """
    if path and not is_given(client_id):
        raise ValueError(
            "it gives roles to users of an OIDC identity provider, and there is none; expected"
            " both or neither"
        )


@arguments
class GrafanaServiceArgs(ServerArgs):
    """Arguments of a `GrafanaService`."""

    prometheus_dns_name: pulumi.Input[str]
    """Name by which the task finds Prometheus, its first replica, such as
    prometheus.monitoring.internal."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of Prometheus's security group, which gets a rule that admits Grafana."""

    prometheus_replicas: NotRequired[Annotated[int, Knob(1, checks.whole(1, MAX_REPLICAS))]]
    """Number of Prometheus servers, 1 to 8: each is a data source of its own."""

    prometheus_port: NotRequired[Annotated[int, Knob(9090, checks.port)]]
    """Port of Prometheus."""

    alertmanager_dns_name: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name by which the task finds Alertmanager, such as alertmanager.monitoring.internal. Empty:
    there is none."""

    alertmanager_security_group_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("alertmanager_dns_name")]
    ]
    """Id of Alertmanager's security group, which gets a rule that admits Grafana."""

    alertmanager_port: NotRequired[Annotated[int, Knob(9093, checks.port)]]
    """Port of Alertmanager."""

    overlay: NotRequired[
        Annotated[
            str,
            Knob("", legal_overlay),
            Rule(not_with_image_context, ("image_context",)),
        ]
    ]
    """Folder of your own dashboards (`dashboards/*.json`), laid over the package's
    (docs/own-configuration.md), a path from the project's folder. Empty: there is none."""

    overlays: NotRequired[
        Annotated[
            Sequence[str],
            Knob(()),
            Rule(not_with_image_context, ("image_context",)),
            Rule(legal_overlays, ("overlay",)),
        ]
    ]
    """Further such folders: the dashboards that services bring along. Empty: there are none."""

    version: NotRequired[Annotated[str, Knob(assets.VERSIONS["grafana"], checks.version)]]
    """Version of Grafana."""

    port: NotRequired[Annotated[int, Knob(3000, checks.port)]]
    """Port of Grafana, 1024 to 65535."""

    public_url: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("target_group_arn")]
    ]
    """URL at the load balancer, such as https://grafana.example.com, without a slash at its end."""

    scrape_interval: NotRequired[ScrapeInterval]
    """Prometheus's time between two scrapes of a target, 1s to 1m: graphs look at rates over a
    multiple of it."""

    runbook_base_url: NotRequired[RunbookBaseUrl]
    """Where the runbooks are, the beginning of links to them: a URL without a slash at its end. A
    relative path is one in a checkout of this project."""

    anonymous_viewer: NotRequired[Annotated[bool, Knob(default=False)]]
    """Show the dashboards to everybody who can connect, without a login. They can change
    nothing."""

    admin_password_rotation: NotRequired[Annotated[int, Knob(1, checks.whole(1, 1_000_000))]]
    """Raise it by one to get a new password of the user admin. It replaces the task, which logs
    everybody out."""

    oidc_client_id: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Id that an OIDC identity provider has given this client. Empty: people log in with the
    password of the user admin."""

    oidc_client_secret_arn: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("oidc_client_id")]
    ]
    """ARN of the secret in Secrets Manager that holds the client secret, as it is, not in JSON."""

    oidc_authorization_endpoint: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("oidc_client_id")]
    ]
    """The provider's authorization endpoint, a URL."""

    oidc_token_endpoint: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("oidc_client_id")]
    ]
    """Its token endpoint, a URL."""

    oidc_user_info_endpoint: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("oidc_client_id")]
    ]
    """Its user info endpoint, a URL."""

    oidc_scopes: NotRequired[Annotated[Sequence[str], Knob(("openid", "email", "profile"), scopes)]]
    """What Grafana asks the identity provider for."""

    oidc_role_attribute_path: NotRequired[
        Annotated[str, Knob(""), Rule(roles_of_users, ("oidc_client_id",), presence=True)]
    ]
    """JMESPath expression that finds a user's role (Viewer, Editor or Admin) in what the identity
    provider says, such as the name of a claim. Empty: all are viewers."""


class GrafanaService(pulumi.ComponentResource):
    """One Grafana, provisioned from files.

    It keeps nothing: another task knows no user's settings, no session, and no dashboard that
    somebody has saved.
    """

    security_group_id: pulumi.Output[str]
    """Id of Grafana's security group."""

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group_name: pulumi.Output[str]
    """Name of the log group."""

    repository_url: pulumi.Output[str]
    """URL of the ECR repository."""

    admin_password_secret_arn: pulumi.Output[str]
    """ARN of the secret that is the password of the user admin."""

    admin_password_command: pulumi.Output[str]
    """Shell command that prints the password of the user admin (it needs the AWS CLI)."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings Grafana's port to one's own machine through Session Manager (it
    needs the AWS CLI with the Session Manager plugin); empty without `enable_execute_command`."""

    def __init__(
        self,
        name: str,
        args: GrafanaServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(GrafanaServiceArgs, name, args, opts)
        super().__init__("prometheus-aws:index:GrafanaService", name, None, opts)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region

        group, rules = self._security_group(name, args)
        image = ServerImage(self, name, args, "grafana", args["version"])
        password = random.RandomPassword(
            f"{name}-admin-password",
            length=PASSWORD_LENGTH,
            special=False,
            keepers={"rotation": str(args["admin_password_rotation"])},
            opts=pulumi.ResourceOptions(parent=self),
        )
        secret = KeptSecret(
            self,
            f"{name}-admin-password-secret",
            "Password of the user admin of Grafana",
            password.result,
        )
        service = ContainerService(
            self,
            name,
            args,
            [Member([grafana_container(args, image, secret.value())])],
            security_group=group,
            after=rules,
        )

        self.security_group_id = group.id
        self.cluster_name = service.cluster_name
        self.service_name = service.service_names[0]
        self.log_group_name = service.log_group_name
        self.repository_url = image.repository.repository_url
        self.admin_password_secret_arn = secret.arn
        self.admin_password_command = pulumi.Output.all(region, secret.arn).apply(
            lambda its: password_command(its[0], its[1])
        )
        self.port_forwarding_command = service.port_forwarding_command
        register_outputs(self)

    def _security_group(
        self, name: str, args: GrafanaServiceArgs
    ) -> "tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]":
        base = f"{name}-security-group"
        description = "Grafana: reached through the load balancer only"
        group = security_group(self, base, args["vpc_id"], description, name)
        to_aws = "AWS endpoints: image, secrets, log; the identity provider"
        rules: list[pulumi.Resource] = [
            allow_https_out(self, f"{base}-aws", group.id, to_aws),
            *allow_between(
                self,
                f"{base}-prometheus",
                group.id,
                args["prometheus_security_group_id"],
                args["prometheus_port"],
                "Grafana to Prometheus",
            ),
        ]
        if is_given(args["alertmanager_security_group_id"]):
            rules += allow_between(
                self,
                f"{base}-alertmanager",
                group.id,
                args["alertmanager_security_group_id"],
                args["alertmanager_port"],
                "Grafana to Alertmanager",
            )
        return group, rules


def password_command(region: str, secret_arn: str) -> str:
    """Write the shell command that prints a secret.

    Args:
        region: AWS region.
        secret_arn: of the secret.
    """
    return (
        f"{aws_cli(region)} secretsmanager get-secret-value --secret-id {secret_arn}"
        " --query SecretString"
    )
