"""The project's program under the engine: what users live with."""

from __future__ import annotations

import base64
import contextvars
import json
from typing import TYPE_CHECKING, NoReturn

import pytest
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

from components.containers.image import content_tag
from sandbox.deploy import ROOT, DeployError, deploy
from sandbox.engine.deployment import Deployment, Registered
from sandbox.engine.errors import EngineError
from sandbox.engine.steps import Goal, Op
from sandbox.engine.values import UNKNOWN, has_unknown
from sandbox.resources import Account
from tests.engine.real_stack import RealStack, changes, copy_project, real_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))

DECIDED_BY_AWS = {
    "aws:ec2/subnet:Subnet": {"vpcId"},
    "aws:ec2/instance:Instance": {"subnetId", "vpcSecurityGroupIds"},
    "aws:ecs/service:Service": {"cluster", "networkConfiguration", "taskDefinition"},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretId", "secretString"},
}
"""Inputs that come from other resources' outputs, by type."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RealStack]:
    with real_stack(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", STACKS)
def test_a_preview_of_an_empty_stack_makes_nothing_and_knows_nothing_that_aws_decides(
    stack: RealStack, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    goals: list[Goal] = []
    register = Deployment.register

    def note(deployment: Deployment, goal: Goal) -> Registered:
        goals.append(goal)
        return register(deployment, goal)

    monkeypatch.setattr(Deployment, "register", note)
    before = stack.inventory()
    result = stack.engine(name).preview()
    assert set(result.counts) == {Op.CREATE}
    computed = {
        *("vpc_id", "service_name", "host_ids", "credentials_secret_arn"),
        "exporter_security_group_id",
    }
    assert {key for key, value in result.outputs.items() if has_unknown(value)} == computed
    assert result.outputs["vpc_id"] == UNKNOWN
    for type_, inputs in DECIDED_BY_AWS.items():
        given = [goal.inputs for goal in goals if goal.type == type_]
        assert given
        for properties in given:
            assert {key for key in properties if has_unknown(properties[key])} == inputs, type_
    assert stack.inventory() == before
    assert not stack.engine(name).state.path.exists()


def test_a_preview_promises_what_up_does_and_nothing_changes_after_it(stack: RealStack) -> None:
    promised = stack.engine().preview()
    made = stack.engine().up()
    assert set(changes(promised)) == set(changes(made))
    assert not has_unknown(dict(made.outputs))
    for run in (stack.engine().up, stack.engine().preview, stack.engine().refresh):
        assert changes(run()) == []


def test_one_host_more_or_less_touches_no_other(stack: RealStack) -> None:
    stack.engine(hostCount="2").up()
    before = stack.inventory()["instance"]
    result = stack.engine(hostCount="3").up()
    assert changes(result) == [("create", "exporter-2"), ("create", "exporter-2-arm64")]
    after = stack.inventory()["instance"]
    assert before < after
    assert len(after) == 3
    result = stack.engine(hostCount="2").up()
    assert changes(result) == [("delete", "exporter-2-arm64"), ("delete", "exporter-2")]
    assert stack.inventory()["instance"] == before


def test_a_new_prometheus_replaces_the_task_and_updates_the_service(stack: RealStack) -> None:
    stack.project = copy_project(stack.directory)
    stack.engine().up()
    file = stack.project / "versions.json"
    versions = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**versions, "prometheus": "3.99.0"}), encoding="utf-8")
    promised = stack.engine().preview()
    tag, new_tag = (
        content_tag(ROOT / "docker" / "prometheus", version, "ARM64")
        for version in (versions["prometheus"], "3.99.0")
    )
    assert changes(promised) == [
        ("create", f"prometheus-image-push-{new_tag}"),
        ("create", f"prometheus-image-{new_tag}"),
        ("replace", "prometheus-task"),
        ("update", "prometheus-service"),
        ("delete-replaced", "prometheus-task"),
        ("delete", f"prometheus-image-{tag}"),
        ("delete", f"prometheus-image-push-{tag}"),
    ]
    assert changes(stack.engine().up()) == changes(promised)
    assert len(_tags(stack)) == 2  # the old image is there for a rollback


def test_a_rollback_to_an_earlier_version_pushes_under_a_new_tag(stack: RealStack) -> None:
    """ECR refuses a tag that is there, even for the same image; the emulator does as well."""
    stack.project = copy_project(stack.directory)
    file = stack.project / "versions.json"
    versions = json.loads(file.read_text(encoding="utf-8"))
    for version in (versions["prometheus"], "3.99.0", versions["prometheus"]):
        file.write_text(json.dumps({**versions, "prometheus": version}), encoding="utf-8")
        stack.engine().up()
    assert len(set(_tags(stack))) == 3


def test_an_added_zone_adds_subnets_and_moves_none(stack: RealStack) -> None:
    stack.engine(zoneCount="2").up()
    before = stack.inventory()
    result = stack.engine(zoneCount="3").up()
    assert sorted(changes(result)) == [
        ("create", "monitoring-private-2"),
        ("create", "monitoring-private-2-routes"),
        ("create", "monitoring-private-2-routes-0"),
        ("create", "monitoring-public-2"),
        ("create", "monitoring-public-routes-2"),
        ("update", "monitoring-acl"),
        ("update", "monitoring-s3"),
        ("update", "prometheus-service"),
    ]
    after = stack.inventory()
    assert len(after["subnet"] - before["subnet"]) == 2
    assert before["subnet"] < after["subnet"]
    assert before["instance"] == after["instance"]


def test_a_rotation_makes_the_new_key_before_the_old_one_goes(stack: RealStack) -> None:
    stack.engine().up()
    (user,) = stack.inventory()["user"]
    result = stack.engine(accessKeyRotation="2").up()
    assert changes(result) == [
        ("create", "prometheus-discovery-key-2"),
        ("replace", "prometheus-discovery-secret-version"),
        ("replace", "prometheus-task"),
        ("update", "prometheus-service"),
        ("delete-replaced", "prometheus-task"),
        ("delete-replaced", "prometheus-discovery-secret-version"),
        ("delete", "prometheus-discovery-key-1"),
    ]
    keys = stack.emulator.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    (key,) = (key["AccessKeyId"] for key in keys)
    assert json.loads(_secret(stack))["access_key_id"] == key


def test_destroy_leaves_nothing(stack: RealStack) -> None:
    before = stack.inventory()
    stack.engine(natStrategy="per-az", flowLogs="true", sshCidrs='["192.0.2.0/24"]').up()
    made = stack.inventory()
    assert all(made[kind] for kind in ("NAT gateway", "flow log", "service", "instance"))
    result = stack.engine().destroy()
    assert set(result.counts) == {Op.DELETE}
    assert stack.inventory() == before


def test_images_are_kept_until_the_user_lets_go_of_them(stack: RealStack) -> None:
    stack.engine(deleteImagesOnDestroy="false").up()
    before = stack.inventory()
    with pytest.raises(EngineError, match=r"prometheus-images.*protected"):
        stack.engine(deleteImagesOnDestroy="false").destroy()
    assert stack.inventory() == before
    stack.engine(deleteImagesOnDestroy="true").up()
    stack.engine().destroy()
    assert stack.inventory()["repository"] == set()


def test_an_up_that_fails_half_way_is_completed_by_the_next(
    stack: RealStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> NoReturn:
        raise LimitExceededException("no more keys for you")

    with monkeypatch.context() as refusing:
        refusing.setattr(IAMBackend, "create_access_key", refuse)
        with pytest.raises(
            EngineError, match=r"prometheus-discovery-key-1.*no more keys"
        ) as caught:
            stack.engine().up()
    assert "Traceback" not in str(caught.value)
    made = stack.inventory()
    assert made["vpc"]
    result = stack.engine().up()
    assert {step.op for step in result.steps} == {Op.SAME, Op.CREATE}
    after = stack.inventory()
    assert all(made[kind] <= after[kind] for kind in made)
    assert changes(stack.engine().up()) == []
    stack.engine().destroy()


def test_no_secret_is_in_the_state_or_said(stack: RealStack) -> None:
    stack.engine().up()
    first_key = json.loads(_secret(stack))["secret_access_key"]
    first_state = stack.state_text
    stack.engine(accessKeyRotation="2").up()
    token = stack.emulator.client("ecr").get_authorization_token()["authorizationData"][0]
    _, password = base64.b64decode(token["authorizationToken"]).decode().split(":")
    key = json.loads(_secret(stack))["secret_access_key"]
    logs = [file.read_text(encoding="utf-8") for file in (stack.directory / "state").glob("*.log")]
    assert len(logs) == 2  # the program's and the plugin's
    for text in (first_state, stack.state_text, "\n".join(stack.said), *logs):
        for secret in (first_key, key, password, stack.emulator.secret_access_key):
            assert secret not in text
            assert base64.b64encode(secret.encode()).decode() not in text


def test_what_is_wrong_with_the_configuration_reads_as_in_process(stack: RealStack) -> None:
    bad = {"hostCount": "-1", "zoneCount": "nine", "adminCidrs": '["0.0.0.0/0"]', "hostcount": "2"}
    with pytest.raises(EngineError) as by_engine:
        stack.engine(**bad).preview()
    config = stack.config(**bad)
    account = Account(stack.emulator)
    with pytest.raises(DeployError) as in_process:
        contextvars.copy_context().run(deploy, account, "dev", config, lambda _count: None)
    assert str(by_engine.value) == str(in_process.value)
    assert "hostCount" in str(by_engine.value)


def _tags(stack: RealStack) -> list[str]:
    (repository,) = stack.inventory()["repository"]
    found = stack.emulator.client("ecr").describe_images(repositoryName=repository)
    return [tag for image in found["imageDetails"] for tag in image["imageTags"]]


def _secret(stack: RealStack) -> str:
    (name,) = stack.inventory()["secret"]
    value = stack.emulator.client("secretsmanager").get_secret_value(SecretId=name)
    text: str = value["SecretString"]
    return text
