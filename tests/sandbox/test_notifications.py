"""A server in trouble is told of: rules, alarm and topic, asked of the emulated AWS.

EventBridge delivers to SQS here, but not to SNS, so a queue takes the topic's place as the rules'
target. Alarms are not evaluated, nor their actions carried out; who may publish is not enforced.
"""

from __future__ import annotations

import contextvars
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sandbox import deploy
from sandbox.emulator import Emulator
from sandbox.resources import Account
from tests.sandbox.command import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-west-1"
CLUSTER, SERVICE = "default", "servicetest"
"""As in AWS's examples."""

PROGRAM = f"""
import pulumi
from components import NotificationTopic, ServiceWatch
topic = NotificationTopic("tried", {{"emails": ["on-call@example.com"], "sms": ["+4915112345678"]}})
watch = ServiceWatch("watch", {{
    "topic_arn": topic.topic_arn, "cluster_name": "{CLUSTER}", "service_name": "{SERVICE}",
}})
pulumi.export("topic", topic.topic_arn)
pulumi.export("alarm", watch.alarm_name)
"""


class Watched(NamedTuple):
    """A topic and a watch, deployed; a queue in the topic's place."""

    emulator: Emulator
    topic: str
    alarm: str
    queue: str
    """URL of the queue."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's client
        return self.emulator.client(service)

    def received(self) -> list[str]:
        sqs = self.client("sqs")
        found = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]

    def told(self, event: dict[str, Any]) -> list[str]:
        """What a person reads when ECS sends this event."""
        text = json.dumps(event).replace("us-west-2:111122223333", f"{REGION}:{self.account}")
        sent = json.loads(text)
        self.client("events").put_events(
            Entries=[
                {
                    "Source": sent["source"],
                    "DetailType": sent["detail-type"],
                    "Resources": sent["resources"],
                    "Detail": json.dumps(sent["detail"]),
                }
            ]
        )
        return [json.loads(body) for body in self.received()]

    @property
    def account(self) -> str:
        return self.emulator.account_id


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    emulator = Emulator(REGION)
    emulator.start()
    project = tmp_path_factory.mktemp("project")
    (project / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
    (project / "__main__.py").write_text(PROGRAM, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploy, "ROOT", project)
        deployed = contextvars.copy_context().run(
            deploy.deploy, Account(emulator), "dev", {}, lambda _count: None
        )
    queue = emulator.client("sqs").create_queue(QueueName="people")["QueueUrl"]
    found = Watched(emulator, str(deployed.outputs["topic"]), str(deployed.outputs["alarm"]), queue)
    _deliver_to_the_queue(found)
    yield found
    emulator.stop()


def _deliver_to_the_queue(watched: Watched) -> None:
    """Subscribe it to the topic, and give every rule the same target with another address."""
    arn = f"arn:aws:sqs:{REGION}:{watched.account}:people"
    watched.client("sns").subscribe(TopicArn=watched.topic, Protocol="sqs", Endpoint=arn)
    events = watched.client("events")
    for rule in events.list_rules()["Rules"]:
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        assert target["Arn"] == watched.topic
        events.put_targets(Rule=rule["Name"], Targets=[{**target, "Arn": arn}])


# --- AWS's own examples ---
# Source: https://github.com/awsdocs/amazon-ecs-developer-guide/blob/master/doc_source/ecs_cwe_events.md


def event(kind: str, resource: str, **detail: object) -> dict[str, Any]:
    arn = f"arn:aws:ecs:us-west-2:111122223333:{resource}"
    return {"source": "aws.ecs", "detail-type": kind, "resources": [arn], "detail": detail}


def task(**changes: object) -> dict[str, Any]:
    """The example of a task, which runs; without what no rule looks at."""
    arn = "arn:aws:ecs:us-west-2:111122223333"
    name = "task/default/c13b4cb40f1f4fe4a2971f76ae5a47ad"
    detail = {
        "clusterArn": f"{arn}:cluster/{CLUSTER}",
        "containers": [{"lastStatus": "RUNNING", "name": "FargateApp", "cpu": "0"}],
        "launchType": "FARGATE",
        "desiredStatus": "RUNNING",
        "group": f"service:{SERVICE}",  # the example's task is in no service: family:sample-fargate
        "lastStatus": "RUNNING",
        "taskArn": f"{arn}:{name}",
        "version": 4,
    }
    return event("ECS Task State Change", name, **detail | changes)


def deployment(name: str, kind: str, reason: str, service: str = SERVICE) -> dict[str, Any]:
    return event(
        "ECS Deployment State Change",
        f"service/{CLUSTER}/{service}",
        eventType=kind,
        eventName=name,
        deploymentId="ecs-svc/123",
        updatedAt="2020-05-23T11:11:11Z",
        reason=reason,
    )


def action(name: str, kind: str, service: str = SERVICE, **others: str) -> dict[str, Any]:
    return event(
        "ECS Service Action",
        f"service/{CLUSTER}/{service}",
        eventType=kind,
        eventName=name,
        clusterArn=f"arn:aws:ecs:us-west-2:111122223333:cluster/{CLUSTER}",
        createdAt="2019-11-19T19:55:38.725Z",
        **others,
    )


FAILED = (
    "SERVICE_DEPLOYMENT_FAILED",
    "ERROR",
    "ECS deployment circuit breaker: task failed to start.",
)
# Source of the reasons: https://repost.aws/knowledge-center/ecs-task-stopped
EXITED = {
    "lastStatus": "STOPPED",
    "desiredStatus": "STOPPED",
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
}
UNHEALTHY = {
    **EXITED,
    "stopCode": "ServiceSchedulerInitiated",
    "stoppedReason": "Task failed container health checks",
}
DEPLOYED = {
    **EXITED,
    "stopCode": "ServiceSchedulerInitiated",
    "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/8646900195280463695)",
}
NOT_STARTED = {
    **EXITED,
    "stopCode": "TaskFailedToStart",
    "stoppedReason": "ResourceInitializationError: unable to pull secrets or registry auth",
}
BY_A_PERSON = {**EXITED, "stopCode": "UserInitiated", "stoppedReason": "Task stopped by user"}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (task(**EXITED), ["task", SERVICE, EXITED["stoppedReason"], "#taskstopped"]),
        (task(**UNHEALTHY), [UNHEALTHY["stoppedReason"], "ServiceSchedulerInitiated"]),
        (task(**NOT_STARTED), [NOT_STARTED["stoppedReason"], "TaskFailedToStart"]),
        (task(**BY_A_PERSON), [BY_A_PERSON["stoppedReason"]]),
        (
            deployment(*FAILED),
            ["deployment", SERVICE, FAILED[2], "ecs-svc/123", "#deploymentfailed"],
        ),
        (
            action("SERVICE_TASK_START_IMPAIRED", "WARN"),
            [SERVICE, "SERVICE_TASK_START_IMPAIRED", "#serviceunsteady"],
        ),
        (
            action("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", reason="RESOURCE:FARGATE"),
            ["SERVICE_TASK_PLACEMENT_FAILURE"],
        ),
    ],
    ids=[
        "exited",
        "unhealthy",
        "not started",
        "by a person",
        "deployment failed",
        "impaired",
        "no capacity",
    ],
)
def test_trouble_is_told_once_and_says_what_and_what_to_do(
    watched: Watched, sent: dict[str, Any], words: list[str]
) -> None:
    (text,) = watched.told(sent)
    assert not [word for word in [*words, "What to do: "] if word not in text]
    assert "<" not in text  # every word of the template was in the event


OTHER_CLUSTER = {"clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/FargateCluster"}


@pytest.mark.parametrize(
    "sent",
    [
        task(),
        task(lastStatus="STOPPING", desiredStatus="STOPPED", stoppedReason="Essential container"),
        task(**DEPLOYED),
        task(**EXITED, group="service:another"),
        task(**EXITED, group="family:sample-fargate"),
        task(**{**EXITED, **OTHER_CLUSTER}),
        deployment(
            "SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "ECS deployment ecs-svc/123 in progress."
        ),
        deployment("SERVICE_DEPLOYMENT_COMPLETED", "INFO", "ECS deployment ecs-svc/123 completed."),
        deployment(*FAILED, service="another"),
        action("SERVICE_STEADY_STATE", "INFO"),
        action("SERVICE_TASK_START_IMPAIRED", "WARN", service="another"),
    ],
    ids=lambda sent: f"{sent['detail-type']} {sent['detail'].get('eventName', '')}",
)
def test_what_is_no_trouble_or_somebody_elses_is_not_told(
    watched: Watched, sent: dict[str, Any]
) -> None:
    assert watched.told(sent) == []


def test_the_service_that_the_rules_name_is_called_so_by_ecs(watched: Watched) -> None:
    ecs = watched.client("ecs")
    cluster = ecs.create_cluster(clusterName=CLUSTER)["cluster"]["clusterArn"]
    container = {"name": "c", "image": "i", "memory": 64}
    family = ecs.register_task_definition(family="f", containerDefinitions=[container])
    made = ecs.create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition=family["taskDefinition"]["taskDefinitionArn"],
        desiredCount=0,
    )["service"]
    events = watched.client("events")
    patterns = [json.loads(rule["EventPattern"]) for rule in events.list_rules()["Rules"]]
    assert len(patterns) == 3
    for pattern in patterns:
        if "resources" in pattern:
            assert pattern["resources"] == [made["serviceArn"]]
        else:
            assert pattern["detail"]["clusterArn"] == [cluster]


@pytest.mark.parametrize("state", ["ALARM", "OK"])
def test_the_alarm_reaches_people_through_the_topic(watched: Watched, state: str) -> None:
    """The emulator changes an alarm's state, but carries out none of its actions: the test does."""
    cloudwatch, which = watched.client("cloudwatch"), {"AlarmNames": [watched.alarm]}
    cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue=state, StateReason="tried")
    (alarm,) = cloudwatch.describe_alarms(**which)["MetricAlarms"]
    assert (alarm["StateValue"], alarm["ActionsEnabled"]) == (state, True)
    for arn in alarm["AlarmActions" if state == "ALARM" else "OKActions"]:
        watched.client("sns").publish(TopicArn=arn, Message=alarm["AlarmDescription"])
    (body,) = watched.received()
    text = json.loads(body)["Message"]
    assert SERVICE in text
    assert text.endswith("/notifications.md#toofewtasks")


