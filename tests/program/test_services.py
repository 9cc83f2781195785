"""`__main__.py` with the blocks `cluster` and `services`: what is wired to what."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mocks.recording import ACCOUNT, REGION, Deployment
from settings import SettingsError
from tests.program.evaluate import ROOT, evaluate, variables
from tests.unit.configurations import FARGATE, INGRESS, SERVICE

CLUSTER = f"arn:aws:mock:{REGION}:{ACCOUNT}:services-cluster"
PROMETHEUS = "prometheus-security-group-id"
OF_SERVICES = ("MonitoredService", "ServiceCluster", "ClusterDaemons")
SHOP: Mapping[str, Any] = {"cluster": FARGATE, "services": {"shop": SERVICE}}


@pytest.fixture(scope="module")
def pizza() -> Deployment:
    return evaluate(stack="pizza")


@pytest.fixture(scope="module")
def shop() -> Deployment:
    """A service on Fargate, without a NAT gateway."""
    return evaluate(SHOP)


def rules(deployment: Deployment, direction: str, group: str) -> set[tuple[str, int, int]]:
    """Who may be at the other end, and ports, of a security group's rules."""
    return {
        (
            r.inputs.get("referencedSecurityGroupId") or r.inputs["cidrIpv4"],
            r.inputs["fromPort"],
            r.inputs["toPort"],
        )
        for r in deployment.of_type(f":SecurityGroup{direction}Rule")
        if r.inputs["securityGroupId"] == group
    }


def built(deployment: Deployment, server: str) -> set[str]:
    """Names of the files in the folder that a server's image is built from."""
    (image,) = [r for r in deployment.of_type(":Image") if r.name.startswith(f"{server}-image-")]
    folder = Path(image.inputs["build"]["context"])
    return {it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file()}


def subnets(kind: str) -> list[str]:
    return [f"monitoring-{kind}-{index}-id" for index in (0, 1)]


# --- discovery ---


def test_prometheus_looks_into_the_cluster_and_knows_what_is_to_run(pizza: Deployment) -> None:
    given = variables(pizza)
    assert given["ECS_CLUSTER_MAP"].split() == [f"{CLUSTER}={CLUSTER}"]
    assert given["CLUSTER_HOSTS_MAP"] == "services-cluster=services-host"
    assert given["EXPECTED_TASKS_MAP"] == "pizza=2"
    assert given["CADVISOR_PORT"] == "9101"


def test_the_service_says_what_prometheus_looks_for(pizza: Deployment) -> None:
    assert pizza.inputs("svc-pizza-service")["tags"] == {
        "prometheus-metrics": "8001/metrics",
        "prometheus-job": "pizza",
        "stack": "pizza",
    }


def test_the_label_job_is_what_the_block_says_or_the_name() -> None:
    named = {"job": "orders", "desiredCount": 3}
    deployment = evaluate({**SHOP, "services": {"shop": SERVICE, "office": {**SERVICE, **named}}})
    jobs = {
        name: deployment.inputs(f"svc-{name}-service")["tags"]["prometheus-job"]
        for name in ("shop", "office")
    }
    assert jobs == {"shop": "shop", "office": "orders"}
    assert set(variables(deployment)["EXPECTED_TASKS_MAP"].split()) == {"shop=2", "orders=3"}


def test_a_cluster_without_hosts_has_no_daemons(shop: Deployment) -> None:
    assert not shop.of_type(":ClusterDaemons") + shop.of_type("/group:Group")
    assert not {"CLUSTER_HOSTS_MAP", "CADVISOR_PORT"} & variables(shop).keys()
    assert variables(shop)["ECS_CLUSTER_MAP"].split() == [f"{CLUSTER}={CLUSTER}"]


def test_a_cluster_is_of_use_without_services() -> None:
    deployment = evaluate({"network": {"natStrategy": "single"}, "cluster": {}})
    assert deployment.exports["services"] == {}
    assert deployment.exports["services_cluster_name"] == "services-cluster"
    assert "EXPECTED_TASKS_MAP" not in variables(deployment)
    assert len(deployment.of_type(":ClusterDaemons")) == 1


# --- who reaches whom ---


def test_prometheus_reaches_metrics_and_daemons_and_nothing_else(pizza: Deployment) -> None:
    service, host = "svc-pizza-security-group-id", "services-host-security-group-id"
    others = {
        ("0.0.0.0/0", 443, 443),
        ("alertmanager-security-group-id", 9093, 9093),
        ("exporters-security-group-id", 9100, 9100),
    }
    assert rules(pizza, "Egress", PROMETHEUS) == others | {
        (service, 8001, 8001),
        (host, 9100, 9100),
        (host, 9101, 9101),
    }
    assert rules(pizza, "Ingress", service) == {(PROMETHEUS, 8001, 8001)}
    assert rules(pizza, "Ingress", host) == {(PROMETHEUS, 9100, 9100), (PROMETHEUS, 9101, 9101)}


