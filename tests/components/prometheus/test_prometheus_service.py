"""PrometheusService: exactly what it registers, and what stays secret."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from components.container_definition import image_tag

from components import policies
from mocks.recording import (
    ACCOUNT,
    REGION,
    SECRET_KEY,
    Deployment,
    as_secret,
    deploy,
    is_secret,
    undescribed,
    without_secrets,
)
from tests.components.examples import ROOT, SERVICE

ARN = f"arn:aws:mock:{REGION}:{ACCOUNT}"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ECR_PASSWORD = "the-ecr-password"  # noqa: S105 - the recording's

FOLDER = ROOT / "docker" / "prometheus"
IMAGE = f"prom-image-{image_tag(FOLDER, '3.15.0', 'ARM64')}"
PUSH = IMAGE.replace("prom-image-", "prom-image-push-")

COMMON = {
    ("aws:ec2/securityGroup:SecurityGroup", "prom-security-group"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "prom-security-group-aws"),
    ("aws:cloudwatch/logGroup:LogGroup", "prom-log"),
    ("aws:ecr/repository:Repository", "prom-images"),
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "prom-images-lifecycle"),
    ("docker:index/image:Image", IMAGE),
    ("random:index/randomId:RandomId", PUSH),
    ("aws:iam/role:Role", "prom-execution-role"),
    ("aws:iam/rolePolicy:RolePolicy", "prom-execution-role-policy"),
    ("random:index/randomId:RandomId", "prom-family-suffix"),
    ("aws:ecs/taskDefinition:TaskDefinition", "prom-task"),
    ("aws:ecs/cluster:Cluster", "prom-cluster"),
    ("aws:ecs/service:Service", "prom-service"),
}
WITH_USER = {
    ("aws:iam/user:User", "prom-discovery-user"),
    ("aws:iam/userPolicy:UserPolicy", "prom-discovery-user-policy"),
    ("aws:iam/accessKey:AccessKey", "prom-discovery-key-1"),
    ("aws:secretsmanager/secret:Secret", "prom-discovery-secret"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "prom-discovery-secret-version"),
}
WITH_ROLE = {
    ("aws:iam/role:Role", "prom-task-role"),
    ("aws:iam/rolePolicy:RolePolicy", "prom-task-role-policy"),
}


def service(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: SERVICE.component("prom", {**SERVICE.fewest, **args}))


@pytest.fixture(scope="module")
def default() -> Deployment:
    return service()


@pytest.fixture(scope="module")
def task_role() -> Deployment:
    return service(credentials="task-role")


def container(deployment: Deployment) -> dict[str, Any]:
    (found,) = json.loads(deployment.inputs("prom-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def environment(deployment: Deployment) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(deployment)["environment"]}


def secrets(deployment: Deployment) -> dict[str, str]:
    return {entry["name"]: entry["valueFrom"] for entry in container(deployment)["secrets"]}


def document(deployment: Deployment, name: str, key: str = "policy") -> Mapping[str, Any]:
    found = json.loads(deployment.inputs(name)[key])
    assert isinstance(found, dict)
    return found


def test_the_exact_resources(default: Deployment) -> None:
    assert default.children("prom") == COMMON | WITH_USER
    assert len(default.resources) == len(COMMON | WITH_USER) + 1


def test_the_outputs(default: Deployment) -> None:
    (outputs,) = [o for urn, o in default.outputs.items() if "PrometheusService" in urn]
    command = outputs.pop("url_command")
    assert outputs == {
        "security_group_id": "prom-security-group-id",
        "cluster_name": "prom-cluster",
        "service_name": "prom-service",
        "log_group_name": "prom-log",
        "repository_url": f"{REGISTRY}/prom-images",
        "credentials_secret_arn": f"{ARN}:prom-discovery-secret",
    }
    assert f"--region {REGION} " in command
    assert "--cluster prom-cluster --service-name prom-service " in command
    assert "'NetworkInterfaces[0].PrivateIpAddress'" in command
    assert command.endswith('echo "http://$ADDRESS:9090"')


@pytest.mark.parametrize("public", [True, False])
def test_a_public_address_only_when_asked_for(*, public: bool) -> None:
    deployment = service(assign_public_ip=public)
    assert deployment.inputs("prom-service")["networkConfiguration"]["assignPublicIp"] is public
    (outputs,) = [o for urn, o in deployment.outputs.items() if "PrometheusService" in urn]
    assert ("Association.PublicIp" in outputs["url_command"]) is public


# --- the image ---


def test_the_repository(default: Deployment) -> None:
    assert default.inputs("prom-images") == {
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "forceDelete": False,
    }
    assert service(delete_images_on_destroy=True).inputs("prom-images")["forceDelete"] is True


def test_only_untagged_images_are_ever_removed(default: Deployment) -> None:
    inputs = default.inputs("prom-images-lifecycle")
    assert inputs["repository"] == "prom-images"
    (rule,) = json.loads(inputs["policy"])["rules"]
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert rule["action"] == {"type": "expire"}


@pytest.mark.parametrize(
    ("architecture", "platform"), [("ARM64", "linux/arm64"), ("X86_64", "linux/amd64")]
)
def test_the_image_is_built_for_the_tasks_architecture(architecture: str, platform: str) -> None:
    deployment = service(cpu_architecture=architecture)
    image = deployment.one(":Image").inputs
    tag = image_tag(FOLDER, "3.15.0", architecture)
    assert image["imageName"] == f"{REGISTRY}/prom-images:{tag}-0badcafe"
    assert image["build"] == {
        "context": str(FOLDER),
        "dockerfile": str(FOLDER / "Dockerfile"),
        "platform": platform,
        "args": {"PROMETHEUS_VERSION": "3.15.0"},
    }
    assert image["skipPush"] is False
    assert deployment.inputs("prom-task")["runtimePlatform"] == {
        "operatingSystemFamily": "LINUX",
        "cpuArchitecture": architecture,
    }


def test_the_image_runs_by_digest(default: Deployment) -> None:
    assert container(default)["image"] == "repository@sha256:" + "0" * 64
    assert IMAGE in default.needs("prom-task")


def test_an_image_is_pushed_once_and_under_a_tag_of_its_own(default: Deployment) -> None:
    """ECR refuses a tag that is there already, even for the same image."""
    assert default.named(IMAGE).options.ignoreChanges == ["build"]  # a checkout elsewhere
    assert PUSH in default.needs(IMAGE)
    other = service(prometheus_version="3.14.0")
    assert not {IMAGE, PUSH} & {r.name for r in other.resources}  # deleted: made anew on return


# --- secrecy ---


def test_the_registrys_password_is_a_secret(default: Deployment) -> None:
    registry = default.inputs(IMAGE)["registry"]
    assert registry == as_secret(
        {"server": f"https://{REGISTRY}", "username": "AWS", "password": ECR_PASSWORD}
    )


def test_the_access_key_is_kept_in_one_secret_as_json(default: Deployment) -> None:
    version = default.inputs("prom-discovery-secret-version")
    assert version["secretId"] == "prom-discovery-secret-id"
    assert is_secret(version["secretString"])
    assert json.loads(version["secretString"]["value"]) == {
        "access_key_id": "prom-discovery-key-1-id",
        "secret_access_key": SECRET_KEY,
    }


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_no_secret_is_anywhere_in_plain_text(*, preview: bool) -> None:
    deployment = deploy(lambda: SERVICE.component("prom", SERVICE.fewest), preview=preview)
    everything = {r.name: without_secrets(r.inputs) for r in deployment.resources}
    plain = json.dumps([everything, without_secrets(deployment.outputs)], default=str)
    assert "prom-discovery-user" in plain
    assert SECRET_KEY not in plain
    assert ECR_PASSWORD not in plain


def test_a_deleted_secret_can_be_had_back(default: Deployment) -> None:
    assert default.inputs("prom-discovery-secret")["recoveryWindowInDays"] == 7


# --- who may do what ---


def test_the_user_may_discover_and_nothing_else(default: Deployment) -> None:
    assert default.inputs("prom-discovery-user") == {"path": "/prometheus-aws/"}
    assert default.inputs("prom-discovery-user-policy")["user"] == "prom-discovery-user"
    assert document(default, "prom-discovery-user-policy") == policies.discovery(REGION)
    assert default.inputs("prom-discovery-key-1") == {"user": "prom-discovery-user"}


def test_the_execution_role_reaches_exactly_our_own_resources(default: Deployment) -> None:
    assert default.inputs("prom-execution-role-policy")["role"] == "prom-execution-role-id"
    assert document(default, "prom-execution-role-policy") == policies.execution(
        f"{ARN}:prom-images", f"{ARN}:prom-log", [f"{ARN}:prom-discovery-secret"]
    )


TRUST = policies.trust(
    "ecs-tasks.amazonaws.com",
    {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
    },
)


def test_only_ecs_assumes_the_roles_the_tasks_for_this_account_and_region(
    task_role: Deployment,
) -> None:
    roles = {r.name: json.loads(r.inputs["assumeRolePolicy"]) for r in task_role.of_type(":Role")}
    # AWS documents the conditions for the task's role only.
    ecs = policies.trust("ecs-tasks.amazonaws.com")
    assert roles == {"prom-execution-role": ecs, "prom-task-role": TRUST}


def test_another_partition_has_other_arns() -> None:
    partition = {"aws:index/getPartition:getPartition": {"partition": "aws-cn"}}
    args = {**SERVICE.fewest, "credentials": "task-role"}
    deployment = deploy(lambda: SERVICE.component("prom", args), invokes=partition)
    (statement,) = document(deployment, "prom-task-role", "assumeRolePolicy")["Statement"]
    source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source == f"arn:aws-cn:ecs:{REGION}:{ACCOUNT}:*"


def test_with_a_task_role_there_is_no_user_key_or_secret(
    default: Deployment, task_role: Deployment
) -> None:
    assert task_role.children("prom") == COMMON | WITH_ROLE
    assert secrets(task_role) == {}
    assert document(task_role, "prom-task-role-policy") == document(
        default, "prom-discovery-user-policy"
    )
    assert task_role.inputs("prom-task-role-policy")["role"] == "prom-task-role-id"
    assert task_role.inputs("prom-task")["taskRoleArn"] == f"{ARN}:prom-task-role"
    assert document(task_role, "prom-execution-role-policy") == policies.execution(
        f"{ARN}:prom-images", f"{ARN}:prom-log", []
    )
    (outputs,) = [o for urn, o in task_role.outputs.items() if "PrometheusService" in urn]
    assert outputs["credentials_secret_arn"] == ""


def test_with_a_user_the_task_has_no_role(default: Deployment) -> None:
    assert "taskRoleArn" not in default.inputs("prom-task")
    assert default.inputs("prom-task")["executionRoleArn"] == f"{ARN}:prom-execution-role"


# --- rotation of the key ---


def version_of(deployment: Deployment) -> set[str]:
    return {value.rsplit(":", maxsplit=1)[1] for value in secrets(deployment).values()}


def test_the_secrets_version_is_pinned(default: Deployment) -> None:
    (version,) = version_of(default)
    assert version
    secret = f"{ARN}:prom-discovery-secret"
    assert secrets(default) == {
        "AWS_ACCESS_KEY_ID": f"{secret}:access_key_id::{version}",
        "AWS_SECRET_ACCESS_KEY": f"{secret}:secret_access_key::{version}",
    }


def test_a_raised_counter_makes_a_new_key_and_a_new_revision(default: Deployment) -> None:
    rotated = service(access_key_rotation=2)
    key = ("aws:iam/accessKey:AccessKey", "prom-discovery-key-1")
    new_key = ("aws:iam/accessKey:AccessKey", "prom-discovery-key-2")
    assert rotated.children("prom") == (COMMON | WITH_USER) - {key} | {new_key}
    written = rotated.inputs("prom-discovery-secret-version")["secretString"]["value"]
    assert json.loads(written)["access_key_id"] == "prom-discovery-key-2-id"
    assert version_of(rotated) != version_of(default)


def test_nothing_else_changes_when_the_key_does(default: Deployment) -> None:
    rotated = service(access_key_rotation=2)
    changed = {
        r.name
        for r in rotated.resources
        if r.name != "prom-discovery-key-2" and default.inputs(r.name) != r.inputs
    }
    assert changed == {"prom-discovery-secret-version", "prom-task"}


def test_the_old_key_outlives_the_roll_out(default: Deployment) -> None:
    """Pulumi deletes the old key when all updates are done: the service's must wait."""
    assert default.inputs("prom-service")["waitForSteadyState"] is True
    assert {"prom-discovery-key-1", "prom-discovery-secret-version"} <= default.needs("prom-task")


