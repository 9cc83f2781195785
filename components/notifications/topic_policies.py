"""Who may publish to the topic, and who may use its key."""

from components import policies

EVENTS, ALARMS = "events.amazonaws.com", "cloudwatch.amazonaws.com"
"""What publishes by itself: EventBridge's rules and CloudWatch's alarms."""

_ENCRYPT = ["kms:Decrypt", "kms:GenerateDataKey*"]


def key_policy(partition: str, region: str, account: str) -> str:
    """Policy of the key that the topic is encrypted with; `*` is the key itself in there.

    EventBridge and CloudWatch are named without a condition: EventBridge sends none of
    `aws:SourceAccount` and `aws:SourceArn` when it encrypts for a topic, and with one it would
    drop every message. Whom they publish for is limited by the topic's policy. Source:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html

    Whoever else may publish in this account uses the key through SNS alone, as AWS's own key for
    SNS has it, so that a role needs `sns:Publish` and nothing for the key.
    """
    root = {"AWS": f"arn:{partition}:iam::{account}:root"}
    through_sns = {
        "StringEquals": {
            "kms:CallerAccount": account,
            "kms:ViaService": f"sns.{region}.amazonaws.com",
        }
    }
    return policies.document(
        # Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        {"Principal": root, **policies.allow(["kms:*"], "*")},
        {"Principal": {"Service": [EVENTS, ALARMS]}, **policies.allow(_ENCRYPT, "*")},
        {"Principal": {"AWS": "*"}, **policies.allow(_ENCRYPT, "*", through_sns)},
    )


def topic_policy(topic_arn: str) -> str:
    """Policy of the topic: TLS only; rules and alarms of its own account and region.

    Roles of the account publish by their own policies.

    Args:
        topic_arn: the topic; its account and region are those of the rules and alarms.
    """
    _, partition, _, region, account, _ = topic_arn.split(":", 5)
    rules = f"arn:{partition}:events:{region}:{account}:rule/*"
    alarms = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"
    publish = ["sns:Publish"]
    without_tls: policies.Statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": publish,
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return policies.document(
        without_tls,
        {
            "Principal": {"Service": EVENTS},
            # The account stands in the ARN; AWS documents no other condition here. Source:
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
            **policies.allow(publish, topic_arn, {"ArnLike": {"aws:SourceArn": rules}}),
        },
        {
            "Principal": {"Service": ALARMS},
            **policies.allow(publish, topic_arn, policies.from_account(account, alarms)),
        },
    )
