"""components.checks: what is legal, and exactly what is said about what is not."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import checks

PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"

# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
# CPU units -> memory in GB.
FARGATE: dict[int, list[float]] = {
    256: [0.5, 1, 2],
    512: [1, 2, 3, 4],
    1024: [2, 3, 4, 5, 6, 7, 8],
    2048: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    4096: [*range(8, 31)],
    8192: [16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60],
    16384: [32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120],
}


def problem(check: Callable[..., object], *args: object) -> str:
    """What a check says about an illegal value."""
    with pytest.raises(ValueError, match=r"\w") as error:
        check(*args)
    return str(error.value)


# --- the VPC's range ---


@pytest.mark.parametrize(
    "cidr",
    [
        "10.0.0.0/16",
        "10.42.0.0/16",
        "10.255.255.240/28",
        "172.16.0.0/16",
        "172.31.0.0/16",
        "192.168.0.0/16",
        "192.168.255.0/24",
        "100.64.0.0/16",
        "100.127.0.0/16",
    ],
)
def test_a_private_range_is_legal(cidr: str) -> None:
    assert checks.vpc_cidr(cidr) == cidr


@pytest.mark.parametrize(
    "cidr",
    [
        "",
        "ten",
        "10.42.0.0/",
        "10.42.0/16",
        "10.42.0.256/28",
        "10.42.0.0/33",
        "10.42.0.0/-1",
        "010.42.0.0/16",
        " 10.42.0.0/16",
        "10.42.0.0/16\n",
        "10.42.0.0/16/16",
        "fd00::/16",
    ],
)
def test_a_malformed_range(cidr: str) -> None:
    assert problem(checks.vpc_cidr, cidr) == "expected an IPv4 network such as 10.42.0.0/16"


@pytest.mark.parametrize(
    "cidr", ["10.42.0.0/255.255.0.0", "10.42.0.0/0.0.255.255", "10.42.0.0/016"]
)
def test_a_range_that_python_reads_but_aws_does_not(cidr: str) -> None:
    assert "10.42.0.0/16" in problem(checks.vpc_cidr, cidr)


def test_a_range_with_host_bits() -> None:
    expected = "it has host bits set; expected the network's address: 10.42.0.0/16"
    assert problem(checks.vpc_cidr, "10.42.7.1/16") == expected


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/29", "10.0.0.0/32"])
def test_a_range_of_a_size_that_aws_refuses(cidr: str) -> None:
    assert problem(checks.vpc_cidr, cidr) == "AWS allows a VPC from /16 to /28"


@pytest.mark.parametrize(
    "cidr",
    ["8.8.0.0/16", "172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "100.128.0.0/16"],
)
def test_a_public_range(cidr: str) -> None:
    assert problem(checks.vpc_cidr, cidr) == f"expected a private range, inside one of {PRIVATE}"


def test_loopback_is_for_emulators_only() -> None:
    assert checks.vpc_cidr("127.42.0.0/16", allow_loopback=True) == "127.42.0.0/16"
    expected = f"expected a private range, inside one of {PRIVATE}"
    assert problem(checks.vpc_cidr, "127.42.0.0/16") == expected
    with pytest.raises(ValueError, match=re.escape(f"{PRIVATE}, 127.0.0.0/8")):
        checks.vpc_cidr("8.8.0.0/16", allow_loopback=True)


# --- what fits in it ---


@pytest.mark.parametrize(
    ("cidr", "room"),
    [
        ("10.0.0.0/16", 8),
        ("10.0.0.0/20", 8),
        ("10.0.0.0/24", 8),
        ("10.0.0.0/25", 4),
        ("10.0.0.0/26", 2),
        ("10.0.0.0/27", 1),
    ],
)
def test_zones_that_fit(cidr: str, room: int) -> None:
    assert checks.zones_fit(cidr, room) == room
    assert f"has room for {room} zones" in problem(checks.zones_fit, cidr, room + 1)


@pytest.mark.parametrize(
    ("cidr", "zones", "room", "needed"),
    [("10.0.0.0/28", 1, 0, 27), ("10.0.0.0/28", 2, 0, 26), ("10.0.0.0/26", 3, 2, 25)],
)
def test_zones_that_do_not_fit(cidr: str, zones: int, room: int, needed: int) -> None:
    assert problem(checks.zones_fit, cidr, zones) == (
        f"the VPC {cidr} has room for {room} zones of 2 subnets; expected at most {room} zones,"
        f" or a VPC of /{needed} or larger"
    )


@pytest.mark.parametrize(
    ("cidr", "zones", "room"),
    # A subnet's addresses, less AWS's five, Prometheus's and a NAT gateway's.
    [("10.0.0.0/16", 1, 4089), ("10.0.0.0/24", 1, 9), ("10.0.0.0/24", 3, 27)],
)
def test_hosts_that_fit(cidr: str, zones: int, room: int) -> None:
    assert checks.hosts_fit(cidr, zones, room) == room
    assert problem(checks.hosts_fit, cidr, zones, room + 1) == (
        f"{zones} subnets of the VPC {cidr} have room for {room} hosts;"
        " expected fewer hosts, more zones or a larger VPC"
    )


# --- networks that are let in ---


@pytest.mark.parametrize(
    "cidrs",
    [[], (), ["203.0.113.7/32"], ["10.0.0.0/8", "192.0.2.0/24"]],
)
def test_networks_that_may_be_let_in(cidrs: list[str]) -> None:
    assert checks.admin_cidrs(cidrs) == cidrs


@pytest.mark.parametrize(
    "cidrs",
    [
        ["0.0.0.0/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["203.0.113.7/32", "0.0.0.0/0"],
        ["8.0.0.0/7"],
    ],
)
def test_the_world_is_not_let_in(cidrs: list[str]) -> None:
    wide = next(cidr for cidr in cidrs if not cidr.endswith("/32"))
    assert problem(checks.admin_cidrs, cidrs) == (
        f"'{wide}' is open to the world. Name the networks that people come from, such as"
        " '203.0.113.7/32' for one address; where nobody can be named, leave the list empty"
        " and go through a VPN or AWS Systems Manager"
    )


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        (["home"], "'home': expected an IPv4 network such as 10.42.0.0/16"),
        (["::/0"], "'::/0': expected an IPv4 network such as 10.42.0.0/16"),
        (
            ["203.0.113.7/24"],
            (
                "'203.0.113.7/24': it has host bits set; expected the network's address:"
                " 203.0.113.0/24"
            ),
        ),
        ("10.0.0.0/8", "expected a list of at most 10 networks"),
        ([f"10.{n}.0.0/16" for n in range(11)], "expected a list of at most 10 networks"),
    ],
)
def test_networks_that_are_none(cidrs: Any, expected: str) -> None:  # noqa: ANN401 - also no list
    assert problem(checks.admin_cidrs, cidrs) == expected


@pytest.mark.parametrize("cidr", ["203.0.113.7", "203.0.113.0/255.255.255.0"])
def test_networks_that_python_reads_but_aws_does_not(cidr: str) -> None:
    assert "203.0.113." in problem(checks.admin_cidrs, [cidr])


def test_a_network_is_let_in_once() -> None:
    """A second rule for the same network has the same name, which ends the deployment midway."""
    assert "10.0.0.0/8" in problem(checks.admin_cidrs, ["10.0.0.0/8", "10.0.0.0/8"])


@given(st.integers(0, 7), st.data())
def test_no_network_shorter_than_8_is_let_in(prefix: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 2**prefix - 1))
    first = ipaddress.IPv4Address(number << (32 - prefix))
    assert "open to the world" in problem(checks.admin_cidrs, [f"{first}/{prefix}"])


# --- Fargate ---


@pytest.mark.parametrize("cpu", FARGATE)
def test_fargate_pairs_are_those_of_aws(cpu: int) -> None:
    offered = {int(gb * 1024) for gb in FARGATE[cpu]}
    candidates = {128, 256, 512, 768, *range(1024, 125 * 1024, 512)}
    legal = set()
    for memory in candidates:
        try:
            legal.add(checks.fargate_memory(cpu, memory))
        except ValueError:
            continue
    assert legal == offered


def test_an_illegal_fargate_pair_names_the_legal_ones() -> None:
    assert problem(checks.fargate_memory, 256, 4096) == (
        "with 256 CPU units, Fargate offers 512, 1024, 2048 (MiB of memory)"
    )


@pytest.mark.parametrize("cpu", [0, 128, 257, 32768, -256, "256"])
def test_an_illegal_fargate_cpu(cpu: object) -> None:
    expected = "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"
    assert problem(checks.fargate_cpu, cpu) == expected


# --- instance types ---


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        ("t4g.nano", "arm64"),
        ("t3.micro", "x86_64"),
        ("m6gd.large", "arm64"),
        ("c7gn.16xlarge", "arm64"),
        ("x2gd.medium", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("im4gn.large", "arm64"),
        ("is4gen.large", "arm64"),
        ("i4i.large", "x86_64"),
        ("g6e.xlarge", "x86_64"),
        ("g4dn.metal", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("c8g.metal-24xl", "arm64"),
        ("hpc7g.16xlarge", "arm64"),
        ("hpc7a.96xlarge", "x86_64"),
        ("p6-b200.48xlarge", "x86_64"),
        ("p6e-gb200.36xlarge", "arm64"),
        ("r5.24xlarge", "x86_64"),
        ("z1d.metal", "x86_64"),
    ],
)
def test_architecture_of_an_instance_type(instance_type: str, architecture: str) -> None:
    assert checks.instance_architecture(instance_type) == architecture
    assert checks.instance_type(instance_type) == instance_type


@pytest.mark.parametrize(
    "instance_type",
    [
        *(
            "a1.large",
            "mac2.metal",
            "mac2-m2.metal",
            "u-6tb1.metal",
            "foo",
            "t3",
            "q9.large",
            "",
            "t3.",
        ),
        *("T3.micro", "t3.tiny", "t3.micro ", "t3.micro\n", ".large", "t.large", "t3.xxlarge"),
    ],
)
def test_an_instance_type_of_unknown_architecture(instance_type: str) -> None:
    assert problem(checks.instance_type, instance_type) == (
        "its architecture is unknown; expected an EC2 instance type such as t4g.nano (arm64)"
        " or t3.micro (x86_64)"
    )


# --- durations ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("1h30m", 5400),
        ("15d", 1296000),
        ("1w", 604800),
        ("1y", 31536000),
        ("500ms", 0.5),
        ("1y2w3d4h5m6s7ms", 31536000 + 2 * 604800 + 3 * 86400 + 4 * 3600 + 5 * 60 + 6.007),
        ("0s", 0),
    ],
)
def test_seconds_of_a_duration(text: str, seconds: float) -> None:
    assert checks.duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "d",
        "15 d",
        "-15d",
        "1.5h",
        "15days",
        "1m1h",
        "1d1d",
        "15d\n",
        "15D",
        "\u0661\u0665d",
    ],
)
def test_what_is_not_a_duration(text: str) -> None:
    assert problem(checks.duration_seconds, text) == (
        "expected a duration as Prometheus writes it, such as 15s, 1h30m or 15d"
        " (units y, w, d, h, m, s, ms)"
    )


@pytest.mark.parametrize(
    ("check", "legal", "illegal", "expected"),
    [
        (
            checks.retention,
            ["2h", "15d", "100y"],
            ["0s", "119m", "101y"],
            "expected a duration from 7200 s to 3.1536e+09 s",
        ),
        (
            checks.scrape_interval,
            ["1s", "1000ms", "15s", "1m"],
            ["999ms", "0s", "61s", "1h"],
            "expected a duration from 1 s to 60 s",
        ),
        (
            checks.refresh_interval,
            ["1s", "1000ms", "15s", "1h"],
            ["999ms", "0s", "1h1ms", "1d"],
            "expected a duration from 1 s to 3600 s",
        ),
    ],
    ids=["retention", "scrape", "refresh"],
)
def test_the_limits_of_durations(
    check: Callable[[str], str], legal: list[str], illegal: list[str], expected: str
) -> None:
    assert [check(text) for text in legal] == legal
    assert {problem(check, text) for text in illegal} == {expected}


# --- numbers and choices ---


@pytest.mark.parametrize(
    ("check", "low", "high", "unit"),
    [
        (checks.port, 1024, 65535, ""),
        (checks.zone_count, 1, 8, ""),
        (checks.host_count, 0, 1000, ""),
        (checks.storage_gib, 21, 200, " GiB"),
        (checks.root_volume_gib, 8, 16384, " GiB"),
        (checks.access_key_rotation, 1, 1_000_000, ""),
    ],
    ids=["port", "zones", "hosts", "storage", "volume", "rotation"],
)
def test_whole_numbers(check: Callable[[Any], int], low: int, high: int, unit: str) -> None:
    assert [check(low), check(high), check(float(low))] == [low, high, low]
    assert type(check(float(high))) is int
    expected = f"expected a whole number from {low} to {high}{unit}"
    for illegal in (low - 1, high + 1, low + 0.5, True, str(low), None, [low]):
        assert problem(check, illegal) == expected


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_no_whole_number_is_infinite(number: float) -> None:
    assert problem(checks.port, number) == "expected a whole number from 1024 to 65535"


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (checks.nat_strategy, ["none", "single", "per-az"]),
        (checks.credentials, ["iam-user", "task-role"]),
        (checks.cpu_architecture, ["ARM64", "X86_64"]),
    ],
    ids=["nat", "credentials", "architecture"],
)
def test_choices(check: Callable[[Any], Any], values: list[str]) -> None:
    assert [check(value) for value in values] == values
    for illegal in ("", "None", values[0] + " ", None, 1, [values[0]]):
        assert problem(check, illegal) == f"expected one of {', '.join(values)}"


def test_log_retention_is_what_cloudwatch_offers() -> None:
    # Source: the API reference of PutRetentionPolicy.
    offered = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096]
    offered += [1827, 2192, 2557, 2922, 3288, 3653]
    assert [checks.log_retention_days(days) for days in offered] == offered
    for illegal in (0, 2, 15, 3654, -1, "14", True):
        expected = f"expected one of {', '.join(map(str, offered))}"
        assert problem(checks.log_retention_days, illegal) == expected


# --- names and tags ---


@pytest.mark.parametrize("value", ["3.15.0", "1.12.1", "10.0.11", "3.16.0-rc.0"])
def test_a_version(value: str) -> None:
    assert checks.version(value) == value


@pytest.mark.parametrize(
    "value", ["", "v3.15.0", "3.15", "latest", "3.15.0\n", "3.15.0-x", "\u0663.1.0"]
)
def test_what_is_no_version(value: str) -> None:
    expected = "expected a version such as 3.15.0, without a leading v"
    assert problem(checks.version, value) == expected


@pytest.mark.parametrize("value", ["a", "dev", "Prod-2", "eu_west", "a" * 32])
def test_a_label_value(value: str) -> None:
    assert checks.label_value(value) == value


@pytest.mark.parametrize("value", ["", "2prod", "-a", "a b", "a.b", "a" * 33, "dev\n", "dév"])
def test_what_is_no_label_value(value: str) -> None:
    expected = "expected a letter, then up to 31 letters, digits, '-' or '_'"
    assert problem(checks.label_value, value) == expected


@pytest.mark.parametrize("key", ["a", "prometheus-scrape", "team:x/y=z+1@b_c.d e", "k" * 128])
def test_a_tag_key(key: str) -> None:
    assert checks.tag_key(key) == key


@pytest.mark.parametrize("key", ["", "aws:x", "AWS:x", "a*", "a?", "a\n", "ä", "k" * 129, 'a"'])
def test_what_is_no_tag_key(key: str) -> None:
    assert problem(checks.tag_key, key) == (
        "expected 1 to 128 letters, digits, spaces or . : / = + - @ _, not starting with aws:"
    )


@pytest.mark.parametrize("value", ["true", "aws:x", "v" * 256, "a b.c:/=+-@_"])
def test_a_tag_value(value: str) -> None:
    assert checks.tag_value(value) == value


@pytest.mark.parametrize("value", ["", "*", "tru?", "v" * 257, "a\nb", "$(id)", "a\\b", "a'b"])
def test_what_is_no_tag_value(value: str) -> None:
    expected = "expected 1 to 256 letters, digits, spaces or . : / = + - @ _"
    assert problem(checks.tag_value, value) == expected


# --- all the arguments of a component ---


class Shape(TypedDict):
    """Stands for a component's arguments."""

    port: int
    zones: int
    extra: NotRequired[str]


