"""components.notifications.topic_policies: exactly who may publish, and use the key."""

import json

from components.notifications.topic_policies import key_policy, topic_policy

TOPIC = "arn:aws:sns:eu-central-1:123456789012:topic"
USE = ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_the_key_is_for_the_account_for_rules_and_alarms_and_for_publishers_through_sns() -> None:
    assert json.loads(key_policy("aws", "eu-central-1", "123456789012"))["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": ["kms:*"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]},
            "Action": USE,
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": USE,
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": "123456789012",
                    "kms:ViaService": "sns.eu-central-1.amazonaws.com",
                }
            },
        },
    ]


def test_the_topic_is_for_rules_and_alarms_of_its_account_and_by_tls_only() -> None:
    publish = {"Action": ["sns:Publish"], "Resource": TOPIC}
    assert json.loads(topic_policy(TOPIC))["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": "*",
            **publish,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            **publish,
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:events:eu-central-1:123456789012:rule/*"}
            },
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            **publish,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {
                    "aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
                },
            },
        },
    ]
