"""One EC2 host that runs node_exporter."""

from typing import Annotated, NotRequired, TypedDict

import pulumi

from components import checks
from components.arguments import Knob, Rule, arguments, resolve
from components.exporters.discovery import DiscoveryTagKey, DiscoveryTagValue
from components.exporters.ec2_host import ROOT_GIB, KeyName, ec2_host
from components.exporters.instance_types import InstanceType
from components.exporters.user_data import legal_user_data
from components.outputs import register_outputs

HOST_TAGS = ("Name", "role", "environment")
"""Tags that every host has, beside the one for discovery."""


def not_a_host_tag(value: str) -> None:
    """Check that the discovery tag is none of a host's other tags."""
    if value in HOST_TAGS:
        raise ValueError(f"hosts have a tag {value!r} of their own; expected another key")


def legal_environment(value: str) -> None:
    """Check the name of an environment; empty means none."""
    if value:
        checks.label_value(value)


@arguments
class ExporterNodeArgs(TypedDict):
    """Arguments of an `ExporterNode`; the wired ones are outputs of an `ExporterGroup`."""

    subnet_id: pulumi.Input[str]
    """Id of the subnet that the host runs in."""

    security_group_id: pulumi.Input[str]
    """Id of the hosts' security group."""

    instance_profile_name: pulumi.Input[str]
    """Name of the hosts' instance profile."""

    user_data: Annotated[pulumi.Input[str], Rule(legal_user_data)]
    """What the host runs at first boot, at most 16 KB; another one replaces the host."""

    ami_id: pulumi.Input[str]
    """Id of the image, of the instance type's architecture."""

    replace_on_new_ami: NotRequired[Annotated[bool, Knob(default=False)]]
    """Replace the host when `ami_id` changes. By default it stays: the newest image is another one
    every few weeks, and no host should vanish for that."""

    instance_type: NotRequired[InstanceType]
    """EC2 instance type."""

    root_volume_gib: NotRequired[
        Annotated[int, Knob(ROOT_GIB, checks.whole(ROOT_GIB, 16384, "GiB"))]
    ]
    """Size of the encrypted root volume in GiB: gp3, at least as large as the image."""

    associate_public_ip: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the host a public address, which it needs for internet access in a public subnet."""

    ssh_key_name: NotRequired[KeyName]
    """EC2 key pair of the host, by name. Empty: none."""

    discovery_tag_key: NotRequired[Annotated[DiscoveryTagKey, Rule(not_a_host_tag)]]
    """Key of the tag that Prometheus looks for."""

    discovery_tag_value: NotRequired[DiscoveryTagValue]
    """Value of that tag."""

    environment: NotRequired[Annotated[str, Knob("", legal_environment)]]
    """Value of the tag `environment`. Empty: no such tag."""


class ExporterNode(pulumi.ComponentResource):
    """One EC2 host: metadata by IMDSv2 only, an encrypted root volume, the tag for discovery."""

    instance_id: pulumi.Output[str]
    """Id of the instance."""

    private_ip: pulumi.Output[str]
    """Private address of the instance: where Prometheus scrapes it."""

    def __init__(
        self,
        name: str,
        args: ExporterNodeArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the host.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ExporterNodeArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ExporterNode", name, None, opts)
        tags = {
            "Name": name,
            "role": "exporter-node",
            **({"environment": args["environment"]} if args["environment"] else {}),
            args["discovery_tag_key"]: args["discovery_tag_value"],
        }
        instance = ec2_host(
            self,
            name,
            ami_id=args["ami_id"],
            instance_type=args["instance_type"],
            subnet_id=args["subnet_id"],
            security_group_id=args["security_group_id"],
            instance_profile_name=args["instance_profile_name"],
            public_ip=args["associate_public_ip"],
            key_name=args["ssh_key_name"],
            tags=tags,
            root_gib=args["root_volume_gib"],
            user_data=args["user_data"],
            keep_image=not args["replace_on_new_ami"],
        )
        self.instance_id = instance.id
        self.private_ip = instance.private_ip
        register_outputs(self)
