"""components.arguments: how arguments are declared, resolved, and refused."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypedDict

import pulumi
import pytest

from components import checks
from components.arguments import (
    ArgumentError,
    Knob,
    Rule,
    arguments,
    camel,
    declared,
    examine,
    pick,
    resolve,
    sentences,
    snake,
    suggestion,
)


def within(value: int, limit: int) -> None:
    if value > limit:
        raise ValueError(f"expected at most {limit}")


def asks(value: int, invoke: pulumi.InvokeOptions) -> None:
    raise ValueError(f"AWS was asked about {value}, {invoke.parent}")


class BaseArgs(TypedDict):
    """What every thing has; not decorated."""

    vpc_id: pulumi.Input[str]
    """Id of
    the VPC."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Ids of subnets."""

    public: NotRequired[Annotated[bool, Knob(default=False)]]
    """Whether it is public."""


@arguments
class ThingArgs(BaseArgs):
    """Arguments of a `Thing`."""

    label: Annotated[str, Rule(checks.label_value)]
    """Its label."""

    count: NotRequired[Annotated[int, Knob(2, checks.whole(0, 50)), Rule(within, ("limit",))]]

    limit: NotRequired[Annotated[int, Knob(10, checks.whole(1, 100))]]
    """At most so many."""

    networks: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks."""


@arguments
class AskingArgs(TypedDict):
    zones: NotRequired[Annotated[int, Knob(2, checks.whole(1, 8)), Rule(asks, asks_aws=True)]]


@arguments
class WiredArgs(TypedDict):
    name: Annotated[pulumi.Input[str], Rule(checks.label_value)]
    size: NotRequired[Annotated[int, Knob(1), Rule(lambda _size, _name: 1 / 0, ("name",))]]


FEWEST: Mapping[str, Any] = {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "label": "dev"}


@pytest.fixture
def output() -> Iterator[pulumi.Output[Any]]:
    """An output, which needs an event loop."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    found: pulumi.Output[Any] = pulumi.Output.from_input("dev")
    yield found
    loop.run_until_complete(found.future())
    loop.close()


def thing(**args: Any) -> Mapping[str, Any]:  # noqa: ANN401
    return resolve(ThingArgs, "one", {**FEWEST, **args})


def problems(args: object, shape: type = ThingArgs, name: str = "one") -> list[str]:
    """What is said about bad arguments, a line for each problem."""
    with pytest.raises(ArgumentError) as error:
        resolve(shape, name, args)
    first, *lines = str(error.value).splitlines()
    assert first == f"{shape.__name__.removesuffix('Args')} {name!r} cannot be made:"
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


# --- declaration ---


def test_an_argument_is_declared_once() -> None:
    found = declared(ThingArgs)
    assert {key: (a.kind, a.wired, a.required, a.default) for key, a in found.items()} == {
        "vpc_id": (str, True, True, None),
        "subnet_ids": (Sequence[pulumi.Input[str]], True, True, None),
        "public": (bool, False, False, False),
        "label": (str, False, True, None),
        "count": (int, False, False, 2),
        "limit": (int, False, False, 10),
        "networks": (Sequence[str], False, False, ()),
    }
    assert [rule.needs for rule in found["count"].rules] == [(), ("limit",)]


def test_pulumis_analysis_finds_bare_types() -> None:
    wired: Any = pulumi.Input
    assert ThingArgs.__annotations__ == {
        "vpc_id": wired[str],
        "subnet_ids": wired[Sequence[wired[str]]],
        "public": NotRequired[bool],
        "label": str,
        "limit": NotRequired[int],
        "count": NotRequired[int],
        "networks": NotRequired[Sequence[str]],
    }
    assert ThingArgs.__required_keys__ == FEWEST.keys()


def test_a_sentence_is_the_text_below_a_field_also_below_an_inherited_one() -> None:
    assert sentences(ThingArgs) == {
        "vpc_id": "Id of the VPC.",
        "subnet_ids": "Ids of subnets.",
        "public": "Whether it is public.",
        "label": "Its label.",
        "limit": "At most so many.",
        "networks": "Networks.",
    }


