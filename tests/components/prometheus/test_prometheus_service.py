"""PrometheusService: exactly what it registers."""

import pytest

from mocks.recording import REGION, Deployment, undescribed
from tests.components.services import ARN, IMAGE, PUSH, REGISTRY, outputs, service

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


def test_the_exact_resources(prometheus: Deployment, task_role: Deployment) -> None:
    assert prometheus.children("prom") == COMMON | WITH_USER
    assert len(prometheus.resources) == len(COMMON | WITH_USER) + 1
    assert task_role.children("prom") == COMMON | WITH_ROLE
    assert len(task_role.resources) == len(COMMON | WITH_ROLE) + 1


def test_the_outputs(prometheus: Deployment) -> None:
    found = outputs(prometheus)
    command = found.pop("url_command")
    assert found == {
        "security_group_id": "prom-security-group-id",
        "dns_name": "",
        "cluster_name": "prom-cluster",
        "service_name": "prom-service",
        "service_names": ["prom-service"],
        "log_group_name": "prom-log",
        "repository_url": f"{REGISTRY}/prom-images",
        "credentials_secret_arn": f"{ARN}:prom-discovery-secret",
        "port_forwarding_command": "",
        "replace_hosts_command": "",
    }
    assert f"--region {REGION} " in command
    assert "--cluster prom-cluster --service-name prom-service " in command
    assert "'NetworkInterfaces[0].PrivateIpAddress'" in command
    assert command.endswith('echo "http://$ADDRESS:9090"')


def test_it_has_a_name_in_a_namespace() -> None:
    found = outputs(service(namespace_id="ns-1", namespace_domain="monitoring.internal"))
    assert found["dns_name"] == "prom.monitoring.internal"


def test_numbers_of_another_language_are_the_same_numbers(prometheus: Deployment) -> None:
    """They arrive as floats."""
    floats = service(
        port=9090.0,
        node_exporter_port=9100.0,
        storage_gib=21.0,
        task_cpu=256.0,
        task_memory=512.0,
        access_key_rotation=1.0,
        log_retention_days=14.0,
    )
    assert floats.children("prom") == prometheus.children("prom")
    assert {r.name: r.inputs for r in floats.resources} == {
        r.name: r.inputs for r in prometheus.resources
    }


def test_nobody_is_let_in_by_default(prometheus: Deployment) -> None:
    assert prometheus.of_type(":SecurityGroupIngressRule") == []
    assert undescribed(prometheus.inputs("prom-security-group")) == {
        "vpcId": "vpc-1",
        "tags": {"Name": "prom"},
    }


@pytest.mark.parametrize("session_manager", [True, False])
def test_only_https_goes_out(*, session_manager: bool) -> None:
    """Session Manager's agent calls AWS; nobody calls the agent."""
    deployment = service(enable_execute_command=session_manager)
    assert deployment.of_type(":SecurityGroupIngressRule") == []
    (rule,) = deployment.of_type(":SecurityGroupEgressRule")
    assert undescribed(rule.inputs) == {
        "securityGroupId": "prom-security-group-id",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrIpv4": "0.0.0.0/0",
    }


def test_administrators_are_let_in_to_port() -> None:
    cidrs = ["203.0.113.7/32", "198.51.100.0/24"]
    deployment = service(admin_cidrs=cidrs, port=9091)
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
