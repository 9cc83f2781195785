"""What is laid over ECS services: tags of their own, auto-scaling."""

from sandbox.resources.base import Client, Inputs, Step
from sandbox.resources.interpreter import ResourceType


def _tag(ecs: Client, given: Inputs) -> Inputs:
    tag = {"key": given["key"], "value": given["value"]}
    ecs.tag_resource(resourceArn=given["resourceArn"], tags=[tag])
    return {}


def _tag_again(ecs: Client, _id: str, before: Inputs, after: Inputs) -> None:
    if before:
        _tag(ecs, after)


def _read_tag(ecs: Client, _id: str, state: Inputs) -> Inputs:
    tags = ecs.list_tags_for_resource(resourceArn=state["resourceArn"])["tags"]
    return next(({"value": tag["value"]} for tag in tags if tag["key"] == state["key"]), {})


def _untag(ecs: Client, _id: str, before: Inputs, _after: Inputs) -> None:
    ecs.untag_resource(resourceArn=before["resourceArn"], tagKeys=[before["key"]])


RESOURCE_TYPES = {
    "aws:ecs/tag:Tag": ResourceType(
        "ecs",
        _tag,
        "{resourceArn},{key}",
        by_code="resourceArn key",
        required="resourceArn key value",
        read=_read_tag,
        update=(Step(_tag_again, "value"),),
        delete=Step(_untag),
    ),
    "aws:appautoscaling/target:Target": ResourceType(
        "application-autoscaling",
        "register_scalable_target",
        "{resourceId}",
        names={"resourceId": "ResourceId ResourceIds"},
        required="minCapacity maxCapacity",
        outputs={"arn": "ScalableTargetARN"},
        read="describe_scalable_targets",
        update=("register_scalable_target",),
        delete="deregister_scalable_target",
    ),
    "aws:appautoscaling/policy:Policy": ResourceType(
        "application-autoscaling",
        "put_scaling_policy",
        "{name}",
        names={"name": "PolicyName PolicyNames"},
        outputs={"arn": "PolicyARN"},
        read="describe_scaling_policies",
        found="ScalingPolicies[?PolicyName=='{name}'] | [0]",  # moto returns all
        update=("put_scaling_policy",),
    ),
}
