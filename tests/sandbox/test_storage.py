"""Samples on a volume: they are there after the task, and in what is made from a snapshot."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.storage import ON_A_VOLUME, replaced
from tests.sandbox.command import Account, Deployed, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    scrape = "--config=prometheus.scrapeInterval=1s"
    with Deployed.up("--hosts", "1", "--runtime", "process", scrape, *ON_A_VOLUME) as deployed:
        yield Account(deployed)


def test_samples_survive_a_replaced_task(account: Account) -> None:
    names = (account.outputs["cluster_name"], account.outputs["service_name"])
    found = replaced(account.url, account.environment, *names)
    assert found.before > 0
    assert found.after > found.before


def test_what_is_made_from_a_snapshot_has_the_samples_and_the_original_keeps_its_own(
    account: Account,
) -> None:
    """With user data that names the restored volume, as `storage.restoreSnapshotId` writes it."""
    ec2, autoscaling = account.client("ec2"), account.client("autoscaling")
    (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    template = group["LaunchTemplate"]["LaunchTemplateId"]
    (latest,) = ec2.describe_launch_template_versions(
        LaunchTemplateId=template, Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    script = base64.b64decode(latest["LaunchTemplateData"]["UserData"]).decode()
    (original,) = (
        volume
        for volume in ec2.describe_volumes()["Volumes"]
        if f"export VOLUME_ID={volume['VolumeId']}\n" in script
    )
    snapshot = ec2.create_snapshot(VolumeId=original["VolumeId"])["SnapshotId"]
    restored = ec2.create_volume(
        SnapshotId=snapshot, AvailabilityZone=original["AvailabilityZone"], VolumeType="gp3"
    )["VolumeId"]

    def attach(volume: str) -> None:
        """Let the group's host attach a volume: another host, as only a first boot does so."""
        user_data = script.replace(original["VolumeId"], volume)
        version = ec2.create_launch_template_version(
            LaunchTemplateId=template,
            LaunchTemplateData={
                **latest["LaunchTemplateData"],
                "UserData": base64.b64encode(user_data.encode()).decode(),
            },
        )["LaunchTemplateVersion"]["VersionNumber"]
        autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            LaunchTemplate={"LaunchTemplateId": template, "Version": str(version)},
        )
        (found,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=found["Instances"][0]["InstanceId"], ShouldDecrementDesiredCapacity=False
        )

    def samples(at: float) -> float | None:
        """Count the samples of the 3 seconds before a time."""
        return account.value(f"sum(count_over_time(up[3s] @ {at:.3f}))")

    of_service = (account.outputs["cluster_name"], account.outputs["service_name"])
    before = time.time()
    kept = samples(before)
    assert kept
    attach(restored)
    replaced(account.url, account.environment, *of_service)
    assert samples(before) == kept
    until("samples on the restored volume", 30, lambda: samples(time.time()))
    meanwhile = time.time()
    attach(original["VolumeId"])
    replaced(account.url, account.environment, *of_service)
    assert samples(before) == kept
    assert samples(meanwhile) is None
