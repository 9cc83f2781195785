"""What a change does to a stack that is deployed, by Pulumi's own engine.

The tests share a deployment, and each looks at what its own change adds to it and takes away.
"""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from components import assets
from components.containers.image import content_tag
from sandbox.configuration import ROOT
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Run, Stack, copy_program, new_emulator, new_stack, set_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    program = copy_program(directory)
    with new_emulator() as emulator, new_stack(emulator, directory, program=program) as made:
        yield made


@pytest.fixture(scope="module")
def promised(stack: Stack) -> Run:
    return stack.preview()


@pytest.fixture(scope="module")
def made(stack: Stack, promised: Run) -> Run:
    assert promised.steps
    return stack.up()


@pytest.fixture(scope="module", autouse=True)
def first_key(stack: Stack, made: Run) -> str:
    """Return the secret half of Prometheus's first access key, before a test rotates it."""
    assert made.steps
    return str(json.loads(_secret(stack))["secret_access_key"])


def test_a_preview_promises_what_up_does(promised: Run, made: Run) -> None:
    assert sorted(promised.steps) == sorted(made.steps)
    assert {operation for operation, _ in made.steps} == {"create"}


def test_nothing_changes_when_nothing_is_changed(stack: Stack) -> None:
    run = stack.preview("--refresh")
    assert run.refreshed == []
    assert run.steps == []


def test_one_host_more_or_less_touches_no_other(stack: Stack) -> None:
    before = inventory(stack.emulator)["instance"]
    count = len(before)
    more = stack.up({"hosts.count": count + 1})
    assert more.steps == [("create", f"exporter-{count}"), ("create", f"exporter-{count}-arm64")]
    after = inventory(stack.emulator)["instance"]
    assert before < after
    assert len(after) == count + 1
    less = stack.up({"hosts.count": count})
    assert less.steps == [("delete", f"exporter-{count}-arm64"), ("delete", f"exporter-{count}")]
    assert inventory(stack.emulator)["instance"] == before


def test_an_instance_type_that_a_zone_does_not_offer_is_refused_before_anything_changes(
    stack: Stack,
) -> None:
    """A subnet stays in its zone; its hosts would be stopped, and could not start again."""
    client = stack.emulator.client("ec2")
    zones = {resource["outputs"]["availabilityZone"] for resource in _subnets(stack)}
    offerings = client.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["f2.12xlarge"]}],
    )["InstanceTypeOfferings"]
    offered = {it["Location"] for it in offerings}
    assert len(offered) == len(zones) == 2
    (lacking,) = zones - offered
    stack.configure({"hosts.instanceType": "f2.12xlarge"})
    refused = stack.run("preview")
    stack.configure({"hosts.instanceType": "t4g.nano"})
    assert refused.code != 0
    assert f"is in {lacking}, which has no f2.12xlarge" in refused.problems
    assert "Traceback" not in refused.problems
    assert stack.preview().steps == []


def test_an_added_zone_adds_subnets_and_moves_none(stack: Stack) -> None:
    before = inventory(stack.emulator)
    stack.configure({"network.zoneCount": 3})
    added = [
        ("create", "monitoring-private-2"),
        ("create", "monitoring-private-2-routes"),
        ("create", "monitoring-private-2-routes-0"),
        ("create", "monitoring-public-2"),
        ("create", "monitoring-public-routes-2"),
        ("update", "monitoring-s3"),
        ("update", "prometheus-service"),
    ]
    assert sorted(stack.preview().steps) == added  # it exaggerates nothing
    assert sorted(stack.up().steps) == added
    after = inventory(stack.emulator)
    assert len(after["subnet"] - before["subnet"]) == 2
    assert before["subnet"] < after["subnet"]
    assert before["instance"] == after["instance"]


