"""Two Prometheus servers under Pulumi's own engine: one is updated after the other.

They are behind a load balancer of a private network, with a certificate and rules of its owner's.

The tests share a deployment, and each goes on where the one before has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.ecs.models import EC2ContainerServiceBackend

from tests.pulumi.stack import Stack, new_emulator, new_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.emulator import Emulator

FIRST, SECOND = "prometheus-service", "prometheus-1-service"
WEB_ACL = "theirs"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    with new_emulator() as emulator, new_stack(emulator, directory) as made:
        made.up(
            {
                "prometheus.replicas": 2,
                "hosts.count": 0,
                "ingress.domain": "monitoring.example.com",
                "ingress.certificateArn": certificate(emulator),
                "ingress.internal": True,
                "ingress.withoutAuthentication": True,
                "ingress.cidrs": ["10.0.0.0/8"],
                "ingress.wafAclArn": web_acl(emulator),
            }
        )
        yield made


def certificate(emulator: Emulator) -> str:
    """Request a certificate, as its owner has; return its ARN."""
    acm = emulator.client("acm")
    return str(acm.request_certificate(DomainName="*.monitoring.example.com")["CertificateArn"])


def web_acl(emulator: Emulator) -> str:
    """Make a web ACL, as its owner has; return its ARN."""
    made = emulator.client("wafv2").create_web_acl(
        Name=WEB_ACL,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": False,
            "MetricName": WEB_ACL,
        },
    )
    return str(made["Summary"]["ARN"])


def _runs(stack: Stack) -> dict[str, str]:
    """Name of each ECS service as a resource -> the task definition that it runs."""
    ecs = stack.emulator.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    found = ecs.describe_services(cluster=cluster, services=arns)["services"]
    return {it["serviceName"].rpartition("-")[0]: it["taskDefinition"] for it in found}


def test_the_load_balancer_is_internal_and_has_its_owners_certificate_and_web_acl(
    stack: Stack,
) -> None:
    elb = stack.emulator.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    assert balancer["Scheme"] == "internal"
    tables = stack.emulator.client("ec2").describe_route_tables()["RouteTables"]
    public = {
        association.get("SubnetId")
        for table in tables
        for association in table["Associations"]
        if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
    }
    subnets = {zone["SubnetId"] for zone in balancer["AvailabilityZones"]}
    assert len(subnets) == 2
    assert public
    assert not subnets & public

    (https,) = [
        it for it in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] if it["Port"] == 443
    ]
    (requested,) = stack.emulator.client("acm").list_certificates()["CertificateSummaryList"]
    assert [it["CertificateArn"] for it in https["Certificates"]] == [requested["CertificateArn"]]
    (rule,) = [
        it
        for it in elb.describe_rules(ListenerArn=https["ListenerArn"])["Rules"]
        if not it["IsDefault"]
    ]
    assert [action["Type"] for action in rule["Actions"]] == ["forward"]
    acl = stack.emulator.client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]
    assert acl["Name"] == WEB_ACL


def test_an_update_ends_for_the_first_before_it_begins_for_the_second(stack: Stack) -> None:
    before = _runs(stack)
    run = stack.up({"prometheus.retention": "20d"})
    kinds = ("resourcePreEvent", "resOutputsEvent")
    events = [
        (kind, event[kind]["metadata"]["urn"].rpartition("::")[2])
        for event in run.events
        for kind in kinds
        if kind in event and event[kind]["metadata"]["op"] == "update"
    ]
    of_services = [it for it in events if it[1] in (FIRST, SECOND)]
    assert of_services == [(kind, name) for name in (FIRST, SECOND) for kind in kinds]
    after = _runs(stack)
    assert all(after[name] != before[name] for name in (FIRST, SECOND))


def test_when_the_first_is_rolled_back_the_second_is_left_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _runs(stack)
    update = EC2ContainerServiceBackend.update_service

    def roll_back(backend: Any, service: dict[str, Any]) -> object:  # noqa: ANN401 - moto's own
        """Take the update, and go back at once to the old task definition, as ECS does later."""
        return update(backend, {**service, "task_definition": None})

    with monkeypatch.context() as broken:
        broken.setattr(EC2ContainerServiceBackend, "update_service", roll_back)
        failed = stack.run("up", "--yes", "--skip-preview", changes={"prometheus.retention": "21d"})
    assert failed.code != 0
    assert "ECS has rolled back" in failed.problems
    assert SECOND not in {name for _, name in failed.steps}
    assert _runs(stack) == before

    # The next update, with what is wrong mended, reaches both.
    stack.up({"prometheus.retention": "22d"})
    after = _runs(stack)
    assert all(after[name] != before[name] for name in (FIRST, SECOND))
    assert stack.preview("--refresh").steps == []


def _hosts(stack: Stack) -> dict[str, tuple[str, str]]:
    """Name of each host's group as a resource -> id and instance type of its host."""
    autoscaling, ec2 = (stack.emulator.client(it) for it in ("autoscaling", "ec2"))
    found = {}
    for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        (instance,) = group["Instances"]
        ids = [instance["InstanceId"]]
        (reservation,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        (host,) = reservation["Instances"]
        name = group["AutoScalingGroupName"].rpartition("-")[0]
        found[name] = (host["InstanceId"], host["InstanceType"])
    return found


def test_another_template_ends_none_of_several_hosts(stack: Stack) -> None:
    stack.up(
        {
            "network.natStrategy": "single",
            "storage.kind": "ebs",
            "storage.deleteVolumesOnDestroy": True,
        }
    )
    before = _hosts(stack)
    assert before.keys() == {"prometheus-host", "prometheus-1-host"}
    run = stack.up({"storage.instanceType": "t4g.medium"})
    assert {("update", name) for name in before} <= set(run.steps)
    assert _hosts(stack) == before

    # Whoever ends one gets one of the new template.
    host, _ = before["prometheus-host"]
    stack.emulator.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=host, ShouldDecrementDesiredCapacity=False
    )
    after = _hosts(stack)
    assert after["prometheus-host"][1] == "t4g.medium"
    assert after["prometheus-1-host"] == before["prometheus-1-host"]


def test_two_on_volumes_become_one_when_the_second_ones_service_is_gone(stack: Stack) -> None:
    """By the steps of docs/high-availability.md."""
    # The service still needs what the cluster is told to forget.
    failed = stack.run("up", "--yes", "--skip-preview", changes={"prometheus.replicas": 1})
    assert "ResourceInUseException" in failed.problems

    target = ("--target", f"**::{SECOND}", "--target-dependents")
    done = stack.run("destroy", "--yes", "--skip-preview", *target)
    assert done.code == 0, done.problems
    assert done.steps == [("delete", SECOND)]
    stack.up()
    assert _runs(stack).keys() == {FIRST}
    assert _hosts(stack).keys() == {"prometheus-host"}
    volumes = stack.emulator.client("ec2").describe_volumes()["Volumes"]
    names = {tag["Value"] for it in volumes for tag in it.get("Tags", []) if tag["Key"] == "Name"}
    assert "prometheus-volume" in names
    assert "prometheus-1-volume" not in names
    assert stack.preview("--refresh").steps == []
