"""The component: one EC2 host that leads to the servers' ports, and to nothing else."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks
from components.arguments import Knob, Rule, arguments, resolve
from components.containers.execute_command import forwarding
from components.containers.url_command import task_address
from components.exporters.ec2_host import KeyName, ec2_host, newest_image
from components.exporters.instance_types import InstanceType
from components.host_profile import host_profile
from components.network.security_groups import (
    allow_between,
    allow_https_out,
    allow_ssh,
    security_group,
)
from components.outputs import register_outputs
from components.values import is_given


def with_a_key(ssh_cidrs: Sequence[str], key_name: str) -> None:
    """Check that people who may connect by SSH can log in.

    Raises:
        ValueError: there is no key pair.
    """
    if ssh_cidrs and not key_name:
        raise ValueError(
            "nobody could log in by SSH without a key; expected the name of an EC2 key pair as"
            " well, or no networks: Session Manager needs neither"
        )


@arguments
class BastionArgs(TypedDict):
    """Arguments of a `Bastion`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the host runs in."""

    subnet_id: pulumi.Input[str]
    """Id of the subnet that the host runs in, which needs internet access, or a way to Session
    Manager's endpoints. Another one replaces the host."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of Prometheus's security group, which gets a rule that admits the host."""

    prometheus_cluster_name: pulumi.Input[str]
    """Name of Prometheus's ECS cluster, in which its task is looked up."""

    prometheus_service_name: pulumi.Input[str]
    """Name of Prometheus's ECS service."""

    prometheus_port: NotRequired[Annotated[int, Knob(9090, checks.port)]]
    """Port of Prometheus."""

    alertmanager_security_group_id: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Id of Alertmanager's security group, likewise. Empty: there is none."""

    alertmanager_port: NotRequired[Annotated[int, Knob(9093, checks.port)]]
    """Port of Alertmanager."""

    grafana_security_group_id: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Id of Grafana's security group, likewise. Empty: there is none."""

    grafana_port: NotRequired[Annotated[int, Knob(3000, checks.port)]]
    """Port of Grafana."""

    associate_public_ip: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the host a public address, which it needs in a public subnet: to be reached from the
    internet, and to reach Session Manager. Another value replaces it."""

    instance_type: NotRequired[InstanceType]
    """EC2 instance type of the bastion."""

    ssh_cidrs: NotRequired[
        Annotated[
            Sequence[str],
            Knob((), checks.admin_cidrs),
            Rule(with_a_key, ("key_name",)),
        ]
    ]
    """Networks that may connect to the bastion by SSH; with any it is in a public subnet. Empty:
    none, only Session Manager leads in."""

    key_name: NotRequired[KeyName]
    """EC2 key pair of the bastion, by name; another one replaces it. Empty: none, and no SSH."""


class Bastion(pulumi.ComponentResource):
    """One host that people go through to the servers: by Session Manager, by SSH if it is let in.

    It connects to the servers' ports and, by HTTPS, to AWS. A newer image does not replace it.
    """

    instance_id: pulumi.Output[str]
    """Id of the instance."""

    security_group_id: pulumi.Output[str]
    """Id of the host's security group."""

    port_forwarding_command: pulumi.Output[str]
    """Shell command that brings Prometheus's port to one's own machine through Session Manager and
    the host (it needs the AWS CLI with the Session Manager plugin)."""

    def __init__(
        self,
        name: str,
        args: BastionArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the host.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(BastionArgs, name, args, opts)
        super().__init__("prometheus-aws:index:Bastion", name, None, opts)
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region

        self.security_group_id = self._security_group(name, args)
        host = ec2_host(
            self,
            name,
            ami_id=newest_image(self, args["instance_type"]),
            instance_type=args["instance_type"],
            subnet_id=args["subnet_id"],
            security_group_id=self.security_group_id,
            instance_profile_name=host_profile(self, name, "Bastion: Session Manager").profile.name,
            public_ip=args["associate_public_ip"],
            key_name=args["key_name"],
            tags={"Name": name, "role": "bastion"},
        )
        self.instance_id = host.id
        self.port_forwarding_command = pulumi.Output.all(
            region, args["prometheus_cluster_name"], args["prometheus_service_name"], host.id
        ).apply(
            lambda its: forwarding_command(its[0], its[1], its[2], its[3], args["prometheus_port"])
        )
        register_outputs(self)

    def _security_group(self, name: str, args: BastionArgs) -> pulumi.Output[str]:
        """Register the group with its rules; its id is known when the host may reach AWS."""
        base = f"{name}-security-group"
        # The same with and without SSH: another description replaces the group.
        description = "Bastion: reached by whom its settings name"
        group = security_group(self, base, args["vpc_id"], description, name)
        allow_ssh(self, name, group.id, args["ssh_cidrs"])
        for server, server_group, port in (
            ("Prometheus", args["prometheus_security_group_id"], args["prometheus_port"]),
            ("Alertmanager", args["alertmanager_security_group_id"], args["alertmanager_port"]),
            ("Grafana", args["grafana_security_group_id"], args["grafana_port"]),
        ):
            if is_given(server_group):
                of_server = f"{base}-{server.lower()}"
                reached = f"Bastion to {server}"
                allow_between(self, of_server, group.id, server_group, port, reached)
        to_aws = allow_https_out(self, f"{base}-aws", group.id, "Session Manager, packages")
        return pulumi.Output.all(group.id, to_aws.id).apply(lambda ids: ids[0])


def forwarding_command(region: str, cluster: str, service: str, instance_id: str, port: int) -> str:
    """Write the shell command that brings a server's port to this machine through a host.

    Args:
        region: AWS region.
        cluster: name of the server's ECS cluster.
        service: name of its ECS service.
        instance_id: of the host.
        port: of the server, and of this machine.
    """
    found = task_address(region, cluster, service, public=False)
    through = forwarding(region, instance_id, port, host='"$ADDRESS"')
    return f"{found} && {through}"
