"""components.services.monitored_service: exactly what a service of the user's own is."""

import json
from typing import Any

import pulumi
import pytest

from components.containers.image import content_tag
from mocks.recording import REGION, Deployment, deploy
from tests.components.examples import MONITORED, SHOP
from tests.components.monitored_services.shops import (
    ARN,
    HOST_NAME,
    container,
    openings,
    outputs,
    shop,
)

CLUSTER = MONITORED.fewest["cluster_arn"]
HOSTS = {"launch_type": "EC2", "capacity_provider": "hosts"}
IMAGE = f"shop-image-{content_tag(SHOP, 'ARM64', '')}"


@pytest.fixture(scope="module")
def fewest() -> Deployment:
    return shop()


@pytest.fixture(scope="module")
def named() -> Deployment:
    return shop(**HOST_NAME)


def test_what_there_is(fewest: Deployment) -> None:
    assert {name for _, name in fewest.children("shop")} == {
        *("shop-security-group", "shop-security-group-aws", "shop-log"),
        *("shop-metrics-8000-egress", "shop-metrics-8000-ingress"),
        *("shop-images", "shop-images-lifecycle", IMAGE),
        IMAGE.replace("image-", "image-push-"),
        *("shop-execution-role", "shop-execution-role-policy"),
        *("shop-family-suffix", "shop-task", "shop-service"),
    }


def test_the_service_on_fargate(fewest: Deployment) -> None:
    assert fewest.inputs("shop-service") == {
        "cluster": CLUSTER,
        "taskDefinition": f"{ARN}:shop-task",
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "desiredCount": 2,
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 200,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "availabilityZoneRebalancing": "ENABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": True,
        "networkConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["shop-security-group-id"],
            "assignPublicIp": False,
        },
        "tags": {"prometheus-metrics": "8000/metrics", "prometheus-job": "shop"},
    }
    task = fewest.inputs("shop-task")
    assert task["requiresCompatibilities"] == ["FARGATE"]
    assert "ephemeralStorage" not in task  # as much as AWS gives to every task
    assert outputs(fewest)["cluster_name"] == "shops"


def test_the_service_on_a_clusters_hosts() -> None:
    """Another place is the only difference."""
    deployment, fargate = shop(**HOSTS), shop()
    service = dict(deployment.inputs("shop-service"))
    strategies = service.pop("capacityProviderStrategies")
    assert strategies == [{"capacityProvider": "hosts", "weight": 1}]
    others = dict(fargate.inputs("shop-service"))
    del others["launchType"], others["platformVersion"]
    assert service == others
    task = dict(deployment.inputs("shop-task"))
    assert task.pop("requiresCompatibilities") == ["EC2"]
    assert task.items() <= fargate.inputs("shop-task").items()


def test_fargate_by_a_capacity_provider() -> None:
    service = shop(capacity_provider="FARGATE_SPOT").inputs("shop-service")
    assert "launchType" not in service
    assert service["capacityProviderStrategies"][0]["capacityProvider"] == "FARGATE_SPOT"


def test_the_container(fewest: Deployment) -> None:
    assert container(fewest) == {
        "name": "shop",
        "image": container(fewest)["image"],
        "essential": True,
        "memory": 512,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"add": [], "drop": ["ALL"]}},
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60},
        "stopTimeout": 120,
        "ulimits": [{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}],
        "portMappings": [{"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}],
        "environment": [],
        "secrets": [],
        "mountPoints": [
            {"sourceVolume": "writable-0", "containerPath": "/tmp", "readOnly": False}  # noqa: S108 - in the container
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "shop-log",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "shop",
            },
        },
    }


def test_what_the_user_says_reaches_the_container() -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database-AbCdEf"  # noqa: S105 - an ARN
    deployment = shop(
        user="1000:1000",
        read_only_root_filesystem=False,
        writable_paths=[],
        environment=["B=", "A=x=y"],
        secret_arns=[f"PASSWORD={secret}"],
        port=8080,
        metrics=["8000/metrics", "8080/stats", "8000/more"],
        health_command=["python", "-c", "pass"],
    )
    found = container(deployment)
    assert found["user"] == "1000:1000"
    assert found["readonlyRootFilesystem"] is False
    assert found["mountPoints"] == []
    assert found["environment"] == [{"name": "A", "value": "x=y"}, {"name": "B", "value": ""}]
    assert found["secrets"] == [{"name": "PASSWORD", "valueFrom": secret}]
    assert [it["containerPort"] for it in found["portMappings"]] == [8080, 8000]
    assert found["healthCheck"] == {
        "command": ["CMD", "python", "-c", "pass"],
        "interval": 10,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 60,
    }
    policy = json.loads(deployment.inputs("shop-execution-role-policy")["policy"])
    assert policy["Statement"][-1]["Resource"] == secret
    tags = deployment.inputs("shop-service")["tags"]
    assert tags["prometheus-metrics"] == "8000/metrics 8080/stats 8000/more"


