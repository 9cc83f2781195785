"""The data volumes of hosts: directories that outlive the tasks that mount them."""

import base64
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.resources import Account


def directories(
    account: Account, service: Mapping[str, Any], definition: Mapping[str, Any], place: Path
) -> dict[str, Path]:
    """Return volume of a task -> directory, of the volumes that are on its host's data volume.

    Which volume that is, the host's user data says; here it is a directory of the volume's id. One
    that was made from a snapshot begins as a copy of what the snapshot was taken of, as that is
    now: the emulator's snapshots hold nothing.

    Args:
        account: where the host is.
        service: as ECS describes it.
        definition: of the task.
        place: where directories of volumes go.
    """
    mounted = {
        volume["name"]: volume["host"]["sourcePath"]
        for volume in definition["volumes"]
        if volume.get("host", {}).get("sourcePath")
    }
    if not mounted:
        return {}
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    volume = _volume_id(account, service["clusterArn"], network["subnets"])
    if not (place / volume).exists():
        origin = _origin(account, volume)
        if origin and (place / origin).exists():
            shutil.copytree(place / origin, place / volume)
    return {name: place / volume / path.lstrip("/") for name, path in mounted.items()}


def _volume_id(account: Account, cluster: str, subnets: Sequence[str]) -> str:
    """Find the volume that a service's host attaches.

    moto does not say which capacity provider a service has; each is in a subnet of its own.
    """
    ecs, autoscaling, ec2 = (account.client(it) for it in ("ecs", "autoscaling", "ec2"))
    names = ecs.describe_clusters(clusters=[cluster])["clusters"][0]["capacityProviders"]
    providers = ecs.describe_capacity_providers(capacityProviders=names)["capacityProviders"]
    arns = [it["autoScalingGroupProvider"]["autoScalingGroupArn"] for it in providers]
    groups = autoscaling.describe_auto_scaling_groups(
        AutoScalingGroupNames=[arn.rpartition("/")[2] for arn in arns]
    )["AutoScalingGroups"]
    (group,) = [it for it in groups if it["VPCZoneIdentifier"].split(",") == list(subnets)]
    template = group["LaunchTemplate"]
    version = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=[template["Version"]]
    )["LaunchTemplateVersions"][0]
    script = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()
    match = re.search(r"^export VOLUME_ID=(\S+)$", script, re.MULTILINE)
    if match is None:
        raise OSError(f"the user data of {group['AutoScalingGroupName']} names no volume")
    return match[1]


def _origin(account: Account, volume: str) -> str:
    """Return the volume whose snapshot a volume was made from; empty if it was made empty."""
    ec2 = account.client("ec2")
    snapshot = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0].get("SnapshotId")
    if not snapshot:
        return ""
    found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    return str(found["VolumeId"])
