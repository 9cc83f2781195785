"""The topic that notifications go to, and who gets them."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.arguments import Knob, arguments, resolve
from components.notifications import addresses
from components.notifications.topic_policies import key_policy, topic_policy
from components.outputs import register_outputs

DISPLAY_NAME = "Prometheus"
"""Sender's name in e-mails, and how a short message begins: SNS shows its first 10 characters.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html
"""

KEY_DELETION_DAYS = 7
"""Days in which a deleted key can be restored: AWS's least. It protects messages on their way only.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
"""


@arguments
class NotificationTopicArgs(TypedDict):
    """Arguments of a `NotificationTopic`."""

    emails: NotRequired[Annotated[Sequence[str], Knob((), addresses.emails)]]
    """E-mail addresses that get notifications, at most 20. AWS asks each for a confirmation first,
    and sends it nothing until it has come."""

    sms: NotRequired[Annotated[Sequence[str], Knob((), addresses.phone_numbers)]]
    """Phone numbers that get notifications as short messages, at most 20, each with + and country
    code. AWS sends to verified numbers only until the account has left its SMS sandbox."""


class NotificationTopic(pulumi.ComponentResource):
    """An encrypted SNS topic, and its subscriptions.

    A subscription by e-mail is pending until its owner confirms it. Pulumi does not wait for that;
    one that is still pending when it is removed stays with AWS, which forgets it by itself. Source:
    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/sns/topic_subscription.go
    """

    topic_arn: pulumi.Output[str]
    """ARN of the topic, once its policy is there: rules and alarms of this account may publish, and
    whatever has `sns:Publish` on it."""

    def __init__(
        self,
        name: str,
        args: NotificationTopicArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the topic.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(NotificationTopicArgs, name, args, opts)
        super().__init__("prometheus-aws:index:NotificationTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        invoke = pulumi.InvokeOptions(parent=self)
        where = pulumi.Output.all(
            aws.get_partition_output(opts=invoke).partition,
            aws.get_region_output(opts=invoke).region,
            aws.get_caller_identity_output(opts=invoke).account_id,
        )
        # Not AWS's own key for SNS (alias/aws/sns): alarms and rules may not use that one. Source:
        # https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
        key = aws.kms.Key(
            f"{name}-key",
            description="Encrypts notifications on their way through SNS",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            policy=where.apply(lambda found: key_policy(*found)),
            opts=child,
        )
        topic = aws.sns.Topic(
            f"{name}-topic",
            display_name=DISPLAY_NAME,
            kms_master_key_id=key.arn,
            opts=child,
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-topic-policy", arn=topic.arn, policy=topic.arn.apply(topic_policy), opts=child
        )
        for protocol, endpoints in (("email", args["emails"]), ("sms", args["sms"])):
            for endpoint in endpoints:
                aws.sns.TopicSubscription(
                    f"{name}-{protocol}-{endpoint}",
                    topic=topic.arn,
                    protocol=protocol,
                    endpoint=endpoint,
                    opts=child,
                )
        self.topic_arn = policy.arn
        register_outputs(self)
