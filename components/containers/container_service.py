"""A server as an ECS service on Fargate: its log, its roles, its task definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import policies
from components.containers.definition import HEALTH_START_PERIOD_S, Container, container_definition
from components.containers.execute_command import (
    may_open_channels,
    port_forwarding_command,
    with_agent,
)
from components.containers.names import service_registry
from components.containers.url_command import url_command
from components.network.security_groups import allow_between
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.containers.image import ServerImage
    from components.containers.server import ServerArgs

ECS_TASKS = "ecs-tasks.amazonaws.com"


class ContainerService:
    """One server's service, as children of its component.

    By default there is one task at most, for a server that is the only writer of its data: a new
    version stops the old task first (minimum 0 %, maximum 100 %). Of several tasks, which hand over
    to each other what they know, the old ones stay until the new ones are healthy (minimum 100 %,
    maximum 200 %), and ECS keeps them in different zones. A task that does not become healthy is
    rolled back.
    """

    cluster_name: pulumi.Output[str]

    service_name: pulumi.Output[str]
    """Name of the ECS service; asking for it fails when ECS has rolled the service back."""

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
        image: ServerImage,
        container: Container,
        *,
        security_group: aws.ec2.SecurityGroup,
        task_statement: pulumi.Input[policies.Statement] | None = None,
        replicas: int = 1,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        """Register the service.

        Args:
            parent: the server's component.
            name: the component's name.
            args: the component's arguments, resolved.
            image: what the container runs.
            container: what is particular to it.
            security_group: of the task.
            task_statement: what the server itself may do in AWS. Default: nothing.
            replicas: number of tasks.
            after: what must be there before a task starts.
        """
        self._parent = parent
        self._name = name
        self._replicas = replicas
        self._child = pulumi.ResourceOptions(parent=parent)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=parent)).region
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args["log_retention_days"], opts=self._child
        )
        public, port = args["assign_public_ip"], container.ports[0]
        before_service = list(after)
        if is_given(args["load_balancer_security_group_id"]):
            before_service += allow_between(
                parent,
                f"{name}-load-balancer",
                args["load_balancer_security_group_id"],
                security_group.id,
                port,
                f"Load balancer to {container.name}",
            )
        statements = [] if task_statement is None else [task_statement]
        if args["enable_execute_command"]:
            container = with_agent(container)
            statements.append(may_open_channels())
        task_role: aws.iam.Role | None = None
        if statements:
            task_role, policy = self._task_role(statements)
            before_service.append(policy)
        execution_role, policy = self._execution_role(image.repository, log_group, container)
        before_service.append(policy)
        definition = container_definition(
            container, image.reference, args["task_memory"], region, log_group.name
        )
        task = self._task_definition(args, definition, container, execution_role, task_role)
        cluster = aws.ecs.Cluster(f"{name}-cluster", opts=self._child)
        service = self._service(
            args, cluster, task, security_group, _targets(args, container), before_service
        )

        self.cluster_name = cluster.name
        self.service_name = pulumi.Output.all(
            service.name, service.task_definition, task.arn
        ).apply(lambda values: _unless_rolled_back(*values))
        self.log_group_name = log_group.name
        names = pulumi.Output.all(region, cluster.name, service.name)
        self.url_command = names.apply(
            lambda its: url_command(its[0], its[1], its[2], port, public=public)
        )
        self.port_forwarding_command = (
            names.apply(
                lambda its: port_forwarding_command(its[0], its[1], its[2], container.name, port)
            )
            if args["enable_execute_command"]
            else pulumi.Output.from_input("")
        )

    def _task_role(
        self, statements: Sequence[pulumi.Input[policies.Statement]]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        tasks = policies.own_arn(self._parent, "ecs", "*")
        return policies.role(
            self._parent,
            f"{self._name}-task-role",
            f"What the task of {self._name} may do",
            trusted=policies.trust_from_account(self._parent, ECS_TASKS, tasks),
            allowed=pulumi.Output.all(*statements).apply(lambda all_: policies.document(*all_)),
        )

    def _execution_role(
        self,
        repository: aws.ecr.Repository,
        log_group: aws.cloudwatch.LogGroup,
        container: Container,
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        secret_arns = [secret.arn for secret in container.secrets.values()]
        return policies.role(
            self._parent,
            f"{self._name}-execution-role",
            "Lets ECS pull the image, write the log and read the secret",
            # No conditions: AWS documents them for the task's role only. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
            trusted=policies.document(policies.trust(ECS_TASKS)),
            allowed=pulumi.Output.all(repository.arn, log_group.arn, secret_arns).apply(
                lambda arns: may_start_a_task(*arns)
            ),
        )

    def _task_definition(
        self,
        args: ServerArgs,
        definition: dict[str, object],
        container: Container,
        execution_role: aws.iam.Role,
        task_role: aws.iam.Role | None,
    ) -> aws.ecs.TaskDefinition:
        # Task definition families are per account and region, and not named by Pulumi.
        suffix = random.RandomId(f"{self._name}-family-suffix", byte_length=4, opts=self._child)
        return aws.ecs.TaskDefinition(
            f"{self._name}-task",
            family=suffix.hex.apply(lambda unique: f"{self._name}-{unique}"),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args["task_cpu"]),
            memory=str(args["task_memory"]),
            runtime_platform={
                "operating_system_family": "LINUX",
                "cpu_architecture": args["cpu_architecture"],
            },
            ephemeral_storage={"size_in_gib": args["storage_gib"]},
            volumes=[{"name": volume} for volume in container.volumes],
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn if task_role else None,
            container_definitions=pulumi.Output.json_dumps([definition]),
            opts=self._child,
        )

    def _service(
        self,
        args: ServerArgs,
        cluster: aws.ecs.Cluster,
        task_definition: aws.ecs.TaskDefinition,
        security_group: aws.ec2.SecurityGroup,
        targets: Sequence[aws.ecs.ServiceLoadBalancerArgsDict],
        after: Sequence[pulumi.Resource],
    ) -> aws.ecs.Service:
        several = self._replicas > 1
        registry = service_registry(self._parent, self._name, args)
        return aws.ecs.Service(
            f"{self._name}-service",
            cluster=cluster.arn,
            task_definition=task_definition.arn,
            launch_type="FARGATE",
            platform_version="LATEST",
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
            # as well, hence `_unless_rolled_back`.
            wait_for_steady_state=True,
            network_configuration={
                "subnets": args["subnet_ids"],
                "security_groups": [security_group.id],
                "assign_public_ip": args["assign_public_ip"],
            },
            # Changes of these two are updates in place, with new tasks. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
            service_registries={"registry_arn": registry.arn} if registry else None,
            load_balancers=targets or None,
            health_check_grace_period_seconds=HEALTH_START_PERIOD_S if targets else None,
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=list(after)),
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


def may_start_a_task(repository_arn: str, log_group_arn: str, secret_arns: Sequence[str]) -> str:
    """What ECS does on behalf of a task before it runs: pull, log, read secrets.

    `ecr:GetAuthorizationToken` cannot be limited to a repository. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html

    Args:
        repository_arn: the one repository to pull from.
        log_group_arn: the one log group to write to.
        secret_arns: the secrets to read, if any; each may be there more than once.
    """
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    return policies.document(
        policies.allow(["ecr:GetAuthorizationToken"], "*"),
        policies.allow(pull, repository_arn),
        policies.allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
        *(
            policies.allow(["secretsmanager:GetSecretValue"], arn)
            for arn in dict.fromkeys(secret_arns)
        ),
    )


def _unless_rolled_back(service_name: str, task_definition: str, wanted: str) -> str:
    """Return the service's name, unless ECS has rolled the service back.

    Raises:
        RunError: it has. Pulumi then deletes nothing: the old task still needs the old access key.
    """
    if task_definition != wanted:
        raise pulumi.RunError(
            f"the ECS service {service_name} runs {task_definition}, not {wanted}: the new task did"
            " not become healthy, and ECS has rolled back. Look at the service's log group and"
            " events, fix what they say, then run `pulumi up` again"
        )
    return service_name
