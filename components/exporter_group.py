"""What all exporter hosts share: who may reach them, what they may do, how they start."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks, policies

SSM_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
"""Where AWS publishes the newest Amazon Linux 2023.

Source: https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
"""

SESSION_MANAGER_POLICY = "AmazonSSMManagedInstanceCore"


def user_data(script: str, variables: Mapping[str, str]) -> str:
    """Render what a host runs at first boot: the variables, then the script that reads them.

    Args:
        script: a bash script.
        variables: name -> value, exported before the script's own text.
    """
    exports = "".join(f"export {name}={shlex.quote(v)}\n" for name, v in variables.items())
    return f"#!/bin/bash\n{exports}{script}"


class ExporterGroupArgs(TypedDict):
    """Arguments of an `ExporterGroup`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the hosts run in."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of the only security group that is admitted to the exporter's port."""

    node_exporter_version: str
    """Version of node_exporter, such as `1.12.1`."""

    user_data_script: str
    """Path of the bash script that installs node_exporter."""

    node_exporter_port: NotRequired[int]
    """Port of node_exporter, 1024 to 65535. Default: 9100."""

    instance_type: NotRequired[str]
    """EC2 instance type of the hosts: its architecture chooses the image. Default: `t4g.nano`."""

    ssh_cidrs: NotRequired[Sequence[str]]
    """Networks that may reach port 22. Default: none; Session Manager needs no open port."""


class ExporterGroup(pulumi.ComponentResource):
    """One security group, one role and one instance profile for any number of exporter hosts."""

    security_group_id: pulumi.Output[str]
    """Id of the hosts' security group."""

    instance_profile_name: pulumi.Output[str]
    """Name of the hosts' instance profile."""

    ami_id: pulumi.Output[str]
    """Id of the newest Amazon Linux 2023 image of the instance type's architecture."""

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
        checks.check_args(
            "ExporterGroup",
            name,
            args,
            ExporterGroupArgs,
            {
                "node_exporter_version": checks.version,
                "user_data_script": _file,
                "node_exporter_port": checks.port,
                "instance_type": checks.instance_type,
                "ssh_cidrs": checks.admin_cidrs,
            },
        )
        super().__init__("prometheus-aws:index:ExporterGroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        port = int(args.get("node_exporter_port", 9100))

        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            vpc_id=args["vpc_id"],
            description="Exporter hosts: reached by Prometheus only",
            tags={"Name": name},
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-from-prometheus",
            security_group_id=group.id,
            description="node_exporter, for Prometheus",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=args["prometheus_security_group_id"],
            opts=child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-prometheus-to-hosts",
            security_group_id=args["prometheus_security_group_id"],
            description="node_exporter on the exporter hosts",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=group.id,
            opts=child,
        )
        way_out = aws.vpc.SecurityGroupEgressRule(
            f"{name}-to-internet",
            security_group_id=group.id,
            description="Downloads at first boot, and Session Manager",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            opts=child,
        )
        for cidr in args.get("ssh_cidrs", []):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-ssh-{cidr}",
                security_group_id=group.id,
                description="SSH, for administrators",
                ip_protocol="tcp",
                from_port=22,
                to_port=22,
                cidr_ipv4=cidr,
                opts=child,
            )

        role = aws.iam.Role(
            f"{name}-role",
            description="Exporter hosts: Session Manager",
            assume_role_policy=json.dumps(policies.trust("ec2.amazonaws.com")),
            opts=child,
        )
        invoke = pulumi.InvokeOptions(parent=self)
        aws.iam.RolePolicyAttachment(
            f"{name}-session-manager",
            role=role.name,
            policy_arn=pulumi.Output.format(
                "arn:{0}:iam::aws:policy/{1}",
                aws.get_partition_output(opts=invoke).partition,
                SESSION_MANAGER_POLICY,
            ),
            opts=child,
        )
        profile = aws.iam.InstanceProfile(f"{name}-profile", role=role.name, opts=child)
        architecture = checks.instance_architecture(args.get("instance_type", "t4g.nano"))
        ami = aws.ssm.get_parameter_output(
            name=SSM_PARAMETER.format(architecture=architecture), opts=invoke
        )

        # User data downloads at once: a host must not start before it may.
        self.security_group_id = pulumi.Output.all(group.id, way_out.id).apply(lambda ids: ids[0])
        self.instance_profile_name = profile.name
        # The provider marks every parameter's value as secret; the id of a public image is none.
        self.ami_id = pulumi.Output.unsecret(ami.value)
        self.user_data = pulumi.Output.from_input(
            user_data(
                Path(args["user_data_script"]).read_text(encoding="utf-8"),
                {
                    "NODE_EXPORTER_VERSION": args["node_exporter_version"],
                    "NODE_EXPORTER_PORT": str(port),
                },
            )
        )
        self.register_outputs(
            {
                "security_group_id": self.security_group_id,
                "instance_profile_name": self.instance_profile_name,
                "ami_id": self.ami_id,
                "user_data": self.user_data,
            }
        )


def _file(path: str) -> None:
    if not Path(path).is_file():
        raise ValueError("expected the path of a file")
