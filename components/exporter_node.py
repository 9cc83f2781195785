"""One EC2 host that runs node_exporter."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks


class ExporterNodeArgs(TypedDict):
    """Arguments of an `ExporterNode`; the wired ones are outputs of an `ExporterGroup`."""

    subnet_id: pulumi.Input[str]
    """Id of the subnet that the host runs in."""

    security_group_id: pulumi.Input[str]
    """Id of the hosts' security group."""

    instance_profile_name: pulumi.Input[str]
    """Name of the hosts' instance profile."""

    user_data: pulumi.Input[str]
    """What the host runs at first boot; another one replaces the host."""

    ami_id: pulumi.Input[str]
    """Id of the image, of the instance type's architecture."""

    replace_on_new_ami: NotRequired[bool]
    """Replace the host when `ami_id` changes. Default: false: the newest image is another one
    every few weeks, and no host should vanish for that."""

    instance_type: NotRequired[str]
    """EC2 instance type. Default: `t4g.nano`."""

    root_volume_gib: NotRequired[int]
    """Size of the root volume in GiB, at least 8. Default: 8."""

    associate_public_ip: NotRequired[bool]
    """Give the host a public address: the way out of a public subnet. Default: false."""

    ssh_key_name: NotRequired[str]
    """Name of an EC2 key pair. Default: none."""

    discovery_tag_key: NotRequired[str]
    """Key of the tag that Prometheus looks for. Default: `prometheus-scrape`."""

    discovery_tag_value: NotRequired[str]
    """Value of that tag. Default: `true`."""

    environment: NotRequired[str]
    """Value of the tag `environment`. Default: no such tag."""


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
        checks.check_args(
            "ExporterNode",
            name,
            args,
            ExporterNodeArgs,
            {
                "instance_type": checks.instance_type,
                "root_volume_gib": checks.root_volume_gib,
                "discovery_tag_key": checks.host_tag_key,
                "discovery_tag_value": checks.tag_value,
                "environment": checks.label_value,
            },
        )
        super().__init__("prometheus-aws:index:ExporterNode", name, None, opts)
        instance_type = args.get("instance_type", "t4g.nano")
        tag_key = args.get("discovery_tag_key", "prometheus-scrape")
        tags: dict[str, pulumi.Input[str]] = {
            "Name": name,
            "role": "exporter-node",
            tag_key: args.get("discovery_tag_value", "true"),
        }
        if "environment" in args:
            tags["environment"] = args["environment"]
        instance = aws.ec2.Instance(
            # Another architecture is another host: it needs another image, which an existing
            # host would not get (see `ignore_changes`).
            f"{name}-{checks.instance_architecture(instance_type).replace('_', '-')}",
            ami=args["ami_id"],
            instance_type=instance_type,
            subnet_id=args["subnet_id"],
            vpc_security_group_ids=[args["security_group_id"]],
            iam_instance_profile=args["instance_profile_name"],
            associate_public_ip_address=args.get("associate_public_ip", False),
            key_name=args.get("ssh_key_name"),
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            root_block_device={
                "encrypted": True,
                "volume_type": "gp3",
                "volume_size": int(args.get("root_volume_gib", 8)),
            },
            user_data=args["user_data"],
            # It runs at first boot only: changed in place, it would stop the host for nothing.
            user_data_replace_on_change=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=[] if args.get("replace_on_new_ami", False) else ["ami"],
            ),
        )
        self.instance_id = instance.id
        self.private_ip = instance.private_ip
        self.register_outputs({"instance_id": self.instance_id, "private_ip": self.private_ip})