def test_after_a_rollback_the_update_fails_so_that_the_old_key_stays() -> None:
    """A rolled-back service is steady too: Pulumi would go on and delete the key that it uses."""
    old = f"{ARN}:the-old-revision"
    with pytest.raises(pulumi.RunError, match=rf"prom-service runs {old}, not {ARN}:prom-task"):
        deploy(
            lambda: SERVICE.component("prom", SERVICE.fewest),
            outputs={"aws:ecs/service:Service": {"taskDefinition": old}},
        )


def test_the_service_starts_when_all_that_it_needs_is_there(
    default: Deployment, task_role: Deployment
) -> None:
    """What no input of the service refers to must be waited for explicitly."""
    assert {
        "prom-task",
        "prom-discovery-user-policy",
        "prom-execution-role-policy",
        "prom-security-group-aws",
    } <= default.needs("prom-service")
    assert "prom-task-role-policy" in task_role.needs("prom-service")
    admin = service(admin_cidrs=["203.0.113.7/32"])
    assert "prom-security-group-admin-203.0.113.7/32" in admin.needs("prom-service")


# --- the task and the service ---


def test_the_task_definition(default: Deployment) -> None:
    inputs = dict(default.inputs("prom-task"))
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


def test_every_setting_reaches_the_container() -> None:
    deployment = deploy(lambda: SERVICE.component("prom", SERVICE.all))
    assert environment(deployment) == {
        "AWS_REGION": REGION,
        "VPC_ID": "vpc-1",
        "ENVIRONMENT": "dev",
        "DISCOVERY_TAG_KEY": "team:monitor",
        "DISCOVERY_TAG_VALUE": "yes",
        "DISCOVERY_REFRESH_INTERVAL": "2m",
        "NODE_EXPORTER_PORT": "9101",
        "SCRAPE_INTERVAL": "30s",
        "RETENTION_TIME": "90d",
        "RETENTION_SIZE": "80GB",
        "PROMETHEUS_PORT": "9091",
    }
    assert container(deployment)["portMappings"][0]["containerPort"] == 9091
    task = deployment.inputs("prom-task")
    assert (task["cpu"], task["memory"]) == ("1024", "4096")
    assert task["ephemeralStorage"] == {"sizeInGib": 100}
    assert deployment.inputs("prom-log") == {"retentionInDays": 30}


