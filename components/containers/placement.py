"""Where a service's tasks run."""

from typing import Any

import pulumi

from components.values import is_given


def placement(capacity_provider: pulumi.Input[str]) -> dict[str, Any]:
    """Return the arguments of `aws.ecs.Service` that say it.

    The provider replaces a service whose tasks are to run elsewhere.

    Args:
        capacity_provider: name of the hosts' one; empty on Fargate.
    """
    if not is_given(capacity_provider):
        return {"launch_type": "FARGATE", "platform_version": "LATEST"}
    strategy = {"capacity_provider": capacity_provider, "weight": 1}
    return {"capacity_provider_strategies": [strategy]}
