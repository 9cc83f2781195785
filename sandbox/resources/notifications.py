"""Key, topic and subscriptions; rules of events, and alarms."""

from typing import Any

from sandbox.resources.base import Client, Inputs, Step, capital
from sandbox.resources.interpreter import ResourceType


def _set_rotation(kms: Client, key: str, _before: Inputs, after: Inputs) -> None:
    switch = kms.enable_key_rotation if after["enableKeyRotation"] else kms.disable_key_rotation
    switch(KeyId=key)


def _set_topic(sns: Client, topic: str, _before: Inputs, after: Inputs) -> None:
    for name in ("displayName", "kmsMasterKeyId"):
        value = after.get(name) or ""
        sns.set_topic_attributes(TopicArn=topic, AttributeName=capital(name), AttributeValue=value)


def _target(_events: Client, given: Inputs) -> dict[str, Any]:
    target = {"Id": given["targetId"], "Arn": given["arn"]}
    if given.get("inputTransformer"):
        transformer = given["inputTransformer"]
        target["InputTransformer"] = {
            "InputPathsMap": transformer.get("inputPaths", {}),
            "InputTemplate": transformer["inputTemplate"],
        }
    return {"Targets": [target]}


def _change_target(events: Client, _id: str, before: Inputs, after: Inputs) -> None:
    if before:
        events.put_targets(Rule=after["rule"], **_target(events, after))


def _remove_target(events: Client, _id: str, before: Inputs, _after: Inputs) -> None:
    events.remove_targets(Rule=before["rule"], Ids=[before["targetId"]])


RESOURCE_TYPES = {
    "aws:kms/key:Key": ResourceType(
        "kms",
        "create_key",
        "KeyMetadata.KeyId",
        defaults={"enableKeyRotation": False, "deletionWindowInDays": 30},
        names={"deletionWindowInDays": "PendingWindowInDays"},
        constants={"policyName": "default"},
        outputs={"arn": "KeyMetadata.Arn", "keyId": "KeyMetadata.KeyId"},
        found="[KeyMetadata][?KeyState!='PendingDeletion'] | [0]",
        update=(
            "put_key_policy",
            "update_key_description",
            Step(_set_rotation, "enableKeyRotation"),
        ),
        delete="schedule_key_deletion",
    ),
    "aws:sns/topic:Topic": ResourceType(
        "sns",
        "create_topic",
        "TopicArn",
        outputs={"arn": "TopicArn"},
        found="Attributes",
        read="get_topic_attributes",
        seen={"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId"},
        update=(Step(_set_topic, "displayName kmsMasterKeyId"),),
    ),
    "aws:sns/topicPolicy:TopicPolicy": ResourceType(
        "sns",
        "set_topic_attributes",
        "{arn}",
        names={"arn": "TopicArn", "policy": "AttributeValue"},
        constants={"attributeName": "Policy"},
        read="get_topic_attributes",
        found="Attributes",
        update=("set_topic_attributes",),
        delete="",  # the provider puts AWS's own policy in its place; it goes with its topic
    ),
    "aws:sns/topicSubscription:TopicSubscription": ResourceType(
        "sns",
        "subscribe",
        "SubscriptionArn",
        names={"topic": "TopicArn"},
        constants={"returnSubscriptionArn": True},
        required="endpoint",
        outputs={"arn": "SubscriptionArn"},
        read="get_subscription_attributes",
        found="Attributes",
        delete="unsubscribe",
    ),
    "aws:cloudwatch/eventRule:EventRule": ResourceType(
        "events",
        "put_rule",
        "{name}",
        outputs={"arn": "RuleArn"},
        update=("put_rule",),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ResourceType(
        "events",
        "put_targets",
        "{rule}-{targetId}",
        names={"arn": "Targets"},
        arguments=_target,
        by_code="arn targetId inputTransformer",
        required="arn targetId",
        read="list_targets_by_rule",
        found="Targets[?Id=='{targetId}'] | [0]",
        seen={
            "arn": "Arn",
            "inputTransformer": (
                "InputTransformer.{inputPaths: InputPathsMap, inputTemplate: InputTemplate}"
            ),
        },
        update=(Step(_change_target, "arn inputTransformer"),),
        delete=Step(_remove_target),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceType(
        "cloudwatch",
        "put_metric_alarm",
        "{name}",
        names={"name": "AlarmName AlarmNames"},
        outputs={"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
        read="describe_alarms",
        found="MetricAlarms[0]",
        update=("put_metric_alarm",),
        delete="delete_alarms",
    ),
}
