"""The network that Prometheus and the exporter hosts live in."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.arguments import resolve
from components.network.acl import (
    egress_rules,
    ingress_rules,
    network_acl,
)
from components.network.flow_logs import flow_logs
from components.network.network_args import MonitoringNetworkArgs
from components.network.security_groups import ANYWHERE, ANYWHERE_IPV6, DELETE_TIMEOUT
from components.network.subnets import ipv6_subnet_plan, subnet_plan
from components.network.zones import Zone, find_zones, first_free, still_offered
from components.outputs import register_outputs


# Annotations with resource types are quoted: evaluated, they would load the largest parts of the
# AWS SDK, which `python -m settings` does without.
class MonitoringNetwork(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in each of N availability zones.

    Public subnets reach the internet through a gateway, private ones by the NAT strategy; both
    reach S3 (where ECR keeps image layers) by a gateway endpoint, which is free. The default
    security group is emptied. What may connect to whom is for the security groups to say; a network
    ACL of one's own is an option, and so is IPv6.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""

    public_subnet_ids: pulumi.Output[Sequence[str]]
    """Ids of the public subnets, one a zone; known only when their routes and rules are in place,
    so that what starts in them has internet access."""

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
            ArgumentError: illegal arguments, or more zones than the region has to use; nothing is
                registered then.
            RunError: in what waits for a subnet that exists: its zone does not offer an instance
                type.
        """
        args = resolve(MonitoringNetworkArgs, name, args, opts)
        super().__init__("prometheus-aws:index:MonitoringNetwork", name, None, opts)
        self._name = name
        self._ipv6 = args["ipv6"]
        self._child = pulumi.ResourceOptions(parent=self)

        self._vpc = self._register_vpc(args["vpc_cidr"])
        gateway = aws.ec2.InternetGateway(
            f"{name}-internet-gateway",
            vpc_id=self._vpc.id,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=DELETE_TIMEOUT),
        )
        zones = find_zones(
            args["instance_types"], args["exclude_zone_ids"], pulumi.InvokeOptions(parent=self)
        )
        public, private = self._subnets(args["vpc_cidr"], args["zone_count"], zones)
        public_table, public_ready = self._public_routes(public, gateway)
        nat_gateways = self._nat_gateways(args["nat_strategy"], public, gateway)
        private_tables, private_ready = self._private_routes(private, nat_gateways)
        self._s3_endpoint([public_table, *private_tables])
        acl = self._network_acl(args, [*public, *private]) if args["network_acl"] else None
        if args["flow_logs"]:
            flow_logs(self, f"{name}-flow-logs", self._vpc.id, args["log_retention_days"])

        self.vpc_id = self._vpc.id
        self.public_subnets = self._ids_when_ready(public, public_ready, acl, zones)
        self.private_subnets = self._ids_when_ready(private, private_ready, acl, zones)
        self.public_subnet_ids = pulumi.Output.all(*self.public_subnets)
        self.private_subnet_ids = pulumi.Output.all(*self.private_subnets)
        register_outputs(self)

    def _register_vpc(self, cidr: str) -> "aws.ec2.Vpc":
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            assign_generated_ipv6_cidr_block=True if self._ipv6 else None,
            tags={"Name": self._name},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=self._kept_without_ipv6("assign_generated_ipv6_cidr_block"),
            ),
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

    def _kept_without_ipv6(self, name: str) -> list[str]:
        """Return the input, if it is to stay as it is since IPv6 is off (again).

        AWS takes a VPC's range back only when no subnet has a part of it; the provider leaves the
        subnets theirs, and would fail at the VPC. Source:
        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateVpcCidrBlock.html
        """
        return [] if self._ipv6 else [name]

    def _subnets(
        self, vpc_cidr: str, zone_count: int, zones: Sequence[Zone]
    ) -> "tuple[list[aws.ec2.Subnet], list[aws.ec2.Subnet]]":
        """Register the subnets, public and private ones.

        A subnet stays in the zone that it was made in, although the choice may be another one
        today: a zone is down for a while, AWS has added one, another instance type is wanted. A
        new subnet therefore gets a zone that no other one is in, whatever today's order.
        """
        usable = [zone.name for zone in zones if zone.usable]
        public: list[aws.ec2.Subnet] = []
        private: list[aws.ec2.Subnet] = []
        for index, cidrs in enumerate(subnet_plan(vpc_cidr, zone_count)):
            zone = pulumi.Output.all(*(other.availability_zone for other in public)).apply(
                lambda taken: first_free(usable, taken)
            )
            public_ipv6, private_ipv6 = self._ipv6_ranges(index)
            public.append(self._subnet(f"public-{index}", cidrs.public, public_ipv6, zone))
            of_public = public[index].availability_zone
            private.append(self._subnet(f"private-{index}", cidrs.private, private_ipv6, of_public))
        return public, private

    def _ipv6_ranges(self, zone: int) -> Sequence[pulumi.Output[str] | None]:
        """IPv6 ranges of a zone's public and private subnet; None without IPv6."""
        if not self._ipv6:
            return None, None
        plan = self._vpc.ipv6_cidr_block.apply(lambda cidr: ipv6_subnet_plan(cidr, zone))
        return plan.apply(lambda its: its.public), plan.apply(lambda its: its.private)

    def _subnet(
        self, name: str, cidr: str, ipv6_cidr: pulumi.Output[str] | None, zone: pulumi.Output[str]
    ) -> "aws.ec2.Subnet":
        return aws.ec2.Subnet(
            f"{self._name}-{name}",
            vpc_id=self._vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            ipv6_cidr_block=ipv6_cidr,
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._name}-{name}"},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["availability_zone", *self._kept_without_ipv6("ipv6_cidr_block")],
                custom_timeouts=DELETE_TIMEOUT,
            ),
        )

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
        routes = [to_internet]
        if self._ipv6:
            to_internet_by_ipv6 = aws.ec2.Route(
                f"{self._name}-public-internet-ipv6",
                route_table_id=table.id,
                destination_ipv6_cidr_block=ANYWHERE_IPV6,
                gateway_id=gateway.id,
                opts=self._child,
            )
            routes.append(to_internet_by_ipv6)
        return table, [[association, *routes] for association in associations]

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
        self, args: MonitoringNetworkArgs, subnets: "Sequence[aws.ec2.Subnet]"
    ) -> "aws.ec2.NetworkAcl":
        ingress, egress = args["network_acl_ingress"], args["network_acl_egress"]
        vpc_cidrs = args["vpc_cidr"], self._vpc.ipv6_cidr_block if self._ipv6 else None
        return network_acl(
            self,
            f"{self._name}-acl",
            self._name,
            self._vpc.id,
            [subnet.id for subnet in subnets],
            ingress=ingress_rules(ingress, egress, args["ssh_cidrs"], *vpc_cidrs),
            egress=egress_rules(egress, ingress, *vpc_cidrs),
        )

    def _ids_when_ready(
        self,
        subnets: "Sequence[aws.ec2.Subnet]",
        ready: Sequence[Sequence[pulumi.CustomResource]],
        acl: pulumi.CustomResource | None,
        zones: Sequence[Zone],
    ) -> list[pulumi.Output[str]]:
        """Return the subnets' ids, each when what it waits for, and no other subnet, is there.

        What it waits for is asked for its URN, which a preview knows, unlike the id of what is to
        come: so a subnet that exists stays known, and hosts in it are not shown as replaced.
        """

        def checked_id(found: Sequence[str]) -> str:
            subnet_id, zone, *_ = found
            try:
                still_offered(subnet_id, zone, zones)
            except ValueError as error:
                # No `ArgumentError`: Pulumi wraps a `ValueError` of an output, and shows a trace.
                raise pulumi.RunError(f"MonitoringNetwork {self._name!r}: {error}") from None
            return subnet_id

        after = [acl] if acl else []
        return [
            pulumi.Output.all(
                subnet.id, subnet.availability_zone, *(it.urn for it in (*waits, *after))
            ).apply(checked_id)
            for subnet, waits in zip(subnets, ready, strict=True)
        ]
