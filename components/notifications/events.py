"""What ECS tells EventBridge about a service, and what a person reads about it.

Source of the events: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

DEPLOYMENTS = "Scaling activity initiated by"
"""How the reason begins for which a deployment stops a task: `Scaling activity initiated by
(deployment ecs-svc/123)`. The stop code ServiceSchedulerInitiated says less: the scheduler also
stops a task that fails its health checks, which is what people are to be told of.

Source: https://repost.aws/knowledge-center/ecs-task-stopped (reasons)
"""


class Service(NamedTuple):
    """The service that is watched."""

    name: str
    arn: str
    cluster_arn: str


class Notification(NamedTuple):
    """Events that somebody is told of."""

    runbook: str
    """Its section in docs/runbooks/notifications.md."""

    description: str
    """Shown in EventBridge."""

    pattern: Callable[[Service], Mapping[str, Any]]
    """Service -> which events match."""

    paths: Mapping[str, str]
    """Word of the message -> where it is in the event."""

    message: str
    """`{service}` is the service, `<word>` one of the paths."""

    def event_pattern(self, service: Service) -> str:
        """Return EventBridge's pattern, as JSON."""
        return json.dumps({"source": ["aws.ecs"], **self.pattern(service)})

    def template(self, service: str, runbook_base_url: str) -> str:
        """Return EventBridge's template of the message: text, in quotes.

        Args:
            service: its name.
            runbook_base_url: where the runbooks are.
        """
        todo = f"What to do: {runbook_url(runbook_base_url, self.runbook)}"
        return json.dumps(f"{self.message.format(service=service)} {todo}", ensure_ascii=False)


def runbook_url(base_url: str, section: str) -> str:
    """Return the address of a section of the runbooks about notifications."""
    return f"{base_url}/notifications.md#{section.lower()}"


TASK_STOPPED = Notification(
    "TaskStopped",
    "A task stopped, and no deployment stopped it",
    lambda service: {
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [service.cluster_arn],
            "group": [f"service:{service.name}"],
            "lastStatus": ["STOPPED"],
            "stoppedReason": [{"anything-but": {"prefix": DEPLOYMENTS}}, {"exists": False}],
        },
    },
    {
        "reason": "$.detail.stoppedReason",
        "code": "$.detail.stopCode",
        "task": "$.detail.taskArn",
        "time": "$.time",
    },
    "A task of the ECS service {service} stopped at <time>: <reason> (<code>). ECS starts another"
    " one; what the task had stored is gone. Task: <task>.",
)

DEPLOYMENT_FAILED = Notification(
    "DeploymentFailed",
    "A deployment of the service failed",
    # This event does not name the cluster: the service's ARN is among its resources.
    lambda service: {
        "detail-type": ["ECS Deployment State Change"],
        "resources": [service.arn],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
    },
    {"reason": "$.detail.reason", "deployment": "$.detail.deploymentId", "time": "$.time"},
    "A deployment of the ECS service {service} failed at <time>: <reason> ECS goes back to the"
    " version before. Deployment: <deployment>.",
)

SERVICE_UNSTEADY = Notification(
    "ServiceUnsteady",
    "ECS cannot keep the service as it should be",
    lambda service: {
        "detail-type": ["ECS Service Action"],
        "resources": [service.arn],
        "detail": {"eventType": ["WARN", "ERROR"]},
    },
    {"event": "$.detail.eventName", "time": "$.time"},
    # Most of these events have no reason; the service's own list of events has it.
    "ECS cannot keep the service {service} as it should be since <time>: <event>.",
)

NOTIFICATIONS = {
    "task-stopped": TASK_STOPPED,
    "deployment-failed": DEPLOYMENT_FAILED,
    "service-unsteady": SERVICE_UNSTEADY,
}
"""End of a rule's name -> what it tells of."""
