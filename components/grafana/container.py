"""What is particular to Grafana's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.containers.definition import Container, SecretValue
from components.containers.names import member_dns_name
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.containers.image import ServerImage
    from components.grafana.grafana_service import GrafanaServiceArgs

GRAFANA = "472:0"
"""User and group of the official image."""

HEALTH_PATH = "/api/health"
"""Answers 200 when Grafana is alive."""

OPEN_FILES = 65535
"""What Fargate lets a container have by default.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
"""


def environment_variables(args: GrafanaServiceArgs) -> dict[str, pulumi.Input[str]]:
    """Everything that `docker/grafana` reads, nothing of it secret.

    Args:
        args: the component's arguments, resolved.
    """
    behind_tls = is_given(args["public_url"])
    first, port = args["prometheus_dns_name"], args["prometheus_port"]
    variables: dict[str, pulumi.Input[str]] = {
        "PROMETHEUS_URL": _url(first, port),
        **{
            f"PROMETHEUS_{replica}_URL": _url(member_dns_name(first, replica), port)
            for replica in range(1, args["prometheus_replicas"])
        },
        "SCRAPE_INTERVAL": args["scrape_interval"],
        "RUNBOOK_BASE_URL": args["runbook_base_url"],
        "GF_SERVER_HTTP_PORT": str(args["port"]),
        # Through Session Manager it is plain HTTP, over which a browser sends no secure cookie.
        "GF_SECURITY_COOKIE_SECURE": _text(value=behind_tls),
        "GF_AUTH_ANONYMOUS_ENABLED": _text(value=args["anonymous_viewer"]),
    }
    if is_given(args["alertmanager_dns_name"]):
        variables["ALERTMANAGER_URL"] = _url(
            args["alertmanager_dns_name"], args["alertmanager_port"]
        )
    if behind_tls:
        variables["GF_SERVER_ROOT_URL"] = pulumi.Output.concat(args["public_url"], "/")
    if is_given(args["oidc_client_id"]):
        variables |= _oidc(args)
    return variables


def _oidc(args: GrafanaServiceArgs) -> dict[str, pulumi.Input[str]]:
    """Let users log in with an identity provider; the password stays, for administrators.

    Whoever the provider knows is a user, a Viewer unless their role says otherwise: nothing of a
    user outlives the task, so nobody could make them one before. Source:
    https://grafana.com/docs/grafana/v13.2/setup-grafana/configure-access/configure-authentication/generic-oauth/
    """
    return {
        f"GF_AUTH_GENERIC_OAUTH_{key}": value
        for key, value in {
            "ENABLED": "true",
            "NAME": "OpenID Connect",
            "CLIENT_ID": args["oidc_client_id"],
            "SCOPES": " ".join(args["oidc_scopes"]),
            "AUTH_URL": args["oidc_authorization_endpoint"],
            "TOKEN_URL": args["oidc_token_endpoint"],
            "API_URL": args["oidc_user_info_endpoint"],
            "USE_PKCE": "true",
            "ALLOW_SIGN_UP": "true",
            "ROLE_ATTRIBUTE_PATH": args["oidc_role_attribute_path"],
        }.items()
    }


def grafana_container(
    args: GrafanaServiceArgs, image: ServerImage, admin_password: SecretValue
) -> Container:
    """Describe the container.

    Args:
        args: the component's arguments, resolved.
        image: of Grafana.
        admin_password: of the user `admin`.
    """
    secrets: Mapping[str, SecretValue] = {"GF_SECURITY_ADMIN_PASSWORD": admin_password}
    if is_given(args["oidc_client_id"]):
        client_secret = SecretValue(args["oidc_client_secret_arn"])
        secrets = {**secrets, "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": client_secret}
    return Container(
        name="grafana",
        image=image,
        user=GRAFANA,
        environment=environment_variables(args),
        secrets=secrets,
        ports=[args["port"]],
        # Its database and what it is provisioned from; plugins unpack into the other one.
        volumes={"data": "/var/lib/grafana", "scratch": "/tmp"},  # noqa: S108 - in the container
        health_path=HEALTH_PATH,
        open_files=OPEN_FILES,
    )


def _url(dns_name: pulumi.Input[str], port: int) -> pulumi.Output[str]:
    return pulumi.Output.concat("http://", dns_name, f":{port}")


def _text(*, value: bool) -> str:
    return "true" if value else "false"