def test_a_network_acl_comes_and_goes_without_moving_anything(stack: Stack) -> None:
    before = inventory(stack.emulator)
    rules = ["tcp 80 0.0.0.0/0", "udp 514 198.51.100.0/24"]
    stack.configure({"network.networkAcl": True, "network.networkAclIngress": rules})
    assert stack.preview().steps == [("create", "monitoring-acl")]  # it exaggerates nothing
    assert stack.up().steps == [("create", "monitoring-acl")]
    subnets = {resource["id"] for resource in _subnets(stack)}
    assert {subnet for subnet, acl in _acls(stack).items() if not acl["IsDefault"]} == subnets
    stack.configure({"network.networkAcl": False, "network.networkAclIngress": []})
    assert stack.preview().steps == [("delete", "monitoring-acl")]
    assert stack.up().steps == [("delete", "monitoring-acl")]
    assert [acl["IsDefault"] for acl in _acls(stack).values()] == [True] * len(_acls(stack))
    assert inventory(stack.emulator) == before


def test_another_checkout_changes_and_pushes_nothing(stack: Stack, tmp_path: Path) -> None:
    """Another machine, with another folder, another umask, and what its desktop leaves there."""
    elsewhere = copy_program(tmp_path)
    for file in [path for path in elsewhere.rglob("*") if path.is_file()]:
        file.chmod(file.stat().st_mode & 0o700)
    (elsewhere / "docker" / "prometheus" / ".DS_Store").write_text("x")
    link = stack.workspace.project / "program"
    link.unlink()
    link.symlink_to(elsewhere)
    try:
        assert stack.preview("--refresh").steps == []
        assert stack.up().steps == []
    finally:
        link.unlink()
        link.symlink_to(stack.program)


def test_a_rotation_makes_the_new_key_before_the_old_one_goes(stack: Stack) -> None:
    (user,) = inventory(stack.emulator)["user"]
    assert stack.up({"prometheus.accessKeyRotation": 2}).steps == [
        ("create", "prometheus-discovery-key-2"),
        ("create-replacement", "prometheus-discovery-secret-version"),
        ("replace", "prometheus-discovery-secret-version"),
        ("create-replacement", "prometheus-task"),
        ("replace", "prometheus-task"),
        ("update", "prometheus-service"),
        ("delete-replaced", "prometheus-task"),
        ("delete-replaced", "prometheus-discovery-secret-version"),
        ("delete", "prometheus-discovery-key-1"),
    ]
    keys = stack.emulator.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    (key,) = (key["AccessKeyId"] for key in keys)
    assert json.loads(_secret(stack))["access_key_id"] == key


def test_session_manager_replaces_the_task_once(stack: Stack) -> None:
    """It is on in the file of `dev`."""
    task = [
        ("create-replacement", "prometheus-task"),
        ("replace", "prometheus-task"),
        ("update", "prometheus-service"),
        ("delete-replaced", "prometheus-task"),
    ]
    role = ["prometheus-task-role", "prometheus-task-role-policy"]
    off = stack.up({"prometheus.enableExecuteCommand": False}).steps
    assert sorted(off) == sorted([*task, *(("delete", name) for name in role)])
    assert stack.preview("--refresh").steps == []
    on = stack.up({"prometheus.enableExecuteCommand": True}).steps
    assert sorted(on) == sorted([*task, *(("create", name) for name in role)])
    assert stack.preview("--refresh").steps == []
    assert "prometheus_port_forwarding_command" not in stack.workspace.outputs()


def test_a_new_prometheus_and_a_rollback_replace_the_task(stack: Stack) -> None:
    """ECR refuses a tag that is there, even for the same image; the emulator does as well."""
    tags = set(_tags(stack))
    old = set_version(stack.program, "3.99.0")
    tag, new_tag = (
        content_tag(
            ROOT / "docker" / "prometheus",
            "ARM64",
            version,
            assets.image_digest("prometheus", version),
        )
        for version in (old, "3.99.0")
    )
    assert stack.up().steps == [
        ("create", f"prometheus-image-push-{new_tag}"),
        ("create", f"prometheus-image-{new_tag}"),
        ("create-replacement", "prometheus-task"),
        ("replace", "prometheus-task"),
        ("update", "prometheus-service"),
        ("delete-replaced", "prometheus-task"),
        ("delete", f"prometheus-image-{tag}"),
        ("delete", f"prometheus-image-push-{tag}"),
    ]
    assert len(_tags(stack)) == len(tags) + 1  # the old image is there for a rollback
    set_version(stack.program, old)
    back = stack.up().steps
    assert ("create", f"prometheus-image-{tag}") in back
    assert len(set(_tags(stack))) == len(tags) + 2  # under a new tag