def test_an_optional_argument_without_a_default_is_no_declaration() -> None:
    class LacksDefault(TypedDict):
        port: NotRequired[int]

    class LacksKnob(TypedDict):
        port: NotRequired[Annotated[int, Rule(checks.port)]]

    class DefaultOfRequired(TypedDict):
        port: Annotated[int, Knob(9090)]

    for shape in (LacksDefault, LacksKnob, DefaultOfRequired):
        with pytest.raises(TypeError, match=rf"{shape.__name__}.port: expected NotRequired with"):
            arguments(shape)


# --- legal arguments ---


def test_defaults_are_filled_in() -> None:
    expected = {**FEWEST, "public": False, "limit": 10, "count": 2, "networks": ()}
    assert resolve(ThingArgs, "one", FEWEST) == expected


def test_what_is_given_counts() -> None:
    given = {"public": True, "limit": 20, "count": 20, "networks": ["10.0.0.0/8"]}
    assert thing(**given) == {**FEWEST, **given}


def test_the_callers_arguments_stay_as_they_are() -> None:
    args = dict(FEWEST)
    resolve(ThingArgs, "one", args)
    assert args == FEWEST


def test_an_integral_float_becomes_an_integer() -> None:
    """That is how numbers arrive from Pulumi's other languages."""
    count = thing(count=3.0)["count"]
    assert (count, type(count)) == (3, int)


@pytest.mark.parametrize("listed", [["10.0.0.0/8"], ("10.0.0.0/8",)], ids=["list", "tuple"])
def test_a_list_may_be_a_tuple(listed: Sequence[str]) -> None:
    assert thing(networks=listed)["networks"] == ["10.0.0.0/8"]


def test_an_output_passes_unchecked_where_an_argument_is_wired(output: pulumi.Output[Any]) -> None:
    """Its value is not known yet, nor is there a rule that could be applied."""
    assert thing(vpc_id=output)["vpc_id"] is output
    assert thing(subnet_ids=output)["subnet_ids"] is output
    assert thing(subnet_ids=["subnet-1", output])["subnet_ids"] == ["subnet-1", output]
    wired = resolve(WiredArgs, "one", {"name": output})
    assert wired == {"name": output, "size": 1}


def test_pick_takes_what_a_component_has_arguments_for() -> None:
    assert pick(ThingArgs, {"label": "dev", "other": 1}) == {"label": "dev"}


