"""The component: node_exporter and cAdvisor as ECS services of one task on each host."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from components import assets, checks
from components.arguments import Knob, Rule, arguments, resolve
from components.containers import fargate
from components.containers.image import ServerImage
from components.containers.roles import execution_role
from components.containers.task_definition import family, runtime_platform
from components.daemons import containers, rules
from components.ecs_clusters import cluster_exists
from components.exporters.discovery import CadvisorPort, NodeExporterPort
from components.logs import LogRetentionDays
from components.network.security_groups import allow_between
from components.outputs import register_outputs

if TYPE_CHECKING:
    from components.containers.definition import Container
    from components.containers.server import ServerArgs

CPU = (2, 1024)
MEMORY_MIB = (16, 4096)


@arguments
class ClusterDaemonsArgs(TypedDict):
    """Arguments of `ClusterDaemons`."""

    cluster_arn: Annotated[pulumi.Input[str], Rule(cluster_exists, asks_aws=True)]
    """ARN of the ECS cluster, whoever's it is; it has EC2 hosts."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of the only security group that is admitted to the daemons' ports."""

    host_security_group_ids: NotRequired[
        Annotated[
            pulumi.Input[Sequence[pulumi.Input[str]]], Knob(()), Rule(rules.a_list, presence=True)
        ]
    ]
    """Ids of the hosts' security groups, which get a rule for each daemon's port. AWS refuses a
    second rule like the first (`InvalidPermission.Duplicate`): of clusters whose hosts share a
    group, one names it. Empty: the groups admit Prometheus already."""

    cpu_architecture: NotRequired[
        Annotated[str, Knob("ARM64", checks.one_of(fargate.CPU_ARCHITECTURES))]
    ]
    """Architecture of the hosts: `ARM64` or `X86_64`."""

    node_exporter_version: NotRequired[
        Annotated[str, Knob(assets.VERSIONS["node_exporter"], checks.version)]
    ]
    """Version of node_exporter."""

    node_exporter_port: NotRequired[NodeExporterPort]
    """Port of node_exporter on the hosts, 1024 to 65535."""

    node_exporter_cpu: NotRequired[Annotated[int, Knob(32, checks.whole(*CPU))]]
    """CPU units of a host that are kept for node_exporter, 2 to 1024; 1024 are one vCPU."""

    node_exporter_memory: NotRequired[Annotated[int, Knob(64, checks.whole(*MEMORY_MIB, "MiB"))]]
    """Memory of node_exporter in MiB, 16 to 4096."""

    cadvisor_version: NotRequired[Annotated[str, Knob(assets.VERSIONS["cadvisor"], checks.version)]]
    """Version of cAdvisor."""

    cadvisor_port: NotRequired[
        Annotated[CadvisorPort, Rule(rules.another_port, ("node_exporter_port",))]
    ]
    """Port of cAdvisor on the hosts, 1024 to 65535."""

    cadvisor_cpu: NotRequired[Annotated[int, Knob(64, checks.whole(*CPU))]]
    """CPU units of a host that are kept for cAdvisor, 2 to 1024."""

    cadvisor_memory: NotRequired[Annotated[int, Knob(256, checks.whole(*MEMORY_MIB, "MiB"))]]
    """Memory of cAdvisor in MiB, 16 to 4096; it grows with the containers on a host."""

    housekeeping_interval: NotRequired[Annotated[str, Knob("15s", checks.duration("1s", "1m"))]]
    """How often cAdvisor measures each container, 1s to 1m: not more often than it is scraped."""

    log_retention_days: NotRequired[LogRetentionDays]
    """Days that the daemons' log is kept."""

    delete_images_on_destroy: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let `pulumi destroy` delete the image repositories although they hold images."""


class ClusterDaemons(pulumi.ComponentResource):
    """node_exporter and cAdvisor on each EC2 host of a cluster, ours or somebody else's.

    It only adds: images, services, a log group, rules of security groups. Nothing of the cluster,
    its hosts and its services is changed, and a destroy leaves nothing.
    """

    service_names: pulumi.Output[Sequence[str]]
    """Names of the ECS services: node_exporter's, cAdvisor's."""

    def __init__(
        self,
        name: str,
        args: ClusterDaemonsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the daemons.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ClusterDaemonsArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ClusterDaemons", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args["log_retention_days"], opts=child
        )
        daemons = {
            "node-exporter": containers.node_exporter(
                args, self._image(f"{name}-node-exporter", args, "node_exporter")
            ),
            "cadvisor": containers.cadvisor(
                args, self._image(f"{name}-cadvisor", args, "cadvisor")
            ),
        }
        role, allowed = execution_role(
            self, name, log_group, [daemon.container for daemon in daemons.values()]
        )
        for short, daemon in daemons.items():
            self._let_prometheus_in(f"{name}-{short}", args, daemon.container)
        services = [
            self._service(f"{name}-{short}", args, daemon, role, allowed, log_group)
            for short, daemon in daemons.items()
        ]
        self.service_names = pulumi.Output.all(*(service.name for service in services))
        register_outputs(self)

    def _image(self, name: str, args: ClusterDaemonsArgs, server: str) -> ServerImage:
        # There is nothing of the user's own in it.
        given = cast("ServerArgs", {**args, "image_context": "", "overlay": "", "overlays": ()})
        version = {
            "node_exporter": args["node_exporter_version"],
            "cadvisor": args["cadvisor_version"],
        }[server]
        return ServerImage(self, name, given, server, version)

    def _let_prometheus_in(
        self, name: str, args: ClusterDaemonsArgs, container: "Container"
    ) -> None:
        groups = cast("Sequence[pulumi.Input[str]]", args["host_security_group_ids"])
        for index, group in enumerate(groups):
            allow_between(
                self,
                f"{name}-{index}" if index else name,
                args["prometheus_security_group_id"],
                group,
                container.ports[0],
                f"Prometheus to {container.name}",
            )

    def _service(
        self,
        name: str,
        args: ClusterDaemonsArgs,
        daemon: containers.Daemon,
        role: "aws.iam.Role",
        allowed: "aws.iam.RolePolicy",
        log_group: "aws.cloudwatch.LogGroup",
    ) -> "aws.ecs.Service":
        child = pulumi.ResourceOptions(parent=self)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region
        task = aws.ecs.TaskDefinition(
            f"{name}-task",
            family=family(self, name),
            requires_compatibilities=["EC2"],
            network_mode="host",
            pid_mode="host" if daemon.host_processes else None,
            runtime_platform=runtime_platform(args["cpu_architecture"]),
            volumes=cast("Sequence[aws.ecs.TaskDefinitionVolumeArgsDict]", daemon.volumes),
            execution_role_arn=role.arn,
            container_definitions=pulumi.Output.json_dumps(
                [daemon.definition(region, log_group.name)]
            ),
            opts=child,
        )
        return aws.ecs.Service(
            f"{name}-service",
            cluster=args["cluster_arn"],
            task_definition=task.arn,
            # On every EC2 host of the cluster, whatever provider it belongs to.
            launch_type="EC2",
            scheduling_strategy="DAEMON",
            # Two would want the same port. The maximum is not for daemons to set. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
            deployment_minimum_healthy_percent=0,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            # Daemons cannot have it. Source:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
            availability_zone_rebalancing="DISABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            # No waiting until all run: one broken host would hold up every `pulumi up`. A daemon
            # that does not run is a target that is down.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
