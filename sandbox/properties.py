"""Property values of the plugin protocol, to and from plain ones."""

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

Properties = dict[str, PropertyValue]
"""Properties as the protocol carries them: secrets marked, at any depth."""


def plain(value: PropertyValue) -> Any:  # noqa: ANN401 - any JSON
    """Return what a property says, without its marks; whole numbers come as floats, made whole."""
    content = value.value
    if isinstance(content, float) and content.is_integer():
        return int(content)
    if isinstance(content, Mapping):
        return {key: plain(item) for key, item in content.items()}
    if isinstance(content, tuple):
        return [plain(item) for item in content]
    return content


def plain_properties(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Return what properties say; those that are null are left out."""
    return {name: plain(value) for name, value in properties.items() if value.value is not None}


def marked(
    properties: Mapping[str, Any],
    known: Mapping[str, PropertyValue],
    secret: frozenset[str] = frozenset(),
) -> Properties:
    """Return properties as the protocol carries them.

    Args:
        properties: plain ones.
        known: the same properties as they came: their secret marks stay.
        secret: names of others that are secret.
    """
    result = {}
    for name, value in properties.items():
        before = known.get(name)
        hide = name in secret
        if before is None:
            result[name] = _property(value).with_secret(hide)
        elif plain(before) == value:
            result[name] = before.with_secret(hide or before.is_secret)
        else:
            result[name] = _property(value).with_secret(hide or before.contains_secret())
    return result


def _property(value: Any) -> PropertyValue:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return PropertyValue({key: _property(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([_property(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)
