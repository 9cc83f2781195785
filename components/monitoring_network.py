"""The network that Prometheus and the exporter hosts live in."""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks, policies

ANYWHERE = "0.0.0.0/0"
EPHEMERAL_PORTS = (1024, 65535)
"""Where answers come back to; a network ACL is stateless.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""


class AclRule(NamedTuple):
    """Traffic that the network ACL lets through, in the terms of `aws.ec2.NetworkAcl`."""

    protocol: str
    from_port: int
    to_port: int
    cidr_block: str
    icmp_type: int = 0
    icmp_code: int = 0


FRAGMENTATION_NEEDED = AclRule("icmp", 0, 0, ANYWHERE, icmp_type=3, icmp_code=4)
"""Without it, path MTU discovery fails.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/path_mtu_discovery.html
"""


class SubnetPlan(NamedTuple):
    """The address ranges of one availability zone."""

    public: str
    private: str


def subnet_plan(vpc_cidr: str, zone_count: int) -> list[SubnetPlan]:
    """Compute the subnets of each zone from the VPC's range.

    The VPC is cut into equal parts whose size depends on the VPC alone: zone `i` has parts `2i`
    (public) and `2i + 1` (private). So no subnet moves when a zone is added.

    Args:
        vpc_cidr: a legal VPC range.
        zone_count: number of zones, at least 1.

    Raises:
        ValueError: the VPC is too small for the zones.
    """
    checks.zones_fit(vpc_cidr, zone_count)
    vpc = ipaddress.IPv4Network(vpc_cidr)
    parts = vpc.subnets(new_prefix=checks.subnet_prefix(vpc.prefixlen))
    return [SubnetPlan(str(next(parts)), str(next(parts))) for _ in range(zone_count)]


def available_zone_names(opts: pulumi.InvokeOptions | None = None) -> list[str]:
    """Names of the region's availability zones that are up and need no opt-in, sorted."""
    zones = aws.get_availability_zones(
        state="available",
        filters=[
            {"name": "opt-in-status", "values": ["opt-in-not-required"]},
            {"name": "zone-type", "values": ["availability-zone"]},
        ],
        opts=opts,
    )
    return sorted(zones.names)


def zones_available(zone_count: int, names: Sequence[str]) -> int:
    """Check that the region has this many zones.

    Raises:
        ValueError: with the zones that there are.
    """
    if zone_count > len(names):
        raise ValueError(
            f"the region has {len(names)} availability zones ({', '.join(names)});"
            f" expected at most {len(names)}"
        )
    return zone_count


class MonitoringNetworkArgs(TypedDict):
    """Arguments of a `MonitoringNetwork`."""

    vpc_cidr: str
    """Range of the VPC: private, /16 to /28, such as `10.42.0.0/16`."""

    zone_count: NotRequired[int]
    """Number of availability zones, from those available in the region. Default: 2."""

    nat_strategy: NotRequired[str]
    """`none`: private subnets have no way out (free). `single`: one NAT gateway, in the first zone.
    `per-az`: one in each zone, so that a zone's failure stays its own. Default: `none`."""

    flow_logs: NotRequired[bool]
    """Write VPC flow logs (all traffic) to a log group. Default: false."""

    log_retention_days: NotRequired[int]
    """Days to keep flow logs. Default: 14."""

    ssh_cidrs: NotRequired[Sequence[str]]
    """Networks whose SSH the network ACL lets through (security groups still decide).
    Default: none."""

    allow_loopback_cidr: NotRequired[bool]
    """Accept a `vpc_cidr` inside 127.0.0.0/8, for an emulator; AWS refuses it. Default: false."""


