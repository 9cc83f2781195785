"""A stack from its first preview to its end, by Pulumi's own engine."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import yaml
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend
from pulumi.runtime.rpc import UNKNOWN

from sandbox.configuration import ROOT, handed_over
from sandbox.deploy import DeployError, deploy
from sandbox.resources import Account
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.emulator import Emulator

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))

EVERYTHING = {
    "network.natStrategy": "per-az",
    "network.flowLogs": True,
    "network.networkAcl": True,
    "network.networkAclEgress": ["udp 123 0.0.0.0/0"],
    "hosts.sshCidrs": ["192.0.2.0/24"],
}

DECIDED_BY_AWS = {
    "aws:ec2/subnet:Subnet": {"vpcId"},
    "aws:ec2/instance:Instance": {"subnetId", "vpcSecurityGroupIds"},
    "aws:ecs/service:Service": {"cluster", "networkConfiguration", "taskDefinition"},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretId"},  # the rest is `[secret]`
}
"""Inputs that come from other resources' outputs, by type."""

OF_SOME_STACKS = {"serviceRegistries", "capacityProviderStrategies"}
"""Such inputs where there are servers that find each other by name, or have a host."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with new_emulator() as made:
        yield made


@pytest.fixture(params=["dev"])
def stack(emulator: Emulator, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    with new_stack(emulator, tmp_path, request.param) as made:
        yield made


@pytest.mark.parametrize("stack", STACKS, indirect=True)
def test_a_preview_of_an_empty_stack_makes_nothing_and_knows_nothing_that_aws_decides(
    stack: Stack,
) -> None:
    before = inventory(stack.emulator)
    run = stack.preview()
    assert {operation for operation, _ in run.steps} == {"create"}
    planned = [event["resourcePreEvent"]["metadata"] for event in run.events if _is_planned(event)]
    for type_, inputs in DECIDED_BY_AWS.items():
        given = [resource["new"]["inputs"] for resource in planned if resource["type"] == type_]
        hosts = stack.workspace.stack_file.read_text(encoding="utf-8")
        assert given or (type_.endswith(":Instance") and "count: 0" in hosts)
        for properties in given:
            unknown = {key for key, value in properties.items() if UNKNOWN in str(value)}
            # Daemons are in the network of their hosts.
            daemon = properties.get("schedulingStrategy") == "DAEMON"
            known = {"networkConfiguration"} if daemon else set()
            assert unknown - OF_SOME_STACKS == inputs - known, type_
    assert inventory(stack.emulator) == before
    assert stack.workspace.resources() == []


def test_an_up_that_fails_half_way_is_completed_by_the_next_and_destroy_leaves_nothing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> NoReturn:
        raise LimitExceededException("no more keys for you")

    before = inventory(stack.emulator)
    with monkeypatch.context() as refusing:
        refusing.setattr(IAMBackend, "create_access_key", refuse)
        failed = stack.run("up", "--yes", "--skip-preview", changes=EVERYTHING)
    assert failed.code != 0
    assert "prometheus-discovery-key-1" in failed.problems
    assert "no more keys" in failed.problems
    assert "Traceback" not in failed.problems
    made = inventory(stack.emulator)
    assert made["vpc"] - before["vpc"]

    completed = stack.up()
    assert {operation for operation, _ in completed.steps} == {"create"}
    after = inventory(stack.emulator)
    assert all(made[kind] <= after[kind] for kind in made)
    assert all(after[kind] for kind in ("NAT gateway", "flow log", "service", "instance"))
    assert stack.preview().steps == []

    destroyed = stack.destroy()
    assert {operation for operation, _ in destroyed.steps} == {"delete"}
    assert inventory(stack.emulator) == before


@pytest.mark.parametrize("stack", ["prod"], indirect=True)
def test_the_full_stack_is_made_stays_as_it_is_and_goes(stack: Stack) -> None:
    """But for images and volumes, which it protects."""
    before = inventory(stack.emulator)
    servers = ("prometheus", "alertmanager", "grafana")
    images = {f"{server}.deleteImagesOnDestroy": True for server in servers}
    stack.up({**images, "storage.deleteVolumesOnDestroy": True})
    made = inventory(stack.emulator)
    for kind in ("NAT gateway", "flow log", "key", "topic", "subscription", "rule", "alarm"):
        assert made[kind] - before[kind], kind
    again = stack.preview("--refresh")
    assert again.refreshed == again.steps == []
    stack.destroy()
    assert inventory(stack.emulator) == before


def test_what_is_wrong_with_the_configuration_reads_as_in_process(stack: Stack) -> None:
    bad = {"hosts.count": -1, "hosts.cuont": 2, "prometheus.adminCidrs": ["0.0.0.0/0"]}
    by_pulumi = stack.run("preview", changes=bad)
    assert by_pulumi.code != 0
    file = yaml.safe_load(stack.workspace.stack_file.read_text(encoding="utf-8"))
    text = handed_over(file["config"])
    with pytest.raises(DeployError) as in_process:
        contextvars.copy_context().run(
            deploy, Account(stack.emulator), "dev", text, lambda _count: None
        )
    assert str(in_process.value) in by_pulumi.problems
    assert "3 problem(s)" in str(in_process.value)
    assert "prometheus-aws:hosts.count is -1" in str(in_process.value)
    assert "Traceback" not in by_pulumi.problems


def _is_planned(event: dict[str, Any]) -> bool:
    return event.get("resourcePreEvent", {}).get("metadata", {}).get("new") is not None
