"""What a monitored service is made from: its arguments, and with them the stack's settings."""

from collections.abc import Sequence
from typing import Annotated, NotRequired

import pulumi

from components import checks
from components.arguments import Knob, Rule, arguments
from components.containers.server import TaskArgs, together_with
from components.ecs_clusters import cluster_exists
from components.services import rules
from components.services.metrics_tag import Job, legal_metrics
from components.services.monitoring import Monitoring

UNPRIVILEGED = 1024
"""The lowest port that a process without privileges can listen on."""


@arguments
class MonitoredServiceArgs(TaskArgs):
    """Arguments of a `MonitoredService`."""

    cluster_arn: Annotated[pulumi.Input[str], Rule(cluster_exists, asks_aws=True)]
    """ARN of the ECS cluster that the service runs in."""

    prometheus_security_group_id: pulumi.Input[str]
    """Id of Prometheus's security group, which may connect to the metrics."""

    metrics: Annotated[Sequence[str], Rule(legal_metrics(UNPRIVILEGED))]
    """Where each task exposes metrics, 1 to 3 endpoints of port and path, such as `8000/metrics`.
    What is on the port that the load balancer leads to can be read by whoever may connect there; on
    another port, by Prometheus only."""

    job: NotRequired[Job]
    """Value of the label `job`. Empty: the component's name."""

    capacity_provider: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name of the cluster's capacity provider that the tasks run on. Empty: none, on Fargate."""

    launch_type: NotRequired[
        Annotated[
            str,
            Knob("FARGATE", checks.one_of(rules.LAUNCH_TYPES)),
            Rule(rules.on_its_capacity, ("capacity_provider",), presence=True),
        ]
    ]
    """What a task runs on: `FARGATE`, or `EC2` for the capacity provider's hosts. Another value
    replaces the service."""

    assign_public_ip: NotRequired[
        Annotated[bool, Knob(default=False), Rule(rules.only_on_fargate, ("launch_type",))]
    ]
    """Give a task on Fargate a public address, which it needs for internet access in a public
    subnet."""

    security_group_ids: NotRequired[Annotated[pulumi.Input[Sequence[pulumi.Input[str]]], Knob(())]]
    """Ids of further security groups of the tasks: by its own, they connect by HTTPS only."""

    image_context: NotRequired[Annotated[str, Knob("", rules.legal_folder)]]
    """Folder with a Dockerfile that the image is built from, a path from the project's folder."""

    image: NotRequired[
        Annotated[str, Knob("", rules.legal_image), Rule(rules.one_image, ("image_context",))]
    ]
    """An image that exists, in place of image_context: with its digest, or a tag."""

    user: NotRequired[Annotated[str, Knob("", rules.legal_user)]]
    """User and group that the process runs as, such as `1000:1000`. Empty: the image says it."""

    read_only_root_filesystem: NotRequired[Annotated[bool, Knob(default=True)]]
    """Let the process write to writable_paths only."""

    writable_paths: NotRequired[
        Annotated[Sequence[str], Knob(("/tmp",), rules.legal_directories)]  # noqa: S108 - in the container
    ]
    """Directories that it may write to, which go with the task. Where the process is not root, the
    image says `VOLUME` of each: on Fargate, any other belongs to root."""

    environment: NotRequired[Annotated[Sequence[str], Knob((), rules.variables)]]
    """Environment variables, each `NAME=value`; nothing of it secret."""

    secret_arns: NotRequired[
        Annotated[
            Sequence[str],
            Knob((), rules.secret_variables),
            Rule(rules.not_in_plain_text, ("environment",)),
        ]
    ]
    """Environment variables that come from secrets in Secrets Manager, each `NAME=ARN`: secrets
    that AWS's own key encrypts, as the execution role has no rights on another."""

    port: NotRequired[Annotated[int, Knob(8000, checks.port)]]
    """Port on which each task serves, 1024 to 65535."""

    health_path: NotRequired[
        Annotated[
            str,
            Knob(rules.DEFAULT_HEALTH_PATH, rules.legal_path),
            Rule(rules.asked_by_a_load_balancer, ("host_name",)),
        ]
    ]
    """Where each task answers 200 on that port when it is healthy: the load balancer asks, so it is
    for a service with a host name."""

    health_command: NotRequired[Annotated[Sequence[str], Knob(())]]
    """Program of the image, with its arguments, that ends with 0 when the task is healthy: ECS
    asks, with a load balancer or without; it does not read the image's `HEALTHCHECK`. Empty:
    without a load balancer, a task is healthy as long as it runs."""

    cpu: NotRequired[
        Annotated[
            int,
            Knob(256, checks.whole(*rules.EC2_CPU)),
            Rule(rules.cpu_fits, ("launch_type",)),
        ]
    ]
    """CPU units of a task; 1024 are one vCPU."""

    memory: NotRequired[
        Annotated[
            int,
            Knob(512, checks.whole(*rules.MEMORY_MIB, "MiB")),
            Rule(rules.memory_fits, ("cpu", "launch_type")),
        ]
    ]
    """Memory of a task in MiB; on Fargate one that goes with its CPU."""

    desired_count: NotRequired[Annotated[int, Knob(2, checks.whole(1, rules.MAX_TASKS))]]
    """Number of tasks, 1 to 5000, in as many zones as there are subnets. With auto-scaling, the
    least."""

    max_count: NotRequired[
        Annotated[
            int,
            Knob(0, checks.whole(0, rules.MAX_TASKS)),
            Rule(rules.at_least_desired, ("desired_count",)),
        ]
    ]
    """Most tasks that auto-scaling may start. 0, or as many as desired: no auto-scaling."""

    cpu_target_percent: NotRequired[Annotated[int, Knob(60, checks.whole(10, 90))]]
    """Share of their CPU, in percent, that auto-scaling keeps tasks at, 10 to 90."""

    host_name: NotRequired[
        Annotated[
            str,
            Knob(""),
            Rule(rules.host_name_in_domain, ("domain",)),
            Rule(
                rules.has_a_listener,
                ("listener_arn", "load_balancer_security_group_id"),
                presence=True,
            ),
        ]
    ]
    """Host name by which the load balancer leads to the service, without a login before it, such as
    shop.example.com. Empty: nobody but Prometheus may connect, unless one of security_group_ids
    admits them."""

    listener_priority: NotRequired[
        Annotated[
            int,
            Knob(0, checks.whole(0, rules.MAX_PRIORITY)),
            Rule(rules.priority_of_a_host_name, ("host_name",)),
        ]
    ]
    """Priority of the rule for the host name, 1 to 50000: another one for each rule of a listener.
    Those of this package's servers have 10, 20 and 30."""

    domain: NotRequired[Annotated[str, Knob("")]]
    """Domain of the load balancer's certificate, which the host name is below. Empty: any."""

    listener_arn: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """ARN of the load balancer's listener for HTTPS. Used with host_name only."""

    load_balancer_security_group_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("listener_arn")]
    ]
    """Id of the load balancer's security group, which may connect to the port."""

    load_balancer_dns_name: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name that AWS has given the load balancer."""

    load_balancer_zone_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("load_balancer_dns_name")]
    ]
    """Id of the zone that this name is in."""

    zone_id: NotRequired[
        Annotated[
            pulumi.Input[str],
            Knob(""),
            Rule(
                rules.balancer_for_alias,
                ("load_balancer_dns_name", "load_balancer_zone_id"),
                presence=True,
            ),
        ]
    ]
    """Id of Route53's hosted zone in which the host name is made. Empty: it is left to you."""

    ipv6: NotRequired[Annotated[bool, Knob(default=False)]]
    """Whether the load balancer has IPv6, and so the host name, too."""

    monitoring: NotRequired[Monitoring]
    """Folder of the service's rules and dashboards: `prometheus/rules.d/*.yml`,
    their tests in `prometheus/tests/*.yml`, `grafana/dashboards/*.json`. A path from the project's
    folder. The component only checks it: `overlays` of `PrometheusService` delivers its
    `prometheus`, `overlays` of `GrafanaService` its `grafana`; this project's own program passes
    them on. Empty: there are none."""
