"""Where the load balancer writes who has asked for what: a bucket for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import policies
from components.private_bucket import private_bucket

if TYPE_CHECKING:
    from components.ingress.ingress_args import IngressArgs

LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
"""Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""

LOGS = "AWSLogs/"
"""What the names of all objects begin with."""


def only_log_delivery(bucket_arn: str, account_id: str) -> str:
    """Policy of the bucket: the load balancers of one account may write; TLS for everybody.

    Args:
        bucket_arn: of the bucket.
        account_id: whose load balancers.
    """
    return policies.document(
        {
            **policies.allow(["s3:PutObject"], f"{bucket_arn}/{LOGS}{account_id}/*"),
            "Principal": {"Service": LOG_DELIVERY},
        },
        policies.only_by_tls(bucket_arn),
    )


def access_log_bucket(
    parent: pulumi.Resource, name: str, args: IngressArgs
) -> tuple[aws.s3.Bucket, list[pulumi.CustomResource]]:
    """Register the bucket; return it, and what must be there before a load balancer uses it.

    It has no versions: nobody writes an object twice, and what expires shall be gone.

    Args:
        parent: the component that it belongs to.
        name: of the bucket in the program.
        args: the component's arguments, resolved.
    """
    delete = args["delete_access_logs_on_destroy"]
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=parent)).account_id
    bucket, ready = private_bucket(
        parent,
        name,
        lambda arn: pulumi.Output.all(arn, account).apply(lambda its: only_log_delivery(*its)),
        force_destroy=delete,
        # Without it, a destroy would take everything else and then stop at the logs.
        protect=not delete,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-expiry",
        bucket=bucket.id,
        rules=[
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": LOGS},
                "expiration": {"days": args["access_log_retention_days"]},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            }
        ],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return bucket, ready
