"""Tags that the program itself gives to everything."""

from collections.abc import Mapping
from typing import Any

import pulumi

STACK = "stack"
"""Key of the tag that everything has: the stack's name."""


def tag_everything(tags: Mapping[str, str]) -> None:
    """Give tags to every AWS resource that is registered from now on and can have tags.

    The provider's own `aws:defaultTags` cannot name the stack: what `Pulumi.yaml` says is the same
    for all. A provider made by the program could, but resources that exist would be replaced.

    Args:
        tags: key -> value; a resource that has the key keeps its own value.
    """

    def tagged(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("aws:") or "tags" not in args.props:
            return None
        own: Any = args.props["tags"]
        if isinstance(own, list):  # an auto-scaling group's, which its instances get from it
            mine = [
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in tags.items()
            ]
            return pulumi.ResourceTransformationResult(
                {**args.props, "tags": [*mine, *own]}, args.opts
            )
        props = {**args.props, "tags": {**tags, **(own or {})}}
        return pulumi.ResourceTransformationResult(props, args.opts)

    pulumi.runtime.register_stack_transformation(tagged)