# --- illegal arguments ---


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ({"public": "false"}, "public is 'false': expected true or false: leave out the quotes"),
        ({"public": 1}, "public is 1: expected true or false"),
        ({"public": None}, "public is None: expected true or false"),
        ({"limit": "3"}, "limit is '3': expected a whole number: leave out the quotes"),
        ({"limit": "three"}, "limit is 'three': expected a whole number"),
        *(
            ({"limit": text}, f"limit is {text!r}: expected a whole number")
            for text in ("1_0", " 5", "+5", "1e3", "0x10", "\uff15", "inf", "nan", "5.0")
        ),
        ({"public": "no"}, "public is 'no': expected true or false"),
        ({"limit": 2.5}, "limit is 2.5: expected a whole number"),
        ({"limit": True}, "limit is True: expected a whole number"),
        ({"limit": float("inf")}, "limit is inf: expected a whole number"),
        ({"limit": float("nan")}, "limit is nan: expected a whole number"),
        ({"limit": [3]}, "limit is [3]: expected a whole number"),
        ({"limit": 0}, "limit is 0: expected a whole number from 1 to 100"),
        ({"limit": 0.0}, "limit is 0: expected a whole number from 1 to 100"),
        ({"label": 5}, "label is 5: expected a string: put it in quotes"),
        ({"label": True}, "label is True: expected a string: put it in quotes"),
        ({"label": b"dev"}, "label is b'dev': expected a string"),
        ({"label": None}, "label is None: expected a string, not empty"),
        ({"label": ""}, "label is '': expected a string, not empty"),
        ({"vpc_id": None}, "vpc_id is None: expected a string, not empty"),
        ({"vpc_id": ""}, "vpc_id is '': expected a string, not empty"),
        ({"vpc_id": {"id": 1}}, "vpc_id is {'id': 1}: expected a string"),
        (
            {"subnet_ids": "subnet-1"},
            "subnet_ids is 'subnet-1': expected a list of strings: put it in brackets",
        ),
        ({"subnet_ids": []}, "subnet_ids is []: expected a list of strings, not empty"),
        ({"subnet_ids": None}, "subnet_ids is None: expected a list of strings, not empty"),
        ({"subnet_ids": [""]}, "subnet_ids is ['']: expected a list of strings, not empty"),
        ({"subnet_ids": [1]}, "subnet_ids is [1]: expected a list of strings"),
        (
            {"networks": "10.0.0.0/8"},
            "networks is '10.0.0.0/8': expected a list of strings: put it in brackets",
        ),
        ({"networks": ""}, "networks is '': expected a list of strings"),
        ({"networks": [None]}, "networks is [None]: expected a list of strings"),
        ({"networks": {"a": "b"}}, "networks is {'a': 'b'}: expected a list of strings"),
        ({"vpcid": "vpc-1"}, "vpcid is unknown: did you mean vpc_id?"),
        (
            {"q": 1},
            (
                "q is unknown: expected one of count, label, limit, networks, public, subnet_ids,"
                " vpc_id"
            ),
        ),
    ],
    ids=str,
)
def test_a_bad_argument(args: dict[str, Any], problem: str) -> None:
    assert problems({**FEWEST, **args}) == [problem]


def test_an_argument_that_is_missing() -> None:
    args = {key: value for key, value in FEWEST.items() if key != "label"}
    assert problems(args) == ["label is missing"]


@pytest.mark.parametrize("args", [None, 5, "vpc-1", []], ids=str)
def test_arguments_that_are_none(args: object) -> None:
    known = "vpc_id, subnet_ids, public, label, count, limit, networks"
    assert problems(args) == [
        f"args is {args!r}: expected keys with values; the keys are {known}",
    ]


def test_all_problems_at_once() -> None:
    args = {"subnet_ids": [], "label": "a b", "limit": 0, "netwroks": (), "public": "no"}
    assert problems(args, name="One") == [
        (
            "its name becomes part of names in AWS: expected a lowercase letter, then up to 31"
            " lowercase letters, digits or '-'"
        ),
        "netwroks is unknown: did you mean networks?",
        "vpc_id is missing",
        "subnet_ids is []: expected a list of strings, not empty",
        "public is 'no': expected true or false",
        "label is 'a b': expected a letter, then up to 31 letters, digits, '-' or '_'",
        "limit is 0: expected a whole number from 1 to 100",
    ]


@pytest.mark.parametrize("name", ["", "One", "1st", "a_b", "-a", "a" * 33, "a\n", 5, None])
def test_an_instances_name_becomes_part_of_names_in_aws(name: Any) -> None:  # noqa: ANN401
    (problem,) = problems(FEWEST, name=name)
    assert problem.startswith("its name becomes part of names in AWS: expected")


@pytest.mark.parametrize("key", ["public", "limit", "label", "networks"])
def test_an_output_is_no_value_for_a_knob(key: str, output: pulumi.Output[Any]) -> None:
    (problem,) = problems({**FEWEST, key: output})
    assert problem.startswith(f"{key} is an output: expected ")
    assert problem.endswith(" that is known when the program starts")


def test_an_output_is_no_entry_of_a_knob_either(output: pulumi.Output[Any]) -> None:
    (problem,) = problems({**FEWEST, "networks": ["10.0.0.0/8", output]})
    assert problem.endswith(": expected a list of strings that is known when the program starts")


def test_an_awaitable_is_no_value_for_a_knob_either() -> None:
    loop = asyncio.new_event_loop()
    (problem,) = problems({**FEWEST, "label": loop.create_future()})
    loop.close()
    assert problem == "label is an output: expected a string that is known when the program starts"


