"""Rights on an S3 bucket in moto, as AWS checks them."""

import json
from typing import Any


def take_calls_for_encrypted() -> None:
    """Let no bucket's policy refuse a call for want of TLS, which the emulator has not.

    moto looks at no condition: whoever denies what comes without TLS would deny everything.
    """
    from moto.iam.access_control import IAMPolicy, PermissionResult  # noqa: PLC0415 - slow
    from moto.s3.models import FakeBucket  # noqa: PLC0415 - slow

    def permission(bucket: Any, action: str, resource: str) -> PermissionResult:  # noqa: ANN401 - moto's
        if bucket.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(bucket.policy)
        policy["Statement"] = [
            it for it in policy["Statement"] if "aws:SecureTransport" not in json.dumps(it)
        ]
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    FakeBucket.get_permission = permission  # type: ignore[assignment, method-assign]
