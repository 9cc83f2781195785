"""Samples on a volume of their own, by Pulumi's own engine: what a change does to it.

The tests share a deployment, and each goes on where the one before has ended.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

VOLUME = "prometheus-volume"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a stack as most are: on Fargate, here with private subnets."""
    directory = tmp_path_factory.mktemp("stack")
    with new_emulator() as emulator, new_stack(emulator, directory) as made:
        made.up({"network.natStrategy": "single", "hosts.count": 1})
        yield made


def _volumes(stack: Stack) -> dict[str, dict[str, Any]]:
    """The account's data volumes, by the names that they have as resources."""
    found = stack.emulator.client("ec2").describe_volumes()["Volumes"]
    tags = [{tag["Key"]: tag["Value"] for tag in volume.get("Tags", [])} for volume in found]
    return {
        tag["Name"]: volume for tag, volume in zip(tags, found, strict=True) if "ecs-cluster" in tag
    }


def _host(stack: Stack) -> dict[str, Any]:
    """The one host of Prometheus's auto-scaling group."""
    autoscaling, ec2 = (stack.emulator.client(it) for it in ("autoscaling", "ec2"))
    (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    (instance,) = group["Instances"]
    (reservation,) = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"]
    (found,) = reservation["Instances"]
    return dict(found)


def _user_data(stack: Stack) -> str:
    """What the next host of the group runs at first boot."""
    autoscaling, ec2 = (stack.emulator.client(it) for it in ("autoscaling", "ec2"))
    (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    template = group["LaunchTemplate"]
    (version,) = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=[template["Version"]]
    )["LaunchTemplateVersions"]
    return base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()


def test_from_fargate_to_a_volume_in_one_update(stack: Stack) -> None:
    run = stack.up({"storage.kind": "ebs"})
    changed = [step for step in run.steps if step[0] != "create"]
    assert {name for _, name in changed} == {"prometheus-service", "prometheus-task"}
    # Two services would wait for the same host later on; so the old one always goes first.
    gone = ("delete-replaced", "prometheus-service")
    assert changed.index(gone) < changed.index(("create-replacement", "prometheus-service"))
    volume = _volumes(stack)[VOLUME]
    host = _host(stack)
    assert (volume["VolumeType"], volume["Size"], volume["Encrypted"]) == ("gp3", 50, True)
    assert volume["AvailabilityZone"] == host["Placement"]["AvailabilityZone"]
    assert f"export VOLUME_ID={volume['VolumeId']}\n" in _user_data(stack)


def test_nothing_changes_when_nothing_is_changed(stack: Stack) -> None:
    run = stack.preview("--refresh")
    assert run.refreshed == []
    assert run.steps == []


def test_a_volume_grows_in_place_and_its_host_stays(stack: Stack) -> None:
    before, host = _volumes(stack)[VOLUME], _host(stack)
    run = stack.up({"storage.sizeGib": 100})
    assert ("update", VOLUME) in run.steps
    after = _volumes(stack)[VOLUME]
    assert (after["VolumeId"], after["Size"]) == (before["VolumeId"], 100)
    assert _host(stack)["InstanceId"] == host["InstanceId"]
    # The server may use more of it: a new task on the same host.
    changed = {name for _, name in run.steps} - {VOLUME}
    assert changed == {"prometheus-task", "prometheus-service"}


def test_a_restored_volume_is_used_beside_the_original_one(stack: Stack) -> None:
    original, host = _volumes(stack)[VOLUME], _host(stack)
    ec2 = stack.emulator.client("ec2")
    snapshot = ec2.create_snapshot(VolumeId=original["VolumeId"])["SnapshotId"]
    run = stack.up({"storage.restoreSnapshotId": snapshot})
    assert ("create", f"{VOLUME}-{snapshot}") in run.steps
    assert not [step for step in run.steps if step[1] == VOLUME]
    restored = _volumes(stack)[f"{VOLUME}-{snapshot}"]
    assert restored["SnapshotId"] == snapshot
    assert f"export VOLUME_ID={restored['VolumeId']}\n" in _user_data(stack)
    assert _host(stack)["InstanceId"] != host["InstanceId"]
    assert stack.preview("--refresh").steps == []

    stack.up({"storage.restoreSnapshotId": ""})
    assert f"export VOLUME_ID={original['VolumeId']}\n" in _user_data(stack)
    assert _volumes(stack).keys() == {VOLUME, f"{VOLUME}-{snapshot}"}  # restoring deletes nothing


def test_neither_a_destroy_nor_another_kind_of_storage_deletes_a_volume(stack: Stack) -> None:
    before = inventory(stack.emulator)
    for refused in (
        stack.run("destroy", "--yes"),
        stack.run("up", "--yes", changes={"storage.kind": "ephemeral"}),
    ):
        assert refused.code != 0
        assert VOLUME in refused.problems
        assert "protected" in refused.problems
    stack.configure({"storage.kind": "ebs"})
    assert inventory(stack.emulator) == before


def test_what_is_let_go_of_is_deleted(stack: Stack) -> None:
    stack.up({"storage.deleteVolumesOnDestroy": True})  # while it is registered
    stack.up({"storage.kind": "ephemeral"})
    assert VOLUME not in _volumes(stack)
    assert (
        stack.emulator.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        == []
    )
    stack.destroy()
