"""components.services.existing_service: tags and rules, and nothing else."""

import pytest

from mocks.recording import refuse
from tests.components.examples import EXISTING
from tests.components.monitored_services.shops import existing, openings, outputs

SERVICE = EXISTING.fewest["service_arn"]
(GROUP,) = EXISTING.others["security_group_ids"]


def test_nothing_but_tags_and_rules() -> None:
    deployment = existing(security_group_ids=[GROUP])
    types = {type_ for type_, _ in deployment.children("orders")}
    assert types == {
        "aws:ecs/tag:Tag",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    }
    assert {it.inputs["key"]: dict(it.inputs) for it in deployment.of_type(":Tag")} == {
        key: {"resourceArn": SERVICE, "key": key, "value": value}
        for key, value in {
            "prometheus-metrics": "80/metrics 9102/stats",
            "prometheus-job": "orders",
        }.items()
    }
    assert openings(deployment) == {
        rule
        for port in (80, 9102)
        for rule in (
            ("Ingress", GROUP, "sg-prometheus", port),
            ("Egress", "sg-prometheus", GROUP, port),
        )
    }
    assert [call.token for call in deployment.calls] == ["aws:ecs/getService:getService"]


def test_the_job_is_the_services_name_unless_it_is_said() -> None:
    assert outputs(existing(), "orders")["job"] == "orders"
    named = existing(job="orders-api")
    assert outputs(named, "orders")["job"] == "orders-api"
    assert named.inputs("orders-prometheus-job")["value"] == "orders-api"


def test_where_prometheus_is_admitted_already_there_are_no_rules() -> None:
    """Of services that share a group and a port: EC2 refuses a second rule like the first."""
    for deployment in (existing(), existing(security_group_ids=[])):
        assert {type_ for type_, _ in deployment.children("orders")} == {"aws:ecs/tag:Tag"}


def test_a_further_group_changes_nothing_of_the_first() -> None:
    one = existing(security_group_ids=[GROUP]).children("orders")
    two = existing(security_group_ids=["sg-00000000000000002", GROUP]).children("orders")
    assert one < two


FORM = (
    "expected the ARN of an ECS service with its cluster in it, as `aws ecs list-services` prints"
    " it: arn:aws:ecs:eu-central-1:123456789012:service/cluster/service; one without the cluster"
    " takes no tags before it is migrated to the long form"
)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("service_arn", "arn:aws:ecs:eu-central-1:123456789012:service/orders", FORM),
        ("service_arn", "orders", FORM),
        ("service_arn", "arn:aws:ecs:eu-central-1:123456789012:cluster/theirs", FORM),
        (
            "security_group_ids",
            ["orders"],
            "'orders': expected the id of a security group, such as sg-0123456789abcdef0",
        ),
        (
            "security_group_ids",
            [GROUP, GROUP],
            f"{GROUP} is in the list more than once; expected each group once",
        ),
        ("metrics", [], "expected a list of strings, not empty"),
        ("job", "a b", "expected at most 128 letters, digits and . : / = + - @ _"),
    ],
)
def test_what_is_refused(key: str, value: object, expected: str) -> None:
    error = refuse(lambda: EXISTING.component("orders", {**EXISTING.fewest, key: value}))
    (line,) = str(error).splitlines()[1:]
    assert line.startswith(f"  - {key} is ")
    assert line.endswith(f": {expected}")