# --- its image ---


def test_the_image_is_built_from_the_services_folder(fewest: Deployment) -> None:
    inputs = fewest.inputs(IMAGE)
    folder = "tests/components/monitored_services/shop"
    assert inputs["build"] == {
        "context": folder,
        "dockerfile": f"{folder}/Dockerfile",
        "platform": "linux/arm64",
    }
    assert inputs["imageName"].endswith(f":{IMAGE.removeprefix('shop-image-')}-0badcafe")
    assert fewest.inputs("shop-images")["imageTagMutability"] == "IMMUTABLE"
    assert fewest.named("shop-images").options.protect
    deletable = shop(delete_images_on_destroy=True)
    assert not deletable.named("shop-images").options.protect


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/shop:1.2",
            "arn:aws:ecr:eu-central-1:123456789012:repository/team/shop",
        ),
        (
            f"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop@sha256:{'0' * 64}",
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/shop",
        ),
        (
            "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/shop:1",
            "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/shop",
        ),
        ("registry.example.com:5000/team/shop:1.2", None),
    ],
)
def test_an_image_that_exists(image: str, repository: str | None) -> None:
    deployment = shop(image=image, image_context="")
    assert container(deployment)["image"] == image
    assert not deployment.of_type("ecr/repository:Repository")
    assert not deployment.of_type(":Image")
    assert outputs(deployment)["repository_url"] == ""
    policy = json.loads(deployment.inputs("shop-execution-role-policy")["policy"])["Statement"]
    actions = {action: it["Resource"] for it in policy for action in it["Action"]}
    assert actions.get("ecr:BatchGetImage") == repository
    assert ("ecr:GetAuthorizationToken" in actions) is bool(repository)


# --- who reaches it ---


def test_prometheus_reaches_the_metrics_and_nobody_anything_else() -> None:
    group = "shop-security-group-id"
    deployment = shop(port=8080, metrics=["9102/a", "9102/b", "9103/c"])
    https = ("Egress", group, "0.0.0.0/0", 443)
    scraped = {
        rule
        for port in (9102, 9103)
        for rule in (
            ("Ingress", group, "sg-prometheus", port),
            ("Egress", "sg-prometheus", group, port),
        )
    }
    assert openings(deployment) == {https, *scraped}
    behind = shop(port=8080, metrics=["9102/a", "9103/c"], **HOST_NAME)
    assert openings(behind) - openings(deployment) == {
        ("Ingress", group, "sg-load-balancer", 8080),
        ("Egress", "sg-load-balancer", group, 8080),
    }


def test_further_groups_say_what_else_it_may() -> None:
    network = shop(security_group_ids=["sg-1", "sg-2"]).inputs("shop-service")
    groups = network["networkConfiguration"]["securityGroups"]
    assert groups == ["shop-security-group-id", "sg-1", "sg-2"]


def test_the_host_name(named: Deployment, fewest: Deployment) -> None:
    assert named.inputs("shop-tg") == {
        "vpcId": "vpc-1",
        "targetType": "ip",
        "protocol": "HTTP",
        "port": 80,
        "deregistrationDelay": 30,
        "healthCheck": {
            "path": "/",
            "matcher": "200",
            "interval": 10,
            "timeout": 5,
            "unhealthyThreshold": 3,
            "healthyThreshold": 2,
        },
    }
    assert named.inputs("shop-rule") == {
        "listenerArn": HOST_NAME["listener_arn"],
        "priority": 100,
        "conditions": [{"hostHeader": {"values": ["shop.example.com"]}}],
        "actions": [{"type": "forward", "order": 1, "targetGroupArn": f"{ARN}:shop-tg"}],
    }
    assert named.inputs("shop-host") == {
        "zoneId": HOST_NAME["zone_id"],
        "name": "shop.example.com",
        "type": "A",
        "aliases": [
            {
                "name": HOST_NAME["load_balancer_dns_name"],
                "zoneId": HOST_NAME["load_balancer_zone_id"],
                "evaluateTargetHealth": False,
            }
        ],
    }
    service = named.inputs("shop-service")
    assert service["loadBalancers"] == [
        {"targetGroupArn": f"{ARN}:shop-tg", "containerName": "shop", "containerPort": 8000}
    ]
    assert service["healthCheckGracePeriodSeconds"] == 60
    assert outputs(named)["url"] == "https://shop.example.com"
    assert outputs(fewest)["url"] == ""


