"""GrafanaService: exactly what it registers, who may do what, and what stays secret."""

import json
from typing import Any

import pytest

from components import assets
from components.arguments import ArgumentError
from components.containers.image import content_tag
from components.containers.roles import may_start_a_task
from mocks.evaluation import is_secret, without_secrets
from mocks.recording import PASSWORD, REGION, Deployment, deploy, refuse, undescribed
from tests.components.examples import GRAFANA
from tests.components.grafana.services import ALERTMANAGER, LOAD_BALANCER, OIDC, service
from tests.components.services import ARN, REGISTRY, document

VERSION = assets.VERSIONS["grafana"]
TAG = content_tag(
    assets.image_context("grafana"), "ARM64", VERSION, assets.image_digest("grafana", VERSION)
)
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
RESOURCES = {
    ("aws:ec2/securityGroup:SecurityGroup", "graf-security-group"),
    (EGRESS, "graf-security-group-aws"),
    (EGRESS, "graf-security-group-prometheus-egress"),
    (INGRESS, "graf-security-group-prometheus-ingress"),
    ("random:index/randomPassword:RandomPassword", "graf-admin-password"),
    ("aws:secretsmanager/secret:Secret", "graf-admin-password-secret"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "graf-admin-password-secret-version"),
    ("aws:cloudwatch/logGroup:LogGroup", "graf-log"),
    ("aws:ecr/repository:Repository", "graf-images"),
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "graf-images-lifecycle"),
    ("docker:index/image:Image", f"graf-image-{TAG}"),
    ("random:index/randomId:RandomId", f"graf-image-push-{TAG}"),
    ("aws:iam/role:Role", "graf-execution-role"),
    ("aws:iam/rolePolicy:RolePolicy", "graf-execution-role-policy"),
    ("random:index/randomId:RandomId", "graf-family-suffix"),
    ("aws:ecs/taskDefinition:TaskDefinition", "graf-task"),
    ("aws:ecs/cluster:Cluster", "graf-cluster"),
    ("aws:ecs/service:Service", "graf-service"),
}


@pytest.fixture(scope="module")
def grafana() -> Deployment:
    return service()


def rules(deployment: Deployment, type_: str) -> set[tuple[str, int, str]]:
    """Group, port and peer of the rules of a direction."""
    found = [undescribed(r.inputs) for r in deployment.resources if r.type == type_]
    assert all(it["fromPort"] == it["toPort"] and it["ipProtocol"] == "tcp" for it in found)
    return {
        (
            it["securityGroupId"],
            it["fromPort"],
            it.get("referencedSecurityGroupId") or it["cidrIpv4"],
        )
        for it in found
    }


def test_the_exact_resources(grafana: Deployment) -> None:
    assert grafana.children("graf") == RESOURCES
    assert len(grafana.resources) == len(RESOURCES) + 1


def test_the_outputs(grafana: Deployment) -> None:
    (found,) = [o for urn, o in grafana.outputs.items() if "GrafanaService" in urn]
    secret = f"{ARN}:graf-admin-password-secret"
    assert found == {
        "security_group_id": "graf-security-group-id",
        "cluster_name": "graf-cluster",
        "service_name": "graf-service",
        "log_group_name": "graf-log",
        "repository_url": f"{REGISTRY}/graf-images",
        "admin_password_secret_arn": secret,
        "admin_password_command": (
            f"aws --region {REGION} --output text secretsmanager get-secret-value"
            f" --secret-id {secret} --query SecretString"
        ),
        "port_forwarding_command": "",
    }


def test_its_port_is_forwarded_where_that_is_on() -> None:
    deployment = service(enable_execute_command=True)
    (found,) = [o for urn, o in deployment.outputs.items() if "GrafanaService" in urn]
    command = found["port_forwarding_command"]
    assert "--service-name graf-service " in command
    assert command.endswith(" --parameters portNumber=3000,localPortNumber=3000")


