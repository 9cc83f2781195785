"""An EC2 host of ours that no group launches: Amazon Linux 2023, IMDSv2 only, an encrypted disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import pulumi
import pulumi_aws as aws

from components.arguments import Knob
from components.exporters.instance_types import instance_architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

SSM_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
"""Where AWS publishes the newest Amazon Linux 2023.

Source: https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
"""

ROOT_GIB = 8
"""Size of the image, the smallest root volume."""

MAX_KEY_NAME = 255


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


KeyName: TypeAlias = Annotated[str, Knob("", legal_key_name)]
"""An argument: EC2 key pair of a host, by name."""


def newest_image(parent: pulumi.Resource, instance_type: str) -> pulumi.Output[str]:
    """Ask for the id of the newest Amazon Linux 2023.

    Args:
        parent: the component that asks.
        instance_type: EC2 instance type, whose architecture the image has.
    """
    ami = aws.ssm.get_parameter_output(
        name=SSM_PARAMETER.format(architecture=instance_architecture(instance_type)),
        opts=pulumi.InvokeOptions(parent=parent),
    )
    # The provider marks every parameter's value as secret; the id of a public image is none.
    return pulumi.Output.unsecret(ami.value)


def ec2_host(  # noqa: PLR0913 - each is a part of its own
    parent: pulumi.Resource,
    name: str,
    *,
    ami_id: pulumi.Input[str],
    instance_type: str,
    subnet_id: pulumi.Input[str],
    security_group_id: pulumi.Input[str],
    instance_profile_name: pulumi.Input[str],
    public_ip: bool,
    key_name: str,
    tags: Mapping[str, str],
    root_gib: int = ROOT_GIB,
    user_data: pulumi.Input[str] | None = None,
    keep_image: bool = True,
) -> aws.ec2.Instance:
    """Register a host.

    Args:
        parent: the component that it belongs to.
        name: the component's name.
        ami_id: id of the image, of the instance type's architecture.
        instance_type: EC2 instance type.
        subnet_id: of the subnet that it runs in.
        security_group_id: of its only security group.
        instance_profile_name: who it is to AWS.
        public_ip: whether it gets a public address.
        key_name: of its EC2 key pair; empty: none.
        tags: its tags.
        root_gib: size of the root volume in GiB.
        user_data: what it runs at first boot; another one replaces it.
        keep_image: whether it stays when `ami_id` changes.
    """
    return aws.ec2.Instance(
        # Another architecture is another host: it needs another image, which an existing
        # host would not get (see `ignore_changes`).
        f"{name}-{instance_architecture(instance_type).replace('_', '-')}",
        ami=ami_id,
        instance_type=instance_type,
        subnet_id=subnet_id,
        vpc_security_group_ids=[security_group_id],
        iam_instance_profile=instance_profile_name,
        associate_public_ip_address=public_ip,
        key_name=key_name or None,
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        root_block_device={"encrypted": True, "volume_type": "gp3", "volume_size": root_gib},
        user_data=user_data,
        # It runs at first boot only: changed in place, it would stop the host for nothing.
        user_data_replace_on_change=None if user_data is None else True,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["ami"] if keep_image else []),
    )
