"""The bucket that servers get their configuration from while they run."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from components import policies
from components.arguments import arguments, resolve
from components.outputs import register_outputs
from components.private_bucket import private_bucket

SERVERS = ("alertmanager", "prometheus")
"""How the keys in the bucket begin."""

OLD_OBJECT_DAYS = 90
"""Days until what was overwritten or deleted in the bucket is gone. The archives are neither: they
stay for a rollback, some tens of kB each."""


@arguments
class ConfigurationBucketArgs(TypedDict):
    """Arguments of a `ConfigurationBucket`: there are none."""


class ConfigurationBucket(pulumi.ComponentResource):
    """A private, encrypted bucket with versions, and nobody's but its account's.

    It goes with the stack, and all that is in it: the program can fill it again.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket; nothing gets it before its access is restricted."""

    def __init__(
        self,
        name: str,
        args: ConfigurationBucketArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the bucket.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        resolve(ConfigurationBucketArgs, name, args, opts)
        super().__init__("prometheus-aws:index:ConfigurationBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        base = f"{name}-bucket"
        bucket, private = private_bucket(
            self,
            base,
            lambda arn: arn.apply(lambda it: policies.document(policies.only_by_tls(it))),
            force_destroy=True,
        )
        versions = aws.s3.BucketVersioning(
            f"{base}-versions",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{base}-expiry",
            bucket=bucket.id,
            rules=[
                {
                    "id": f"expire-old-versions-of-{server}",
                    "status": "Enabled",
                    "filter": {"prefix": f"{server}/"},
                    "noncurrent_version_expiration": {"noncurrent_days": OLD_OBJECT_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
                for server in SERVERS
            ],
            # S3 wants the versioning first. Source: the provider's documentation of the resource.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versions]),
        )
        ready = pulumi.Output.all(bucket.id, versions.id, *(it.id for it in private))
        self.bucket = ready.apply(lambda ids: str(ids[0]))
        register_outputs(self)
