"""The volumes of tasks: directories of their own, of their host's data volume, or of their host."""

import base64
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.resources import Account

_DATA = "/data/"
"""Where a host's user data mounts its data volume (`userdata/data_volume.sh`)."""


def directories(
    account: Account,
    instance: str,
    definition: Mapping[str, Any],
    task: Path,
    stand_ins: Mapping[str, Path],
) -> dict[str, Path]:
    """Return volume of a task -> directory; those that are the task's or on a data volume are made.

    Which data volume a host has, its user data says; here it is a directory of the volume's id,
    which outlives the task. One that was made from a snapshot begins as a copy of what the snapshot
    was taken of, as that is now: the emulator's snapshots hold nothing. Any other directory of a
    host is this machine's.

    Args:
        account: where the host is.
        instance: the host's id; empty on Fargate.
        definition: of the task.
        task: the task's own directory, beside which those of data volumes are.
        stand_ins: path on the host -> what it is here, where that is not this machine's.
    """
    found = {}
    for volume in definition["volumes"]:
        path = volume.get("host", {}).get("sourcePath", "")
        if path and not path.startswith(_DATA):
            found[volume["name"]] = stand_ins.get(path, Path(path))
            continue
        place = _data_volume(account, instance, task.parent) if path else task
        found[volume["name"]] = place / (path.lstrip("/") or volume["name"])
        found[volume["name"]].mkdir(parents=True, exist_ok=True)
    return found


def _data_volume(account: Account, instance: str, place: Path) -> Path:
    volume = _volume_id(account, instance)
    if not (place / volume).exists():
        origin = _origin(account, volume)
        if origin and (place / origin).exists():
            shutil.copytree(place / origin, place / volume)
    return place / volume


def _volume_id(account: Account, instance: str) -> str:
    """Find the volume that a host attaches."""
    answer = account.client("ec2").describe_instance_attribute(
        InstanceId=instance, Attribute="userData"
    )
    script = base64.b64decode(answer["UserData"].get("Value", "")).decode()
    match = re.search(r"^export VOLUME_ID=(\S+)$", script, re.MULTILINE)
    if match is None:
        raise OSError(f"the user data of {instance} names no volume")
    return match[1]


def _origin(account: Account, volume: str) -> str:
    """Return the volume whose snapshot a volume was made from; empty if it was made empty."""
    ec2 = account.client("ec2")
    snapshot = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0].get("SnapshotId")
    if not snapshot:
        return ""
    found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    return str(found["VolumeId"])
