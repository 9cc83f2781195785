"""components.containers.container_service: exactly what a server's service is, with Prometheus."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components import policies
from components.arguments import resolve
from components.containers.container_service import (
    ContainerService,
    Member,
)
from components.containers.definition import Container
from components.containers.image import ServerImage
from components.containers.roles import ECS_TASKS, may_start_a_task
from components.network.security_groups import security_group
from mocks.evaluation import evaluate
from mocks.recording import (
    ACCOUNT,
    REGION,
    Deployment,
    Recording,
    RecordingMonitor,
    deploy,
    refuse,
)
from tests.components.examples import SERVICE
from tests.components.services import ARN, VERSION, container, document, outputs, service

# --- the task and the service ---


def test_the_task_definition(prometheus: Deployment) -> None:
    inputs = dict(prometheus.inputs("prom-task"))
    del inputs["containerDefinitions"]
    assert inputs == {
        "family": "prom-0badcafe",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"},
        "ephemeralStorage": {"sizeInGib": 21},
        "volumes": [{"name": "data"}, {"name": "rendered"}],
        "executionRoleArn": f"{ARN}:prom-execution-role",
    }


def test_the_sizes_reach_the_task() -> None:
    inputs = service(task_cpu=1024, task_memory=4096, storage_gib=100).inputs("prom-task")
    assert (inputs["cpu"], inputs["memory"]) == ("1024", "4096")
    assert inputs["ephemeralStorage"] == {"sizeInGib": 100}
    (described,) = json.loads(inputs["containerDefinitions"])
    assert described["memory"] == 4096


def test_the_log(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-log") == {"retentionInDays": 14}
    assert service(log_retention_days=30).inputs("prom-log") == {"retentionInDays": 30}
    options = container(prometheus)["logConfiguration"]["options"]
    assert options["awslogs-group"] == "prom-log"
    assert options["awslogs-region"] == REGION


def test_one_prometheus_at_a_time(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-service") == {
        "cluster": f"{ARN}:prom-cluster",
        "taskDefinition": f"{ARN}:prom-task",
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "desiredCount": 1,
        "deploymentMinimumHealthyPercent": 0,
        "deploymentMaximumPercent": 100,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "availabilityZoneRebalancing": "DISABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": True,
        "networkConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["prom-security-group-id"],
            "assignPublicIp": False,
        },
    }


@pytest.mark.parametrize("public", [True, False])
def test_a_public_address_only_when_asked_for(*, public: bool) -> None:
    deployment = service(assign_public_ip=public)
    assert deployment.inputs("prom-service")["networkConfiguration"]["assignPublicIp"] is public
    assert ("Association.PublicIp" in outputs(deployment)["url_command"]) is public


# --- what others find it by ---


def test_a_server_has_a_name_where_there_is_a_namespace(prometheus: Deployment) -> None:
    assert prometheus.of_type("servicediscovery/service:Service") == []
    named = service(namespace_id="ns-1", namespace_domain="watch.example")
    assert named.inputs("prom-name") == {
        "name": "prom",
        "dnsConfig": {
            "namespaceId": "ns-1",
            "dnsRecords": [{"type": "A", "ttl": 10}],
            "routingPolicy": "MULTIVALUE",
        },
        "healthCheckCustomConfig": {"failureThreshold": 1},
        "forceDestroy": True,
    }
    assert named.inputs("prom-service")["serviceRegistries"] == {"registryArn": f"{ARN}:prom-name"}


def test_a_load_balancer_reaches_the_servers_port_and_nothing_else() -> None:
    given = {"target_group_arn": "tg-1", "load_balancer_security_group_id": "sg-lb"}
    behind = service(port=9091, **given)
    inputs = behind.inputs("prom-service")
    assert inputs["loadBalancers"] == [
        {"targetGroupArn": "tg-1", "containerName": "prometheus", "containerPort": 9091}
    ]
    assert inputs["healthCheckGracePeriodSeconds"] == 300
    common = {
        "description": "Load balancer to prometheus",
        "ipProtocol": "tcp",
        "fromPort": 9091,
        "toPort": 9091,
    }
    (let_in,) = behind.of_type(":SecurityGroupIngressRule")
    assert let_in.inputs == {
        **common,
        "securityGroupId": "prom-security-group-id",
        "referencedSecurityGroupId": "sg-lb",
    }
    assert behind.inputs("prom-load-balancer-egress") == {
        **common,
        "securityGroupId": "sg-lb",
        "referencedSecurityGroupId": "prom-security-group-id",
    }
    rules = {"prom-load-balancer-egress", "prom-load-balancer-ingress"}
    assert rules <= behind.needs("prom-service")


@pytest.mark.parametrize(
    ("key", "other"),
    [("namespace_domain", "namespace_id"), ("load_balancer_security_group_id", "target_group_arn")],
)
def test_what_belongs_together_is_given_together(key: str, other: str) -> None:
    """Outputs, too, whose values nobody knows yet."""
    for given in (key, other):
        for make in (str, pulumi.Output.from_input):

            def program(given: str = given, make: Callable[[str], Any] = make) -> None:
                SERVICE.component("prom", {**SERVICE.fewest, given: make("it")})

            error = str(refuse(program))
            assert f"\n  - {key} is " in error
            assert error.endswith(f": expected both it and {other}, or neither")


def many(members: int, replicas: int) -> Callable[[], None]:
    """A program with a server of several members, each of several tasks."""

    def program() -> None:
        parent = pulumi.ComponentResource("test:index:Server", "many", None)
        args: Any = resolve(SERVICE.shape, "many", dict(SERVICE.fewest))
        container = Container(
            name="many",
            image=ServerImage(parent, "many", args, "prometheus", VERSION),
            user="65534:65534",
            environment={},
            ports=[9090],
            volumes={},
            health_path="/healthy",
            open_files=1024,
        )
        ContainerService(
            parent,
            "many",
            args,
            [Member([container], subnet_ids=[f"subnet-{index}"]) for index in range(members)],
            security_group=security_group(parent, "many-group", "vpc-1", "Many", "many"),
            replicas=replicas,
        )

    return program


def test_several_tasks_hand_over_before_the_old_ones_end() -> None:
    inputs = deploy(many(1, 2)).inputs("many-service")
    assert inputs["desiredCount"] == 2
    assert inputs["deploymentMinimumHealthyPercent"] == 100
    assert inputs["deploymentMaximumPercent"] == 200
    assert inputs["availabilityZoneRebalancing"] == "ENABLED"


def test_members_are_services_of_their_own_in_one_cluster_with_one_log_and_one_role() -> None:
    deployed = deploy(many(2, 1))
    first, second = (deployed.inputs(f"many{it}-service") for it in ("", "-1"))
    assert [it["desiredCount"] for it in (first, second)] == [1, 1]
    assert first["cluster"] == second["cluster"] == f"{ARN}:many-cluster"
    assert second["taskDefinition"] == f"{ARN}:many-1-task"
    assert [it["networkConfiguration"]["subnets"] for it in (first, second)] == [
        ["subnet-0"],
        ["subnet-1"],
    ]
    tasks = [deployed.inputs(f"many{it}-task") for it in ("", "-1")]
    assert len({task["executionRoleArn"] for task in tasks}) == 1
    assert len(deployed.of_type("cloudwatch/logGroup:LogGroup")) == 1


def test_members_are_updated_one_after_the_other() -> None:
    deployed = deploy(many(3, 1))
    assert "many-service" in deployed.needs("many-1-service")
    assert "many-1-service" in deployed.needs("many-2-service")


def test_while_one_member_is_rolled_back_the_next_is_left_alone() -> None:
    old = f"{ARN}:the-old-revision"
    monitor = RecordingMonitor(
        Recording(outputs={"aws:ecs/service:Service": {"taskDefinition": old}})
    )
    with pytest.raises(pulumi.RunError, match=rf"many-service runs {old}, not {ARN}:many-task"):
        evaluate(many(2, 1), monitor, project="prometheus-aws", stack="test", config={})
    services = [it.name for it in Deployment(monitor).of_type("ecs/service:Service")]
    assert services == ["many-service"]


def test_after_a_rollback_the_update_fails_so_that_the_old_key_stays() -> None:
    """A rolled-back service is steady too: Pulumi would go on and delete the key that it uses."""
    old = f"{ARN}:the-old-revision"
    with pytest.raises(pulumi.RunError, match=rf"prom-service runs {old}, not {ARN}:prom-task"):
        deploy(
            lambda: SERVICE.component("prom", SERVICE.fewest),
            outputs={"aws:ecs/service:Service": {"taskDefinition": old}},
        )


def test_the_service_starts_when_all_that_it_needs_is_there(
    prometheus: Deployment, task_role: Deployment
) -> None:
    """What no input of the service refers to must be waited for explicitly."""
    assert {
        "prom-task",
        "prom-discovery-user-policy",
        "prom-execution-role-policy",
        "prom-security-group-aws",
    } <= prometheus.needs("prom-service")
    assert "prom-task-role-policy" in task_role.needs("prom-service")
    admin = service(admin_cidrs=["203.0.113.7/32"])
    assert "prom-security-group-admin-203.0.113.7/32" in admin.needs("prom-service")


# --- who may do what ---

REPOSITORY = "arn:aws:ecr:eu-central-1:123456789012:repository/prometheus"
LOG_GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:prometheus"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prometheus-AbCdEf"  # noqa: S105 - an ARN


def test_what_ecs_may_do_before_a_task_runs() -> None:
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    log = ["logs:CreateLogStream", "logs:PutLogEvents"]
    # Two values of one secret are one statement, as are two containers of one image.
    assert json.loads(may_start_a_task([REPOSITORY] * 2, LOG_GROUP, [SECRET] * 2)) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
            {"Effect": "Allow", "Action": pull, "Resource": REPOSITORY},
            {"Effect": "Allow", "Action": log, "Resource": f"{LOG_GROUP}:*"},
            {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": SECRET},
        ],
    }


def test_without_a_secret_ecs_reads_none() -> None:
    with_secret = json.loads(may_start_a_task([REPOSITORY], LOG_GROUP, [SECRET]))["Statement"]
    without = json.loads(may_start_a_task([REPOSITORY], LOG_GROUP, []))["Statement"]
    assert without == with_secret[:-1]


def test_the_execution_role_reaches_exactly_our_own_resources(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-execution-role-policy")["role"] == "prom-execution-role-id"
    assert document(prometheus, "prom-execution-role-policy") == json.loads(
        may_start_a_task(
            [f"{ARN}:prom-images"], f"{ARN}:prom-log", [f"{ARN}:prom-discovery-secret"]
        )
    )


TRUST = policies.trust(
    ECS_TASKS, policies.from_account(ACCOUNT, f"arn:aws:ecs:{REGION}:{ACCOUNT}:*")
)


def test_only_ecs_assumes_the_roles_the_tasks_for_this_account_and_region(
    task_role: Deployment,
) -> None:
    roles = {r.name: json.loads(r.inputs["assumeRolePolicy"]) for r in task_role.of_type(":Role")}
    # AWS documents the conditions for the task's role only.
    ecs = json.loads(policies.document(policies.trust(ECS_TASKS)))
    assert roles == {
        "prom-execution-role": ecs,
        "prom-task-role": json.loads(policies.document(TRUST)),
    }


def test_another_partition_has_other_arns() -> None:
    partition = {"aws:index/getPartition:getPartition": {"partition": "aws-cn"}}
    args = {**SERVICE.fewest, "credentials": "task-role"}
    deployment = deploy(lambda: SERVICE.component("prom", args), invokes=partition)
    (statement,) = document(deployment, "prom-task-role", "assumeRolePolicy")["Statement"]
    source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source == f"arn:aws-cn:ecs:{REGION}:{ACCOUNT}:*"
