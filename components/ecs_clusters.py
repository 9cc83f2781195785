"""Whether ECS clusters and services exist, which only AWS knows."""

from collections.abc import Callable, Sequence

import pulumi
import pulumi_aws as aws

from components.values import is_output

ACTIVE = "ACTIVE"
"""Status of a cluster or service that can be used; one that was deleted is shown as INACTIVE for a
while.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html
and https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""


def cluster_exists(arn: pulumi.Input[str], invoke: pulumi.InvokeOptions) -> None:
    """Ask AWS for a cluster, unless its ARN is known only later.

    Raises:
        ValueError: there is none.
    """
    if not is_output(arn):
        _is_active(
            "cluster",
            str(arn),
            lambda: aws.ecs.get_cluster(cluster_name=str(arn), opts=invoke).status,
        )


def clusters_exist(
    arns: pulumi.Input[Sequence[pulumi.Input[str]]], invoke: pulumi.InvokeOptions
) -> None:
    """Ask AWS for clusters, as `cluster_exists` does for one.

    Raises:
        ValueError: one of them does not exist. With it, every discovery would fail.
    """
    if not is_output(arns):
        for arn in arns:  # type: ignore[union-attr] # no output
            cluster_exists(arn, invoke)


def service_exists(arn: str, invoke: pulumi.InvokeOptions) -> None:
    """Ask AWS for a service, by the ARN that has its cluster in it.

    Raises:
        ValueError: there is none.
    """
    head, _, path = arn.partition(":service/")
    cluster, _, name = path.partition("/")
    _is_active(
        "service",
        arn,
        lambda: (
            aws.ecs.get_service(
                cluster_arn=f"{head}:cluster/{cluster}", service_name=name, opts=invoke
            ).status
        ),
    )


def _is_active(kind: str, arn: str, status_of: Callable[[], str]) -> None:
    try:
        status = status_of()
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more particular
        status = str(error)
    if status != ACTIVE:
        raise ValueError(
            f"AWS does not show {arn} ({status}); expected an ECS {kind} of this account and"
            " region that exists"
        )