def test_the_defaults_reach_the_container(default: Deployment) -> None:
    assert environment(default) == {
        "AWS_REGION": REGION,
        "VPC_ID": "vpc-1",
        "ENVIRONMENT": "dev",
        "DISCOVERY_TAG_KEY": "prometheus-scrape",
        "DISCOVERY_TAG_VALUE": "true",
        "DISCOVERY_REFRESH_INTERVAL": "60s",
        "NODE_EXPORTER_PORT": "9100",
        "SCRAPE_INTERVAL": "15s",
        "RETENTION_TIME": "15d",
        "RETENTION_SIZE": "16GB",
        "PROMETHEUS_PORT": "9090",
    }


def test_numbers_of_another_language_are_the_same_numbers(default: Deployment) -> None:
    """They arrive as floats."""
    floats = service(
        prometheus_port=9090.0,
        node_exporter_port=9100.0,
        storage_gib=21.0,
        task_cpu=256.0,
        task_memory=512.0,
        access_key_rotation=1.0,
        log_retention_days=14.0,
    )
    assert floats.children("prom") == default.children("prom")
    assert {r.name: r.inputs for r in floats.resources} == {
        r.name: r.inputs for r in default.resources
    }


def test_the_log(default: Deployment) -> None:
    assert default.inputs("prom-log") == {"retentionInDays": 14}
    options = container(default)["logConfiguration"]["options"]
    assert options["awslogs-group"] == "prom-log"
    assert options["awslogs-region"] == REGION


