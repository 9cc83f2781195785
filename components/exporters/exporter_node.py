"""One EC2 host that runs node_exporter."""

from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks
from components.arguments import Knob, Rule, arguments, resolve
from components.exporters.discovery import DiscoveryTagKey, DiscoveryTagValue
from components.exporters.instance_types import InstanceType, instance_architecture
from components.exporters.user_data import legal_user_data
from components.outputs import register_outputs

HOST_TAGS = ("Name", "role", "environment")
"""Tags that every host has, beside the one for discovery."""

MAX_KEY_NAME = 255


def not_a_host_tag(value: str) -> None:
    """Check that the discovery tag is none of a host's other tags."""
    if value in HOST_TAGS:
        raise ValueError(f"hosts have a tag {value!r} of their own; expected another key")


def legal_key_name(value: str) -> None:
    """Check the name of an EC2 key pair; empty means none.

    AWS takes any ASCII characters, `$()` too; the name goes to EC2's API only, never to a shell.
    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html
    """
    printable = value.isascii() and value.isprintable() and value == value.strip()
    if len(value) > MAX_KEY_NAME or not printable:
        raise ValueError(
            f"expected the name of a key pair, at most {MAX_KEY_NAME} printable ASCII characters"
            " without spaces at the ends"
        )


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

    root_volume_gib: NotRequired[Annotated[int, Knob(8, checks.whole(8, 16384, "GiB"))]]
    """Size of the encrypted root volume in GiB: gp3, at least as large as the image."""

    associate_public_ip: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give the host a public address, which it needs for internet access in a public subnet."""

    ssh_key_name: NotRequired[Annotated[str, Knob("", legal_key_name)]]
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
        instance = aws.ec2.Instance(
            # Another architecture is another host: it needs another image, which an existing
            # host would not get (see `ignore_changes`).
            f"{name}-{instance_architecture(args['instance_type']).replace('_', '-')}",
            ami=args["ami_id"],
            instance_type=args["instance_type"],
            subnet_id=args["subnet_id"],
            vpc_security_group_ids=[args["security_group_id"]],
            iam_instance_profile=args["instance_profile_name"],
            associate_public_ip_address=args["associate_public_ip"],
            key_name=args["ssh_key_name"] or None,
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            root_block_device={
                "encrypted": True,
                "volume_type": "gp3",
                "volume_size": args["root_volume_gib"],
            },
            user_data=args["user_data"],
            # It runs at first boot only: changed in place, it would stop the host for nothing.
            user_data_replace_on_change=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=[] if args["replace_on_new_ami"] else ["ami"],
            ),
        )
        self.instance_id = instance.id
        self.private_ip = instance.private_ip
        register_outputs(self)
