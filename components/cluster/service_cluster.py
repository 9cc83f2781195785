"""The component: the cluster, and what its services are placed with."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks
from components.arguments import Knob, Rule, arguments, resolve
from components.cluster import rules
from components.cluster.hosts import service_hosts
from components.outputs import register_outputs


@arguments
class ServiceClusterArgs(TypedDict):
    """Arguments of a `ServiceCluster`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the hosts run in."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Ids of the subnets that hosts are spread over, each in another zone; they need a NAT gateway,
    or another way to AWS's endpoints."""

    capacity: NotRequired[Annotated[str, Knob("ec2", checks.one_of(rules.CAPACITIES))]]
    """What services run on. `ec2`: hosts of the cluster's own, as many as the services need.
    `fargate`: no hosts, and the settings about them do nothing."""

    instance_types: NotRequired[
        Annotated[Sequence[str], Knob(("t4g.small",), rules.instance_types)]
    ]
    """EC2 instance types of the hosts, of one architecture, the preferred one first. Others than
    these replace the hosts, one after the other."""

    min_size: NotRequired[Annotated[int, Knob(1, checks.whole(*rules.SIZE))]]
    """Fewest hosts, which stay without a task to run, 0 to 100."""

    desired_size: NotRequired[
        Annotated[
            int,
            Knob(3, checks.whole(*rules.SIZE)),
            Rule(rules.in_between, ("min_size", "max_size")),
        ]
    ]
    """Hosts at the beginning, from min_size to max_size; from then on the number follows the
    services, and another value does nothing."""

    max_size: NotRequired[Annotated[int, Knob(3, checks.whole(1, rules.SIZE[1]))]]
    """Most hosts, 1 to 100; a task for which there is no room waits."""

    spot_percent: NotRequired[
        Annotated[int, Knob(0, checks.whole(0, 100)), Rule(rules.of_hosts_only, ("capacity",))]
    ]
    """Share of the hosts that are Spot instances, 0 to 100: cheaper, and AWS may take each away
    with a notice of two minutes."""

    root_size_gib: NotRequired[
        Annotated[int, Knob(rules.ROOT_GIB[0], checks.whole(*rules.ROOT_GIB, "GiB"))]
    ]
    """Size of a host's encrypted disk in GiB, 30 to 65536, for images and what containers write."""

    container_insights: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let CloudWatch measure cluster, services and tasks, too (Container Insights), which it
    charges for."""


class ServiceCluster(pulumi.ComponentResource):
    """An ECS cluster, with hosts across the subnets' zones that ECS adds, drains and ends."""

    cluster_arn: pulumi.Output[str]
    """ARN of the ECS cluster."""

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    capacity_provider: pulumi.Output[str]
    """What services are placed with: name of the hosts' capacity provider, known when the cluster
    may use it; `FARGATE` without hosts."""

    host_security_group_id: pulumi.Output[str]
    """Id of the hosts' security group, which lets nobody in; empty without hosts."""

    auto_scaling_group_name: pulumi.Output[str]
    """Name of the hosts' auto-scaling group; empty without hosts."""

    def __init__(
        self,
        name: str,
        args: ServiceClusterArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the cluster.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ServiceClusterArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ServiceCluster", name, None, opts)
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            # Said in either case: an account may have it on by default. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
            settings=[
                {
                    "name": "containerInsights",
                    "value": "enabled" if args["container_insights"] else "disabled",
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.cluster_arn = cluster.arn
        self.cluster_name = cluster.name
        self.capacity_provider = pulumi.Output.from_input("FARGATE")
        self.host_security_group_id = pulumi.Output.from_input("")
        self.auto_scaling_group_name = pulumi.Output.from_input("")
        if args["capacity"] == "ec2":
            hosts = service_hosts(self, name, args, cluster)
            self.capacity_provider = hosts.capacity_provider
            self.host_security_group_id = hosts.security_group_id
            self.auto_scaling_group_name = hosts.auto_scaling_group_name
        register_outputs(self)
