"""Rights on an SNS topic or an ECS cluster in moto, as AWS checks them."""

import json
from typing import Any


def check_rights_on_the_topic() -> None:
    """Let a policy that names a topic, or clusters, allow what it says, and for no other ones.

    moto asks of nearly every call whether it is allowed on `*`, which such a policy does not say.
    """
    from moto.core.authorization import ActionAuthenticatorMixin  # noqa: PLC0415 - slow
    from moto.iam.access_control import IAMRequest  # noqa: PLC0415 - slow

    def check(response: Any, resource: str = "*") -> None:  # noqa: ANN401 - moto's
        for named in _named(response) or [resource]:
            response._authenticate_and_authorize_action(IAMRequest, named)  # noqa: SLF001

    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = check  # type: ignore[assignment, method-assign] # noqa: SLF001


def _named(response: Any) -> list[str]:  # noqa: ANN401 - moto's
    """Return the ARNs that a call is about, if it is one whose rights are looked at so closely."""
    if response.headers.get("X-Amz-Target", "").endswith(".DescribeClusters"):
        default = f"arn:aws:ecs:{response.region}:{response.current_account}:cluster/default"
        return json.loads(response.body).get("clusters") or [default]
    topics: list[str] = response.data.get("TopicArn", [])
    return topics
