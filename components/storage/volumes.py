"""The data volumes, and their snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.storage.storage_args import StorageArgs

DLM = "dlm.amazonaws.com"

Tags = dict[str, "pulumi.Input[str]"]


def data_volume(
    parent: pulumi.Resource,
    name: str,
    args: StorageArgs,
    subnet_id: pulumi.Input[str],
    tags: Mapping[str, pulumi.Input[str]],
) -> aws.ebs.Volume:
    """Register a member's volume, and return the one to use: the original, or a restored one.

    The original one is there in any case, so that restoring deletes nothing and can be taken back.

    Args:
        parent: the server's component.
        name: the member's name.
        args: the component's arguments, resolved.
        subnet_id: in whose zone it is.
        tags: by which snapshots find it.
    """
    zone = aws.ec2.get_subnet_output(
        id=subnet_id, opts=pulumi.InvokeOutputOptions(parent=parent)
    ).availability_zone
    keep = not args["storage_delete_volumes_on_destroy"]

    def volume(name: str, opts: pulumi.ResourceOptions, snapshot_id: str | None) -> aws.ebs.Volume:
        return aws.ebs.Volume(
            name,
            availability_zone=zone,
            type="gp3",
            size=args["storage_size_gib"],
            iops=args["storage_iops"],
            throughput=args["storage_throughput"],
            encrypted=True,
            snapshot_id=snapshot_id,
            tags={"Name": name, **tags},
            opts=opts,
        )

    original = volume(
        f"{name}-volume", pulumi.ResourceOptions(parent=parent, protect=keep), snapshot_id=None
    )
    snapshot_id = args["storage_restore_snapshot_id"]
    if not snapshot_id:
        return original
    return volume(
        f"{name}-volume-{snapshot_id}",
        pulumi.ResourceOptions(parent=parent, retain_on_delete=keep),
        snapshot_id,
    )


def daily_snapshots(
    parent: pulumi.Resource,
    name: str,
    args: StorageArgs,
    tags: Mapping[str, pulumi.Input[str]],
) -> None:
    """Register the policy by which Data Lifecycle Manager takes snapshots, and its role.

    Args:
        parent: the server's component.
        name: the component's name.
        args: the component's arguments, resolved.
        tags: of the volumes that it is for, and of no other.
    """
    policy_arn = policies.own_arn(parent, "dlm", "policy/*")
    role, allowed = policies.role(
        parent,
        f"{name}-snapshots-role",
        f"Lets Data Lifecycle Manager take snapshots of the volumes of {name}",
        trusted=policies.trust_from_account(parent, DLM, policy_arn),
        allowed=pulumi.Output.all(
            aws.get_partition_output(opts=pulumi.InvokeOptions(parent=parent)).partition,
            pulumi.Output.all(**tags),
        ).apply(lambda found: may_take_snapshots(*found)),
    )
    aws.dlm.LifecyclePolicy(
        f"{name}-snapshots",
        description=f"Daily snapshots of the volumes of {name}",
        execution_role_arn=role.arn,
        state="ENABLED",
        policy_details={
            "resource_types": ["VOLUME"],
            "target_tags": dict(tags),
            "schedules": [
                {
                    "name": "daily",
                    "create_rule": {
                        "interval": 24,
                        "interval_unit": "HOURS",
                        "times": f"{args['storage_snapshot_hour']:02}:00",
                    },
                    "retain_rule": {"count": args["storage_snapshot_retention_days"]},
                    "copy_tags": True,
                }
            ],
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[allowed]),
    )


def may_take_snapshots(partition: str, tags: Mapping[str, str]) -> str:
    """What Data Lifecycle Manager does: AWS's own policy for it, limited to these volumes.

    Source:
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSDataLifecycleManagerServiceRole.html

    Args:
        partition: of the ARNs.
        tags: of the volumes, and so of their snapshots.
    """
    snapshots = f"arn:{partition}:ec2:*::snapshot/*"
    tagged = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}}
    looks = ["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"]
    return policies.document(
        policies.allow(looks, "*"),
        # By their tag: one that was restored, and is not used any more, still has it.
        policies.allow(["ec2:CreateSnapshot"], f"arn:{partition}:ec2:*:*:volume/*", tagged),
        policies.allow(["ec2:CreateSnapshot"], snapshots),
        policies.allow(["ec2:CreateTags"], snapshots),
        policies.allow(["ec2:DeleteSnapshot"], snapshots, tagged),
    )
