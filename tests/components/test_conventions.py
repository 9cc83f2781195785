"""What holds for every component: names, parents, outputs, previews, bad arguments."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pytest

from components.arguments import declared
from mocks.evaluation import is_secret
from mocks.recording import Deployment, Registered, deploy
from tests.components.examples import EXAMPLES, Example

each = pytest.mark.parametrize("name", EXAMPLES)
fewest_and_all = pytest.mark.parametrize("arguments", ["fewest", "all"])
preview_and_update = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])

PHYSICAL = {
    *("name", "namePrefix", "bucket", "bucketPrefix", "identifier", "userName", "roleName"),
    *("family", "clusterName", "repositoryName", "logGroupName", "groupName"),
}
"""Inputs that name a resource in AWS."""

DEMANDED = {
    ("aws:ecs/taskDefinition:TaskDefinition", "family"),
    ("aws:ecs/capacityProvider:CapacityProvider", "name"),
    ("aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace", "name"),
    ("aws:servicediscovery/service:Service", "name"),
    ("aws:route53/record:Record", "name"),
}
"""Names that AWS demands, and those of the DNS."""

OF_A_CLUSTER = ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "clusterName")
"""Says which cluster it is about."""

OTHERS_WITH_A_GROUP = ("Ingress", "ExporterGroup", "ServiceCluster", "ClusterDaemons", "Bastion")
"""Components with a security group or a rule, beside the servers."""

OF_A_BUCKET = re.compile("aws:s3/bucket[A-Z]")
"""Types whose `bucket` says which one they are about."""


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
    named = {
        (r.type, key)
        for r in deployment.resources
        for key in PHYSICAL & r.inputs.keys()
        if not (key == "bucket" and OF_A_BUCKET.match(r.type))
        if (r.type, key) != OF_A_CLUSTER
    }
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
    wired = [key for key, argument in declared(example.shape).items() if argument.wired]

    def program() -> None:
        vpc = aws.ec2.Vpc("elsewhere", cidr_block="10.0.0.0/16")
        args = dict(example.all)
        for key in wired:
            given = args[key]
            args[key] = [vpc.id] * len(given) if isinstance(given, list) else vpc.id
        example.component("thing", args)

    deployment = deploy(program, preview=True)
    assert deployment.children("thing") == make(example, example.all).children("thing")
    if wired:
        assert [r for r in children(deployment) if "elsewhere" in deployment.needs(r.name)]


@each
@fewest_and_all
@pytest.mark.parametrize("how", ["provider", "providers", "parent"])
def test_everything_goes_through_the_callers_provider(name: str, arguments: str, how: str) -> None:
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
        example.component("thing", getattr(example, arguments), opts)

    deployment = deploy(program)
    used = {r.name: r.options.provider for r in children(deployment) if r.type.startswith("aws:")}
    assert used
    assert not [name for name, provider in used.items() if "::abroad::" not in provider]
    asked = {call.token: call.provider for call in deployment.calls}
    assert not [token for token, provider in asked.items() if "::abroad::" not in (provider or "")]


def test_a_provider_of_another_package_is_not_asked_about_aws() -> None:
    def program() -> None:
        provider = docker.Provider("engine")
        example = EXAMPLES["MonitoringNetwork"]
        example.component("thing", example.all, pulumi.ResourceOptions(provider=provider))

    asked = deploy(program).calls
    assert asked
    assert not [call.token for call in asked if call.provider]


@each
def test_security_groups_and_rules_are_described_in_characters_that_aws_accepts(name: str) -> None:
    # Source: the EC2 API reference of CreateSecurityGroup and IpRange.
    legal = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
    deployment = make(EXAMPLES[name], EXAMPLES[name].all)
    rules = [r for r in children(deployment) if "securityGroup" in r.type]
    assert not [r.name for r in rules if not legal.fullmatch(r.inputs["description"])]
    assert bool(rules) is (name.endswith("Service") or name in OTHERS_WITH_A_GROUP)


@each
def test_no_output_is_formatted_as_a_python_object(name: str) -> None:
    deployment = make(EXAMPLES[name], EXAMPLES[name].all)
    text = json.dumps([r.inputs for r in deployment.resources])
    assert "Calling __str__ on an Output" not in text
    assert "object at 0x" not in text


@each
def test_every_optional_argument_has_another_value_in_the_example(name: str) -> None:
    """So that `all` is all."""
    known = declared(EXAMPLES[name].shape)
    defaults = {key: argument.default for key, argument in known.items() if not argument.required}
    given, instead = EXAMPLES[name].all, EXAMPLES[name].instead
    assert given.keys() == known.keys() - instead.keys()
    given |= instead
    assert not [key for key, default in defaults.items() if given.get(key) == default]
