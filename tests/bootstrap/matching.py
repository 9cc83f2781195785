"""What an IAM policy allows: as much of IAM's evaluation as our policies use."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

Value = str | Sequence[str] | None


def allows(
    policy: Sequence[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, Value]
) -> bool:
    """Tell whether the statements of a policy allow a call.

    Args:
        policy: statements, all of which allow.
        action: such as `iam:CreateRole`.
        resource: ARN of what the call is about.
        context: condition key -> the call's value, or values where it has several.
    """
    return any(
        action in statement["Action"]
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and all(
            _holds(operator, context.get(key), wanted)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
        for statement in policy
    )


def _holds(operator: str, value: Value, wanted: Value) -> bool:
    """Tell whether one condition holds; what is not in the context is None.

    Our `StringEquals` and `ArnEquals` have no wildcards.
    """
    if value is None:
        return operator.endswith("IfExists") or operator.startswith("ForAllValues:")
    return all(
        any(fnmatch.fnmatchcase(it, pattern) for pattern in _several(wanted))
        for it in _several(value)
    )


def _several(value: Value) -> Sequence[str]:
    return [value] if isinstance(value, str) else value or []