def test_a_refresh_finds_what_was_changed_behind_pulumis_back(stack: Stack) -> None:
    ec2 = stack.emulator.client("ec2")
    hosts = stack.workspace.outputs()["host_ids"]
    ec2.terminate_instances(InstanceIds=[hosts[0]])
    tag = {"Key": "prometheus-scrape", "Value": "false"}
    ec2.create_tags(Resources=[hosts[1]], Tags=[tag])
    drift = [("delete", "exporter-0-arm64"), ("update", "exporter-1-arm64")]
    assert sorted(stack.refresh().refreshed) == drift
    repaired = [("create", "exporter-0-arm64"), ("update", "exporter-1-arm64")]
    assert sorted(stack.up().steps) == repaired
    assert stack.workspace.outputs()["host_ids"][1] == hosts[1]


def test_what_was_made_by_hand_is_imported(stack: Stack) -> None:
    vpc = stack.emulator.client("ec2").create_vpc(CidrBlock="127.78.0.0/16")["Vpc"]["VpcId"]
    arguments = ("aws:ec2/vpc:Vpc", "by-hand", vpc, "--yes", "--skip-preview", "--protect=false")
    imported = stack.workspace.run("import", *arguments, stdout=subprocess.PIPE)
    assert imported.returncode == 0, imported.stdout
    assert "warning" not in imported.stdout
    assert 'cidr_block="127.78.0.0/16"' in imported.stdout  # the code to copy
    assert stack.preview().steps == [("delete", "by-hand")]  # as the program does not have it yet
    (resource,) = [r for r in stack.workspace.resources() if r.get("id") == vpc]
    stack.workspace.run("state", "delete", resource["urn"], "--yes", stdout=subprocess.PIPE)


def test_images_are_kept_until_the_user_lets_go_of_them(stack: Stack) -> None:
    stack.up({"prometheus.deleteImagesOnDestroy": False})
    before = inventory(stack.emulator)
    refused = stack.run("destroy", "--yes")  # as a user does: with its preview
    assert refused.code != 0
    assert "prometheus-images" in refused.problems
    assert "protected" in refused.problems
    assert inventory(stack.emulator) == before


def test_no_secret_is_in_the_state_or_said(stack: Stack, first_key: str) -> None:
    token = stack.emulator.client("ecr").get_authorization_token()["authorizationData"][0]
    _, password = base64.b64decode(token["authorizationToken"]).decode().split(":")
    key = json.loads(_secret(stack))["secret_access_key"]
    files = [file for file in stack.workspace.path.rglob("*") if _is_ours(file, stack)]
    assert stack.workspace.state_file in files
    written = b"\n".join(file.read_bytes() for file in files).decode(errors="replace")
    for text in (written, "\n".join(stack.said)):
        assert "prometheus-discovery-key-" in text
        for secret in (first_key, key, password, stack.emulator.secret_access_key):
            assert secret not in text
            assert base64.b64encode(secret.encode()).decode() not in text


def _subnets(stack: Stack) -> list[dict[str, Any]]:
    return [r for r in stack.workspace.resources() if r["type"] == "aws:ec2/subnet:Subnet"]


def _acls(stack: Stack) -> dict[str, dict[str, Any]]:
    """Each of the stack's subnets -> its network ACL."""
    ours = {resource["id"] for resource in _subnets(stack)}
    return {
        association["SubnetId"]: acl
        for acl in stack.emulator.client("ec2").describe_network_acls()["NetworkAcls"]
        for association in acl["Associations"]
        if association["SubnetId"] in ours
    }


def _is_ours(file: Path, stack: Stack) -> bool:
    program = stack.workspace.project / "program"
    return file.is_file() and not file.is_relative_to(program)


def _tags(stack: Stack) -> list[str]:
    (repository,) = inventory(stack.emulator)["repository"]
    found = stack.emulator.client("ecr").describe_images(repositoryName=repository)
    return [tag for image in found["imageDetails"] for tag in image["imageTags"]]


def _secret(stack: Stack) -> str:
    (name,) = inventory(stack.emulator)["secret"]
    value = stack.emulator.client("secretsmanager").get_secret_value(SecretId=name)
    text: str = value["SecretString"]
    return text
