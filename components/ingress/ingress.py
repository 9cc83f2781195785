"""A load balancer with TLS and authentication before the servers."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import checks
from components.arguments import resolve
from components.containers.definition import (
    HEALTH_INTERVAL_S,
    HEALTH_RETRIES,
    HEALTH_TIMEOUT_S,
)
from components.ingress import authentication
from components.ingress.access_logs import access_log_bucket
from components.ingress.alias_records import alias_records
from components.ingress.certificate import valid_certificate
from components.ingress.ingress_args import IngressArgs
from components.ingress.servers import SERVERS
from components.network.security_groups import (
    ANYWHERE,
    ANYWHERE_IPV6,
    Peer,
    allow,
    allow_https_out,
    security_group,
)
from components.outputs import register_outputs

MAX_NAME_LENGTH = 11
"""AWS takes 32 characters for the name of a target group: this, `-alertmanager`, and the 8 that
Pulumi adds.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
"""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2 with forward secrecy, and post-quantum key exchange: what AWS recommends. Without
one, the API takes one of 2016.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""

IDLE_TIMEOUT_S = 150
"""Longer than Prometheus's longest query, which sends nothing before it has ended: 2 minutes by
`--query.timeout`."""

DRAINING_S = 30
"""How long a task that is to stop may answer what it has been asked. ECS waits for it at every
deployment, with no other task beside; AWS's default is 300."""

ANY_PORT = 80
"""What AWS wants to be said of a target group, and what ECS says otherwise of each task."""

HEALTHY_AFTER = 2

STICKY_S = 86_400
"""How long a cookie leads to the same task; AWS's default.

An update in place. Source: `stickiness` in
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/elbv2/target_group.go
"""


