"""What an IAM policy allows: as much of IAM's evaluation as our policies use."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def allows(
    policy: Sequence[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Tell whether the statements of a policy allow a call.

    Args:
        policy: statements, all of which allow.
        action: such as `iam:CreateRole`.
        resource: ARN of what the call is about.
        context: condition key -> the call's value.
    """
    return any(
        action in statement["Action"]
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and all(
            context.get(key) in ([wanted] if isinstance(wanted, str) else wanted)
            for keys in statement.get("Condition", {}).values()
            for key, wanted in keys.items()
        )
        for statement in policy
    )
