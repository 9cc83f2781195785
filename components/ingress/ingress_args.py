"""What an ingress is made from: its arguments, and with them the stack's settings."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi

from components import checks
from components.arguments import Knob, Rule, arguments
from components.ingress import authentication, rules
from components.ingress.certificate import zone_has_domain
from components.ingress.servers import legal_servers, some_of_the_servers

_OIDC = Rule(authentication.part_of("OIDC", "issuer"), ("oidc_issuer",))
_COGNITO = Rule(authentication.part_of("Cognito", "user pool"), ("cognito_user_pool_arn",))


@arguments
class IngressArgs(TypedDict):
    """Arguments of an `Ingress`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the load balancer is in."""

    subnet_ids: Annotated[pulumi.Input[Sequence[pulumi.Input[str]]], Rule(rules.enough_subnets)]
    """Ids of its subnets, in two zones at least: public ones, or private ones for an internal load
    balancer, which need internet access for authentication."""

    servers: Annotated[Sequence[str], Rule(legal_servers)]
    """The servers that get a host name: some of `prometheus`, `alertmanager`, `grafana`."""

    sticky_servers: NotRequired[
        Annotated[Sequence[str], Knob(()), Rule(some_of_the_servers, ("servers",))]
    ]
    """Those of them whose tasks do not know the same: a cookie leads a browser to the same task for
    a day, as long as it is healthy."""

    domain: Annotated[str, Rule(rules.domain)]
    """Domain that the host names are below: `prometheus.`, `alertmanager.` and `grafana.` before
    it. At most 62 characters."""

    zone_id: NotRequired[
        Annotated[
            str,
            Knob("", rules.zone_id),
            Rule(rules.certificate_from_somewhere, ("certificate_arn",)),
            Rule(zone_has_domain, ("domain", "certificate_arn"), asks_aws=True),
        ]
    ]
    """Id of Route53's hosted zone that the domain is, or is in: the host names are made there, and
    the certificate is validated there. Empty: with a certificate that exists, the host names are
    left to you."""

    certificate_arn: NotRequired[Annotated[str, Knob("", rules.arn("acm"))]]
    """ARN of a certificate that exists, for all the host names and of the same region. Empty: one
    is made."""

    cidrs: NotRequired[
        Annotated[
            Sequence[str],
            Knob((), checks.dual_stack_cidrs),
            Rule(rules.somebody_may_connect, ("open_to_the_world",)),
            Rule(checks.ipv6_only_with_ipv6, ("ipv6",)),
        ]
    ]
    """Networks that may connect to the load balancer. 0.0.0.0/0 is refused, and so is ::/0. With an
    IPv6 network, which takes `network.ipv6`, the load balancer has IPv6 addresses, too."""

    open_to_the_world: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let everybody connect to the load balancer, in place of named networks: its login is all that
    is between the world and the servers."""

    ipv6: NotRequired[Annotated[bool, Knob(default=False)]]
    """Whether the VPC and the subnets have IPv6 ranges. If so, and if one of `cidrs` is an IPv6
    network or everybody may connect, the load balancer and its host names have IPv6, too."""

    internal: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the load balancer private addresses only, for the VPC and what is connected to it.
    Another value replaces it."""

    oidc_issuer: NotRequired[
        Annotated[
            str,
            Knob("", authentication.url),
            Rule(authentication.one_way, ("cognito_user_pool_arn", "without_authentication")),
        ]
    ]
    """Issuer of an OIDC identity provider, whose users are let through to Prometheus and
    Alertmanager: a URL exactly as the provider's configuration document says it."""

    oidc_authorization_endpoint: NotRequired[Annotated[str, Knob("", authentication.url), _OIDC]]
    """Its authorization endpoint, a URL."""

    oidc_token_endpoint: NotRequired[Annotated[str, Knob("", authentication.url), _OIDC]]
    """Its token endpoint, a URL."""

    oidc_user_info_endpoint: NotRequired[Annotated[str, Knob("", authentication.url), _OIDC]]
    """Its user info endpoint, a URL."""

    oidc_client_id: NotRequired[Annotated[str, Knob(""), _OIDC]]
    """Id that the provider has given this client."""

    oidc_client_secret_arn: NotRequired[
        Annotated[str, Knob("", rules.arn("secretsmanager")), _OIDC]
    ]
    """ARN of the secret in Secrets Manager that holds the client secret, as it is, not in JSON."""

    cognito_user_pool_arn: NotRequired[Annotated[str, Knob("", rules.arn("cognito-idp"))]]
    """ARN of a user pool of Cognito's, in place of an OIDC identity provider."""

    cognito_client_id: NotRequired[Annotated[str, Knob(""), _COGNITO]]
    """Id of the user pool's client, which must have a client secret."""

    cognito_domain: NotRequired[Annotated[str, Knob("", authentication.user_pool_domain), _COGNITO]]
    """Domain of the user pool: its prefix, or all of a domain of your own."""

    without_authentication: NotRequired[
        Annotated[
            bool,
            Knob(default=False),
            Rule(
                authentication.only_where_nobody_else_is,
                ("oidc_issuer", "cognito_user_pool_arn", "internal", "open_to_the_world"),
            ),
        ]
    ]
    """Let whoever may connect through without a login, to read every metric and to silence every
    alert. Only with an internal load balancer and named networks."""

    waf_acl_arn: NotRequired[Annotated[str, Knob("", rules.arn("wafv2"))]]
    """ARN of a regional web ACL of AWS WAF, of the same region, that requests go through first.
    Empty: none."""

    deletion_protection: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let nobody delete the load balancer, and `pulumi destroy` refuse before it deletes
    anything."""

    access_log_retention_days: NotRequired[Annotated[int, Knob(90, checks.whole(1, 3653))]]
    """Days that the access logs are kept, 1 to 3653."""

    delete_access_logs_on_destroy: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let `pulumi destroy` delete the access logs."""