CHECKS = {"port": checks.port, "zones": checks.zone_count, "extra": checks.label_value}


def test_legal_arguments_pass() -> None:
    checks.check_args("Thing", "one", {"port": 9090, "zones": 2}, Shape, CHECKS)


def test_a_missing_argument() -> None:
    expected = "Thing 'one' cannot be made:\n  - zones is missing"
    assert problem(checks.check_args, "Thing", "one", {"port": 9090}, Shape, CHECKS) == expected


def test_an_unknown_argument() -> None:
    args = {"port": 9090, "zones": 2, "zoens": 3}
    assert problem(checks.check_args, "Thing", "one", args, Shape, CHECKS) == (
        "Thing 'one' cannot be made:\n  - zoens is unknown: expected one of extra, port, zones"
    )


def test_all_problems_at_once() -> None:
    args = {"port": 80, "extra": "a b", "x": 1, "y": 2}
    assert problem(checks.check_args, "Thing", "one", args, Shape, CHECKS) == (
        "Thing 'one' cannot be made:"
        "\n  - zones is missing"
        "\n  - x is unknown: expected one of extra, port, zones"
        "\n  - y is unknown: expected one of extra, port, zones"
        "\n  - port is 80: expected a whole number from 1024 to 65535"
        "\n  - extra is 'a b': expected a letter, then up to 31 letters, digits, '-' or '_'"
    )


def test_the_error_has_no_stack_trace() -> None:
    """Pulumi prints the message alone for a `RunError`."""
    assert issubclass(checks.ArgumentError, pulumi.RunError)
    with pytest.raises(checks.ArgumentError):
        checks.check_args("Thing", "one", {}, Shape, CHECKS)