def test_a_service_has_the_further_groups_that_it_names() -> None:
    """By which it reaches a database, or another service."""
    more = {**SERVICE, "securityGroupIds": ["sg-0123456789abcdef0", "sg-0123456789abcdef1"]}
    deployment = evaluate({**SHOP, "services": {"shop": more, "office": SERVICE}})
    groups = {
        name: deployment.inputs(f"svc-{name}-service")["networkConfiguration"]["securityGroups"]
        for name in ("shop", "office")
    }
    assert groups == {
        "shop": ["svc-shop-security-group-id", *more["securityGroupIds"]],
        "office": ["svc-office-security-group-id"],
    }


def test_the_daemons_ports_are_those_that_prometheus_is_told() -> None:
    changes = {"hosts": {"nodeExporterPort": 9200}, "cluster": {"cadvisorPort": 9201}}
    deployment = evaluate(changes, stack="pizza")
    host = "services-host-security-group-id"
    assert rules(deployment, "Ingress", host) == {
        (PROMETHEUS, 9200, 9200),
        (PROMETHEUS, 9201, 9201),
    }
    given = variables(deployment)
    assert (given["NODE_EXPORTER_PORT"], given["CADVISOR_PORT"]) == ("9200", "9201")


# --- rules and dashboards ---


def test_what_a_service_brings_reaches_the_servers(pizza: Deployment) -> None:
    """Beside the user's own files; its tests stay where they are."""
    rule, dashboard = "rules.d/pizza.yml", "dashboards/pizza.json"
    folder = ROOT / "examples" / "pizza_service" / "monitoring"
    assert (folder / "prometheus" / rule).is_file()
    assert (folder / "grafana" / dashboard).is_file()
    assert rule in built(pizza, "prometheus")
    assert [it for it in built(pizza, "grafana") if it.endswith(dashboard)]
    own = {"overlay": str(ROOT / "examples" / "own_configuration" / "prometheus")}
    assert rule in built(evaluate({"prometheus": own}, stack="pizza"), "prometheus")
    without = evaluate({"services": {"pizza": SERVICE}}, stack="pizza")
    assert not {it for it in built(without, "prometheus") if "pizza" in it}
    assert not {it for it in built(without, "grafana") if "pizza" in it}


# --- where the tasks run ---


def test_tasks_on_hosts_are_in_private_subnets_on_the_clusters_capacity(pizza: Deployment) -> None:
    service = pizza.inputs("svc-pizza-service")
    assert service["cluster"] == CLUSTER
    (strategy,) = service["capacityProviderStrategies"]
    assert strategy["capacityProvider"] == "hosts-of-services-0badcafe"
    assert pizza.inputs("services-host-capacity")["name"] == strategy["capacityProvider"]
    assert "launchType" not in service
    placed = service["networkConfiguration"]
    assert (placed["subnets"], placed["assignPublicIp"]) == (subnets("private"), False)
    assert pizza.inputs("services-host")["vpcZoneIdentifiers"] == subnets("private")


@pytest.mark.parametrize(
    ("nat_strategy", "kind", "public"), [("none", "public", True), ("single", "private", False)]
)
def test_tasks_on_fargate_have_a_public_address_only_without_a_nat_gateway(
    nat_strategy: str, kind: str, *, public: bool
) -> None:
    deployment = evaluate({**SHOP, "network": {"natStrategy": nat_strategy}})
    service = deployment.inputs("svc-shop-service")
    placed = service["networkConfiguration"]
    assert (placed["subnets"], placed["assignPublicIp"]) == (subnets(kind), public)
    assert service["launchType"] == "FARGATE"
    assert "capacityProviderStrategies" not in service


def test_fargate_and_hosts_go_together_in_one_cluster() -> None:
    deployment = evaluate({"services": {"shop": SERVICE}}, stack="pizza")
    assert deployment.inputs("svc-shop-service")["launchType"] == "FARGATE"
    assert {r.name for r in deployment.of_type(":MonitoredService")} == {"svc-pizza", "svc-shop"}


def test_the_daemons_are_built_for_the_hosts_architecture(pizza: Deployment) -> None:
    others = {"cluster": {"instanceTypes": ["t3.small"]}, "services": {"pizza": SERVICE}}
    x86 = evaluate(others, stack="pizza")
    for deployment, platform in ((pizza, "linux/arm64"), (x86, "linux/amd64")):
        images = [r for r in deployment.of_type(":Image") if r.name.startswith("daemons-")]
        assert {r.inputs["build"]["platform"] for r in images} == {platform}
        assert len(images) == 2


def test_others_find_a_service_by_name(pizza: Deployment, shop: Deployment) -> None:
    """Also where there is no server that another one looks for."""
    assert not shop.of_type(":AlertmanagerService") + shop.of_type(":GrafanaService")
    for deployment, name in ((pizza, "svc-pizza"), (shop, "svc-shop")):
        assert len(deployment.of_type(":ServiceNamespace")) == 1
        registry = deployment.inputs(f"{name}-name")
        assert registry["dnsConfig"]["namespaceId"] == "names-namespace-id"
        assert "serviceRegistries" in deployment.inputs(f"{name}-service")
    names = [deployment.exports["services"] for deployment in (pizza, shop)]
    assert [its["dns_name"] for it in names for its in it.values()] == [
        "svc-pizza.monitoring.internal",
        "svc-shop.monitoring.internal",
    ]