def test_a_long_value_is_cut() -> None:
    (problem,) = problems({**FEWEST, "label": "x" * 20_000})
    assert problem.startswith(f"label is '{'x' * 119}... (20002 characters): expected a letter")
    (problem,) = problems({**FEWEST, "label": "x" * 118})
    assert problem.startswith(f"label is '{'x' * 118}': expected a letter")
    (problem,) = problems({**FEWEST, "networks": ["203.0.113.7/32"] * 500})
    assert len(problem) < 250
    (problem,) = problems({**FEWEST, "x" * 20_000: 1})
    assert problem.startswith(f"{'x' * 120}... (20000 characters) is unknown: expected one of")


def test_the_error_has_no_stack_trace() -> None:
    """Pulumi prints the message alone for a `RunError`."""
    assert issubclass(ArgumentError, pulumi.RunError)


# --- rules between arguments ---


def test_a_rule_gets_the_arguments_that_it_needs() -> None:
    assert problems({**FEWEST, "limit": 5, "count": 6}) == ["count is 6: expected at most 5"]
    assert problems({**FEWEST, "limit": 1}) == ["count is 2: expected at most 1"]


@pytest.mark.parametrize(
    ("args", "bad"),
    [
        ({"limit": "many", "count": 40}, "limit"),
        ({"limit": 0, "count": 40}, "limit"),
        ({"limit": 1, "count": 60}, "count"),
    ],
    ids=["other type", "other value", "own value"],
)
def test_one_mistake_is_one_problem(args: dict[str, Any], bad: str) -> None:
    """What depends on a bad value is not checked against it."""
    (problem,) = problems({**FEWEST, **args})
    assert problem.startswith(f"{bad} is {args[bad]!r}: ")


def test_a_rule_may_need_what_the_caller_does_not_give() -> None:
    known = {key: argument for key, argument in declared(ThingArgs).items() if key == "count"}
    assert examine(known, {}, fixed={"limit": 5}) == ({"count": 2}, [])
    legal, (problem,) = examine(known, {"count": 6}, fixed={"limit": 5})
    assert (legal, problem.text("count")) == ({}, "count is 6: expected at most 5")


def test_aws_is_asked_through_the_callers_provider() -> None:
    parent = pulumi.Resource.__new__(pulumi.Resource)
    with pytest.raises(ArgumentError, match="zones is 2: AWS was asked about 2, None"):
        resolve(AskingArgs, "one", {})
    with pytest.raises(ArgumentError, match=f"AWS was asked about 3, {parent!r}"):
        resolve(AskingArgs, "one", {"zones": 3}, pulumi.ResourceOptions(parent=parent))


def test_aws_is_asked_only_about_legal_values_and_by_those_who_can() -> None:
    assert problems({"zones": 9}, AskingArgs) == ["zones is 9: expected a whole number from 1 to 8"]
    assert examine(declared(AskingArgs), {"zones": 3}) == ({"zones": 3}, [])


# --- names ---


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("zonecount", ["zoneCount", "vpcCidr"], "did you mean zoneCount?"),
        ("hots", ["hosts", "network"], "did you mean hosts?"),
        ("zoneCount", ["hosts", "network"], "did you mean network.zoneCount?"),
        ("zone_count", ["hosts", "network"], "did you mean network.zoneCount?"),
        ("hostCount", ["hosts", "network"], "did you mean hosts.count?"),
        ("count", ["count", "other"], "did you mean count?"),
        ("q", ["network", "hosts"], "expected one of hosts, network"),
    ],
)
def test_a_misspelt_name(name: str, known: list[str], meant: str) -> None:
    assert suggestion(name, known, ["network.zoneCount", "hosts.count"]) == meant


@pytest.mark.parametrize(
    ("argument", "key"), [("port", "port"), ("zone_count", "zoneCount"), ("a_b_c", "aBC")]
)
def test_a_name_in_pulumis_other_languages(argument: str, key: str) -> None:
    assert camel(argument) == key
    assert snake(key) == argument
