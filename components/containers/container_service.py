"""A server as ECS services, on Fargate or on hosts of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.containers.definition import HEALTH_START_PERIOD_S
from components.containers.execute_command import (
    may_open_channels,
    port_forwarding_command,
    with_agent,
)
from components.containers.names import member_name, service_registry
from components.containers.placement import placement
from components.containers.roles import execution_role, task_role
from components.containers.rollback import unless_rolled_back
from components.containers.task_definition import TaskSize, task_definition
from components.containers.url_command import url_command
from components.network.security_groups import allow_between
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components import policies
    from components.containers.definition import Container
    from components.containers.server import ServerArgs


@dataclass(frozen=True)
class Host:
    """An EC2 host that runs the tasks of one member, and nothing else."""

    capacity_provider: pulumi.Input[str]
    """Name of the ECS capacity provider that it belongs to."""

    directories: Mapping[str, str]
    """Volume of the task -> directory of the host, which outlives the task."""

    group: pulumi.Input[str]
    """Name of its auto-scaling group, which puts another one in its place when it ends."""


@dataclass(frozen=True)
class Member:
    """One of the ECS services of a server, each with a task definition of its own."""

    containers: Sequence[Container]
    """Of a task: the server's, then those beside it."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """Where its tasks may be placed. Default: in all of the server's subnets."""

    host: Host | None = None
    """Its host, in the one subnet. Default: it runs on Fargate."""

    def on(self, host: Host) -> Member:
        """Return the same member on a host."""
        return replace(self, host=host)


class ContainerService:
    """One server's ECS services, mostly one, as children of its component.

    By default there is one task at most, for a server that is the only writer of its data: a new
    version stops the old task first (minimum 0 %, maximum 100 %). Of several tasks, which hand over
    to each other what they know, the old ones stay until the new ones are healthy (minimum 100 %,
    maximum 200 %), and ECS keeps them in different zones. A task that does not become healthy is
    rolled back.

    Servers that know nothing of each other, each with data of its own, are several members. They
    are updated one after the other: as long as one is not healthy, the next one is left alone.
    """

    cluster_name: pulumi.Output[str]

    service_names: Sequence[pulumi.Output[str]]
    """Name of each member's ECS service; asking for it fails when ECS has rolled it back."""

    log_group_name: pulumi.Output[str]

    url_command: pulumi.Output[str]
    """Shell command that prints the server's URL (it needs the AWS CLI)."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings the server's port to one's own machine through Session Manager (it
    needs the AWS CLI with the Session Manager plugin); empty without `enable_execute_command`."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        parent: pulumi.Resource,
        name: str,
        args: ServerArgs,
        members: Sequence[Member],
        *,
        security_group: aws.ec2.SecurityGroup,
        task_statements: Sequence[pulumi.Input[policies.Statement]] = (),
        cluster: aws.ecs.Cluster | None = None,
        replicas: int = 1,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        """Register the service.

        Args:
            parent: the server's component.
            name: the component's name.
            args: the component's arguments, resolved.
            members: what is particular to each of its ECS services.
            security_group: of the tasks.
            task_statements: what the server itself may do in AWS. Default: nothing.
            cluster: that hosts have joined. Default: one of its own.
            replicas: number of tasks of each member.
            after: what must be there before a task starts.
        """
        self._args = args
        self._security_group = security_group
        self._parent = parent
        self._name = name
        self._replicas = replicas
        self._child = pulumi.ResourceOptions(parent=parent)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=parent)).region
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args["log_retention_days"], opts=self._child
        )
        if args["enable_execute_command"]:
            members = [_with_agent(member) for member in members]
        server = members[0].containers[0]
        public, port = args["assign_public_ip"], server.ports[0]
        before_service: list[pulumi.Input[pulumi.Resource]] = list(after)
        if is_given(args["load_balancer_security_group_id"]):
            before_service += allow_between(
                parent,
                f"{name}-load-balancer",
                args["load_balancer_security_group_id"],
                security_group.id,
                port,
                f"Load balancer to {server.name}",
            )
        statements = [*task_statements]
        if args["enable_execute_command"]:
            statements.append(may_open_channels())
        role: aws.iam.Role | None = None
        if statements:
            role, policy = task_role(parent, name, statements)
            before_service.append(policy)
        role_of_ecs, policy = execution_role(
            parent, name, log_group, [each for it in members for each in it.containers]
        )
        before_service.append(policy)
        cluster = cluster or new_cluster(parent, name)
        found: list[pulumi.Output[aws.ecs.Service]] = []
        for index, member in enumerate(members):
            of_member = member_name(name, index)
            task = task_definition(
                parent,
                of_member,
                _size(args, member.host),
                member.containers,
                launch_type="EC2" if member.host else "FARGATE",
                directories=member.host.directories if member.host else None,
                execution_role=role_of_ecs,
                task_role=role,
                log_group=log_group,
                region=region,
            )
            # Also after those before it, each once it has proved to be healthy.
            service = self._service(of_member, member, cluster, task, [*before_service, *found])
            found.append(unless_rolled_back(service, task))

        self.cluster_name = cluster.name
        self.service_names = [service.apply(lambda it: it.name) for service in found]
        self.log_group_name = log_group.name
        names = pulumi.Output.all(region, cluster.name, self.service_names[0])
        self.url_command = names.apply(
            lambda its: url_command(its[0], its[1], its[2], port, public=public)
        )
        self.port_forwarding_command = (
            names.apply(
                lambda its: port_forwarding_command(its[0], its[1], its[2], server.name, port)
            )
            if args["enable_execute_command"]
            else pulumi.Output.from_input("")
        )

    def _service(
        self,
        name: str,
        member: Member,
        cluster: aws.ecs.Cluster,
        task: aws.ecs.TaskDefinition,
        after: Sequence[pulumi.Input[pulumi.Resource]],
    ) -> aws.ecs.Service:
        args, several = self._args, self._replicas > 1
        registry = service_registry(self._parent, name, args)
        targets = _targets(args, member.containers[0])
        return aws.ecs.Service(
            f"{name}-service",
            cluster=cluster.arn,
            task_definition=task.arn,
            **placement(member.host.capacity_provider if member.host else ""),
            desired_count=self._replicas,
            deployment_minimum_healthy_percent=100 if several else 0,
            deployment_maximum_percent=200 if several else 100,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            # AWS refuses it where the maximum is 100 %. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
            availability_zone_rebalancing="ENABLED" if several else "DISABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            enable_execute_command=args["enable_execute_command"] or None,
            # What is replaced, an old access key above all, is deleted after this update: so it
            # must not end before the new task is healthy. After a rollback the service is steady
            # as well, hence `unless_rolled_back`.
            wait_for_steady_state=True,
            network_configuration={
                "subnets": args["subnet_ids"] if member.subnet_ids is None else member.subnet_ids,
                "security_groups": [self._security_group.id],
                "assign_public_ip": args["assign_public_ip"],
            },
            # Changes of these two are updates in place, with new tasks. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
            service_registries={"registry_arn": registry.arn} if registry else None,
            load_balancers=targets or None,
            health_check_grace_period_seconds=HEALTH_START_PERIOD_S if targets else None,
            opts=pulumi.ResourceOptions(
                parent=self._parent,
                depends_on=after,
                # Two would wait for the same host, and write to the same directory.
                delete_before_replace=True if member.host else None,
            ),
        )


def new_cluster(parent: pulumi.Resource, name: str) -> aws.ecs.Cluster:
    """Register a server's ECS cluster.

    Args:
        parent: the server's component.
        name: the component's name.
    """
    return aws.ecs.Cluster(f"{name}-cluster", opts=pulumi.ResourceOptions(parent=parent))


def _with_agent(member: Member) -> Member:
    server, *beside = member.containers
    return replace(
        member, containers=[with_agent(server, on_host=member.host is not None), *beside]
    )


def _size(args: ServerArgs, host: Host | None) -> TaskSize:
    return TaskSize(
        args["task_cpu"],
        args["task_memory"],
        args["cpu_architecture"],
        None if host else args["storage_gib"],
    )


def _targets(
    args: ServerArgs, container: Container
) -> Sequence[aws.ecs.ServiceLoadBalancerArgsDict]:
    """Say where the load balancer, if there is one, finds the server."""
    if not is_given(args["target_group_arn"]):
        return []
    return [
        {
            "target_group_arn": args["target_group_arn"],
            "container_name": container.name,
            "container_port": container.ports[0],
        }
    ]
