"""A service that is somebody else's, and is to be scraped: tags and rules, nothing else."""

import re
from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.arguments import Knob, Rule, arguments, resolve
from components.ecs_clusters import service_exists
from components.outputs import register_outputs
from components.services import rules
from components.services.metrics_tag import Job, legal_metrics, tags
from components.services.monitoring import Monitoring
from components.services.scraping import allow_scraping

_SERVICE = re.compile(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service/[\w-]{1,255}/(?P<name>[\w-]{1,255})", re.ASCII
)


def legal_service_arn(arn: str) -> None:
    """Check the ARN of a service: one that ECS takes tags for.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html
    """
    if not _SERVICE.fullmatch(arn):
        raise ValueError(
            "expected the ARN of an ECS service with its cluster in it, as `aws ecs list-services`"
            " prints it: arn:aws:ecs:eu-central-1:123456789012:service/cluster/service; one without"
            " the cluster takes no tags before it is migrated to the long form"
        )


def job_of(service_arn: str, job: str) -> str:
    """Return the value of the label `job` of an existing service.

    Args:
        service_arn: its ARN.
        job: what it is to be. Empty: the service's name.
    """
    return job or service_arn.rpartition("/")[2]


@arguments
class ExistingServiceArgs(TypedDict):
    """Arguments of an `ExistingService`."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of Prometheus's security group, which may connect to the metrics."""

    service_arn: Annotated[str, Rule(legal_service_arn), Rule(service_exists, asks_aws=True)]
    """ARN of an ECS service that exists, as `aws ecs list-services` prints it."""

    metrics: Annotated[Sequence[str], Rule(legal_metrics())]
    """Where each task exposes metrics, 1 to 3 endpoints of port and path, such as `8000/metrics`. A
    port is the same for all tasks: one that Docker draws cannot be found."""

    security_group_ids: NotRequired[Annotated[Sequence[str], Knob((), rules.legal_group_ids)]]
    """Ids of the security groups that are to admit Prometheus: one of its tasks', or where they are
    not in network mode `awsvpc`, one of their hosts'. Name a group once for a port: AWS refuses a
    second rule like the first (`InvalidPermission.Duplicate`). Empty: the tasks' groups admit
    Prometheus already, such as by another `ExistingService` with the same group and ports."""

    job: NotRequired[Job]
    """Value of the label `job`. Empty: the name of the ECS service."""

    monitoring: NotRequired[Monitoring]
    """Folder of the service's rules and dashboards: `prometheus/rules.d/*.yml`,
    their tests in `prometheus/tests/*.yml`, `grafana/dashboards/*.json`. A path from the project's
    folder. It is only checked here: `overlays` of `PrometheusService` delivers its `prometheus`,
    `overlays` of `GrafanaService` its `grafana`. Empty: there are none."""


class ExistingService(pulumi.ComponentResource):
    """An ECS service that is not ours, with the tags by which Prometheus finds its tasks.

    Neither the service nor its tasks restart, and nothing of this stays when it is deleted. Another
    program that manages the service's tags would remove these: in Terraform, its provider's
    `ignore_tags` names them.
    """

    job: pulumi.Output[str]
    """Value of the label `job`."""

    def __init__(
        self,
        name: str,
        args: ExistingServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register tags and rules.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        args = resolve(ExistingServiceArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ExistingService", name, None, opts)
        job = job_of(args["service_arn"], args["job"])
        for key, value in tags(job, args["metrics"]).items():
            aws.ecs.Tag(
                f"{name}-{key}",
                resource_arn=args["service_arn"],
                key=key,
                value=value,
                opts=pulumi.ResourceOptions(parent=self),
            )
        for group_id in args["security_group_ids"]:
            allow_scraping(
                self,
                f"{name}-{group_id}",
                args["prometheus_security_group_id"],
                group_id,
                args["metrics"],
            )
        self.job = pulumi.Output.from_input(job)
        register_outputs(self)
