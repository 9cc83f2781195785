"""The ECS clusters whose tasks and hosts Prometheus discovers."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NotRequired, TypedDict

import pulumi

from components import policies
from components.arguments import Knob, Rule
from components.ecs_clusters import clusters_exist
from components.exporters.discovery import CadvisorPort
from components.values import is_output

MAX_NAMED_CHARACTERS = 600
"""Of the ARNs of clusters that a policy names, 70 for most; with more, it allows all clusters of
the account and region. A user's policies have 2,048, twice these and 700 others among them. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

MAX_TASKS = 10_000

_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d{12}:cluster/[\w-]{1,255}", re.ASCII)
_CLUSTER = re.compile(r"[\w-]{1,255}", re.ASCII)
_GROUP = re.compile(r"[\w./:-]{1,255}", re.ASCII)
_JOB = re.compile(r"[\w.-]+", re.ASCII)


def _legal_arns(value: Sequence[pulumi.Input[str]]) -> None:
    """Check that clusters are named by ARN: Prometheus does not survive a name.

    Source: prometheus/prometheus#19449
    """
    for arn in value:
        if isinstance(arn, str) and not _ARN.fullmatch(arn):
            raise ValueError(
                f"{arn!r}: expected the ARN of an ECS cluster, such as"
                " arn:aws:ecs:eu-central-1:123456789012:cluster/shop"
            )
    names = [arn.rpartition("/")[2] for arn in value if isinstance(arn, str)]
    if len(set(names)) < len(names):
        raise ValueError("two clusters have the same name; expected each cluster once")


def _legal_hosts(value: Mapping[str, pulumi.Input[str]]) -> None:
    for cluster, group in value.items():
        if not _CLUSTER.fullmatch(cluster):
            raise ValueError(f"{cluster!r}: expected the name of an ECS cluster")
        if isinstance(group, str) and not _GROUP.fullmatch(group):
            raise ValueError(
                f"{cluster}: {group!r}: expected the name of an auto-scaling group, of letters,"
                " digits and . _ - : /"
            )


def legal_tasks(value: Mapping[str, int]) -> None:
    """Check jobs and how many of their tasks are to run.

    Raises:
        ValueError: with the job and what is expected.
    """
    for job, number in value.items():
        if not _JOB.fullmatch(job):
            raise ValueError(f"{job!r}: expected a job, of letters, digits and . _ -")
        if not 1 <= number <= MAX_TASKS:
            raise ValueError(f"{job}: expected a whole number from 1 to {MAX_TASKS}")


def _with_clusters(value: Mapping[str, int], cluster_arns: Sequence[Any]) -> None:
    if value and not (is_output(cluster_arns) or cluster_arns):
        raise ValueError("no tasks are discovered without cluster_arns; expected both or neither")


def _another_port(value: int, node_exporter_port: int, cluster_hosts: Mapping[str, Any]) -> None:
    # Without such hosts, there is no cAdvisor, and any port may be node_exporter's.
    if value == node_exporter_port and (is_output(cluster_hosts) or cluster_hosts):
        raise ValueError("node_exporter_port is the same; expected two ports of a host")


class ClusterArgs(TypedDict):
    """Arguments of a server that discovers what runs in ECS clusters."""

    cluster_arns: NotRequired[
        Annotated[
            pulumi.Input[Sequence[pulumi.Input[str]]],
            Knob((), _legal_arns),
            Rule(clusters_exist, asks_aws=True),
        ]
    ]
    """ARNs of the ECS clusters of this region whose tasks are scraped, if their service carries the
    tag prometheus-metrics (docs/discovery-of-ecs-tasks.md). Empty: no tasks are looked for."""

    cluster_hosts: NotRequired[
        Annotated[
            pulumi.Input[Mapping[str, pulumi.Input[str]]], Knob(MappingProxyType({}), _legal_hosts)
        ]
    ]
    """Name of an ECS cluster -> name of the auto-scaling group of its hosts, all of which run
    node_exporter and cAdvisor. Empty: there are no such hosts."""

    expected_tasks: NotRequired[
        Annotated[
            Mapping[str, int],
            Knob(MappingProxyType({}), legal_tasks),
            Rule(_with_clusters, ("cluster_arns",), presence=True),
        ]
    ]
    """Job -> the least number of its tasks that are to run: with fewer, an alert fires. Empty:
    there is no such number."""

    cadvisor_port: NotRequired[
        Annotated[
            CadvisorPort,
            Rule(_another_port, ("node_exporter_port", "cluster_hosts"), presence=True),
        ]
    ]
    """Port of cAdvisor on those hosts."""


def cluster_variables(args: ClusterArgs) -> dict[str, pulumi.Input[str]]:
    """Return the variables that say what is discovered, as far as there is something.

    Each is a list of words `KEY=VALUE`, of which the configuration makes a line each.
    """
    found: dict[str, pulumi.Input[str]] = {}
    if args["cluster_arns"]:
        found["ECS_CLUSTER_MAP"] = _known(args["cluster_arns"], _by_name)
    if args["expected_tasks"]:
        found["EXPECTED_TASKS_MAP"] = _words(args["expected_tasks"])
    if args["cluster_hosts"]:
        found["CLUSTER_HOSTS_MAP"] = _known(args["cluster_hosts"], _words)
        found["CADVISOR_PORT"] = str(args["cadvisor_port"])
    return found


def may_read_tasks(cluster_arns: Sequence[str]) -> policies.Statement:
    """What Prometheus's ECS discovery calls for what is in clusters.

    Some of these actions can be limited to no resource, all of them to a cluster. Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    return policies.allow(
        [
            *("ecs:ListServices", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks"),
            "ecs:DescribeContainerInstances",
        ],
        "*",
        {"ArnLike": {"ecs:cluster": _named(cluster_arns)}},
    )


def may_describe_clusters(cluster_arns: Sequence[str]) -> policies.Statement:
    """What it calls for the clusters themselves.

    The first refresh asks for the default cluster, whatever is configured. Source: prometheus,
    discovery/aws/ecs.go (`initEcsClient`).
    """
    default = cluster_arns[0].rpartition("/")[0] + "/default"
    arns = dict.fromkeys([*_named(cluster_arns), default])
    return policies.allow(["ecs:DescribeClusters"], list(arns))


def may_describe_interfaces(region: str) -> policies.Statement:
    """What it calls for tasks' network interfaces, besides `ec2:DescribeInstances`.

    The action cannot be limited to resources. Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    return policies.allow(
        ["ec2:DescribeNetworkInterfaces"],
        "*",
        {"StringEquals": {"aws:RequestedRegion": region}},
    )


def _named(cluster_arns: Sequence[str]) -> list[str]:
    if sum(map(len, cluster_arns)) <= MAX_NAMED_CHARACTERS:
        return sorted(cluster_arns)
    return [cluster_arns[0].rpartition("/")[0] + "/*"]


def _known(value: Any, words: Callable[[Any], str]) -> pulumi.Input[str]:  # noqa: ANN401 - any input
    """Put a value into words, as soon as all of it is known."""
    entries = value.values() if isinstance(value, Mapping) else value
    if is_output(value) or any(map(is_output, entries)):
        return pulumi.Output.from_input(value).apply(words)
    return words(value)


def _by_name(arns: Sequence[str]) -> str:
    return _words({arn.rpartition("/")[2]: arn for arn in arns})


def _words(pairs: Mapping[str, object]) -> str:
    # In an order that does not depend on the program: another one would replace the task.
    return " ".join(f"{key}={value}" for key, value in sorted(pairs.items()))
