"""What holds for every component: names, parents, outputs, previews, bad arguments."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.checks import ArgumentError
from mocks.recording import Deployment, Registered, deploy, is_secret, refuse
from tests.components.examples import EXAMPLES, Example

each = pytest.mark.parametrize("name", EXAMPLES)
fewest_and_all = pytest.mark.parametrize("arguments", ["fewest", "all"])
preview_and_update = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])

PHYSICAL = {
    *("name", "namePrefix", "bucket", "bucketPrefix", "identifier", "userName", "roleName"),
    *("family", "clusterName", "repositoryName", "logGroupName", "groupName"),
}
"""Inputs that name a resource in AWS."""

DEMANDED = {("aws:ecs/taskDefinition:TaskDefinition", "family")}
"""Names that AWS demands."""


def make(example: Example, args: Mapping[str, Any], *, preview: bool = False) -> Deployment:
    return deploy(lambda: example.component("thing", args), preview=preview)


def component(deployment: Deployment, name: str = "thing") -> Registered:
    (found,) = [r for r in deployment.resources if r.name == name and not r.options.custom]
    return found


def children(deployment: Deployment, name: str = "thing") -> list[Registered]:
    return [r for r in deployment.resources if r.parent == name]


@each
@fewest_and_all
@preview_and_update
def test_every_child_is_a_child_and_begins_with_the_components_name(
    name: str, arguments: str, *, preview: bool
) -> None:
    example = EXAMPLES[name]
    deployment = make(example, getattr(example, arguments), preview=preview)
    assert component(deployment).type == f"prometheus-aws:index:{name}"
    below = [r for r in deployment.resources if r.name != "thing"]
    assert below
    urn = component(deployment).urn
    assert not [r.name for r in below if r.options.parent.split("::")[-1] != urn.split("::")[-1]]
    assert not [r.name for r in below if not r.name.startswith("thing-")]


@each
@fewest_and_all
def test_nothing_has_a_physical_name(name: str, arguments: str) -> None:
    deployment = make(EXAMPLES[name], getattr(EXAMPLES[name], arguments))
    named = {(r.type, key) for r in deployment.resources for key in PHYSICAL & r.inputs.keys()}
    assert named <= DEMANDED


@each
@fewest_and_all
def test_two_of_a_kind_live_side_by_side(name: str, arguments: str) -> None:
    """The recording refuses a resource that is registered twice."""
    example = EXAMPLES[name]
    args = getattr(example, arguments)

    def program() -> None:
        example.component("one", args)
        example.component("two", args)

    deployment = deploy(program)
    one = [r.name.removeprefix("one-") for r in children(deployment, "one")]
    two = [r.name.removeprefix("two-") for r in children(deployment, "two")]
    assert one
    assert sorted(one) == sorted(two)
    families = [r.inputs["family"] for r in deployment.of_type(":TaskDefinition")]
    assert len(set(families)) == len(families)


@each
@fewest_and_all
def test_every_declared_output_is_there_and_registered(name: str, arguments: str) -> None:
    example = EXAMPLES[name]
    made: list[pulumi.ComponentResource] = []
    deployment = deploy(
        lambda: made.append(example.component("thing", getattr(example, arguments)))
    )
    declared = {key for key in inspect.get_annotations(type(made[0])) if not key.startswith("_")}
    assert declared
    registered = deployment.outputs[component(deployment).urn]
    assert registered.keys() == declared
    assert not [key for key, value in registered.items() if value is None or is_secret(value)]
    assert not [key for key in declared if not isinstance(getattr(made[0], key), pulumi.Output)]


@each
@fewest_and_all
def test_a_preview_registers_what_an_update_does(name: str, arguments: str) -> None:
    example = EXAMPLES[name]
    args = getattr(example, arguments)
    in_preview = make(example, args, preview=True)
    assert in_preview.children("thing") == make(example, args).children("thing")


@each
def test_wired_arguments_may_be_unknown(name: str) -> None:
    """In a preview of a new stack, what other resources are yet to give is unknown."""
    example = EXAMPLES[name]
    hints = inspect.signature(example.component).parameters["args"].annotation.__annotations__
    wired = [key for key, hint in hints.items() if "Input" in str(hint) or "Output" in str(hint)]

    def program() -> None:
        vpc = aws.ec2.Vpc("elsewhere", cidr_block="10.0.0.0/16")
        args = dict(example.all)
        for key in wired:
            args[key] = [vpc.id] if isinstance(args[key], list) else vpc.id
        example.component("thing", args)

    deployment = deploy(program, preview=True)
    assert deployment.children("thing") == make(example, example.all).children("thing")
    if wired:
        assert [r for r in children(deployment) if "elsewhere" in deployment.needs(r.name)]


@each
@pytest.mark.parametrize("how", ["provider", "providers", "parent"])
def test_everything_goes_through_the_callers_provider(name: str, how: str) -> None:
    """Children and data sources: of another region, perhaps."""
    example = EXAMPLES[name]

    def program() -> None:
        provider = aws.Provider("abroad", region="eu-west-1")
        opts = {
            "provider": pulumi.ResourceOptions(provider=provider),
            "providers": pulumi.ResourceOptions(providers=[provider]),
            "parent": pulumi.ResourceOptions(
                parent=pulumi.ComponentResource(
                    "test:index:Parent",
                    "parent",
                    None,
                    pulumi.ResourceOptions(providers=[provider]),
                )
            ),
        }[how]
        example.component("thing", example.all, opts)

    deployment = deploy(program)
    used = {r.name: r.options.provider for r in children(deployment) if r.type.startswith("aws:")}
    assert used
    assert not [name for name, provider in used.items() if "::abroad::" not in provider]
    asked = {call.token: call.provider for call in deployment.calls}
    assert not [token for token, provider in asked.items() if "::abroad::" not in (provider or "")]


@each
def test_security_groups_and_rules_are_described_in_characters_that_aws_accepts(name: str) -> None:
    # Source: the EC2 API reference of CreateSecurityGroup and IpRange.
    legal = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
    deployment = make(EXAMPLES[name], EXAMPLES[name].all)
    rules = [r for r in children(deployment) if "securityGroup" in r.type]
    assert not [r.name for r in rules if not legal.fullmatch(r.inputs["description"])]
    assert bool(rules) is (name in ("PrometheusService", "ExporterGroup"))


@each
def test_no_output_is_formatted_as_a_python_object(name: str) -> None:
    deployment = make(EXAMPLES[name], EXAMPLES[name].all)
    text = json.dumps([r.inputs for r in deployment.resources])
    assert "Calling __str__ on an Output" not in text
    assert "object at 0x" not in text


# --- bad arguments ---

# Component, arguments in place of the legal ones, the problems.
BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "MonitoringNetwork",
        {"vpc_cidr": "10.42.0.1/16"},
        [
            (
                "vpc_cidr is '10.42.0.1/16': it has host bits set; expected the network's address:"
                " 10.42.0.0/16"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"vpc_cidr": "127.42.0.0/16"},
        [
            (
                "vpc_cidr is '127.42.0.0/16': expected a private range, inside one of 10.0.0.0/8,"
                " 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"zone_count": 4},
        [
            (
                "zone_count is 4: the region has 3 availability zones (eu-central-1a,"
                " eu-central-1b, eu-central-1c); expected at most 3"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"vpc_cidr": "10.0.0.0/27"},
        [
            (
                "zone_count is 2: the VPC 10.0.0.0/27 has room for 1 zones of 2 subnets; expected"
                " at most 1 zones, or a VPC of /26 or larger"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"nat_strategy": "double", "log_retention_days": 2, "zone_count": 0},
        [
            "zone_count is 0: expected a whole number from 1 to 8",
            "nat_strategy is 'double': expected one of none, single, per-az",
            (
                "log_retention_days is 2: expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150,"
                " 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"
            ),
        ],
    ),
    (
        "PrometheusService",
        {"image_context": "no-such-folder", "prometheus_version": "v3"},
        [
            "prometheus_version is 'v3': expected a version such as 3.15.0, without a leading v",
            "image_context is 'no-such-folder': expected a folder that holds a Dockerfile",
        ],
    ),
    (
        "PrometheusService",
        {"task_cpu": 1024},
        [
            (
                "task_memory is 512: with 1024 CPU units, Fargate offers 2048, 3072, 4096, 5120,"
                " 6144, 7168, 8192 (MiB of memory)"
            )
        ],
    ),
    (
        "PrometheusService",
        {"task_cpu": 300},
        ["task_cpu is 300: expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"],
    ),
    (
        "PrometheusService",
        {"prometheus_port": 80, "retention": "forever", "credentials": "root", "storage_gib": 20},
        [
            "prometheus_port is 80: expected a whole number from 1024 to 65535",
            (
                "retention is 'forever': expected a duration as Prometheus writes it, such as 15s,"
                " 1h30m or 15d (units y, w, d, h, m, s, ms)"
            ),
            "storage_gib is 20: expected a whole number from 21 to 200 GiB",
            "credentials is 'root': expected one of iam-user, task-role",
        ],
    ),
    (
        "PrometheusService",
        {"admin_cidrs": ["0.0.0.0/0"]},
        [
            (
                "admin_cidrs is ['0.0.0.0/0']: '0.0.0.0/0' is open to the world. Name the networks"
                " that people come from, such as '203.0.113.7/32' for one address; where nobody can"
                " be named, leave the list empty and go through a VPN or AWS Systems Manager"
            )
        ],
    ),
    (
        "ExporterGroup",
        {"user_data_script": "no-such-file", "node_exporter_version": "latest"},
        [
            (
                "node_exporter_version is 'latest': expected a version such as 3.15.0, without a"
                " leading v"
            ),
            "user_data_script is 'no-such-file': expected the path of a file",
        ],
    ),
    (
        "ExporterGroup",
        {"instance_type": "mac2.metal", "node_exporter_port": 70000},
        [
            "node_exporter_port is 70000: expected a whole number from 1024 to 65535",
            (
                "instance_type is 'mac2.metal': its architecture is unknown; expected an EC2"
                " instance type such as t4g.nano (arm64) or t3.micro (x86_64)"
            ),
        ],
    ),
    (
        "ExporterNode",
        {"root_volume_gib": 1, "discovery_tag_key": "aws:x", "environment": "a b"},
        [
            "root_volume_gib is 1: expected a whole number from 8 to 16384 GiB",
            (
                "discovery_tag_key is 'aws:x': expected 1 to 128 letters, digits, spaces or"
                " . : / = + - @ _, not starting with aws:"
            ),
            "environment is 'a b': expected a letter, then up to 31 letters, digits, '-' or '_'",
        ],
    ),
]


@pytest.mark.parametrize(
    ("name", "bad", "problems"), BAD, ids=[f"{name}-{'-'.join(bad)}" for name, bad, _ in BAD]
)
def test_bad_arguments_register_nothing(
    name: str, bad: dict[str, Any], problems: list[str]
) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {**example.fewest, **bad}))
    assert isinstance(error, ArgumentError)
    lines = "".join(f"\n  - {problem}" for problem in problems)
    assert str(error) == f"{name} 'thing' cannot be made:{lines}"


@each
def test_a_misspelt_argument_registers_nothing(name: str) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {**example.fewest, "vpcid": 1}))
    assert "\n  - vpcid is unknown: expected one of " in str(error)


@each
def test_every_required_argument_is_missed(name: str) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {}))
    missing = "".join(f"\n  - {key} is missing" for key in sorted(example.fewest))
    assert str(error) == f"{name} 'thing' cannot be made:{missing}"


CHECKED = [
    ("MonitoringNetwork", "vpc_cidr"),
    ("MonitoringNetwork", "zone_count"),
    ("MonitoringNetwork", "nat_strategy"),
    ("MonitoringNetwork", "ssh_cidrs"),
    ("PrometheusService", "environment"),
    ("PrometheusService", "image_context"),
    ("PrometheusService", "admin_cidrs"),
    ("PrometheusService", "retention"),
    ("PrometheusService", "discovery_tag_key"),
    ("PrometheusService", "task_cpu"),
    ("ExporterGroup", "user_data_script"),
    ("ExporterGroup", "instance_type"),
    ("ExporterNode", "instance_type"),
    ("ExporterNode", "discovery_tag_value"),
]


@pytest.mark.parametrize("value", [5, None, [None]], ids=str)
@pytest.mark.parametrize(("name", "argument"), CHECKED)
def test_a_value_of_the_wrong_type_is_an_argument_error(
    name: str, argument: str, value: object
) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {**example.fewest, argument: value}))
    assert f"\n  - {argument} is {value!r}: " in str(error)


@pytest.mark.parametrize("key", ["Name", "role", "environment"])
def test_the_discovery_tag_is_none_of_the_hosts_own(key: str) -> None:
    """One of the two would be lost: the host would not be found, or all had the same name."""
    example = EXAMPLES["ExporterNode"]
    error = refuse(lambda: example.component("thing", {**example.all, "discovery_tag_key": key}))
    assert f"\n  - discovery_tag_key is {key!r}: " in str(error)


@each
def test_every_optional_argument_has_another_value_in_the_example(name: str) -> None:
    """So that `all` is all."""
    shape = inspect.signature(EXAMPLES[name].component).parameters["args"].annotation
    assert EXAMPLES[name].fewest.keys() == shape.__required_keys__
    assert EXAMPLES[name].others.keys() == shape.__optional_keys__
