"""Where the load balancer writes who has asked for what: a bucket for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import policies

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
) -> tuple[aws.s3.Bucket, list[pulumi.Resource]]:
    """Register the bucket; return it, and what must be there before a load balancer uses it.

    It has no versions: nobody writes an object twice, and what expires shall be gone.

    Args:
        parent: the component that it belongs to.
        name: of the bucket in the program.
        args: the component's arguments, resolved.
    """
    child = pulumi.ResourceOptions(parent=parent)
    delete = args["delete_access_logs_on_destroy"]
    bucket = aws.s3.Bucket(
        name,
        force_destroy=delete,
        tags={"Name": name},
        # Without it, a destroy would take everything else and then stop at the logs.
        opts=pulumi.ResourceOptions(parent=parent, protect=not delete),
    )
    private = aws.s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    # Log delivery cannot use a key of KMS's. S3 says by itself that nobody may bring a key of his
    # own: unless it is said here, every `pulumi up` would change it back and forth. Source:
    # https://github.com/trussworks/terraform-aws-logs/issues/333
    encryption = aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"},
                "blocked_encryption_types": ["SSE-C"],
            }
        ],
        opts=child,
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
        opts=child,
    )
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=parent)).account_id
    policy = aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.id,
        policy=pulumi.Output.all(bucket.arn, account).apply(lambda its: only_log_delivery(*its)),
        # S3 refuses two changes of a bucket's access at the same time.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[private]),
    )
    return bucket, [policy, encryption]
