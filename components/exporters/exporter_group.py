"""What all exporter hosts share: who may reach them, what they may do, how they start."""

import re
from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi

from components import assets, checks
from components.arguments import Knob, arguments, resolve
from components.exporters.discovery import NodeExporterPort
from components.exporters.ec2_host import newest_image
from components.exporters.instance_types import InstanceType
from components.exporters.user_data import user_data
from components.host_profile import host_profile
from components.network.security_groups import (
    allow,
    allow_https_out,
    allow_ssh,
    security_group,
)
from components.outputs import register_outputs


def legal_ami_id(value: str) -> None:
    """Check the id of an image; empty means none in particular."""
    if not re.fullmatch(r"(ami-([0-9a-f]{8}|[0-9a-f]{17}))?", value):
        raise ValueError("expected the id of an image, such as ami-0123456789abcdef0")


@arguments
class ExporterGroupArgs(TypedDict):
    """Arguments of an `ExporterGroup`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the hosts run in."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of the only security group that is admitted to the exporter's port."""

    node_exporter_version: NotRequired[
        Annotated[str, Knob(assets.VERSIONS["node_exporter"], checks.version)]
    ]
    """Version of node_exporter that hosts install at first boot."""

    node_exporter_port: NotRequired[NodeExporterPort]
    """Port of node_exporter on the hosts, 1024 to 65535."""

    instance_type: NotRequired[InstanceType]
    """EC2 instance type of the hosts; its architecture chooses the image."""

    ami_id: NotRequired[Annotated[str, Knob("", legal_ami_id)]]
    """Image of the hosts; another one replaces them. Empty: the newest Amazon Linux 2023 when a
    host is made, which then keeps it."""

    ssh_cidrs: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks that may reach port 22 of the hosts. Empty: none (use Session Manager)."""


class ExporterGroup(pulumi.ComponentResource):
    """One security group, one role and one instance profile for any number of exporter hosts."""

    security_group_id: pulumi.Output[str]
    """Id of the hosts' security group."""

    instance_profile_name: pulumi.Output[str]
    """Name of the hosts' instance profile."""

    ami_id: pulumi.Output[str]
    """Id of the hosts' image: the one that was given, or the newest Amazon Linux 2023 of the
    instance type's architecture."""

    user_data: pulumi.Output[str]
    """What a host runs at first boot."""

    def __init__(
        self,
        name: str,
        args: ExporterGroupArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register what the hosts share.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ExporterGroupArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ExporterGroup", name, None, opts)

        self.security_group_id = self._security_group(name, args)
        self.instance_profile_name = host_profile(
            self, name, "Exporter hosts: Session Manager"
        ).profile.name
        self.ami_id = (
            pulumi.Output.from_input(args["ami_id"])
            if args["ami_id"]
            else newest_image(self, args["instance_type"])
        )
        self.user_data = pulumi.Output.from_input(
            user_data(
                assets.user_data_script("node_exporter"),
                {
                    "NODE_EXPORTER_VERSION": args["node_exporter_version"],
                    "NODE_EXPORTER_PORT": str(args["node_exporter_port"]),
                },
            )
        )
        register_outputs(self)

    def _security_group(self, name: str, args: ExporterGroupArgs) -> pulumi.Output[str]:
        """Register the group with its rules; its id is known when hosts may download."""
        description = "Exporter hosts: reached by Prometheus only"
        group = security_group(self, f"{name}-security-group", args["vpc_id"], description, name)
        prometheus = args["prometheus_security_group_id"]
        port = args["node_exporter_port"]
        allow(
            "ingress",
            self,
            f"{name}-from-prometheus",
            group.id,
            port,
            "node_exporter, for Prometheus",
            referenced_security_group_id=prometheus,
        )
        allow(
            "egress",
            self,
            f"{name}-prometheus-to-hosts",
            prometheus,
            port,
            "node_exporter on the exporter hosts",
            referenced_security_group_id=group.id,
        )
        allow_ssh(self, name, group.id, args["ssh_cidrs"])
        # User data downloads at once: a host must not start before it may.
        reached = "Downloads at first boot, and Session Manager"
        to_internet = allow_https_out(self, f"{name}-to-internet", group.id, reached)
        return pulumi.Output.all(group.id, to_internet.id).apply(lambda ids: ids[0])
