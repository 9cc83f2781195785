"""Who is let through to a server without a login of its own: the listener's authentication."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.ingress.ingress_args import IngressArgs

SESSION_TIMEOUT_S = 12 * 3600
"""A login lasts a working day, rather than AWS's 7 days: nothing else ends it, not even leaving the
company."""

_URL = re.compile(r"https://[a-z0-9.-]+(/[\w.~%+/-]*)?", re.ASCII)
_USER_POOL_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)


def url(value: str) -> None:
    """Check an address of an identity provider; empty means none."""
    if value and not _URL.fullmatch(value):
        raise ValueError(
            "expected a URL that begins with https://, without a port, a query and a fragment: the"
            " load balancer may connect to port 443 only"
        )


def user_pool_domain(value: str) -> None:
    """Check the domain of a user pool: its prefix, or all of a domain of one's own."""
    if value and not _USER_POOL_DOMAIN.fullmatch(value):
        raise ValueError(
            "expected the prefix of the user pool's domain, such as my-company, or all of a domain"
            " of your own, such as auth.example.com"
        )


def part_of(provider: str, leader: str) -> Callable[[str, str], None]:
    """Make a rule for what an identity provider takes: there with it, and not without it.

    Args:
        provider: its name, for people.
        leader: what it is chosen by, for people.
    """

    def rule(value: str, chosen_by: str) -> None:
        if chosen_by and not value:
            raise ValueError(f"{provider} needs it; expected what your identity provider says")
        if value and not chosen_by:
            raise ValueError(f"it is {provider}'s, and there is no {leader}; expected both or none")

    return rule


def one_way(issuer: str, user_pool_arn: str, without: bool) -> None:  # noqa: FBT001 - a rule's arguments
    """Check that users are authenticated, by one identity provider.

    Raises:
        ValueError: by none, or by both.
    """
    if issuer and user_pool_arn:
        raise ValueError("there is Cognito's user pool, too; expected one of the two")
    if not (issuer or user_pool_arn or without):
        raise ValueError(
            "Prometheus and Alertmanager have no login of their own: whoever connected could read"
            " everything and silence every alert. Expected the issuer of an OIDC identity"
            " provider, or the ARN of Cognito's user pool"
        )


def only_where_nobody_else_is(
    without: bool,  # noqa: FBT001 - a rule's arguments
    issuer: str,
    user_pool_arn: str,
    internal: bool,  # noqa: FBT001 - as above
    open_to_the_world: bool,  # noqa: FBT001 - as above
) -> None:
    """Check that a listener without authentication is private, and reached by named networks.

    Raises:
        ValueError: it is not, or there is authentication.
    """
    if without and (issuer or user_pool_arn):
        raise ValueError("there is an identity provider; expected false, or no identity provider")
    if without and (not internal or open_to_the_world):
        raise ValueError(
            "everybody could read everything and silence every alert; expected false, or an"
            " internal load balancer that only named networks reach"
        )


def is_on(args: IngressArgs) -> bool:
    """Whether users are authenticated."""
    return not args["without_authentication"]


def action(parent: pulumi.Resource, args: IngressArgs) -> aws.lb.ListenerRuleActionArgsDict:
    """What a listener rule does before it forwards a request; users go to their provider's login.

    The client secret is read from Secrets Manager, and is a secret in Pulumi's state.

    Args:
        parent: the component, whose provider is asked for the secret.
        args: the component's arguments, resolved.
    """
    if args["cognito_user_pool_arn"]:
        return {
            "type": "authenticate-cognito",
            "order": 1,
            "authenticate_cognito": {
                "user_pool_arn": args["cognito_user_pool_arn"],
                "user_pool_client_id": args["cognito_client_id"],
                "user_pool_domain": args["cognito_domain"],
                "session_timeout": SESSION_TIMEOUT_S,
            },
        }
    secret = aws.secretsmanager.get_secret_version_output(
        secret_id=args["oidc_client_secret_arn"], opts=pulumi.InvokeOptions(parent=parent)
    )
    return {
        "type": "authenticate-oidc",
        "order": 1,
        "authenticate_oidc": {
            "issuer": args["oidc_issuer"],
            "authorization_endpoint": args["oidc_authorization_endpoint"],
            "token_endpoint": args["oidc_token_endpoint"],
            "user_info_endpoint": args["oidc_user_info_endpoint"],
            "client_id": args["oidc_client_id"],
            "client_secret": pulumi.Output.secret(secret.secret_string),
            "session_timeout": SESSION_TIMEOUT_S,
        },
    }
