"""Tags of resources that exist: each AWS service has an API of its own for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.resources.base import Account, Inputs

Tags: TypeAlias = "Mapping[str, str]"


def tag_list(tags: Tags, key: str = "Key", value: str = "Value") -> list[Any]:
    """Tags as most of AWS's APIs take them; ECS spells `key` and `value` small."""
    return [{key: name, value: content} for name, content in tags.items()]


def tag_map(tags: Sequence[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    """Tags as Pulumi has them, from a list as `tag_list` makes it."""
    return {tag[key]: tag[value] for tag in tags}


class Tagger(NamedTuple):
    """How a service reads and changes a resource's tags; the arguments: id, and properties."""

    read: Callable[[Account, str, Inputs], Tags]
    add: Callable[[Account, str, Inputs, Tags], object]
    remove: Callable[[Account, str, Inputs, list[str]], object]


def _ec2_tags(account: Account, identifier: str, _state: Inputs) -> Tags:
    of_it = [{"Name": "resource-id", "Values": [identifier]}]
    return tag_map(account.client("ec2").describe_tags(Filters=of_it)["Tags"])


EC2 = Tagger(
    _ec2_tags,
    lambda account, identifier, _state, tags: account.client("ec2").create_tags(
        Resources=[identifier], Tags=tag_list(tags)
    ),
    lambda account, identifier, _state, keys: account.client("ec2").delete_tags(
        Resources=[identifier], Tags=[{"Key": key} for key in keys]
    ),
)


def iam(kind: str, name: str) -> Tagger:
    """Tags of one of IAM's kinds of resources.

    Args:
        kind: as in the names of the calls: `tag_user` -> `user`.
        name: the calls' argument for the resource's name: `UserName`.
    """

    def call(account: Account, operation: str, identifier: str, **more: object) -> Any:  # noqa: ANN401 - boto3's answer
        return getattr(account.client("iam"), operation)(**{name: identifier}, **more)

    return Tagger(
        # moto has no list_instance_profile_tags.
        lambda account, identifier, _state: tag_map(
            call(account, f"get_{kind}", identifier)[name.removesuffix("Name")].get("Tags", [])
        ),
        lambda account, identifier, _state, tags: call(
            account, f"tag_{kind}", identifier, Tags=tag_list(tags)
        ),
        lambda account, identifier, _state, keys: call(
            account, f"untag_{kind}", identifier, TagKeys=keys
        ),
    )


SECRETS_MANAGER = Tagger(
    lambda account, identifier, _state: tag_map(
        account.client("secretsmanager").describe_secret(SecretId=identifier).get("Tags", [])
    ),
    lambda account, identifier, _state, tags: account.client("secretsmanager").tag_resource(
        SecretId=identifier, Tags=tag_list(tags)
    ),
    lambda account, identifier, _state, keys: account.client("secretsmanager").untag_resource(
        SecretId=identifier, TagKeys=keys
    ),
)


def by_arn(service: str, pack: Callable[[Tags], object], unpack: Callable[[Any], Tags]) -> Tagger:
    """Tags of a service whose calls take the ARN.

    Args:
        service: boto3's name of it.
        pack: makes of tags what its calls take.
        unpack: makes tags of what its calls answer.
    """
    return Tagger(
        lambda account, _identifier, state: unpack(
            account.client(service).list_tags_for_resource(resourceArn=state["arn"])["tags"]
        ),
        lambda account, _identifier, state, tags: account.client(service).tag_resource(
            resourceArn=state["arn"], tags=pack(tags)
        ),
        lambda account, _identifier, state, keys: account.client(service).untag_resource(
            resourceArn=state["arn"], tagKeys=keys
        ),
    )


ECR = by_arn("ecr", tag_list, tag_map)
ECS = by_arn(
    "ecs",
    lambda tags: tag_list(tags, "key", "value"),
    lambda tags: tag_map(tags, "key", "value"),
)
LOGS = by_arn("logs", dict, dict)