def test_one_prometheus_at_a_time(default: Deployment) -> None:
    assert default.inputs("prom-service") == {
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


# --- the security group ---


def test_nobody_is_let_in_by_default(default: Deployment) -> None:
    assert default.of_type(":SecurityGroupIngressRule") == []
    assert undescribed(default.inputs("prom-security-group")) == {
        "vpcId": "vpc-1",
        "tags": {"Name": "prom"},
    }


def test_only_https_goes_out(default: Deployment) -> None:
    (rule,) = default.of_type(":SecurityGroupEgressRule")
    assert undescribed(rule.inputs) == {
        "securityGroupId": "prom-security-group-id",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrIpv4": "0.0.0.0/0",
    }


def test_administrators_are_let_in_to_prometheus_port() -> None:
    cidrs = ["203.0.113.7/32", "198.51.100.0/24"]
    deployment = service(admin_cidrs=cidrs, prometheus_port=9091)
    rules = {r.name: undescribed(r.inputs) for r in deployment.of_type(":SecurityGroupIngressRule")}
    assert rules == {
        f"prom-security-group-admin-{cidr}": {
            "securityGroupId": "prom-security-group-id",
            "ipProtocol": "tcp",
            "fromPort": 9091,
            "toPort": 9091,
            "cidrIpv4": cidr,
        }
        for cidr in cidrs
    }
