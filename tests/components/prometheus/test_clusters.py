"""components.prometheus.clusters: what Prometheus discovers in ECS clusters."""

import json
from typing import Any, cast

import pulumi
import pytest

from components.arguments import ArgumentError, declared, examine
from components.prometheus import PrometheusServiceArgs
from components.prometheus.clusters import (
    cluster_variables,
    may_describe_clusters,
    may_describe_interfaces,
    may_read_tasks,
)
from components.prometheus.discovery import may_discover
from mocks.recording import REGION, Deployment, deploy
from tests.components.examples import SERVICE
from tests.components.services import container, document

ACCOUNT = "arn:aws:ecs:eu-central-1:123456789012:cluster"
SHOP, OFFICE = f"{ACCOUNT}/shop", f"{ACCOUNT}/office"


def resolved(**args: Any) -> PrometheusServiceArgs:  # noqa: ANN401 - any argument
    """Return all arguments, as far as they can be checked without AWS."""
    values, problems = examine(declared(PrometheusServiceArgs), {**SERVICE.fewest, **args})
    if problems:
        raise ArgumentError("PrometheusService", "prom", problems)
    return cast("PrometheusServiceArgs", values)


def variables(deployment: Deployment) -> dict[str, str]:
    return {it["name"]: it["value"] for it in container(deployment)["environment"]}


def test_without_clusters_there_is_nothing_of_it(prometheus: Deployment) -> None:
    assert cluster_variables(resolved()) == {}
    names = variables(prometheus)
    assert not [name for name in names if "CLUSTER" in name or "CADVISOR" in name or "_MAP" in name]
    assert document(prometheus, "prom-discovery-user-policy")["Statement"] == [may_discover(REGION)]


def test_lists_become_words_in_an_order_of_their_own() -> None:
    args = resolved(
        cluster_arns=[SHOP, OFFICE],
        cluster_hosts={"shop": "hosts-of-shop", "office": "hosts-of-office"},
        expected_tasks={"web": 3, "mail": 1.0},
        cadvisor_port=9102,
    )
    assert cluster_variables(args) == {
        "ECS_CLUSTER_MAP": f"office={OFFICE} shop={SHOP}",
        "CLUSTER_HOSTS_MAP": "office=hosts-of-office shop=hosts-of-shop",
        "EXPECTED_TASKS_MAP": "mail=1 web=3",
        "CADVISOR_PORT": "9102",
    }


def test_clusters_may_be_outputs() -> None:
    def program() -> None:
        args = {
            **SERVICE.fewest,
            "cluster_arns": [pulumi.Output.from_input(SHOP)],
            "cluster_hosts": {"shop": pulumi.Output.from_input("hosts-of-shop")},
        }
        SERVICE.component("prom", args)

    found = variables(deploy(program))
    assert found["ECS_CLUSTER_MAP"] == f"shop={SHOP}"
    assert found["CLUSTER_HOSTS_MAP"] == "shop=hosts-of-shop"


def test_what_discovery_of_tasks_needs() -> None:
    assert may_read_tasks([SHOP, OFFICE]) == {
        "Effect": "Allow",
        "Action": [
            "ecs:ListServices",
            "ecs:DescribeServices",
            "ecs:ListTasks",
            "ecs:DescribeTasks",
            "ecs:DescribeContainerInstances",
        ],
        "Resource": "*",
        "Condition": {"ArnLike": {"ecs:cluster": [OFFICE, SHOP]}},
    }
    assert may_describe_clusters([SHOP, OFFICE]) == {
        "Effect": "Allow",
        "Action": ["ecs:DescribeClusters"],
        "Resource": [OFFICE, SHOP, f"{ACCOUNT}/default"],
    }
    assert may_describe_interfaces("eu-central-1") == {
        "Effect": "Allow",
        "Action": ["ec2:DescribeNetworkInterfaces"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
    }


def test_a_users_policy_is_never_too_long() -> None:
    """2,048 characters without blanks."""
    for number, length in ((1, 255), (6, 50), (7, 30), (8, 30), (300, 1)):
        arns = [
            f"arn:aws:ecs:us-east-1:123456789012:cluster/{it:0{length}d}" for it in range(number)
        ]
        statements = [
            may_discover("us-east-1"),
            may_describe_interfaces("us-east-1"),
            may_describe_clusters(arns),
            may_read_tasks(arns),
        ]
        assert len(json.dumps(statements, separators=(",", ":"))) < 2_000, number
    assert may_read_tasks(arns)["Condition"]["ArnLike"]["ecs:cluster"] == [
        "arn:aws:ecs:us-east-1:123456789012:cluster/*"
    ]


@pytest.mark.parametrize("credentials", ["iam-user", "task-role"])
def test_user_or_task_role_may_discover_tasks(credentials: str) -> None:
    args = {**SERVICE.fewest, "cluster_arns": [SHOP], "credentials": credentials}
    deployment = deploy(lambda: SERVICE.component("prom", args))
    name = "prom-discovery-user-policy" if credentials == "iam-user" else "prom-task-role-policy"
    assert document(deployment, name)["Statement"] == [
        may_discover(REGION),
        may_describe_interfaces(REGION),
        may_describe_clusters([SHOP]),
        may_read_tasks([SHOP]),
    ]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"cluster_arns": ["shop"]}, "'shop': expected the ARN of an ECS cluster, such as"),
        ({"cluster_arns": [SHOP, SHOP]}, "two clusters have the same name"),
        ({"cluster_arns": SHOP}, "expected a list of strings: put it in brackets"),
        ({"cluster_hosts": {"a b": "x"}}, "'a b': expected the name of an ECS cluster"),
        ({"cluster_hosts": {"a": "x y"}}, "a: 'x y': expected the name of an auto-scaling group"),
        ({"cluster_hosts": {"a": 1}}, "expected keys, each with a string"),
        ({"cluster_hosts": ["a"]}, "expected keys, each with a string"),
        ({"cluster_arns": [SHOP], "expected_tasks": {"a b": 1}}, "'a b': expected a job, of"),
        ({"cluster_arns": [SHOP], "expected_tasks": {"a": 0}}, "a: expected a whole number from 1"),
        ({"cluster_arns": [SHOP], "expected_tasks": {"a": 10_001}}, "a: expected a whole number"),
        (
            {"cluster_arns": [SHOP], "expected_tasks": {"a": "1"}},
            "expected keys, each with a whole",
        ),
        ({"expected_tasks": {"a": 1}}, "no tasks are discovered without cluster_arns"),
        ({"cluster_hosts": {"a": "b"}, "cadvisor_port": 9100}, "expected two ports of a host"),
    ],
)
def test_what_is_refused(args: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as error:
        resolved(**args)
    assert said in str(error.value)


def test_without_such_hosts_node_exporter_may_have_any_port() -> None:
    assert resolved(node_exporter_port=9101)["cadvisor_port"] == 9101
