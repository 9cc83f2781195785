"""AWS's own watch over an ECS service: nothing of it runs where the service runs."""

from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components import checks, policies
from components.arguments import Knob, arguments, resolve
from components.notifications.events import NOTIFICATIONS, Notification, Service, runbook_url
from components.outputs import register_outputs
from components.runbooks import RunbookBaseUrl

PERIOD_S = 60
"""AWS counts a service's tasks once a minute."""

ALARM_MINUTES = 10
"""A deployment of a single task stops it first: up to 2 minutes to end, and up to 5 until the next
one is pulled, started and healthy. Shorter, and every `pulumi up` would be an alarm."""

MAX_TASKS = 100

TOO_FEW_TASKS = "TooFewTasks"
"""The alarm's section in docs/runbooks/notifications.md."""


@arguments
class ServiceWatchArgs(TypedDict):
    """Arguments of a `ServiceWatch`: one for each service."""

    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that is told."""

    cluster_name: pulumi.Input[str]
    """Name of the service's ECS cluster."""

    service_name: pulumi.Input[str]
    """Name of the ECS service."""

    desired_count: NotRequired[Annotated[int, Knob(1, checks.whole(1, MAX_TASKS))]]
    """Number of tasks that the service should have, 1 to 100."""

    runbook_base_url: NotRequired[RunbookBaseUrl]
    """Where the runbooks are, as every message says: a URL without a slash at its end. A relative
    path is one in a checkout of this project."""


class ServiceWatch(pulumi.ComponentResource):
    """Tells a topic when an ECS service is in trouble.

    At once when a task stops that no deployment stops, when a deployment fails, and when ECS warns
    of the service; and when it has had too few tasks for 10 minutes.
    """

    alarm_name: pulumi.Output[str]
    """Name of the CloudWatch alarm on running tasks."""

    def __init__(
        self,
        name: str,
        args: ServiceWatchArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the rules and the alarm.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ServiceWatchArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ServiceWatch", name, None, opts)
        service = self._service(args)
        for suffix, notification in NOTIFICATIONS.items():
            self._rule(f"{name}-{suffix}", notification, service, args)
        self.alarm_name = self._alarm(f"{name}-too-few-tasks", args).name
        register_outputs(self)

    def _service(self, args: ServiceWatchArgs) -> pulumi.Output[Service]:
        names = pulumi.Output.all(args["cluster_name"], args["service_name"])
        arns = policies.own_arn(self, "ecs", "")
        return pulumi.Output.all(names, arns).apply(
            lambda found: Service(
                name=found[0][1],
                arn=f"{found[1]}service/{found[0][0]}/{found[0][1]}",
                cluster_arn=f"{found[1]}cluster/{found[0][0]}",
            )
        )

    def _rule(
        self,
        name: str,
        notification: Notification,
        service: pulumi.Output[Service],
        args: ServiceWatchArgs,
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            name,
            description=notification.description,
            event_pattern=service.apply(notification.event_pattern),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            target_id="topic",
            arn=args["topic_arn"],
            input_transformer={
                "input_paths": dict(notification.paths),
                "input_template": pulumi.Output.from_input(args["service_name"]).apply(
                    lambda found: notification.template(found, args["runbook_base_url"])
                ),
            },
            opts=child,
        )

    def _alarm(self, name: str, args: ServiceWatchArgs) -> "aws.cloudwatch.MetricAlarm":
        """Register the alarm on running tasks.

        Every running task gives one sample of its CPU a minute, without Container Insights, whose
        RunningTaskCount costs extra; without any task there is none. Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html and
        "Service RUNNING task count" in
        https://github.com/awsdocs/amazon-ecs-developer-guide/blob/master/doc_source/cloudwatch-metrics.md
        """
        todo = runbook_url(args["runbook_base_url"], TOO_FEW_TASKS)
        return aws.cloudwatch.MetricAlarm(
            name,
            alarm_description=pulumi.Output.concat(
                "The ECS service ",
                args["service_name"],
                f" has had fewer than {args['desired_count']} running task(s) for {ALARM_MINUTES}"
                f" minutes. What to do: {todo}",
            ),
            namespace="AWS/ECS",
            metric_name="CPUUtilization",
            statistic="SampleCount",
            dimensions={
                "ClusterName": args["cluster_name"],
                "ServiceName": args["service_name"],
            },
            period=PERIOD_S,
            evaluation_periods=ALARM_MINUTES,
            datapoints_to_alarm=ALARM_MINUTES,
            comparison_operator="LessThanThreshold",
            threshold=args["desired_count"],
            treat_missing_data="breaching",
            alarm_actions=[args["topic_arn"]],
            ok_actions=[args["topic_arn"]],
            opts=pulumi.ResourceOptions(parent=self),
        )
