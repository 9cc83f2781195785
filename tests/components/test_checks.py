"""components.checks: what is legal, and exactly what is said about what is not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import checks
from tests.components.refusal import problem

# --- networks ---


@pytest.mark.parametrize("cidr", ["10.42.0.0/16", "0.0.0.0/0", "203.0.113.7/32"])
def test_a_network_as_aws_writes_it(cidr: str) -> None:
    assert checks.network(cidr) == ipaddress.IPv4Network(cidr)


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
def test_a_malformed_network(cidr: str) -> None:
    assert problem(checks.network, cidr) == "expected an IPv4 network such as 10.42.0.0/16"


def test_a_network_with_host_bits() -> None:
    expected = "it has host bits set; expected the network's address: 10.42.0.0/16"
    assert problem(checks.network, "10.42.7.1/16") == expected


# --- networks that are let in ---


@pytest.mark.parametrize(
    "cidrs",
    [[], (), ["203.0.113.7/32"], ["10.0.0.0/8", "192.0.2.0/24"]],
)
def test_networks_that_may_be_let_in(cidrs: list[str]) -> None:
    checks.admin_cidrs(cidrs)


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
        (
            ["a" * 500],
            f"'{'a' * 119}... (502 characters): expected an IPv4 network such as 10.42.0.0/16",
        ),
        ([f"10.{n}.0.0/16" for n in range(11)], "expected a list of at most 10 networks"),
    ],
)
def test_networks_that_are_none(cidrs: list[str], expected: str) -> None:
    assert problem(checks.admin_cidrs, cidrs) == expected


@pytest.mark.parametrize(
    ("cidr", "meant"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("203.0.113.0/0.0.0.255", "203.0.113.0/24"),
        ("203.0.113.0/024", "203.0.113.0/24"),
    ],
)
def test_networks_that_python_reads_but_aws_does_not(cidr: str, meant: str) -> None:
    assert problem(checks.admin_cidrs, [cidr]) == f"{cidr!r}: expected {meant}"


@pytest.mark.parametrize(
    "cidr",
    [
        *("0.0.0.0/8", "127.0.0.0/8", "127.0.0.1/32", "169.254.169.254/32"),
        *("224.0.0.0/8", "240.0.0.0/8", "255.255.255.255/32"),
    ],
)
def test_no_network_is_let_in_that_nobody_comes_from(cidr: str) -> None:
    assert problem(checks.admin_cidrs, ["10.0.0.0/8", cidr]) == (
        f"{cidr!r} is nobody's: expected the network that people come from, outside 0.0.0.0/8,"
        " 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3"
    )


# --- IPv6 ---


@pytest.mark.parametrize(
    "cidrs",
    [
        ["2001:db8::/32", "203.0.113.7/32"],
        ["2001:db8::1/128"],
        ["2600::/16", "fd12:3456:789a::/48"],
    ],
)
def test_networks_of_both_kinds_that_may_be_let_in(cidrs: list[str]) -> None:
    checks.dual_stack_cidrs(cidrs)
    assert "expected an IPv4 network" in problem(checks.admin_cidrs, cidrs)


@pytest.mark.parametrize("cidr", ["::/0", "2000::/3", "8000::/1", "2000::/15", "0.0.0.0/0"])
def test_the_world_is_not_let_in_by_ipv6_either(cidr: str) -> None:
    said = problem(checks.dual_stack_cidrs, ["2001:db8::/32", cidr])
    assert said.startswith(f"'{cidr}' is open to the world. Name the networks that people come")


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("2001:db8::1/64", "it has host bits set; expected the network's address: 2001:db8::/64"),
        ("2001:DB8::/32", "expected 2001:db8::/32"),
        ("2001:db8::", "expected 2001:db8::/128"),
        ("2001:db8::/129", "expected an IPv6 network such as 2001:db8::/32"),
        ("2001:db8::%eth0/64", "expected an IPv6 network such as 2001:db8::/32"),
        ("a:b", "expected an IPv6 network such as 2001:db8::/32"),
    ],
)
def test_ipv6_networks_that_aws_would_write_in_another_way(cidr: str, expected: str) -> None:
    assert problem(checks.dual_stack_cidrs, [cidr]) == f"{cidr!r}: {expected}"


@pytest.mark.parametrize(
    "cidr", ["::/128", "::1/128", "::ffff:0.0.0.0/96", "fe80::/16", "ff00::/16", "4000::/16"]
)
def test_nobody_comes_from_there_by_ipv6(cidr: str) -> None:
    written = str(ipaddress.IPv6Network(cidr))
    assert problem(checks.dual_stack_cidrs, [written]) == (
        f"{written!r} is nobody's: expected the network that people come from, inside 2000::/3 or"
        " fc00::/7"
    )


def test_ipv6_where_there_is_none() -> None:
    checks.ipv6_only_with_ipv6(["10.0.0.0/8", "::/0"], True)  # noqa: FBT003 - a rule's arguments
    checks.ipv6_only_with_ipv6(["10.0.0.0/8"], False)  # noqa: FBT003 - as above
    assert problem(lambda it: checks.ipv6_only_with_ipv6(it, False), ["10.0.0.0/8", "::/0"]) == (  # noqa: FBT003
        "'::/0' is about IPv6, which the VPC does not have; expected IPv4 networks only, or the"
        " network's ipv6 switched on"
    )


def test_a_network_is_let_in_once() -> None:
    """A second rule for the same network has the same name, which ends the deployment midway."""
    assert problem(checks.admin_cidrs, ["10.0.0.0/8", "10.0.0.0/8"]) == (
        "10.0.0.0/8 is in the list more than once; expected each network once"
    )


@given(st.integers(0, 7), st.data())
def test_no_network_shorter_than_8_is_let_in(prefix: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 2**prefix - 1))
    first = ipaddress.IPv4Address(number << (32 - prefix))
    assert "open to the world" in problem(checks.admin_cidrs, [f"{first}/{prefix}"])


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


def test_the_limits_of_a_duration() -> None:
    check = checks.duration("1s", "1h")
    for legal in ("1s", "1000ms", "15s", "59m60s", "1h"):
        check(legal)
    for illegal in ("999ms", "0s", "1h1ms", "1d"):
        assert problem(check, illegal) == "expected a duration from 1s to 1h"
    assert problem(check, "soon").startswith("expected a duration as Prometheus writes it")


# --- numbers and choices ---


@pytest.mark.parametrize(("unit", "said"), [("", ""), ("GiB", " GiB")])
def test_whole_numbers(unit: str, said: str) -> None:
    check = checks.whole(8, 16, unit)
    for legal in (8, 9, 16):
        check(legal)
    for illegal in (7, 17, -8):
        assert problem(check, illegal) == f"expected a whole number from 8 to 16{said}"


def test_choices() -> None:
    check = checks.one_of(("none", "single", 3))
    for legal in ("none", "single", 3):
        check(legal)
    for illegal in ("", "None", "none ", 4):
        assert problem(check, illegal) == "expected one of none, single, 3"


# --- names and tags ---


@pytest.mark.parametrize("value", ["3.15.0", "1.12.1", "10.0.11", "3.16.0-rc.0"])
def test_a_version(value: str) -> None:
    checks.version(value)


@pytest.mark.parametrize(
    "value", ["", "v3.15.0", "3.15", "latest", "3.15.0\n", "3.15.0-x", "\u0663.1.0"]
)
def test_what_is_no_version(value: str) -> None:
    expected = "expected a version such as 3.15.0, without a leading v"
    assert problem(checks.version, value) == expected


@pytest.mark.parametrize("value", ["a", "dev", "Prod-2", "eu_west", "a" * 32])
def test_a_label_value(value: str) -> None:
    checks.label_value(value)


@pytest.mark.parametrize("value", ["", "2prod", "-a", "a b", "a.b", "a" * 33, "dev\n", "dév"])
def test_what_is_no_label_value(value: str) -> None:
    expected = "expected a letter, then up to 31 letters, digits, '-' or '_'"
    assert problem(checks.label_value, value) == expected


@pytest.mark.parametrize("key", ["a", "prometheus-scrape", "team:x/y=z+1@b_c.d e", "k" * 128])
def test_a_tag_key(key: str) -> None:
    checks.tag_key(key)


@pytest.mark.parametrize(
    "key", ["", " a", "a ", "aws:x", "AWS:x", "a*", "a?", "a\n", "ä", "k" * 129, 'a"']
)
def test_what_is_no_tag_key(key: str) -> None:
    assert problem(checks.tag_key, key) == (
        "expected 1 to 128 letters, digits, spaces (not at its ends) or . : / = + - @ _, not"
        " starting with aws:"
    )


@pytest.mark.parametrize("value", ["true", "aws:x", "v" * 256, "a b.c:/=+-@_"])
def test_a_tag_value(value: str) -> None:
    checks.tag_value(value)


@pytest.mark.parametrize(
    "value", ["", " ", "true ", " true", "*", "tru?", "v" * 257, "a\nb", "$(id)", "a\\b", "a'b"]
)
def test_what_is_no_tag_value(value: str) -> None:
    expected = "expected 1 to 256 letters, digits, spaces (not at its ends) or . : / = + - @ _"
    assert problem(checks.tag_value, value) == expected
