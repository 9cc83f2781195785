"""components.NotificationTopic: its key, its topic, its subscriptions."""

import pulumi_aws as aws

from components import NotificationTopic
from mocks.recording import ACCOUNT, REGION, deploy, undescribed
from tests.components.examples import TOPIC

ARN = f"arn:aws:mock:{REGION}:{ACCOUNT}:thing-topic"


def test_by_itself_it_has_no_subscription() -> None:
    deployment = deploy(lambda: NotificationTopic("thing", {}))
    assert deployment.children("thing") == {
        ("aws:kms/key:Key", "thing-key"),
        ("aws:sns/topic:Topic", "thing-topic"),
        ("aws:sns/topicPolicy:TopicPolicy", "thing-topic-policy"),
    }


def test_the_topic_is_encrypted_with_a_key_that_is_rotated() -> None:
    deployment = deploy(lambda: NotificationTopic("thing", {}))
    key = undescribed(deployment.inputs("thing-key"))
    assert key.pop("policy")
    assert key == {"enableKeyRotation": True, "deletionWindowInDays": 7}
    assert deployment.inputs("thing-topic") == {
        "displayName": "Prometheus",
        "kmsMasterKeyId": f"arn:aws:mock:{REGION}:{ACCOUNT}:thing-key",
    }
    assert deployment.inputs("thing-topic-policy")["arn"] == ARN


def test_everybody_who_is_named_is_subscribed() -> None:
    deployment = deploy(lambda: NotificationTopic("thing", TOPIC.others))  # type: ignore[arg-type]
    subscribed = {r.name: r.inputs for r in deployment.of_type(":TopicSubscription")}
    assert subscribed == {
        f"thing-{protocol}-{endpoint}": {
            "topic": ARN,
            "protocol": protocol,
            "endpoint": endpoint,
        }
        for protocol, endpoint in (
            ("email", "on-call@example.com"),
            ("email", "ops@example.com"),
            ("sms", "+4915112345678"),
        )
    }


def test_who_publishes_waits_for_the_policy() -> None:
    def program() -> None:
        topic = NotificationTopic("thing", {})
        aws.cloudwatch.EventTarget("publisher", rule="rule", arn=topic.topic_arn)

    assert "thing-topic-policy" in deploy(program).needs("publisher")
