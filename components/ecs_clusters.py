"""Whether ECS clusters exist, which only AWS knows."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.values import is_output

ACTIVE = "ACTIVE"
"""Status of a cluster that can be used; one that was deleted is shown as INACTIVE for a while.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html
"""


def cluster_exists(arn: pulumi.Input[str], invoke: pulumi.InvokeOptions) -> None:
    """Ask AWS for a cluster, unless its ARN is known only later.

    Raises:
        ValueError: there is none.
    """
    if is_output(arn):
        return
    try:
        status = aws.ecs.get_cluster(cluster_name=str(arn), opts=invoke).status
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more particular
        status = str(error)
    if status != ACTIVE:
        raise ValueError(
            f"AWS does not show {arn} ({status}); expected an ECS cluster of this account and"
            " region that exists"
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