class MonitoringNetwork(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in each of N availability zones.

    Public subnets reach the internet through a gateway, private ones by the NAT strategy; both
    reach S3 (where ECR keeps image layers) by a gateway endpoint, which is free. The default
    security group is emptied. One network ACL, for all the subnets, lets in the VPC itself,
    answers and unprivileged ports; what may connect to whom is for the security groups to say.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""

    public_subnet_ids: pulumi.Output[Sequence[str]]
    """Ids of the public subnets, one a zone, in the order of the zones' names; known only when
    their routes and rules are in place, so that what starts in them has a way out."""

    private_subnet_ids: pulumi.Output[Sequence[str]]
    """Ids of the private subnets, likewise."""

    def __init__(
        self,
        name: str,
        args: MonitoringNetworkArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the network.

        Raises:
            ArgumentError: illegal arguments, or more zones than the region has; nothing is
                registered then.
        """
        vpc_cidr = args.get("vpc_cidr", "")
        loopback = args.get("allow_loopback_cidr", False)
        # Not the component's own options: it is not registered yet.
        invoke_opts = pulumi.InvokeOptions(
            parent=opts.parent if opts else None, provider=_aws_provider(opts)
        )
        zone_names: list[str] = []

        def check_vpc_cidr(cidr: str) -> str:
            return checks.vpc_cidr(cidr, allow_loopback=loopback)

        def zones(count: int) -> int:
            checks.zone_count(count)
            zone_names.extend(available_zone_names(invoke_opts))
            zones_available(int(count), zone_names)
            if checks.is_legal(check_vpc_cidr, vpc_cidr):
                checks.zones_fit(vpc_cidr, int(count))
            return int(count)

        checks.check_args(
            "MonitoringNetwork",
            name,
            {"zone_count": 2, **args},
            MonitoringNetworkArgs,
            {
                "vpc_cidr": check_vpc_cidr,
                "zone_count": zones,
                "nat_strategy": checks.nat_strategy,
                "log_retention_days": checks.log_retention_days,
                "ssh_cidrs": checks.admin_cidrs,
            },
        )
        super().__init__("prometheus-aws:index:MonitoringNetwork", name, None, opts)
        zone_names = zone_names[: int(args.get("zone_count", 2))]
        plan = subnet_plan(vpc_cidr, len(zone_names))
        nat_strategy = args.get("nat_strategy", "none")
        child = pulumi.ResourceOptions(parent=self)

        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default-security-group",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags={"Name": f"{name}-default-unused"},
            opts=child,
        )
        gateway = aws.ec2.InternetGateway(
            f"{name}-internet-gateway", vpc_id=vpc.id, tags={"Name": name}, opts=child
        )
        public, private = (
            [
                self._subnet(f"{name}-{tier}", index, vpc.id, zone, getattr(plan[index], tier))
                for index, zone in enumerate(zone_names)
            ]
            for tier in SubnetPlan._fields
        )

        public_routes, public_ready = self._route_table(f"{name}-public", vpc.id, public)
        to_internet = aws.ec2.Route(
            f"{name}-public-internet",
            route_table_id=public_routes.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=child,
        )
        public_ready.append(to_internet)
        nat_gateways = [
            self._nat_gateway(f"{name}-nat-{index}", public[index], gateway)
            for index in range({"none": 0, "single": 1, "per-az": len(public)}[nat_strategy])
        ]
        private_routes = []
        private_ready: list[pulumi.CustomResource] = []
        for index, subnet in enumerate(private):
            table, ready = self._route_table(f"{name}-private-{index}", vpc.id, [subnet])
            private_routes.append(table)
            private_ready += ready
            if nat_gateways:
                to_nat = aws.ec2.Route(
                    f"{name}-private-{index}-internet",
                    route_table_id=table.id,
                    destination_cidr_block=ANYWHERE,
                    nat_gateway_id=nat_gateways[index % len(nat_gateways)].id,
                    opts=child,
                )
                private_ready.append(to_nat)
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=pulumi.Output.concat(
                "com.amazonaws.", aws.get_region_output(opts=_invoke(self)).region, ".s3"
            ),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in (public_routes, *private_routes)],
            tags={"Name": f"{name}-s3"},
            opts=child,
        )
        acl = aws.ec2.NetworkAcl(
            f"{name}-acl",
            vpc_id=vpc.id,
            subnet_ids=[subnet.id for subnet in (*public, *private)],
            ingress=_acl_ingress(vpc_cidr, args.get("ssh_cidrs", [])),
            egress=_acl_egress(vpc_cidr),
            tags={"Name": name},
            opts=child,
        )
        if args.get("flow_logs", False):
            self._flow_logs(f"{name}-flow-logs", vpc, int(args.get("log_retention_days", 14)))

        self.vpc_id = vpc.id
        self.public_subnet_ids = _ids_when_ready(public, [*public_ready, acl])
        self.private_subnet_ids = _ids_when_ready(private, [*private_ready, acl])
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
            }
        )

    def _subnet(
        self, name: str, index: int, vpc_id: pulumi.Input[str], zone: str, cidr: str
    ) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{name}-{index}",
            vpc_id=vpc_id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={"Name": f"{name}-{zone}"},
            # A zone that is down for a while is not "available": without this, its subnets and
            # all in them would be replaced by subnets in other zones.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
        )

    def _route_table(
        self, name: str, vpc_id: pulumi.Input[str], subnets: Sequence[aws.ec2.Subnet]
    ) -> tuple[aws.ec2.RouteTable, list[pulumi.CustomResource]]:
        child = pulumi.ResourceOptions(parent=self)
        table = aws.ec2.RouteTable(f"{name}-routes", vpc_id=vpc_id, tags={"Name": name}, opts=child)
        return table, [
            aws.ec2.RouteTableAssociation(
                f"{name}-routes-{index}", route_table_id=table.id, subnet_id=subnet.id, opts=child
            )
            for index, subnet in enumerate(subnets)
        ]

    def _nat_gateway(
        self, name: str, subnet: aws.ec2.Subnet, gateway: aws.ec2.InternetGateway
    ) -> aws.ec2.NatGateway:
        # AWS wants the internet gateway to be there before an address or a NAT gateway.
        after_gateway = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        address = aws.ec2.Eip(
            f"{name}-address", domain="vpc", tags={"Name": name}, opts=after_gateway
        )
        return aws.ec2.NatGateway(
            name,
            allocation_id=address.allocation_id,
            subnet_id=subnet.id,
            tags={"Name": name},
            opts=after_gateway,
        )

    def _flow_logs(self, name: str, vpc: aws.ec2.Vpc, retention_days: int) -> None:
        child = pulumi.ResourceOptions(parent=self)
        identity = aws.get_caller_identity_output(opts=_invoke(self))
        region = aws.get_region_output(opts=_invoke(self))
        partition = aws.get_partition_output(opts=_invoke(self))
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-group", retention_in_days=retention_days, opts=child
        )
        source_arn = pulumi.Output.format(
            "arn:{0}:ec2:{1}:{2}:vpc-flow-log/*",
            partition.partition,
            region.region,
            identity.account_id,
        )
        role = aws.iam.Role(
            f"{name}-role",
            description="Lets VPC flow logs write to their log group",
            assume_role_policy=pulumi.Output.all(identity.account_id, source_arn).apply(
                lambda ids: json.dumps(
                    policies.trust(
                        "vpc-flow-logs.amazonaws.com", policies.source_account(ids[0], ids[1])
                    )
                )
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=log_group.arn.apply(lambda arn: json.dumps(policies.flow_logs(arn))),
            opts=child,
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.arn,
            iam_role_arn=role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def _aws_provider(opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource | None:
    """Find the explicit AWS provider in the options of a component that is not registered yet."""
    if opts is None or opts.provider is not None:
        return opts.provider if opts else None
    given = opts.providers or []
    providers = given.values() if isinstance(given, Mapping) else given
    return next((provider for provider in providers if provider.package == "aws"), None)


def _ids_when_ready(
    subnets: Sequence[aws.ec2.Subnet], ready: Sequence[pulumi.CustomResource]
) -> pulumi.Output[Sequence[str]]:
    return pulumi.Output.all([s.id for s in subnets], [r.id for r in ready]).apply(
        lambda ids: ids[0]
    )


def _invoke(parent: pulumi.Resource) -> pulumi.InvokeOptions:
    return pulumi.InvokeOptions(parent=parent)


def _acl_ingress(vpc_cidr: str, ssh_cidrs: Sequence[str]) -> list[aws.ec2.NetworkAclIngressArgs]:
    answers = AclRule("tcp", *EPHEMERAL_PORTS, ANYWHERE)
    ssh = [AclRule("tcp", 22, 22, cidr) for cidr in ssh_cidrs]
    rules = [AclRule("-1", 0, 0, vpc_cidr), answers, FRAGMENTATION_NEEDED, *ssh]
    return [
        aws.ec2.NetworkAclIngressArgs(rule_no=number, action="allow", **rule._asdict())
        for number, rule in enumerate(rules, start=100)
    ]


def _acl_egress(vpc_cidr: str) -> list[aws.ec2.NetworkAclEgressArgs]:
    https, answers = (AclRule("tcp", *ports, ANYWHERE) for ports in ((443, 443), EPHEMERAL_PORTS))
    rules = [AclRule("-1", 0, 0, vpc_cidr), https, answers, FRAGMENTATION_NEEDED]
    return [
        aws.ec2.NetworkAclEgressArgs(rule_no=number, action="allow", **rule._asdict())
        for number, rule in enumerate(rules, start=100)
    ]
