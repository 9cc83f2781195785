"""components.prometheus.discovery: as whom Prometheus asks EC2, and what stays secret."""

import json

import pytest

from components.containers.roles import may_start_a_task
from components.prometheus.discovery import may_discover
from mocks.evaluation import is_secret, without_secrets
from mocks.recording import REGION, SECRET_KEY, Deployment, deploy
from tests.components.examples import SERVICE
from tests.components.services import ARN, ECR_PASSWORD, document, outputs, secrets, service

# --- secrecy ---


def test_the_access_key_is_kept_in_one_secret_as_json(prometheus: Deployment) -> None:
    version = prometheus.inputs("prom-discovery-secret-version")
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


def test_a_deleted_secret_can_be_restored(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-discovery-secret")["recoveryWindowInDays"] == 7


# --- who may do what ---


def test_what_discovery_needs() -> None:
    assert may_discover("eu-central-1") == {
        "Effect": "Allow",
        "Action": ["ec2:DescribeInstances", "ec2:DescribeAvailabilityZones"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
    }


def test_the_user_may_discover_and_nothing_else(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-discovery-user") == {"path": "/prometheus-aws/"}
    assert prometheus.inputs("prom-discovery-user-policy")["user"] == "prom-discovery-user"
    assert document(prometheus, "prom-discovery-user-policy") == {
        "Version": "2012-10-17",
        "Statement": [may_discover(REGION)],
    }
    assert prometheus.inputs("prom-discovery-key-1") == {"user": "prom-discovery-user"}


def test_with_a_task_role_there_is_no_user_key_or_secret(
    prometheus: Deployment, task_role: Deployment
) -> None:
    assert secrets(task_role) == {}
    assert document(task_role, "prom-task-role-policy") == document(
        prometheus, "prom-discovery-user-policy"
    )
    assert task_role.inputs("prom-task-role-policy")["role"] == "prom-task-role-id"
    assert task_role.inputs("prom-task")["taskRoleArn"] == f"{ARN}:prom-task-role"
    assert document(task_role, "prom-execution-role-policy") == json.loads(
        may_start_a_task([f"{ARN}:prom-images"], f"{ARN}:prom-log", [])
    )
    assert outputs(task_role)["credentials_secret_arn"] == ""


def test_with_a_user_the_task_has_no_role(prometheus: Deployment) -> None:
    assert "taskRoleArn" not in prometheus.inputs("prom-task")
    assert prometheus.inputs("prom-task")["executionRoleArn"] == f"{ARN}:prom-execution-role"


# --- rotation of the key ---


def version_of(deployment: Deployment) -> set[str]:
    return {value.rsplit(":", maxsplit=1)[1] for value in secrets(deployment).values()}


def test_the_secrets_version_is_pinned(prometheus: Deployment) -> None:
    (version,) = version_of(prometheus)
    assert version
    secret = f"{ARN}:prom-discovery-secret"
    assert secrets(prometheus) == {
        "AWS_ACCESS_KEY_ID": f"{secret}:access_key_id::{version}",
        "AWS_SECRET_ACCESS_KEY": f"{secret}:secret_access_key::{version}",
    }


def test_a_raised_counter_makes_a_new_key_and_a_new_revision(prometheus: Deployment) -> None:
    rotated = service(access_key_rotation=2)
    key = ("aws:iam/accessKey:AccessKey", "prom-discovery-key-1")
    new_key = ("aws:iam/accessKey:AccessKey", "prom-discovery-key-2")
    assert rotated.children("prom") == prometheus.children("prom") - {key} | {new_key}
    written = rotated.inputs("prom-discovery-secret-version")["secretString"]["value"]
    assert json.loads(written)["access_key_id"] == "prom-discovery-key-2-id"
    assert version_of(rotated) != version_of(prometheus)


def test_nothing_else_changes_when_the_key_does(prometheus: Deployment) -> None:
    rotated = service(access_key_rotation=2)
    changed = {
        r.name
        for r in rotated.resources
        if r.name != "prom-discovery-key-2" and prometheus.inputs(r.name) != r.inputs
    }
    assert changed == {"prom-discovery-secret-version", "prom-task"}


def test_the_old_key_outlives_the_roll_out(prometheus: Deployment) -> None:
    """Pulumi deletes the old key when all updates are done: the service's must wait."""
    assert prometheus.inputs("prom-service")["waitForSteadyState"] is True
    assert {"prom-discovery-key-1", "prom-discovery-secret-version"} <= prometheus.needs(
        "prom-task"
    )
