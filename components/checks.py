"""General rules for values; those of one capability stand beside it.

A check takes a value of the right type and raises `ValueError` with what is expected when it is not
legal. The argument's name and the value received are added by whoever calls it.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from components.values import shortened

MAX_CIDRS = 10
"""CIDRs in one list: well inside the 20 rules of a network ACL and the 60 of a security group.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MIN_ADMIN_PREFIX = {4: 8, 6: 16}
"""IP version -> prefix length; with a shorter prefix it is no longer somebody's network: two /1 are
the whole world, an IPv6 /12 is all that a registry of a continent hands out.

Source: https://www.iana.org/assignments/ipv6-unicast-address-assignments
"""

NOBODYS = tuple(
    map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
)
"""This host, loopback, link-local, and what is multicast or reserved: nobody comes from there.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry
"""

SOMEBODYS_IPV6 = tuple(map(ipaddress.IPv6Network, ("2000::/3", "fc00::/7")))
"""What people come from by IPv6: the internet, and networks of one's own.

Source: https://www.iana.org/assignments/iana-ipv6-special-registry
"""

_DURATION = re.compile(
    r"(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?",
    re.ASCII,
)
_DURATION_UNITS_S = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_TAG = re.compile(r"[\w .:/=+\-@]+", re.ASCII)
_MAX_TAG_KEY, _MAX_TAG_VALUE = 128, 256
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"""


def whole(low: int, high: int, unit: str = "") -> Callable[[int], None]:
    """Make a check for a whole number from `low` to `high`, both included."""
    expected = f"expected a whole number from {low} to {high}{unit and ' ' + unit}"

    def check(value: int) -> None:
        if not low <= value <= high:
            raise ValueError(expected)

    return check


def one_of(values: Sequence[Any]) -> Callable[[Any], None]:
    """Make a check for one of a few values."""

    def check(value: object) -> None:
        if value not in values:
            raise ValueError(f"expected one of {', '.join(map(str, values))}")

    return check


port = whole(1024, 65535)
"""A port that a process without privileges can listen on."""


def network(value: str) -> ipaddress.IPv4Network:
    """Parse an IPv4 network as AWS writes it.

    Raises:
        ValueError: it is written in another way; with what was probably meant.
    """
    try:
        meant = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError("expected an IPv4 network such as 10.42.0.0/16") from None
    return _as_written(meant, value)


def any_network(value: str) -> Network:
    """Parse an IPv4 or IPv6 network as AWS writes it.

    Raises:
        ValueError: it is written in another way; with what was probably meant.
    """
    if not is_ipv6(value):
        return network(value)
    expected = "expected an IPv6 network such as 2001:db8::/32"
    if "%" in value:  # a scope, which Python reads: a network has none
        raise ValueError(expected)
    try:
        meant = ipaddress.IPv6Network(value, strict=False)
    except ValueError:
        raise ValueError(expected) from None
    return _as_written(meant, value)


def is_ipv6(value: str) -> bool:
    """Whether a network, or a rule about one, is about IPv6."""
    return ":" in value


_Network = TypeVar("_Network", ipaddress.IPv4Network, ipaddress.IPv6Network)


def _as_written(meant: _Network, value: str) -> _Network:
    if str(meant) == value:
        return meant
    if ipaddress.ip_address(value.partition("/")[0]) != meant.network_address:
        raise ValueError(f"it has host bits set; expected the network's address: {meant}")
    raise ValueError(f"expected {meant}")


def ipv6_only_with_ipv6(value: Sequence[str], ipv6: bool) -> None:  # noqa: FBT001 - a rule's arguments
    """Check that there is IPv6 for networks, or rules about them, that are about it.

    Raises:
        ValueError: the network has none, so that they would do nothing.
    """
    wrong = [entry for entry in value if is_ipv6(entry)]
    if wrong and not ipv6:
        raise ValueError(
            f"{wrong[0]!r} is about IPv6, which the VPC does not have; expected IPv4 networks only,"
            " or the network's ipv6 switched on"
        )


def admin_cidrs(value: Sequence[str]) -> None:
    """Check networks that are let in: a few IPv4 networks, none of them the whole world.

    Raises:
        ValueError: with the entry, what is expected and what to do instead.
    """
    _peoples_networks(value, network)


def dual_stack_cidrs(value: Sequence[str]) -> None:
    """Check networks that are let in, as `admin_cidrs` does, IPv4 and IPv6 ones.

    Raises:
        ValueError: with the entry, what is expected and what to do instead.
    """
    _peoples_networks(value, any_network)


def _peoples_networks(value: Sequence[str], parse: Callable[[str], Network]) -> None:
    if len(value) > MAX_CIDRS:
        raise ValueError(f"expected a list of at most {MAX_CIDRS} networks")
    for entry in value:
        try:
            named = parse(entry)
        except ValueError as problem:
            raise ValueError(f"{shortened(repr(entry))}: {problem}") from None
        if named.prefixlen < MIN_ADMIN_PREFIX[named.version]:
            raise ValueError(
                f"{entry!r} is open to the world. Name the networks that people come from, such as"
                " '203.0.113.7/32' for one address; where nobody can be named, leave the list empty"
                " and go through a VPN or AWS Systems Manager"
            )
        expected = _unlike_somebodys(named)
        if expected:
            raise ValueError(
                f"{entry!r} is nobody's: expected the network that people come from, {expected}"
            )
    each_once(value, "each network")


def each_once(value: Sequence[str], each: str = "each") -> None:
    """Check that nothing is in a list twice.

    Args:
        value: the list.
        each: what is expected once, in words.

    Raises:
        ValueError: with what is.
    """
    twice = sorted(entry for entry, count in Counter(value).items() if count > 1)
    if twice:
        raise ValueError(f"{', '.join(twice)} is in the list more than once; expected {each} once")


def _unlike_somebodys(named: Network) -> str:
    """Say where networks of people are, if this is none."""
    if isinstance(named, ipaddress.IPv4Network):
        nobodys = any(named.overlaps(other) for other in NOBODYS)
        return f"outside {', '.join(map(str, NOBODYS))}" if nobodys else ""
    somebodys = any(named.subnet_of(other) for other in SOMEBODYS_IPV6)
    return "" if somebodys else f"inside {' or '.join(map(str, SOMEBODYS_IPV6))}"


def duration_seconds(value: str) -> float:
    """Seconds in a Prometheus duration: `15d`, `1h30m`, `500ms`; units in falling order.

    Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/

    Raises:
        ValueError: not a duration.
    """
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(
            "expected a duration as Prometheus writes it, such as 15s, 1h30m or 15d"
            " (units y, w, d, h, m, s, ms)"
        )
    return sum(
        int(count) * unit
        for count, unit in zip(match.groups(), _DURATION_UNITS_S, strict=True)
        if count
    )


def duration(low: str, high: str) -> Callable[[str], None]:
    """Make a check for a Prometheus duration from `low` to `high`, both included."""

    def check(value: str) -> None:
        if not duration_seconds(low) <= duration_seconds(value) <= duration_seconds(high):
            raise ValueError(f"expected a duration from {low} to {high}")

    return check


def version(value: str) -> None:
    """Check the version of a release: three numbers, with or without a release candidate."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(-rc\.\d+)?", value, re.ASCII):
        raise ValueError("expected a version such as 3.15.0, without a leading v")


def label_value(value: str) -> None:
    """Check a name that becomes a label of Prometheus and part of AWS names."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", value):
        raise ValueError("expected a letter, then up to 31 letters, digits, '-' or '_'")


def tag_key(value: str) -> None:
    """Check the key of an EC2 tag, as far as a server-side filter can name it."""
    legal = _TAG.fullmatch(value) and len(value) <= _MAX_TAG_KEY and value == value.strip()
    if not legal or value.lower().startswith("aws:"):
        raise ValueError(
            "expected 1 to 128 letters, digits, spaces (not at its ends) or . : / = + - @ _, not"
            " starting with aws:"
        )


def tag_value(value: str) -> None:
    """Check the value of an EC2 tag, as far as a server-side filter can match it exactly."""
    if not _TAG.fullmatch(value) or len(value) > _MAX_TAG_VALUE or value != value.strip():
        raise ValueError(
            "expected 1 to 256 letters, digits, spaces (not at its ends) or . : / = + - @ _"
        )