def test_ecs_takes_a_target_group_when_its_rule_is_there(named: Deployment) -> None:
    rules = {"shop-load-balancer-ingress", "shop-load-balancer-egress"}
    assert {"shop-rule", "shop-execution-role-policy", *rules} <= named.needs("shop-service")


def test_a_host_name_for_ipv6_and_one_without_a_zone() -> None:
    dual = shop(**HOST_NAME, ipv6=True)
    kinds = {it.name: it.inputs["type"] for it in dual.of_type("route53/record:Record")}
    assert kinds == {"shop-host": "A", "shop-host-ipv6": "AAAA"}
    assert not shop(**{**HOST_NAME, "zone_id": ""}).of_type("route53/record:Record")


def test_without_a_host_name_a_load_balancer_means_nothing() -> None:
    """So that a program may pass it to all services."""
    kept = {"host_name", "listener_priority"}
    others = {key: value for key, value in HOST_NAME.items() if key not in kept}
    assert shop(**others).children("shop") == shop().children("shop")


def test_others_find_it_by_name(fewest: Deployment) -> None:
    found = shop(namespace_id="ns-1", namespace_domain="watch.example")
    assert found.inputs("shop-service")["serviceRegistries"] == {"registryArn": f"{ARN}:shop-name"}
    assert outputs(found)["dns_name"] == "shop.watch.example"
    assert outputs(fewest)["dns_name"] == ""


# --- how many there are ---


def test_auto_scaling() -> None:
    scaled = shop(desired_count=2, max_count=6, cpu_target_percent=50)
    which = {
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": "service/shops/shop-service",
    }
    assert scaled.inputs("shop-scaling") == {**which, "minCapacity": 2, "maxCapacity": 6}
    assert scaled.inputs("shop-scaling-cpu") == {
        **which,
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "targetValue": 50,
            "scaleOutCooldown": 60,
            "scaleInCooldown": 300,
        },
    }
    assert "shop-scaling" in scaled.needs("shop-scaling-cpu")
    assert list(scaled.named("shop-service").options.ignoreChanges) == ["desiredCount"]
    assert scaled.inputs("shop-service")["desiredCount"] == 2  # of a new one


@pytest.mark.parametrize("max_count", [0, 3])
def test_without_auto_scaling_the_number_is_the_programs(max_count: int) -> None:
    fixed = shop(desired_count=3, max_count=max_count)
    assert not [it.name for it in fixed.resources if "appautoscaling" in it.type]
    assert list(fixed.named("shop-service").options.ignoreChanges) == []


# --- what goes wrong ---


def test_a_version_that_ecs_rolls_back_fails_the_update() -> None:
    old = f"{ARN}:the-old-revision"
    with pytest.raises(pulumi.RunError, match=rf"shop-service runs {old}, not {ARN}:shop-task"):
        deploy(
            lambda: MONITORED.component("shop", MONITORED.fewest),
            outputs={"aws:ecs/service:Service": {"taskDefinition": old}},
        )


@pytest.mark.parametrize("where", [{}, HOSTS], ids=["fargate", "hosts"])
def test_session_manager(where: dict[str, Any]) -> None:
    """The agent's directories on a host are not those on Fargate."""
    let_in = shop(enable_execute_command=True, **where)
    assert let_in.inputs("shop-service")["enableExecuteCommand"] is True
    assert let_in.inputs("shop-task")["taskRoleArn"] == f"{ARN}:shop-task-role"
    volumes = {it["name"] for it in let_in.inputs("shop-task")["volumes"]}
    agents = {"ssm-data"} if where else {"ssm-data", "ssm-log", "managed-agents"}
    assert volumes == {"writable-0", *agents}
    command = outputs(let_in)["port_forwarding_command"]
    assert "--cluster shops" in command
    assert "localPortNumber=8000" in command
    assert outputs(shop())["port_forwarding_command"] == ""