class Ingress(pulumi.ComponentResource):
    """An application load balancer: one host name a server, HTTPS, a login, access logs.

    It is made before the servers: each takes its target group, and the security group that it is
    to admit. Besides those ports, the load balancer reaches the identity provider, and nothing.

    People may come by IPv6. The load balancer itself goes to the servers and to the identity
    provider by IPv4: a target group is for IPv4 unless it says otherwise, and "Application Load
    Balancers support only IPv4 when the load balancers communicate with these endpoints". AWS lets
    nobody from the internet reach an internal one's IPv6 addresses (its attribute
    `ipv6.deny_all_igw_traffic`). Sources:
    https://repost.aws/knowledge-center/elb-configure-authentication-alb and
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
    """

    security_group_id: pulumi.Output[str]
    """Id of the load balancer's security group: what the servers admit."""

    target_group_arns: pulumi.Output[Mapping[str, str]]
    """Server -> ARN of its target group; known only when its listener rule is there, as ECS accepts
    none before.

    In Python, `target_groups` has an output for each: one that a preview does not know yet leaves
    the others known."""

    urls: pulumi.Output[Mapping[str, str]]
    """Server -> its URL, without a slash at its end."""

    listener_arn: pulumi.Output[str]
    """ARN of the listener for HTTPS, which takes rules for further host names."""

    load_balancer_dns_name: pulumi.Output[str]
    """Name that AWS has given the load balancer: what host names of your own lead to."""

    load_balancer_zone_id: pulumi.Output[str]
    """Id of the zone that this name is in, for an alias record."""

    def __init__(
        self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Register the load balancer.

        Raises:
            ArgumentError: illegal arguments, or a zone that the domain is outside of; nothing is
                registered then.
        """
        args = resolve(IngressArgs, name, args, opts, max_name_length=MAX_NAME_LENGTH)
        super().__init__("prometheus-aws:index:Ingress", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        world = [ANYWHERE, ANYWHERE_IPV6] if args["ipv6"] else [ANYWHERE]
        self._admitted = world if args["open_to_the_world"] else args["cidrs"]
        # An address that no network may connect to would only be waited for.
        self.dual_stack = any(map(checks.is_ipv6, self._admitted))
        """Whether it has IPv6, and so its host names."""

        group = self._security_group(args)
        balancer = self._load_balancer(args, group)
        listener = self._listeners(args, balancer)
        self.target_groups = self._rules(args, listener)
        self._host_names(args, balancer)
        if args["waf_acl_arn"]:
            aws.wafv2.WebAclAssociation(
                f"{name}-waf",
                resource_arn=balancer.arn,
                web_acl_arn=args["waf_acl_arn"],
                opts=self._child,
            )

        self.security_group_id = group.id
        self.target_group_arns = pulumi.Output.all(**self.target_groups)
        self.urls = pulumi.Output.from_input(
            {stem: f"https://{stem}.{args['domain']}" for stem in args["servers"]}
        )
        self.listener_arn = listener.arn
        self.load_balancer_dns_name = balancer.dns_name
        self.load_balancer_zone_id = balancer.zone_id
        register_outputs(self)

    def _security_group(self, args: IngressArgs) -> "aws.ec2.SecurityGroup":
        base = f"{self._name}-security-group"
        description = "Load balancer: what connects to the servers for people"
        group = security_group(self, base, args["vpc_id"], description, self._name)
        for cidr in self._admitted:
            peer: Peer = {"cidr_ipv6": cidr} if checks.is_ipv6(cidr) else {"cidr_ipv4": cidr}
            for scheme, port, what in (
                ("https", 443, "Host names of the servers"),
                ("http", 80, "Redirected to HTTPS"),
            ):
                # Two colons are what Pulumi separates the parts of a URN with.
                where = f"{base}-{scheme}-{cidr.replace(':', '-')}"
                allow("ingress", self, where, group.id, port, what, **peer)
        if authentication.is_on(args):
            login = "Identity provider: tokens and users"
            allow_https_out(self, f"{base}-login", group.id, login)
        return group

    def _load_balancer(
        self, args: IngressArgs, group: "aws.ec2.SecurityGroup"
    ) -> "aws.lb.LoadBalancer":
        bucket, ready = access_log_bucket(self, f"{self._name}-access-logs", args)
        protected = args["deletion_protection"]
        return aws.lb.LoadBalancer(
            f"{self._name}-balancer",
            load_balancer_type="application",
            internal=args["internal"],
            ip_address_type="dualstack" if self.dual_stack else "ipv4",
            security_groups=[group.id],
            subnets=args["subnet_ids"],
            access_logs={"bucket": bucket.id, "enabled": True},
            drop_invalid_header_fields=True,
            idle_timeout=IDLE_TIMEOUT_S,
            enable_deletion_protection=protected,
            tags={"Name": self._name},
            opts=pulumi.ResourceOptions(
                parent=self,
                # AWS writes a first log at once, to see whether it may.
                depends_on=ready,
                protect=protected,
                # Target groups stay, and none can be with two load balancers. Source:
                # https://github.com/hashicorp/terraform-provider-aws/issues/22005
                delete_before_replace=True,
            ),
        )

    def _listeners(self, args: IngressArgs, balancer: "aws.lb.LoadBalancer") -> "aws.lb.Listener":
        """Register both, and return the one for HTTPS, which answers unknown host names itself."""
        aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "redirect",
                    "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"},
                }
            ],
            opts=self._child,
        )
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=valid_certificate(self, f"{self._name}-certificate", args),
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {
                        "content_type": "text/plain",
                        "message_body": "No server has this host name.",
                        "status_code": "404",
                    },
                }
            ],
            opts=self._child,
        )

    def _rules(
        self, args: IngressArgs, listener: "aws.lb.Listener"
    ) -> dict[str, pulumi.Output[str]]:
        """Register a target group and a rule for each server; return the groups' ARNs."""
        login = [authentication.action(self, args)] if authentication.is_on(args) else []
        arns = {}
        for stem in args["servers"]:
            server = SERVERS[stem]
            group = aws.lb.TargetGroup(
                f"{self._name}-{stem}",
                vpc_id=args["vpc_id"],
                target_type="ip",
                protocol="HTTP",
                port=ANY_PORT,
                deregistration_delay=DRAINING_S,
                # ECS replaces a task that fails here, as it does where the container's own check
                # fails: so it has as long.
                health_check={
                    "path": server.health_path,
                    "matcher": "200",
                    "interval": HEALTH_INTERVAL_S,
                    "timeout": HEALTH_TIMEOUT_S,
                    "unhealthy_threshold": HEALTH_RETRIES,
                    "healthy_threshold": HEALTHY_AFTER,
                },
                stickiness={"type": "lb_cookie", "cookie_duration": STICKY_S}
                if stem in args["sticky_servers"]
                else None,
                opts=self._child,
            )
            before = login if server.authenticated else []
            rule = aws.lb.ListenerRule(
                f"{self._name}-{stem}-rule",
                listener_arn=listener.arn,
                priority=server.priority,
                conditions=[{"host_header": {"values": [f"{stem}.{args['domain']}"]}}],
                actions=[
                    *before,
                    {
                        "type": "forward",
                        "order": len(before) + 1,
                        "target_group_arn": group.arn,
                    },
                ],
                # The provider returns the client secret among them.
                opts=pulumi.ResourceOptions(
                    parent=self,
                    additional_secret_outputs=["actions"] if args["oidc_issuer"] and before else [],
                ),
            )
            arns[stem] = pulumi.Output.all(group.arn, rule.arn).apply(lambda its: str(its[0]))
        return arns

    def _host_names(self, args: IngressArgs, balancer: "aws.lb.LoadBalancer") -> None:
        if not args["zone_id"]:
            return
        for stem in args["servers"]:
            alias_records(
                self,
                f"{self._name}-{stem}-host",
                zone_id=args["zone_id"],
                host_name=f"{stem}.{args['domain']}",
                balancer=(balancer.dns_name, balancer.zone_id),
                ipv6=self.dual_stack,
            )
