"""AlertmanagerService: exactly what it registers, and its container."""

import json
from pathlib import Path
from typing import Any

import pytest

from components import assets
from components.alertmanager.configuration import Routing, configuration
from components.containers.image import content_tag
from mocks.recording import REGION, Deployment, deploy, refuse, undescribed
from tests.components.examples import ALERTS, SECRET

VERSION = assets.VERSIONS["alertmanager"]
CONTENT = content_tag(
    assets.image_context("alertmanager"),
    "ARM64",
    VERSION,
    assets.image_digest("alertmanager", VERSION),
)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:topic"
HOOK = f"{SECRET}:hook-AbCdEf"


def service(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: ALERTS.component("am", {**ALERTS.fewest, **args}))


def container(deployment: Deployment) -> dict[str, Any]:
    found, *_ = json.loads(deployment.inputs("am-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def variables(deployment: Deployment) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(deployment)["environment"]}


@pytest.fixture(scope="module")
def fewest() -> Deployment:
    return service()


def test_the_exact_resources(fewest: Deployment) -> None:
    ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    assert fewest.children("am") == {
        ("aws:ec2/securityGroup:SecurityGroup", "am-security-group"),
        (egress, "am-security-group-https"),
        (egress, "am-security-group-cluster-tcp-egress"),
        (egress, "am-security-group-cluster-udp-egress"),
        (ingress, "am-security-group-cluster-tcp-ingress"),
        (ingress, "am-security-group-cluster-udp-ingress"),
        ("aws:cloudwatch/logGroup:LogGroup", "am-log"),
        ("aws:ecr/repository:Repository", "am-images"),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "am-images-lifecycle"),
        ("docker:index/image:Image", f"am-image-{CONTENT}"),
        ("random:index/randomId:RandomId", f"am-image-push-{CONTENT}"),
        ("aws:iam/role:Role", "am-execution-role"),
        ("aws:iam/rolePolicy:RolePolicy", "am-execution-role-policy"),
        ("random:index/randomId:RandomId", "am-family-suffix"),
        ("aws:ecs/taskDefinition:TaskDefinition", "am-task"),
        ("aws:ecs/cluster:Cluster", "am-cluster"),
        ("aws:ecs/service:Service", "am-service"),
        ("aws:servicediscovery/service:Service", "am-name"),
    }


def test_two_of_them_talk_to_each_other_and_to_https(fewest: Deployment) -> None:
    group = "am-security-group-id"
    rules = {r.name: undescribed(r.inputs) for r in fewest.resources if r.type.endswith("Rule")}
    for protocol in ("tcp", "udp"):
        for direction in ("egress", "ingress"):
            assert rules.pop(f"am-security-group-cluster-{protocol}-{direction}") == {
                "securityGroupId": group,
                "referencedSecurityGroupId": group,
                "ipProtocol": protocol,
                "fromPort": 9094,
                "toPort": 9094,
            }
    assert rules == {
        "am-security-group-https": {
            "securityGroupId": group,
            "cidrIpv4": "0.0.0.0/0",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
        }
    }
    assert fewest.inputs("am-service")["desiredCount"] == 2
    assert variables(fewest)["ALERTMANAGER_PEER"] == "am.watch.example"
    assert variables(fewest)["ALERTMANAGER_CLUSTER_LABEL"] == group


def test_one_alone_has_no_cluster() -> None:
    alone = service(replicas=1)
    assert not alone.of_type(":SecurityGroupIngressRule")
    assert alone.inputs("am-service")["desiredCount"] == 1
    assert not {"ALERTMANAGER_PEER", "ALERTMANAGER_CLUSTER_LABEL"} & variables(alone).keys()


def test_the_container_is_told_who_is_told_of_what(fewest: Deployment) -> None:
    told = variables(fewest)
    assert json.loads(told.pop("ALERTMANAGER_CONFIG")) == configuration(Routing(region=REGION))
    assert told == {
        "ALERTMANAGER_PORT": "9093",
        "ALERTMANAGER_CLUSTER_PORT": "9094",
        "ALERTMANAGER_PEER": "am.watch.example",
        "ALERTMANAGER_CLUSTER_LABEL": "am-security-group-id",
    }
    assert container(fewest)["secrets"] == []
    assert [it["containerPort"] for it in container(fewest)["portMappings"]] == [9093, 9094]


def test_every_argument_reaches_the_container() -> None:
    # What is delivered while it runs is not among its variables.
    with_image = {**ALERTS.all, "configuration_bucket": ""}
    found = deploy(lambda: ALERTS.component("am", with_image))
    told = variables(found)
    routing = Routing(
        page_with=ALERTS.all["page_with"],
        notify_with=["slack"],
        watchdog=True,
        topic_arn=TOPIC,
        region=REGION,
        group_wait="1m",
        group_interval="10m",
        repeat_interval="1d",
        notify_days="monday:friday",
        notify_hours="08:00-18:00",
        time_zone="Europe/Berlin",
    )
    own = {"routes": [{"matchers": ['team="shop"'], "receiver": "page"}]}
    assert json.loads(told["ALERTMANAGER_CONFIG"]) == configuration(routing, own)
    assert told["ALERTMANAGER_PORT"] == "9193"
    assert told["ALERTMANAGER_EXTERNAL_URL"] == "https://alertmanager.example.com"
    assert told["GRAFANA_URL"] == "https://grafana.example.com"
    # Secrets by ARN, whole, which ECS may read and nothing else does.
    secrets = {it["name"]: it["valueFrom"] for it in container(found)["secrets"]}
    assert secrets == {
        variable: f"{SECRET}:{variable.lower()}-AbCdEf"
        for variable in (
            *("SLACK_URL", "PAGERDUTY_ROUTING_KEY", "OPSGENIE_API_KEY"),
            *("WEBHOOK_URL", "WATCHDOG_URL"),
        )
    }
    document = json.loads(found.inputs("am-execution-role-policy")["policy"])
    read = [it["Resource"] for it in document["Statement"] if "secrets" in it["Action"][0]]
    assert sorted(read) == sorted(secrets.values())


def test_the_task_may_publish_to_the_topic_and_nothing_else() -> None:
    found = service(page_with=["sns"], topic_arn=TOPIC)
    (statement,) = json.loads(found.inputs("am-task-role-policy")["policy"])["Statement"]
    assert statement == {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": TOPIC}
    assert "am-task-role-policy" in found.needs("am-service")
    unused = service(topic_arn=TOPIC)
    assert "am-task-role" not in {r.name for r in unused.resources}


def test_without_ecs_exec_nobody_gets_a_command(fewest: Deployment) -> None:
    (outputs,) = [o for urn, o in fewest.outputs.items() if "AlertmanagerService" in urn]
    assert outputs["dns_name"] == "am.watch.example"
    assert outputs["port_forwarding_command"] == ""
    (outputs,) = [
        o
        for urn, o in service(enable_execute_command=True).outputs.items()
        if "AlertmanagerService" in urn
    ]
    assert "portNumber=9093" in outputs["port_forwarding_command"]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"replicas": 4}, "replicas is 4: there are 3 subnets; expected at most one task in each"),
        ({"page_with": ["sns"]}, "page_with is ['sns']: sns needs the ARN of a topic"),
        (
            {"notify_with": ["slack", "webhook"], "webhook_url_secret_arn": HOOK},
            (
                "notify_with is ['slack', 'webhook']: slack needs the ARN of the secret with the"
                " slack url"
            ),
        ),
        ({"port": 9094}, "port is 9094: Alertmanagers talk to each other on this port; expected"),
        ({"routes_file": "gone.yml"}, "routes_file is 'gone.yml': there is no such file; expected"),
    ],
)
def test_what_does_not_go_together(bad: dict[str, Any], problem: str) -> None:
    error = refuse(lambda: ALERTS.component("am", {**ALERTS.fewest, **bad}))
    assert f"\n  - {problem}" in str(error)


def test_a_file_of_routes_that_is_wrong_is_told(tmp_path: Path) -> None:
    file = tmp_path / "routes.yml"
    file.write_text("routes:\n  - matchers: ['a=\"b\"']\n    receiver: pigeon\n", encoding="utf-8")
    error = refuse(lambda: ALERTS.component("am", {**ALERTS.fewest, "routes_file": str(file)}))
    assert "routes[1].receiver is 'pigeon': expected one of page, notify, none" in str(error)
