"""The `secrets` of a container definition, resolved as ECS does when a task starts."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from sandbox.resources import Account

_ARN_PARTS = 7
"""`arn:aws:secretsmanager:region:account:secret:name`, after which come key, stage, version."""


class SecretError(Exception):
    """A secret cannot be had; the message says why, without its value."""


class SecretReference(NamedTuple):
    """Where a container definition's secret comes from."""

    request: dict[str, str]
    """The arguments of Secrets Manager's GetSecretValue."""
    json_key: str

    @classmethod
    def parse(cls, value_from: str) -> "SecretReference":
        """Split a `valueFrom`: `<ARN>[:<JSON key>:<version stage>:<version id>]`.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html

        Raises:
            SecretError: it is not written like that.
        """
        parts = value_from.split(":")
        rest = parts[_ARN_PARTS:]
        if len(parts) < _ARN_PARTS or parts[2] != "secretsmanager" or len(rest) not in (0, 3):
            raise SecretError(
                f"valueFrom is {value_from!r}: expected the ARN of a secret, and after it nothing"
                " or :<JSON key>:<version stage>:<version id>"
            )
        key, stage, version = rest or ("", "", "")
        arn = ":".join(parts[:_ARN_PARTS])
        given = {"SecretId": arn, "VersionStage": stage, "VersionId": version}
        return cls({name: text for name, text in given.items() if text}, key)


def resolve(account: Account, container: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of a container that hold secrets.

    Raises:
        SecretError: one cannot be had.
    """
    client = account.client("secretsmanager")
    resolved = {}
    for item in container.get("secrets", []):
        reference = SecretReference.parse(item["valueFrom"])
        try:
            value = client.get_secret_value(**reference.request)["SecretString"]
        except ClientError as error:
            raise SecretError(
                f"the secret {item['valueFrom']} of {item['name']} cannot be read:"
                f" {error.response['Error']['Message']}"
            ) from error
        key = reference.json_key
        resolved[item["name"]] = json_value(value, key, item) if key else value
    return resolved


def json_value(text: str, key: str, item: Mapping[str, str]) -> str:
    """Return a member of a secret that is a JSON object.

    Raises:
        SecretError: it is none, or has no such member.
    """
    try:
        return str(json.loads(text)[key])
    except (json.JSONDecodeError, KeyError, TypeError):
        # `from None`: the original error would quote the secret.
        raise SecretError(
            f"the secret {item['valueFrom']} of {item['name']} is not a JSON object with the key"
            f" {key!r}"
        ) from None
