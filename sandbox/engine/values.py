"""Property values as the engine keeps them: JSON, in which secrets and unknowns are marked.

Source of the marks: pulumi/runtime/rpc.py, `_special_sig_key`, `_special_secret_sig`, `UNKNOWN`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - marks a secret, is none
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is not known before the real deployment."""

_SHORTEST_REDACTED = 4
"""A shorter secret would be found in half of all words."""


def to_struct(properties: Mapping[str, Any]) -> Any:  # noqa: ANN401 - protobuf has no types here
    """Return properties as a protobuf `Struct`."""
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def from_struct(struct: Any) -> dict[str, Any]:  # noqa: ANN401 - protobuf has no types here
    """Return the properties of a protobuf `Struct`; whole numbers become integers."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: Any) -> Any:  # noqa: ANN401 - any JSON
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return None if kind == "null_value" else getattr(value, kind)


def is_secret(value: object) -> bool:
    """Tell whether a value as a whole is marked as secret."""
    return isinstance(value, Mapping) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE


def secret(value: object) -> dict[str, Any]:
    """Mark a value as secret, once."""
    if isinstance(value, dict) and is_secret(value):
        return value
    return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": value}


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Take the secret marks off, at any depth."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def shown(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what a person may see: `[secret]` and `[unknown]` in place of such values."""
    if is_secret(value):
        return "[secret]"
    if value == UNKNOWN:
        return "[unknown]"
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a value is, or holds at any depth, one that is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def has_secret(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a value is, or holds at any depth, a secret."""
    return any(True for _ in _secrets(value))


def mark_like(value: Any, model: Any) -> Any:  # noqa: ANN401 - any JSON
    """Mark as secret in a value what is secret in another one of the same shape.

    Where the shapes differ, all that stands beside something secret becomes secret.
    """
    if is_secret(value) or not has_secret(model):
        return value
    if isinstance(value, dict) and isinstance(model, dict) and not is_secret(model):
        return {key: mark_like(item, model.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(model, list) and len(value) == len(model):
        return [mark_like(item, its_model) for item, its_model in zip(value, model, strict=True)]
    return secret(value)


def redact(text: str, *properties: Mapping[str, Any]) -> str:
    """Replace in a message every text that is secret in some properties."""
    found = {text for value in properties for held in _secrets(value) for text in _texts(held)}
    for hidden in sorted(found, key=len, reverse=True):
        text = text.replace(hidden, "[secret]")
    return text


def _secrets(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    if is_secret(value):
        yield plain(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, str) and len(value) >= _SHORTEST_REDACTED:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
