"""A bucket that is nobody's but its account's: private and encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Callable


def private_bucket(
    parent: pulumi.Resource,
    name: str,
    policy: Callable[[pulumi.Output[str]], pulumi.Output[str]],
    *,
    force_destroy: bool,
    protect: bool = False,
) -> tuple[aws.s3.Bucket, list[pulumi.CustomResource]]:
    """Register the bucket; return it, and what must be there before anybody uses it.

    Args:
        parent: the component that it belongs to.
        name: of the bucket in the program.
        policy: its policy, as JSON, by its ARN.
        force_destroy: let it be deleted although it holds objects.
        protect: let nothing delete it.
    """
    child = pulumi.ResourceOptions(parent=parent)
    bucket = aws.s3.Bucket(
        name,
        force_destroy=force_destroy,
        tags={"Name": name},
        opts=pulumi.ResourceOptions(parent=parent, protect=protect),
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
    # S3's own key: log delivery cannot use one of KMS's. S3 says by itself that nobody may bring a
    # key of his own: unless it is said here, every `pulumi up` would change it back and forth.
    # Source: https://github.com/trussworks/terraform-aws-logs/issues/333
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
    allowed = aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.id,
        policy=policy(bucket.arn),
        # S3 refuses two changes of a bucket's access at the same time.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[private]),
    )
    return bucket, [allowed, encryption]
