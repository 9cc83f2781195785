"""A service of the user's own, on Fargate or on a cluster's hosts, that Prometheus scrapes."""

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.arguments import resolve
from components.containers.content import DOCKERFILE
from components.containers.definition import Container, HealthCheck, SecretValue
from components.containers.execute_command import (
    may_open_channels,
    port_forwarding_command,
    with_agent,
)
from components.containers.image import BuiltImage, GivenImage
from components.containers.names import dns_name, service_registry
from components.containers.placement import placement
from components.containers.roles import execution_role, task_role
from components.containers.rollback import unless_rolled_back
from components.containers.task_definition import TaskSize, task_definition
from components.ingress.alias_records import alias_records
from components.network.security_groups import allow_between, allow_https_out, security_group
from components.outputs import register_outputs
from components.services import host_name, rules, scaling
from components.services.metrics_tag import ports, tags
from components.services.scraping import allow_scraping
from components.services.service_args import MonitoredServiceArgs
from components.values import is_given

MAX_NAME_LENGTH = 21
"""AWS takes 32 characters for the name of a target group: this, `-tg`, and the 8 that Pulumi adds.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
"""

OPEN_FILES = 65535
"""What Fargate lets a container have by default.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
"""


class MonitoredService(pulumi.ComponentResource):
    """An ECS service whose tasks Prometheus finds by its tags and scrapes.

    A new version starts beside the old one, and is rolled back if it does not become healthy. ECS
    keeps the tasks in different zones. Prometheus reaches the ports with metrics, the load balancer
    the one that is served on, and nobody anything else.

    The rules and dashboards in `monitoring` are checked here, and delivered by the components that
    serve them.
    """

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    service_arn: pulumi.Output[str]
    """ARN of the ECS service."""

    security_group_id: pulumi.Output[str]
    """Id of the tasks' security group."""

    log_group_name: pulumi.Output[str]
    """Name of the log group."""

    repository_url: pulumi.Output[str]
    """URL of the ECR repository; empty with an image that exists."""

    dns_name: pulumi.Output[str]
    """Name by which others in the VPC find it, whom one of `security_group_ids` admits; empty
    without a namespace."""

    url: pulumi.Output[str]
    """URL at the load balancer, without a slash at its end; empty without a host name."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings a task's port to one's own machine through Session Manager (it
    needs the AWS CLI with the Session Manager plugin); empty without `enable_execute_command`."""

    def __init__(
        self,
        name: str,
        args: MonitoredServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(MonitoredServiceArgs, name, args, opts, max_name_length=MAX_NAME_LENGTH)
        super().__init__("prometheus-aws:index:MonitoredService", name, None, opts)
        self._name, self._args = name, args
        child = pulumi.ResourceOptions(parent=self)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region
        cluster = pulumi.Output.from_input(args["cluster_arn"]).apply(
            lambda arn: arn.rpartition("/")[2]
        )

        group, before_service = self._security_group()
        image = self._image()
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args["log_retention_days"], opts=child
        )
        container = self._container(image)
        role_of_ecs, policy = execution_role(self, name, log_group, [container])
        before_service.append(policy)
        role: aws.iam.Role | None = None
        if args["enable_execute_command"]:
            container = with_agent(container, on_host=args["launch_type"] == "EC2")
            role, policy = task_role(self, name, [may_open_channels()])
            before_service.append(policy)
        task = task_definition(
            self,
            name,
            TaskSize(args["cpu"], args["memory"], args["cpu_architecture"]),
            [container],
            launch_type=args["launch_type"],
            execution_role=role_of_ecs,
            task_role=role,
            log_group=log_group,
            region=region,
        )
        found = unless_rolled_back(self._service(group, task, before_service), task)

        self.cluster_name = cluster
        self.service_name = found.apply(lambda service: service.name)
        self.service_arn = found.apply(lambda service: service.arn)
        self.security_group_id = group.id
        self.log_group_name = log_group.name
        self.repository_url = (
            image.repository.repository_url
            if isinstance(image, BuiltImage)
            else pulumi.Output.from_input("")
        )
        self.dns_name = dns_name(name, args)
        self.url = pulumi.Output.from_input(
            f"https://{args['host_name']}" if args["host_name"] else ""
        )
        self.port_forwarding_command = (
            pulumi.Output.all(region, cluster, self.service_name).apply(
                lambda its: port_forwarding_command(its[0], its[1], its[2], name, args["port"])
            )
            if args["enable_execute_command"]
            else pulumi.Output.from_input("")
        )
        if scaling.is_scaled(args):
            scaling.target_tracking(self, name, args, cluster, self.service_name)
        register_outputs(self)

    def _security_group(self) -> "tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]":
        """Register the tasks' group; return it with what a task cannot start or serve without."""
        name, args = self._name, self._args
        base = f"{name}-security-group"
        description = "Service: metrics for Prometheus, and what the load balancer leads to"
        group = security_group(self, base, args["vpc_id"], description, name)
        to_aws = "AWS endpoints: image, secrets, log"
        needed: list[pulumi.Resource] = [allow_https_out(self, f"{base}-aws", group.id, to_aws)]
        allow_scraping(
            self,
            f"{name}-metrics",
            args["prometheus_security_group_id"],
            group.id,
            args["metrics"],
        )
        if args["host_name"]:
            needed += allow_between(
                self,
                f"{name}-load-balancer",
                args["load_balancer_security_group_id"],
                group.id,
                args["port"],
                f"Load balancer to {name}",
            )
        return group, needed

    def _image(self) -> BuiltImage | GivenImage:
        args = self._args
        if args["image"]:
            return GivenImage(args["image"])
        return BuiltImage(
            self,
            self._name,
            Path(args["image_context"]) / DOCKERFILE,
            args["cpu_architecture"],
            delete_on_destroy=args["delete_images_on_destroy"],
        )

    def _container(self, image: BuiltImage | GivenImage) -> Container:
        args = self._args
        command = args["health_command"]
        return Container(
            name=self._name,
            image=image,
            user=args["user"],
            environment=rules.variables(args["environment"]),
            secrets={
                name: SecretValue(arn)
                for name, arn in rules.secret_variables(args["secret_arns"]).items()
            },
            ports=list(dict.fromkeys([args["port"], *ports(args["metrics"])])),
            volumes={
                f"writable-{number}": path for number, path in enumerate(args["writable_paths"])
            },
            health_path="",
            health_check=HealthCheck(
                command,
                host_name.HEALTH_INTERVAL_S,
                host_name.HEALTH_TIMEOUT_S,
                host_name.HEALTH_RETRIES,
                host_name.HEALTH_START_PERIOD_S,
            )
            if command
            else None,
            open_files=OPEN_FILES,
            read_only_root=args["read_only_root_filesystem"],
        )

    def _service(
        self,
        group: "aws.ec2.SecurityGroup",
        task: "aws.ecs.TaskDefinition",
        after: list[pulumi.Resource],
    ) -> "aws.ecs.Service":
        name, args = self._name, self._args
        registry = service_registry(self, name, args)
        targets: list[aws.ecs.ServiceLoadBalancerArgsDict] = []
        if args["host_name"]:
            if is_given(args["zone_id"]):
                alias_records(
                    self,
                    f"{name}-host",
                    zone_id=args["zone_id"],
                    host_name=args["host_name"],
                    balancer=(args["load_balancer_dns_name"], args["load_balancer_zone_id"]),
                    ipv6=args["ipv6"],
                )
            targets.append(
                {
                    "target_group_arn": host_name.target_group(self, name, args),
                    "container_name": name,
                    "container_port": args["port"],
                }
            )
        groups = pulumi.Output.all(
            group.id, pulumi.Output.from_input(args["security_group_ids"])
        ).apply(lambda its: [its[0], *its[1]])
        return aws.ecs.Service(
            f"{name}-service",
            cluster=args["cluster_arn"],
            task_definition=task.arn,
            **placement(args["capacity_provider"]),
            desired_count=args["desired_count"],
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            availability_zone_rebalancing="ENABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            enable_execute_command=args["enable_execute_command"] or None,
            # So that a version that does not become healthy fails the update.
            wait_for_steady_state=True,
            network_configuration={
                "subnets": args["subnet_ids"],
                "security_groups": groups,
                "assign_public_ip": args["assign_public_ip"],
            },
            service_registries={"registry_arn": registry.arn} if registry else None,
            load_balancers=targets or None,
            health_check_grace_period_seconds=host_name.HEALTH_START_PERIOD_S if targets else None,
            tags=tags(args["job"] or name, args["metrics"]),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=after,
                # From then on it is auto-scaling's.
                ignore_changes=["desiredCount"] if scaling.is_scaled(args) else None,
            ),
        )
