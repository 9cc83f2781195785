"""What a network is made from: its arguments, and with them the stack's settings."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from components import checks
from components.arguments import Knob, Rule, arguments
from components.logs import LogRetentionDays
from components.network.acl import (
    egress_fits,
    ingress_fits,
    legal_acl_rules,
    only_with_acl,
)
from components.network.subnets import legal_vpc_cidr, zones_fit
from components.network.zones import WITHOUT_FARGATE, legal_zone_ids, zones_usable

NAT_STRATEGIES = ("none", "single", "per-az")


@arguments
class MonitoringNetworkArgs(TypedDict):
    """Arguments of a `MonitoringNetwork`."""

    vpc_cidr: NotRequired[
        Annotated[str, Knob("10.42.0.0/16"), Rule(legal_vpc_cidr, ("allow_loopback_cidr",))]
    ]
    """Address range of the VPC: private, from /16 to /27 (one zone)."""

    zone_count: NotRequired[
        Annotated[
            int,
            # No region has more than 8 (the most is 6, in us-east-1).
            Knob(2, checks.whole(1, 8)),
            Rule(zones_fit, ("vpc_cidr",)),
            Rule(zones_usable, ("instance_types", "exclude_zone_ids"), asks_aws=True),
        ]
    ]
    """Number of availability zones, each with a public and a private subnet. Subnets never move;
    hosts are spread over the zones, so another number moves some of them."""

    exclude_zone_ids: NotRequired[Annotated[Sequence[str], Knob(WITHOUT_FARGATE, legal_zone_ids)]]
    """Availability zones that get no subnets, by their ids, which are the same in every account. By
    default those without Fargate. Subnets that exist stay."""

    instance_types: NotRequired[Annotated[Sequence[str], Knob(())]]
    """EC2 instance types that every zone must offer. Empty: any zone will do."""

    nat_strategy: NotRequired[Annotated[str, Knob("none", checks.one_of(NAT_STRATEGIES))]]
    """`none`: everything runs in public subnets, behind security groups (free), and private ones
    have no internet access. `single` or `per-az`: everything runs in private subnets, with one NAT
    gateway or one in each zone, so that a zone's failure stays its own."""

    ipv6: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the VPC and its subnets IPv6 addresses, of Amazon's, for a load balancer: public subnets
    reach the internet by IPv6 and are reached, private ones neither. Servers and hosts get none.
    Off again, the subnets keep their ranges, and nothing uses them."""

    flow_logs: NotRequired[Annotated[bool, Knob(default=False)]]
    """Write VPC flow logs (all traffic) to CloudWatch Logs."""

    log_retention_days: NotRequired[LogRetentionDays]
    """Days that flow logs are kept."""

    network_acl: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the subnets a network ACL of their own, which lets through the VPC itself, HTTPS to
    anywhere, TCP to ports from 1024 (answers come back to them) and the rules below. Otherwise they
    have AWS's, which lets everything through. Either way security groups decide."""

    network_acl_ingress: NotRequired[
        Annotated[
            Sequence[str],
            Knob((), legal_acl_rules),
            Rule(only_with_acl, ("network_acl",)),
            Rule(checks.ipv6_only_with_ipv6, ("ipv6",)),
            Rule(ingress_fits, ("network_acl_egress", "ssh_cidrs", "vpc_cidr", "ipv6")),
        ]
    ]
    """What else the network ACL lets in: protocol, port or range of ports, and network, such as
    `tcp 80 0.0.0.0/0` or `udp 5000-5010 198.51.100.0/24`; an IPv6 one, such as `tcp 443 ::/0`,
    with `ipv6`. Answers are let out."""

    network_acl_egress: NotRequired[
        Annotated[
            Sequence[str],
            Knob((), legal_acl_rules),
            Rule(only_with_acl, ("network_acl",)),
            Rule(checks.ipv6_only_with_ipv6, ("ipv6",)),
            Rule(egress_fits, ("network_acl_ingress", "vpc_cidr", "ipv6")),
        ]
    ]
    """What else the network ACL lets out, written likewise. Answers are let in."""

    ssh_cidrs: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks whose SSH the network ACL lets in, if there is one."""

    allow_loopback_cidr: NotRequired[Annotated[bool, Knob(default=False)]]
    """Accept a `vpc_cidr` inside 127.0.0.0/8, for an emulator; AWS refuses it."""