def test_a_cluster_alone_has_no_names() -> None:
    assert not evaluate({"cluster": FARGATE}).of_type(":ServiceNamespace")


# --- behind the load balancer ---


def test_a_host_name_leads_through_the_load_balancer() -> None:
    deployment = evaluate(
        {
            **SHOP,
            "ingress": {**INGRESS, "domain": "example.com"},
            "services": {
                "shop": {
                    **SERVICE,
                    "hostName": "shop.example.com",
                    "listenerPriority": 100,
                    "healthPath": "/healthy",
                },
                "office": {**SERVICE, "job": "office"},
            },
        }
    )
    (rule,) = [r for r in deployment.of_type(":ListenerRule") if r.parent == "svc-shop"]
    assert rule.inputs["priority"] == 100
    (condition,) = rule.inputs["conditions"]
    assert condition["hostHeader"]["values"] == ["shop.example.com"]
    (of_server, *_) = [r for r in deployment.of_type(":ListenerRule") if r.parent == "ingress"]
    assert rule.inputs["listenerArn"] == of_server.inputs["listenerArn"]
    (group,) = [r for r in deployment.of_type(":TargetGroup") if r.parent == "svc-shop"]
    assert group.inputs["healthCheck"]["path"] == "/healthy"
    (target,) = deployment.inputs("svc-shop-service")["loadBalancers"]
    assert target["targetGroupArn"].endswith(f":{group.name}")
    assert target["containerPort"] == 8000
    (record,) = [r for r in deployment.of_type(":Record") if r.parent == "svc-shop"]
    assert record.inputs["name"] == "shop.example.com"
    assert record.inputs["zoneId"] == INGRESS["zoneId"]
    balancer = "ingress-security-group-id"
    service = "svc-shop-security-group-id"
    assert rules(deployment, "Ingress", service) == {
        (balancer, 8000, 8000),
        (PROMETHEUS, 8000, 8000),
    }
    assert (service, 8000, 8000) in rules(deployment, "Egress", balancer)
    assert deployment.exports["services"]["shop"]["url"] == "https://shop.example.com"
    # The other one is nobody's from outside.
    assert "loadBalancers" not in deployment.inputs("svc-office-service")
    assert rules(deployment, "Ingress", "svc-office-security-group-id") == {
        (PROMETHEUS, 8000, 8000)
    }
    assert deployment.exports["services"]["office"]["url"] == ""


def test_the_host_name_has_ipv6_when_the_load_balancer_has() -> None:
    named = {**SERVICE, "hostName": "shop.example.com", "listenerPriority": 100}
    deployment = evaluate(
        {
            "cluster": FARGATE,
            "network": {"ipv6": True},
            "ingress": {**INGRESS, "domain": "example.com"},
            "services": {"shop": named},
        }
    )
    records = [r for r in deployment.of_type(":Record") if r.parent == "svc-shop"]
    assert {r.inputs["type"] for r in records} == {"A", "AAAA"}


# --- exports ---


def test_services_and_their_cluster_are_exported(pizza: Deployment) -> None:
    assert pizza.exports["services_cluster_name"] == "services-cluster"
    assert pizza.exports["services"] == {
        "pizza": {
            "service_name": "svc-pizza-service",
            "log_group_name": "svc-pizza-log",
            "dns_name": "svc-pizza.monitoring.internal",
            "url": "",
        }
    }


def test_a_service_that_lets_session_manager_in_says_how() -> None:
    exec_ = {**SERVICE, "port": 8080, "enableExecuteCommand": True}
    deployment = evaluate({**SHOP, "services": {"shop": exec_, "office": SERVICE}})
    services = deployment.exports["services"]
    command = services["shop"]["port_forwarding_command"]
    # The mocked ARN has no slash before the name.
    assert f"--cluster {CLUSTER} --service-name svc-shop-service" in command
    assert "portNumber=8080,localPortNumber=8080" in command
    assert "port_forwarding_command" not in services["office"]


def test_the_interfaces_of_services_and_hosts_are_not_foreign(pizza: Deployment) -> None:
    command = pizza.exports["foreign_interfaces_command"]
    for group in ("svc-pizza-security-group-id", "services-host-security-group-id"):
        assert json.dumps(group) in command


# --- without them ---


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_of_this_is_there_unless_it_is_wanted(stack: str) -> None:
    deployment = evaluate(stack=stack)
    assert not [r.name for r in deployment.resources if r.type.endswith(OF_SERVICES)]
    names = [r.name for r in deployment.resources]
    assert not [it for it in names if it.startswith(("svc-", "services-", "daemons-"))]
    assert not [it for it in deployment.exports if it.startswith("services")]
    assert not [it for it in variables(deployment) if it.endswith("_MAP") or "CADVISOR" in it]


def test_services_without_a_cluster_register_nothing() -> None:
    with pytest.raises(SettingsError, match="prometheus-aws:services need a cluster"):
        evaluate({"services": {"shop": SERVICE}})
