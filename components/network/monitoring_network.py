"""The network that Prometheus and the exporter hosts live in."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks
from components.arguments import Knob, Rule, arguments, resolve
from components.logs import LogRetentionDays
from components.network.acl import ANYWHERE, acl_egress, acl_ingress
from components.network.flow_logs import flow_logs
from components.network.subnets import SubnetPlan, legal_vpc_cidr, subnet_plan, zones_fit
from components.network.zones import available_zone_names, zones_available

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
            Rule(zones_available, asks_aws=True),
        ]
    ]
    """Number of availability zones, each with a public and a private subnet. Subnets never move;
    hosts are spread over the zones, so another number moves some of them."""

    nat_strategy: NotRequired[Annotated[str, Knob("none", checks.one_of(NAT_STRATEGIES))]]
    """`none`: everything runs in public subnets, behind security groups (free), and private ones
    have no internet access. `single` or `per-az`: everything runs in private subnets, with one NAT
    gateway or one in each zone, so that a zone's failure stays its own."""

    flow_logs: NotRequired[Annotated[bool, Knob(default=False)]]
    """Write VPC flow logs (all traffic) to CloudWatch Logs."""

    log_retention_days: NotRequired[LogRetentionDays]
    """Days that flow logs are kept."""

    ssh_cidrs: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks whose SSH the network ACL lets through; security groups still decide."""

    allow_loopback_cidr: NotRequired[Annotated[bool, Knob(default=False)]]
    """Accept a `vpc_cidr` inside 127.0.0.0/8, for an emulator; AWS refuses it."""


# Annotations with resource types are quoted: evaluated, they would load the largest parts of the
# AWS SDK, which `python -m settings` does without.
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
    their routes and rules are in place, so that what starts in them has internet access."""

    private_subnet_ids: pulumi.Output[Sequence[str]]
    """Ids of the private subnets, likewise.

    In Python, `public_subnets` and `private_subnets` are lists with an output for each: one that a
    preview does not know yet, in a zone that is added, leaves the others known."""

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
        args = resolve(MonitoringNetworkArgs, name, args, opts)
        super().__init__("prometheus-aws:index:MonitoringNetwork", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)

        self._vpc = self._register_vpc(args["vpc_cidr"])
        gateway = aws.ec2.InternetGateway(
            f"{name}-internet-gateway", vpc_id=self._vpc.id, tags={"Name": name}, opts=self._child
        )
        public, private = self._subnets(args["vpc_cidr"], args["zone_count"])
        public_table, public_ready = self._public_routes(public, gateway)
        nat_gateways = self._nat_gateways(args["nat_strategy"], public, gateway)
        private_tables, private_ready = self._private_routes(private, nat_gateways)
        self._s3_endpoint([public_table, *private_tables])
        acl = self._network_acl(args["vpc_cidr"], args["ssh_cidrs"], [*public, *private])
        if args["flow_logs"]:
            flow_logs(self, f"{name}-flow-logs", self._vpc.id, args["log_retention_days"])

        self.vpc_id = self._vpc.id
        self.public_subnets = _ids_when_ready(public, public_ready, acl)
        self.private_subnets = _ids_when_ready(private, private_ready, acl)
        self.public_subnet_ids = pulumi.Output.all(*self.public_subnets)
        self.private_subnet_ids = pulumi.Output.all(*self.private_subnets)
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
            }
        )

    def _register_vpc(self, cidr: str) -> "aws.ec2.Vpc":
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._name},
            opts=self._child,
        )
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default-security-group",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags={"Name": f"{self._name}-default-unused"},
            opts=self._child,
        )
        return vpc

    def _subnets(self, vpc_cidr: str, zone_count: int) -> "list[list[aws.ec2.Subnet]]":
        """Register the subnets: a list of public ones, and one of private ones."""
        zones = available_zone_names(pulumi.InvokeOptions(parent=self))[:zone_count]
        plan = subnet_plan(vpc_cidr, zone_count)
        return [
            [
                aws.ec2.Subnet(
                    f"{self._name}-{tier}-{index}",
                    vpc_id=self._vpc.id,
                    availability_zone=zone,
                    cidr_block=getattr(plan[index], tier),
                    map_public_ip_on_launch=False,
                    tags={"Name": f"{self._name}-{tier}-{zone}"},
                    # A zone that is down for a while is not "available": without this, its subnets
                    # and all in them would be replaced by subnets in other zones.
                    opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
                )
                for index, zone in enumerate(zones)
            ]
            for tier in SubnetPlan._fields
        ]

    def _public_routes(
        self, subnets: "Sequence[aws.ec2.Subnet]", gateway: "aws.ec2.InternetGateway"
    ) -> "tuple[aws.ec2.RouteTable, list[list[pulumi.CustomResource]]]":
        """Register them; return the table, and for each subnet what gives it internet access."""
        table, associations = self._route_table(f"{self._name}-public", subnets)
        to_internet = aws.ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        return table, [[association, to_internet] for association in associations]

    def _private_routes(
        self, subnets: "Sequence[aws.ec2.Subnet]", nat_gateways: "Sequence[aws.ec2.NatGateway]"
    ) -> "tuple[list[aws.ec2.RouteTable], list[list[pulumi.CustomResource]]]":
        """Register them; return the tables, and for each subnet what it waits for."""
        tables, ready = [], []
        for index, subnet in enumerate(subnets):
            table, associations = self._route_table(f"{self._name}-private-{index}", [subnet])
            tables.append(table)
            ready.append(associations)
            if nat_gateways:
                to_nat = aws.ec2.Route(
                    f"{self._name}-private-{index}-internet",
                    route_table_id=table.id,
                    destination_cidr_block=ANYWHERE,
                    nat_gateway_id=nat_gateways[index % len(nat_gateways)].id,
                    opts=self._child,
                )
                associations.append(to_nat)
        return tables, ready

    def _route_table(
        self, name: str, subnets: "Sequence[aws.ec2.Subnet]"
    ) -> "tuple[aws.ec2.RouteTable, list[pulumi.CustomResource]]":
        table = aws.ec2.RouteTable(
            f"{name}-routes", vpc_id=self._vpc.id, tags={"Name": name}, opts=self._child
        )
        return table, [
            aws.ec2.RouteTableAssociation(
                f"{name}-routes-{index}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._child,
            )
            for index, subnet in enumerate(subnets)
        ]

    def _nat_gateways(
        self, strategy: str, public: "Sequence[aws.ec2.Subnet]", gateway: "aws.ec2.InternetGateway"
    ) -> "list[aws.ec2.NatGateway]":
        # AWS wants the internet gateway to be there before an address or a NAT gateway.
        after_gateway = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        made = []
        for index in range({"none": 0, "single": 1, "per-az": len(public)}[strategy]):
            name = f"{self._name}-nat-{index}"
            address = aws.ec2.Eip(
                f"{name}-address", domain="vpc", tags={"Name": name}, opts=after_gateway
            )
            nat_gateway = aws.ec2.NatGateway(
                name,
                allocation_id=address.allocation_id,
                subnet_id=public[index].id,
                tags={"Name": name},
                opts=after_gateway,
            )
            made.append(nat_gateway)
        return made

    def _s3_endpoint(self, tables: "Sequence[aws.ec2.RouteTable]") -> None:
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._vpc.id,
            service_name=pulumi.Output.concat("com.amazonaws.", region, ".s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags={"Name": f"{self._name}-s3"},
            opts=self._child,
        )

    def _network_acl(
        self, vpc_cidr: str, ssh_cidrs: Sequence[str], subnets: "Sequence[aws.ec2.Subnet]"
    ) -> "aws.ec2.NetworkAcl":
        return aws.ec2.NetworkAcl(
            f"{self._name}-acl",
            vpc_id=self._vpc.id,
            subnet_ids=[subnet.id for subnet in subnets],
            ingress=acl_ingress(vpc_cidr, ssh_cidrs),
            egress=acl_egress(vpc_cidr),
            tags={"Name": self._name},
            opts=self._child,
        )


def _ids_when_ready(
    subnets: "Sequence[aws.ec2.Subnet]",
    ready: Sequence[Sequence[pulumi.CustomResource]],
    acl: pulumi.CustomResource,
) -> list[pulumi.Output[str]]:
    """Return the subnets' ids, each known when what it waits for, and no other subnet, is there."""
    return [
        pulumi.Output.all(subnet.id, acl.id, *(it.id for it in waits)).apply(
            lambda ids: str(ids[0])
        )
        for subnet, waits in zip(subnets, ready, strict=True)
    ]
