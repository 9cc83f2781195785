"""Types of values, as annotations say them, and how a message shows a value."""

import re
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pulumi

_SHOWN_CHARACTERS = 120


def shortened(text: str) -> str:
    """Cut what a message repeats of a user's, such as a script, a key or a list of networks."""
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"


def unwired(kind: Any) -> tuple[Any, bool]:  # noqa: ANN401 - any annotation
    """Return what a `pulumi.Input` is an input of, and whether it is one."""
    if get_origin(kind) in (Union, UnionType):
        first, *others = get_args(kind)
        if any(get_origin(other) is Awaitable for other in others):
            return first, True
    return kind, False


def is_output(value: object) -> bool:
    """Whether a value is one that nobody knows yet."""
    return isinstance(value, pulumi.Output | Awaitable)


def is_given(value: pulumi.Input[str]) -> bool:
    """Whether a wired argument that need not be given was: its default is empty."""
    return is_output(value) or bool(value)


def typed(kind: Any, value: Any) -> Any:  # noqa: ANN401 - any annotation
    """Return a value as its type says; an integral float is how other languages send an integer.

    Raises:
        ValueError: it is of another type; with what is expected.
    """
    inner, wired = unwired(kind)
    if is_output(value):
        if wired:
            return value
        raise _unknown(inner)
    if get_origin(inner) is Sequence:
        return _typed_list(inner, value)
    if get_origin(inner) is Mapping:
        return _typed_mapping(inner, value)
    if inner is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, inner) and isinstance(value, bool) is (inner is bool):
        return value
    raise ValueError(f"expected {expected(inner)}{_quotes(inner, value)}")


def _typed_list(kind: Any, value: object) -> list[Any]:  # noqa: ANN401 - any annotation
    (each,) = get_args(kind)
    if isinstance(value, list | tuple):
        with suppress(ValueError):
            return [typed(each, entry) for entry in value]
        if any(map(is_output, value)) and not unwired(each)[1]:
            raise _unknown(kind)
    brackets = ": put it in brackets" if isinstance(value, str) and value else ""
    raise ValueError(f"expected {expected(kind)}{brackets}")


def _typed_mapping(kind: Any, value: object) -> dict[str, Any]:  # noqa: ANN401 - any annotation
    _, each = get_args(kind)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        with suppress(ValueError):
            return {key: typed(each, entry) for key, entry in value.items()}
        if any(map(is_output, value.values())) and not unwired(each)[1]:
            raise _unknown(kind)
    raise ValueError(f"expected {expected(kind)}")


def _unknown(kind: Any) -> ValueError:  # noqa: ANN401 - any annotation
    return ValueError(f"expected {expected(kind)} that is known when the program starts")


def _quotes(kind: type, value: object) -> str:
    """Say what to do about a value that looks right but has, or lacks, quotes."""
    if kind is str and isinstance(value, bool | int | float):
        return ": put it in quotes"
    legal = {bool: r"(?i:true|false)", int: r"-?\d+"}.get(kind)
    found = legal and isinstance(value, str) and re.fullmatch(legal, value, re.ASCII)
    return ": leave out the quotes" if found else ""


def expected(kind: Any) -> str:  # noqa: ANN401 - any annotation
    """Say in words what a value of this type is."""
    inner, _ = unwired(kind)
    if get_origin(inner) is Sequence:
        (each,) = get_args(inner)
        return f"a list of {expected(each).removeprefix('a ')}s"
    if get_origin(inner) is Mapping:
        return f"keys, each with {expected(get_args(inner)[1])}"
    return {bool: "true or false", int: "a whole number", str: "a string"}[inner]