@pytest.mark.parametrize(
    ("args", "ingress", "egress"),
    [
        ({}, set(), set()),
        (
            ALERTMANAGER,
            {("sg-alertmanager", 9093, "graf-security-group-id")},
            {("graf-security-group-id", 9093, "sg-alertmanager")},
        ),
        (
            LOAD_BALANCER,
            {("graf-security-group-id", 3000, "sg-load-balancer")},
            {("sg-load-balancer", 3000, "graf-security-group-id")},
        ),
    ],
)
def test_who_may_connect_to_whom(args: dict[str, Any], ingress: set[Any], egress: set[Any]) -> None:
    """Group to group, but for AWS's endpoints; nobody reaches Grafana by an address."""
    deployment = service(**args)
    always = ("sg-prometheus", 9090, "graf-security-group-id")
    assert rules(deployment, INGRESS) == {always, *ingress}
    assert rules(deployment, EGRESS) == {
        ("graf-security-group-id", 9090, "sg-prometheus"),
        ("graf-security-group-id", 443, "0.0.0.0/0"),
        *egress,
    }


def test_the_rules_are_for_the_servers_ports() -> None:
    deployment = service(**ALERTMANAGER, prometheus_port=9091, alertmanager_port=9094)
    assert {(group, port) for group, port, _ in rules(deployment, INGRESS)} == {
        ("sg-prometheus", 9091),
        ("sg-alertmanager", 9094),
    }


def test_no_task_starts_before_it_may_connect(grafana: Deployment) -> None:
    everything = {name for type_, name in RESOURCES if type_ in (INGRESS, EGRESS)}
    assert everything <= grafana.needs("graf-service")


def test_the_server_may_do_nothing_in_aws_and_ecs_reads_its_secrets(grafana: Deployment) -> None:
    assert "taskRoleArn" not in grafana.inputs("graf-task")
    images, log = f"{ARN}:graf-images", f"{ARN}:graf-log"
    password = f"{ARN}:graf-admin-password-secret"
    assert document(grafana, "graf-execution-role-policy") == json.loads(
        may_start_a_task([images], log, [password])
    )
    assert document(service(**OIDC), "graf-execution-role-policy") == json.loads(
        may_start_a_task([images], log, [password, OIDC["oidc_client_secret_arn"]])
    )


def test_the_password_is_random_long_and_without_what_shells_take_for_theirs(
    grafana: Deployment,
) -> None:
    assert grafana.inputs("graf-admin-password") == {
        "length": 32,
        "special": False,
        "keepers": {"rotation": "1"},
    }
    version = grafana.inputs("graf-admin-password-secret-version")
    assert is_secret(version["secretString"])
    assert version["secretString"]["value"] == PASSWORD
    assert grafana.inputs("graf-admin-password-secret")["recoveryWindowInDays"] == 7


def test_a_raised_counter_makes_another_password_and_nothing_else(grafana: Deployment) -> None:
    rotated = service(admin_password_rotation=2)
    changed = {r.name for r in rotated.resources if grafana.inputs(r.name) != r.inputs}
    assert changed == {"graf-admin-password"}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_the_password_is_nowhere_in_plain_text(*, preview: bool) -> None:
    deployment = deploy(lambda: GRAFANA.component("graf", GRAFANA.all), preview=preview)
    everything = {r.name: without_secrets(r.inputs) for r in deployment.resources}
    plain = json.dumps([everything, without_secrets(deployment.outputs)], default=str)
    assert "graf-admin-password" in plain
    assert PASSWORD not in plain


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (
            {"alertmanager_dns_name": "a.b"},
            "alertmanager_security_group_id is '': expected both it and alertmanager_dns_name, or",
        ),
        (
            {"public_url": "https://grafana.example.com"},
            "public_url is 'https://grafana.example.com': expected both it and target_group_arn,",
        ),
        (
            {key: value for key, value in OIDC.items() if key != "oidc_token_endpoint"},
            "oidc_token_endpoint is '': expected both it and oidc_client_id, or neither",
        ),
        (
            {"oidc_role_attribute_path": "role"},
            "oidc_role_attribute_path is 'role': it gives roles to users of an OIDC identity",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(args: dict[str, Any], problem: str) -> None:
    error = refuse(lambda: GRAFANA.component("graf", {**GRAFANA.fewest, **args}))
    assert isinstance(error, ArgumentError)
    assert f"\n  - {problem}" in str(error)
