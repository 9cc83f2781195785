"""Rights on an SNS topic in moto, as AWS checks them."""

from typing import Any


def check_rights_on_the_topic() -> None:
    """Let a policy that names a topic allow what it says, and for no other topic.

    moto asks of nearly every call whether it is allowed on `*`, which such a policy does not say.
    """
    from moto.core.authorization import ActionAuthenticatorMixin  # noqa: PLC0415 - slow
    from moto.iam.access_control import IAMRequest  # noqa: PLC0415 - slow

    def check(response: Any, resource: str = "*") -> None:  # noqa: ANN401 - moto's
        (topic,) = response.data.get("TopicArn", [resource])
        response._authenticate_and_authorize_action(IAMRequest, topic)  # noqa: SLF001

    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = check  # type: ignore[assignment, method-assign] # noqa: SLF001
