"""Grafana in the emulated AWS: all that is around it, and what a machine without it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox import secret_references
from tests.sandbox.command import Account, Deployed, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with Deployed.up(
        *("--hosts", "1", "--runtime", "process", "--config", "grafana={}")
    ) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> Account:
    return Account(deployed)


def test_a_machine_without_it_says_so_and_all_else_is_up(
    deployed: Deployed, account: Account
) -> None:
    reason = "Grafana is not run here: its image cannot be had"
    assert account.status["phase"] == "up"
    assert account.status["not_run"] == [reason]
    assert account.status["problems"] == []
    assert {target["health"] for target in account.status["targets"]} == {"up"}
    shown = run("status", "--name", deployed.name)
    assert reason in shown.stdout.splitlines()


def test_its_task_would_get_the_password_that_the_output_leads_to(account: Account) -> None:
    manager = account.client("secretsmanager")
    arn = account.outputs["grafana_admin_password_secret_arn"]
    password = manager.get_secret_value(SecretId=arn)["SecretString"]
    assert len(password) == 32
    assert password.isalnum()
    ecs = account.client("ecs")
    (family,) = [
        name for name in ecs.list_task_definition_families()["families"] if "grafana" in name
    ]
    definition = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    (secret,) = container["secrets"]
    reference = secret_references.SecretReference.parse(secret["valueFrom"])
    assert manager.get_secret_value(**reference.request)["SecretString"] == password
    assert secret["name"] == "GF_SECURITY_ADMIN_PASSWORD"
    assert password not in json.dumps([definition, account.outputs])


def test_it_may_connect_to_prometheus_which_nobody_else_may(account: Account) -> None:
    ec2 = account.client("ec2")
    groups = {
        it["GroupId"]: next(tag["Value"] for tag in it["Tags"] if tag["Key"] == "Name")
        for it in ec2.describe_security_groups()["SecurityGroups"]
        if any(tag["Key"] == "Name" for tag in it.get("Tags", []))
    }
    port = int(account.url.rsplit(":", 1)[1])
    rules = {
        (
            groups[rule["GroupId"]],
            rule["IsEgress"],
            groups[rule["ReferencedGroupInfo"]["GroupId"]],
        )
        for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]
        if rule["FromPort"] == port
    }
    assert rules == {("prometheus", False, "grafana"), ("grafana", True, "prometheus")}


def test_prometheus_has_a_name_in_the_vpc(account: Account) -> None:
    discovery = account.client("servicediscovery")
    assert [it["Name"] for it in discovery.list_namespaces()["Namespaces"]] == [
        "monitoring.internal"
    ]
    assert [it["Name"] for it in discovery.list_services()["Services"]] == ["prometheus"]
