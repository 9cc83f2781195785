"""Rules for what an `Ingress` is made from: names, ARNs, who may connect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIN_SUBNETS = 2
"""Each in a zone of its own; AWS makes no application load balancer with fewer.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
"""

MAX_DOMAIN_LENGTH = 62
"""A certificate's first name has 64 characters at most, and it is `*.` before the domain.

Source: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
"""

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])", re.ASCII)
_ARNS = {
    "acm": ("certificate", r"certificate/[0-9a-f-]{36}"),
    "wafv2": ("regional web ACL", r"regional/webacl/[\w-]{1,128}/[0-9a-f-]{36}"),
    "secretsmanager": ("secret", r"secret:[\w/+=.@!-]{1,512}"),
    "cognito-idp": ("user pool", r"userpool/[\w-]{1,55}"),
}


def domain(value: str) -> None:
    """Check the domain that host names are below."""
    if not _DOMAIN.fullmatch(value) or len(value) > MAX_DOMAIN_LENGTH:
        raise ValueError(
            "expected a domain such as monitoring.example.com, in lowercase letters, with at most"
            f" {MAX_DOMAIN_LENGTH} characters, without a dot at its end"
        )


def zone_id(value: str) -> None:
    """Check the id of a hosted zone; empty means none."""
    if not re.fullmatch(r"[A-Z0-9]{0,32}", value):
        raise ValueError(
            "expected the id of a hosted zone of Route53, such as Z0123456789ABCDEFGHIJ"
        )


def arn(service: str) -> Callable[[str], None]:
    """Make a check for the ARN of something that exists; empty means none.

    Args:
        service: as ARNs name it: one whose ARNs are known here.
    """
    what, form = _ARNS[service]
    legal = re.compile(rf"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:{form}", re.ASCII)

    def check(value: str) -> None:
        if value and not legal.fullmatch(value):
            raise ValueError(
                f"expected the ARN of a {what}, which begins with arn:aws:{service}:, then region"
                " and account"
            )

    return check


def enough_subnets(value: Sequence[object]) -> None:
    """Check that a load balancer can be made in the subnets."""
    if len(value) < MIN_SUBNETS:
        raise ValueError(
            f"expected at least {MIN_SUBNETS} subnets, each in a zone of its own: AWS makes no"
            " application load balancer with fewer"
        )


def somebody_may_connect(cidrs: Sequence[str], open_to_the_world: bool) -> None:  # noqa: FBT001 - a rule's arguments
    """Check that who may connect is said once."""
    if cidrs and open_to_the_world:
        raise ValueError("the load balancer is open to the world anyway; expected no networks")
    if not cidrs and not open_to_the_world:
        raise ValueError(
            "nobody could connect to the load balancer; expected the networks that people come"
            " from, such as 203.0.113.7/32, or that it is open to the world, where everybody can"
            " reach its login"
        )


def certificate_from_somewhere(zone: str, certificate_arn: str) -> None:
    """Check that there is a certificate, or a zone to validate one in."""
    if not zone and not certificate_arn:
        raise ValueError(
            "expected the id of the hosted zone that the domain is in, where the host names and"
            " the certificate's validation go; or the ARN of a certificate that exists, and host"
            " names that you make yourself"
        )
