"""Several replicas of Prometheus: what each has for itself, and what another one changes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from mocks.recording import deploy, refuse, undescribed
from tests.components.examples import SERVICE
from tests.components.services import outputs

if TYPE_CHECKING:
    from mocks.recording import Deployment

NAMESPACE = {"namespace_id": "ns-1", "namespace_domain": "monitoring.internal"}
SUBNETS = ["subnet-1", "subnet-2", "subnet-3"]
NAMES = ("prom", "prom-1", "prom-2")


def of(replicas: int, **args: Any) -> Deployment:  # noqa: ANN401
    """Deploy so many replicas in three subnets."""
    given = {**SERVICE.fewest, **NAMESPACE, "subnet_ids": SUBNETS, "replicas": replicas, **args}
    return deploy(lambda: SERVICE.component("prom", given))


@pytest.fixture(scope="module")
def three() -> Deployment:
    return of(3)


def environment(deployment: Deployment, name: str) -> dict[str, str]:
    (container,) = json.loads(deployment.inputs(f"{name}-task")["containerDefinitions"])
    return {entry["name"]: entry["value"] for entry in container["environment"]}


def test_each_has_a_task_a_service_and_a_name_in_a_subnet_of_its_own(three: Deployment) -> None:
    of_its_own = {
        ("random:index/randomId:RandomId", "family-suffix"),
        ("aws:ecs/taskDefinition:TaskDefinition", "task"),
        ("aws:servicediscovery/service:Service", "name"),
        ("aws:ecs/service:Service", "service"),
    }
    between = {
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "egress"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ingress"),
    }
    assert three.children("prom") - of(1).children("prom") == {
        *((kind, f"{name}-{suffix}") for name in NAMES[1:] for kind, suffix in of_its_own),
        *((kind, f"prom-security-group-replicas-{suffix}") for kind, suffix in between),
    }
    services = [three.inputs(f"{name}-service") for name in NAMES]
    assert [it["networkConfiguration"]["subnets"] for it in services] == [[it] for it in SUBNETS]
    assert [three.inputs(f"{name}-name")["name"] for name in NAMES] == list(NAMES)
    assert {it["desiredCount"] for it in services} == {1}


def test_one_that_is_alone_may_be_in_any_zone() -> None:
    service = of(1).inputs("prom-service")
    assert service["networkConfiguration"]["subnets"] == SUBNETS


def test_each_knows_which_it_is_and_where_the_others_are(three: Deployment) -> None:
    first = environment(three, "prom")
    assert {key: first[key] for key in ("PROMETHEUS_NAME", "PROMETHEUS_DOMAIN")} == {
        "PROMETHEUS_NAME": "prom",
        "PROMETHEUS_DOMAIN": "monitoring.internal",
    }
    assert "PROMETHEUS_REPLICA" not in first  # the image's default
    for index in (1, 2):
        assert environment(three, NAMES[index]) == {**first, "PROMETHEUS_REPLICA": str(index)}


def test_without_a_namespace_they_do_not_look_for_each_other() -> None:
    alone = of(2, namespace_id="", namespace_domain="")
    for name in NAMES[:2]:
        assert not {"PROMETHEUS_NAME", "PROMETHEUS_DOMAIN"} & environment(alone, name).keys()


@pytest.mark.parametrize("bucket", ["", "versions-1"], ids=["image", "live"])
@pytest.mark.parametrize("before", [1, 2])
def test_another_one_changes_no_task_definition(before: int, bucket: str) -> None:
    """And from the second on nothing at all; the first one moves to a zone of its own."""
    fewer, more = (of(count, configuration_bucket=bucket) for count in (before, before + 1))
    changed = {it.name for it in fewer.resources if more.inputs(it.name) != it.inputs}
    assert changed == ({"prom-service"} if before == 1 else set())


def test_on_a_volume_another_one_leaves_the_first_and_its_host_alone() -> None:
    fewer, more = (of(count, storage_kind="ebs") for count in (1, 2))
    changed = {it.name for it in fewer.resources if more.inputs(it.name) != it.inputs}
    # What hosts may do, which of them there are, and that none is replaced by itself.
    assert changed == {"prom-host-role-policy", "prom-capacity-providers", "prom-host"}


def between(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return the rules between replicas: end of their name -> what they say."""
    start = "prom-security-group-replicas-"
    rules = [it.name for it in deployment.resources if it.name.startswith(start)]
    assert set(rules) <= set(deployment.needs("prom-service"))
    return {name.removeprefix(start): undescribed(deployment.inputs(name)) for name in rules}


def on_port(port: int) -> dict[str, Any]:
    return {
        "securityGroupId": "prom-security-group-id",
        "referencedSecurityGroupId": "prom-security-group-id",
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
    }


def test_they_reach_each_other_on_one_port_only(three: Deployment) -> None:
    assert between(three) == {"egress": on_port(9090), "ingress": on_port(9090)}


def test_they_reach_what_brings_the_others_their_configuration() -> None:
    live = {"configuration_bucket": "versions-1", "configuration_port": 9534}
    assert between(of(1, **live)) == {}
    assert between(of(2, **live)) == {
        "egress": on_port(9090),
        "ingress": on_port(9090),
        "configuration-egress": on_port(9534),
        "configuration-ingress": on_port(9534),
    }


def test_one_is_updated_after_the_other(three: Deployment) -> None:
    for earlier, later in pairwise(NAMES):
        assert f"{earlier}-service" in three.needs(f"{later}-service")


def test_the_outputs_lead_to_the_first_and_to_all(three: Deployment) -> None:
    found = outputs(three)
    assert found["service_name"] == "prom-service"
    assert found["service_names"] == [f"{name}-service" for name in NAMES]
    assert found["dns_name"] == "prom.monitoring.internal"
    assert "--service-name prom-service " in found["url_command"]


def test_there_is_a_subnet_for_each() -> None:
    given = {**SERVICE.fewest, "replicas": 3}
    error = refuse(lambda: SERVICE.component("prom", given))
    assert "replicas is 3: there are 2 subnets; expected at most one task in each" in str(error)


def test_each_is_in_a_subnet_of_its_own_as_far_as_they_are_known() -> None:
    given = {**SERVICE.fewest, "replicas": 2, "subnet_ids": ["subnet-1", "subnet-1"]}
    error = refuse(lambda: SERVICE.component("prom", given))
    problem = "subnet_ids is ['subnet-1', 'subnet-1']: subnet-1 is in the list more than once"
    assert problem in str(error)

    def unknown(*, whole: bool) -> Deployment:
        def component() -> object:
            one = pulumi.Output.from_input("subnet-1")
            subnets = pulumi.Output.all(one, one) if whole else [one, one]
            return SERVICE.component("prom", {**given, "subnet_ids": subnets})

        return deploy(component)

    for whole in (False, True):
        assert unknown(whole=whole).inputs("prom-1-service")