def test_no_data_are_an_alarm(watched: Watched) -> None:
    (alarm,) = watched.client("cloudwatch").describe_alarms(AlarmNames=[watched.alarm])[
        "MetricAlarms"
    ]
    assert alarm["TreatMissingData"] == "breaching"
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ECS", "CPUUtilization")
    assert (alarm["Statistic"], alarm["Threshold"]) == ("SampleCount", 1)
    assert {it["Name"]: it["Value"] for it in alarm["Dimensions"]} == {
        "ClusterName": CLUSTER,
        "ServiceName": SERVICE,
    }


def test_the_topic_is_encrypted_and_everybody_is_subscribed(watched: Watched) -> None:
    sns = watched.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=watched.topic)["Attributes"]
    kms = watched.client("kms")
    key = kms.describe_key(KeyId=attributes["KmsMasterKeyId"])["KeyMetadata"]
    assert key["KeyManager"] == "CUSTOMER"
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    policy = json.loads(attributes["Policy"])["Statement"]
    assert {statement["Effect"] for statement in policy} == {"Allow", "Deny"}
    assert {statement["Resource"] for statement in policy} == {watched.topic}
    found = sns.list_subscriptions_by_topic(TopicArn=watched.topic)["Subscriptions"]
    assert {(it["Protocol"], it["Endpoint"]) for it in found if it["Protocol"] != "sqs"} == {
        ("email", "on-call@example.com"),
        ("sms", "+4915112345678"),
    }
