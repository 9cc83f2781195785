"""How a component's argument is declared: once, with its type, default, rules and sentence.

    @arguments
    class ServiceArgs(TypedDict):
        '''Arguments of a `Service`.'''

        vpc_id: pulumi.Input[str]
        '''Id of the VPC.'''

        port: NotRequired[Annotated[int, Knob(9090, checks.port)]]
        '''Port that it listens on.'''

An argument of type `pulumi.Input` is wired: it may be an output, whose value nobody knows yet. Any
other one is a knob, which the stack's settings offer as well. Of either kind, one that need not be
given has a default; a wired one's is empty, and `values.is_given` tells. Whatever needs to know the
arguments (`resolve`, the settings, the schema, the reference) asks `declared`.
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, NotRequired, TypeVar, get_args, get_origin

import pulumi

from components.values import expected, is_output, shortened, typed, unwired

_T = TypeVar("_T")

_COMPONENT_NAME = re.compile(r"[a-z][a-z0-9-]*")
_MAX_NAME_LENGTH = 32
_SECRET_ARN_KEY = re.compile(r"secret_?arns?$", re.IGNORECASE)


class Rule(NamedTuple):
    """What a value must comply with, beyond its type."""

    check: Callable[..., object]
    """Raises `ValueError` with what is expected. Its arguments: the value, then those of `needs`,
    then `pulumi.InvokeOptions` if it asks AWS."""

    needs: tuple[str, ...] = ()
    """Other arguments that the rule is about; it is left out while one of them is illegal."""

    asks_aws: bool = False
    """Whether it takes a call to AWS, so that nothing else knows the answer."""

    presence: bool = False
    """Whether it asks only if values are given, which is known of outputs, too."""


class Knob(NamedTuple):
    """The default of an argument that need not be given, and the first rule for its value."""

    default: Any
    check: Callable[[Any], object] = lambda _value: None


class Argument(NamedTuple):
    """One argument, as it was declared."""

    kind: Any
    """Its type, such as `str`, `int` or `Sequence[str]`."""

    wired: bool
    """Whether it may be an output."""

    required: bool
    default: Any
    rules: tuple[Rule, ...]


class Problem(NamedTuple):
    """Something illegal; whoever shows it decides how the argument is called."""

    key: str
    message: str
    value: Any = inspect.Parameter.empty
    """What was given; left out where nothing was, or where it does not matter."""

    @property
    def has_value(self) -> bool:
        """Whether the problem is about a value."""
        return self.value is not inspect.Parameter.empty

    def text(self, name: str, show: Callable[[Any], str] = repr) -> str:
        """Return the problem as a sentence.

        Args:
            name: the argument's name, as the user knows it.
            show: how the user writes a value.
        """
        if not self.has_value:
            return f"{shortened(name)} {self.message}"
        if is_output(self.value):
            shown = "an output"
        elif self._may_be_a_secret():
            shown = "not shown, as it may be the secret itself"
        else:
            shown = shortened(show(self.value))
        return f"{name} is {shown}: {self.message}"

    def _may_be_a_secret(self) -> bool:
        """Whether it stands where the ARN of a secret belongs, and is none."""
        if not _SECRET_ARN_KEY.search(self.key):
            return False
        if isinstance(self.value, list | tuple):  # each after the variable that it is for
            return any("=arn:" not in str(entry) for entry in self.value)
        return (
            isinstance(self.value, str) and bool(self.value) and not self.value.startswith("arn:")
        )


class ArgumentError(ValueError, pulumi.RunError):
    """A component was given illegal arguments; nothing has been registered.

    A `RunError`, so that Pulumi shows the message without a stack trace.
    """

    def __init__(self, component: str, name: str, problems: Sequence[Problem]) -> None:
        """Say what is wrong with the arguments of an instance."""
        lines = "".join(f"\n  - {problem.text(problem.key or 'args')}" for problem in problems)
        super().__init__(f"{component} {name!r} cannot be made:{lines}")
        self.problems = problems


_DECLARED: dict[type, dict[str, Argument]] = {}


def arguments(shape: type[_T]) -> type[_T]:
    """Declare a component's arguments: decorates its `TypedDict`.

    Knobs and rules are taken off the annotations, since Pulumi's schema analysis wants bare types.
    A `TypedDict` that others inherit from is not decorated itself: what it declares counts in them.

    Raises:
        TypeError: an optional argument has no default.
    """
    bare, found = {}, {}
    for key, hint in shape.__annotations__.items():
        origin: Any = get_origin(hint)
        optional = origin is NotRequired
        inner = get_args(hint)[0] if optional else hint
        kind, *marks = get_args(inner) if get_origin(inner) is Annotated else (inner,)
        knob = next((mark for mark in marks if isinstance(mark, Knob)), None)
        if optional != (knob is not None):
            raise TypeError(f"{shape.__name__}.{key}: expected NotRequired with a Knob, or neither")
        own, wired = unwired(kind)
        rules = [Rule(mark.check) if isinstance(mark, Knob) else mark for mark in marks]
        default = knob.default if knob else None
        found[key] = Argument(own, wired, not optional, default, tuple(rules))
        bare[key] = NotRequired[kind] if optional else kind
    shape.__annotations__ = bare
    _DECLARED[shape] = found
    return shape


def declared(shape: type) -> Mapping[str, Argument]:
    """Return the arguments that a `TypedDict` declares, by key."""
    return _DECLARED[shape]


def resolve(
    shape: type[_T],
    name: str,
    args: _T,
    opts: pulumi.ResourceOptions | None = None,
    *,
    max_name_length: int = _MAX_NAME_LENGTH,
) -> _T:
    """Return a component's arguments with defaults filled in and types made right.

    To be called before anything is registered.

    Args:
        shape: the `TypedDict` of the component's arguments.
        name: of the instance.
        args: as the caller gave them.
        opts: the instance's options; what asks AWS does so through its provider.
        max_name_length: how many characters the name may have.

    Raises:
        ArgumentError: with every problem, a line each.
    """
    invoke = pulumi.InvokeOptions(
        parent=opts.parent if opts else None, provider=_aws_provider(opts)
    )
    values, problems = examine(declared(shape), args, invoke=invoke)
    try:
        legal_name(name, max_name_length)
    except ValueError as error:
        problems.insert(0, Problem("its name", str(error)))
    if problems:
        raise ArgumentError(shape.__name__.removesuffix("Args"), name, problems)
    return values  # type: ignore[return-value] # the keys of `shape`, with the types that it says


def legal_name(name: str, max_length: int) -> None:
    """Check the name of a component's instance.

    Raises:
        ValueError: with what is expected.
    """
    if not (isinstance(name, str) and len(name) <= max_length and _COMPONENT_NAME.fullmatch(name)):
        legal = f"a lowercase letter, then up to {max_length - 1} lowercase letters, digits or '-'"
        raise ValueError(f"becomes part of names in AWS: expected {legal}")


def examine(
    known: Mapping[str, Argument],
    args: object,
    *,
    fixed: Mapping[str, Any] | None = None,
    others: Sequence[str] = (),
    invoke: pulumi.InvokeOptions | None = None,
) -> tuple[dict[str, Any], list[Problem]]:
    """Check arguments, all of them.

    Args:
        known: the arguments that there are, by key.
        args: key -> value, as somebody gave them.
        fixed: values that are not theirs to give, but that rules need.
        others: paths of keys elsewhere, which somebody may have meant.
        invoke: how to ask AWS. Default: rules that ask AWS are left out.

    Returns:
        The values, with defaults filled in and types made right; and what is wrong with them.
    """
    if not isinstance(args, Mapping):
        message = f"expected keys with values; the keys are {', '.join(known)}"
        return {}, [Problem("", message, args)]
    given = {str(key): value for key, value in args.items()}
    problems = [
        Problem(key, f"is unknown: {suggestion(key, known, others)}")
        for key in given
        if key not in known
    ]
    legal = dict(fixed or {})
    for key, argument in known.items():
        if key not in given and argument.required:
            problems.append(Problem(key, "is missing"))
            continue
        value = given.get(key, argument.default)
        try:
            legal[key] = _checked(argument, value) if key in given else value
        except ValueError as problem:
            problems.append(Problem(key, str(problem), value))
    problems += _broken_rules(known, legal, invoke)
    return {key: value for key, value in legal.items() if key in known}, problems


def suggestion(
    name: str, known: Mapping[str, object] | Sequence[str], others: Sequence[str] = ()
) -> str:
    """Say what somebody who typed an unknown name probably meant.

    Args:
        name: what was typed.
        known: the names that there are.
        others: paths, such as `network.zoneCount`, whose last part may have been meant.
    """
    paths = {path.rpartition(".")[2]: path for path in others}
    (meant,) = get_close_matches(name, [*known, *paths, *others], n=1) or [None]
    if meant is None:
        return f"expected one of {', '.join(sorted(known))}"
    return f"did you mean {meant if meant in known else paths.get(meant, meant)}?"


def pick(shape: type[_T], values: Mapping[str, Any]) -> _T:
    """Return those of the values that a component has arguments for."""
    return {key: value for key, value in values.items() if key in declared(shape)}  # type: ignore[return-value] # whoever calls adds the rest


def sentences(shape: type) -> dict[str, str]:
    """Return key -> what it is: the docstring below each field, inherited ones too."""
    (node,) = ast.parse(inspect.getsource(shape)).body
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{shape} is not a class")
    found: dict[str, str] = {}
    for base in node.bases:
        inherited = vars(sys.modules[shape.__module__]).get(ast.unparse(base))
        if isinstance(inherited, type):
            found |= sentences(inherited)
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = " ".join(text.split())
    return found


def camel(name: str) -> str:
    """Spell an argument as users of Pulumi type it: `zone_count` -> `zoneCount`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def snake(name: str) -> str:
    """Spell a key as the component does: `zoneCount` -> `zone_count`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _broken_rules(
    known: Mapping[str, Argument], values: dict[str, Any], invoke: pulumi.InvokeOptions | None
) -> list[Problem]:
    """Apply every rule to the values; one that breaks a rule is taken out of them."""
    problems = []
    found = [(key, rule) for key, argument in known.items() for rule in argument.rules]
    # What a value has to be by itself comes first: rules between values rely on it.
    for key, rule in sorted(found, key=lambda pair: bool(pair[1].needs or pair[1].asks_aws)):
        if not {key, *rule.needs} <= values.keys() or (rule.asks_aws and invoke is None):
            continue
        words = [values[name] for name in (key, *rule.needs)]
        if any(map(is_output, words)) and not rule.presence:
            continue
        try:
            rule.check(*words, *([invoke] if rule.asks_aws else []))
        except ValueError as problem:
            problems.append(Problem(key, str(problem), values.pop(key)))
    return problems


def _checked(argument: Argument, value: Any) -> Any:  # noqa: ANN401 - a caller may pass anything
    """Return a value as the argument's type says.

    Raises:
        ValueError: it is of another type, or empty although it is required; with what is expected.
    """
    if argument.wired and is_output(value):
        return value
    entries = value if isinstance(value, list | tuple) and value else [value]
    if argument.required and any(entry in (None, "", [], ()) for entry in entries):
        raise ValueError(f"expected {expected(argument.kind)}, not empty")
    return typed(argument.kind, value)


def _aws_provider(opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource | None:
    """Find the explicit AWS provider in the options of a component that is not registered yet."""
    if opts is None:
        return None
    several = opts.providers or []
    given = [opts.provider, *(several.values() if isinstance(several, Mapping) else several)]
    return next((provider for provider in given if provider and provider.package == "aws"), None)
