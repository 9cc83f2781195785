"""What legal arguments are: the rules, shared by the components and by the stack settings.

Each check takes a value, returns it when it is legal, and raises `ValueError` with what is
expected otherwise. The name of the argument (or of the configuration key) and the value received
are added by whoever calls the check, so that every rule stands here once.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pulumi

SUBNET_TIERS = 2
"""Subnets in a zone: one public, one private."""

MIN_SUBNET_PREFIX = 28
"""The smallest subnet (and VPC) that AWS allows is a /28.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
"""

MAX_VPC_PREFIX = 16
"""The largest VPC that AWS allows is a /16 (same source)."""

RESERVED_ADDRESSES = 5
"""Addresses that AWS keeps in every subnet (same source)."""

PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""RFC 1918, and RFC 6598, which AWS allows too."""

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")

NAT_STRATEGIES = ("none", "single", "per-az")
CREDENTIALS = ("iam-user", "task-role")
CPU_ARCHITECTURES = ("ARM64", "X86_64")

FARGATE_MEMORY_MIB: Mapping[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
"""CPU units -> the memory sizes in MiB that Fargate offers with them.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs accepts.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

MAX_CIDRS = 10
"""CIDRs in one list: well inside the 20 rules of a network ACL and the 60 of a security group.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

MIN_ADMIN_PREFIX = 8
"""A shorter prefix is no longer somebody's network: two of them (/1) are the whole world."""

_DURATION = re.compile(
    r"(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?",
    re.ASCII,
)
_DURATION_UNITS_S = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_INSTANCE_TYPE = re.compile(
    r"(?P<family>[a-z]+)(?P<generation>\d+)(?P<attributes>[a-z]*(?:-[a-z]+\d*)?)"
    r"\.(?:nano|micro|small|medium|\d*xlarge|large|metal(?:-\d+xl)?)",
    re.ASCII,
)
_LINUX_FAMILIES = frozenset(
    "c d dl f g gr h hpc i im inf is m p r t trn vt x z".split()  # noqa: SIM905 - reads better
)
_COMPONENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TAG = re.compile(r"[\w .:/=+\-@]+", re.ASCII)


class ArgumentError(ValueError, pulumi.RunError):
    """A component was given illegal arguments; nothing has been registered.

    A `RunError`, so that Pulumi shows the message without a stack trace.
    """


def check_args(
    component: str,
    name: str,
    args: Mapping[str, Any],
    shape: type,
    checks: Mapping[str, Callable[[Any], object]],
) -> None:
    """Check a component's arguments, all of them, before anything is registered.

    Args:
        component: class name of the component, for the message.
        name: name of the instance, for the message.
        args: the arguments as the caller gave them.
        shape: the `TypedDict` that says which arguments there are.
        checks: argument -> the check for its value; one that the caller left out is not checked.

    Raises:
        ArgumentError: with every problem, a line each.
    """
    required: frozenset[str] = shape.__required_keys__  # type: ignore[attr-defined]
    optional: frozenset[str] = shape.__optional_keys__  # type: ignore[attr-defined]
    problems = [f"{key} is missing" for key in sorted(required - args.keys())]
    if not _COMPONENT_NAME.fullmatch(name):
        problems.append(
            "its name becomes part of AWS's: expected a small letter, then up to 31 small letters,"
            " digits or '-'"
        )
    problems += [
        f"{key} is unknown: expected one of {', '.join(sorted(required | optional))}"
        for key in sorted(args.keys() - required - optional)
    ]
    for key, check in checks.items():
        if key in args:
            try:
                check(args[key])
            except ValueError as problem:
                problems.append(f"{key} is {args[key]!r}: {problem}")
            except TypeError:
                problems.append(f"{key} is {args[key]!r}: expected a value of another type")
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise ArgumentError(f"{component} {name!r} cannot be made:{lines}")


def is_legal(check: Callable[[Any], object], value: object) -> bool:
    """Tell whether a value passes a check, for checks that take it for granted."""
    try:
        check(value)
    except (ValueError, TypeError):
        return False
    return True


def whole(low: int, high: int, unit: str = "") -> Callable[[Any], int]:
    """Make a check for a whole number from `low` to `high`, both included.

    An integral float passes: that is how numbers arrive from other Pulumi languages.
    """
    expected = f"expected a whole number from {low} to {high}{unit and ' ' + unit}"

    def check(value: Any) -> int:  # noqa: ANN401 - a caller may pass anything
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and low <= value <= high and int(value) == value):
            raise ValueError(expected)
        return int(value)

    return check


def one_of(values: Sequence[Any]) -> Callable[[Any], Any]:
    """Make a check for one of a few values."""

    def check(value: Any) -> Any:  # noqa: ANN401 - a caller may pass anything
        if isinstance(value, bool) or value not in values:
            raise ValueError(f"expected one of {', '.join(map(str, values))}")
        return value

    return check


port = whole(1024, 65535)
"""A port that a process without privileges can listen on."""

zone_count = whole(1, 8)
"""Availability zones; no region has more than 8 (the most is 6, in us-east-1)."""

nat_strategy = one_of(NAT_STRATEGIES)
credentials = one_of(CREDENTIALS)
cpu_architecture = one_of(CPU_ARCHITECTURES)
log_retention_days = one_of(LOG_RETENTION_DAYS)

storage_gib = whole(21, 200, "GiB")
"""A Fargate task's ephemeral storage.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
"""

access_key_rotation = whole(1, 1_000_000)
host_count = whole(0, 1000)
root_volume_gib = whole(8, 16384, "GiB")
"""A gp3 volume, at least as large as the Amazon Linux 2023 image (8 GiB)."""


def vpc_cidr(value: str, *, allow_loopback: bool = False) -> str:
    """Check the address range of a VPC: private, a network address, /16 to /28.

    Args:
        value: such as `10.42.0.0/16`.
        allow_loopback: accept a range inside 127.0.0.0/8 too, which AWS itself refuses: it is
            what an emulator's VPC needs.

    Raises:
        ValueError: with what is expected.
    """
    network = _network(value)
    if not MAX_VPC_PREFIX <= network.prefixlen <= MIN_SUBNET_PREFIX:
        raise ValueError(f"AWS allows a VPC from /{MAX_VPC_PREFIX} to /{MIN_SUBNET_PREFIX}")
    ranges = (*PRIVATE_RANGES, LOOPBACK) if allow_loopback else PRIVATE_RANGES
    if not any(network.subnet_of(allowed) for allowed in ranges):
        expected = ", ".join(map(str, ranges))
        raise ValueError(f"expected a private range, inside one of {expected}")
    return value


def subnet_prefix(vpc_prefix: int) -> int:
    """Prefix length of every subnet in a VPC of this prefix length.

    A sixteenth of the VPC (room for 8 zones with a public and a private subnet each), but never
    smaller than AWS's /28. It does not depend on the number of zones in use, so that subnets do
    not move when a zone is added.
    """
    return min(MIN_SUBNET_PREFIX, vpc_prefix + 4)


def _zone_room(vpc_prefix: int) -> int:
    """Zones that fit into a VPC of this prefix length."""
    return int(2 ** (subnet_prefix(vpc_prefix) - vpc_prefix)) // SUBNET_TIERS


def zones_fit(cidr: str, zones: int) -> int:
    """Check that a VPC has room for a public and a private subnet in each zone.

    Raises:
        ValueError: with how many zones fit, and which size would do.
    """
    prefix = _network(cidr).prefixlen
    room = _zone_room(prefix)
    if zones > room:
        larger = [p for p in range(MAX_VPC_PREFIX, prefix) if _zone_room(p) >= zones]
        instead = f", or a VPC of /{max(larger)} or larger" if larger else ""
        raise ValueError(
            f"the VPC {cidr} has room for {room} zones of {SUBNET_TIERS} subnets;"
            f" expected at most {room} zones{instead}"
        )
    return zones


def hosts_fit(cidr: str, zones: int, hosts: int) -> int:
    """Check that one tier of subnets has addresses for the hosts, Prometheus and a NAT gateway.

    Raises:
        ValueError: with how many hosts fit.
    """
    per_subnet = 2 ** (32 - subnet_prefix(_network(cidr).prefixlen)) - RESERVED_ADDRESSES - 2
    if hosts > per_subnet * zones:
        raise ValueError(
            f"{zones} subnets of the VPC {cidr} have room for {per_subnet * zones} hosts;"
            " expected fewer hosts, more zones or a larger VPC"
        )
    return hosts


def admin_cidrs(value: Sequence[str]) -> Sequence[str]:
    """Check networks that are let in: a few IPv4 networks, none of them the whole world.

    Raises:
        ValueError: with the entry, what is expected and what to do instead.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_CIDRS:
        raise ValueError(f"expected a list of at most {MAX_CIDRS} networks")
    for entry in value:
        try:
            network = _network(entry)
        except ValueError as problem:
            raise ValueError(f"{entry!r}: {problem}") from None
        if network.prefixlen < MIN_ADMIN_PREFIX:
            raise ValueError(
                f"{entry!r} is open to the world. Name the networks that people come from, such as"
                " '203.0.113.7/32' for one address; where nobody can be named, leave the list empty"
                " and go through a VPN or AWS Systems Manager"
            )
    twice = sorted({entry for entry in value if value.count(entry) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is there more than once; expected each network once")
    return value


def fargate_memory(cpu: int, memory: int) -> int:
    """Check that Fargate offers this memory (MiB) with this CPU (units, 1024 = one vCPU).

    Raises:
        ValueError: with the sizes that Fargate offers.
    """
    sizes = FARGATE_MEMORY_MIB[fargate_cpu(cpu)]
    if memory not in sizes:
        raise ValueError(
            f"with {cpu} CPU units, Fargate offers {', '.join(map(str, sizes))} (MiB of memory)"
        )
    return int(memory)


fargate_cpu = one_of(tuple(FARGATE_MEMORY_MIB))


@lru_cache
def instance_architecture(instance_type: str) -> str:
    """Architecture of an EC2 instance type: `arm64` (Graviton) or `x86_64`.

    AWS marks Graviton types with a `g` after the generation (`t4g`, `c7gn`, `g5g`). Amazon Linux
    2023 does not run on the first of them, `a1`. Source:
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html

    Raises:
        ValueError: not a type whose architecture can be told (`a1`, Mac, `u-*`, unknown families).
    """
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None or match["family"] not in _LINUX_FAMILIES:
        raise ValueError(
            "its architecture is unknown; expected an EC2 instance type such as t4g.nano (arm64)"
            " or t3.micro (x86_64)"
        )
    return "arm64" if "g" in match["attributes"] else "x86_64"


def instance_type(value: str) -> str:
    """Check that the architecture of an EC2 instance type is known."""
    instance_architecture(value)
    return value


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


def duration(low_s: float, high_s: float) -> Callable[[str], str]:
    """Make a check for a Prometheus duration of `low_s` to `high_s` seconds."""

    def check(value: str) -> str:
        if not low_s <= duration_seconds(value) <= high_s:
            raise ValueError(f"expected a duration from {low_s:g} s to {high_s:g} s")
        return value

    return check


retention = duration(2 * 3600, 100 * 365 * 86400)
"""At least one block of the TSDB, which is two hours long."""

refresh_interval = duration(1, 3600)
"""Time between two looks for hosts: the alert on failing ones knows intervals up to an hour."""

scrape_interval = duration(1, 60)
"""Time between two scrapes: at most a minute, since the rules look at rates over 3 to 5 minutes."""


def version(value: str) -> str:
    """Check the version of a release: three numbers, with or without a release candidate."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(-rc\.\d+)?", value, re.ASCII):
        raise ValueError("expected a version such as 3.15.0, without a leading v")
    return value


def label_value(value: str) -> str:
    """Check a name that becomes a label of Prometheus and part of AWS names."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", value):
        raise ValueError("expected a letter, then up to 31 letters, digits, '-' or '_'")
    return value


def tag_key(value: str) -> str:
    """Check the key of an EC2 tag.

    Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    if not _TAG.fullmatch(value) or len(value) > 128 or value.lower().startswith("aws:"):  # noqa: PLR2004 - AWS's limit
        raise ValueError(
            "expected 1 to 128 letters, digits, spaces or . : / = + - @ _, not starting with aws:"
        )
    return value


HOST_TAGS = ("Name", "role", "environment")
"""Tags that every exporter host has, beside the one for discovery."""


def host_tag_key(value: str) -> str:
    """Check the key of the discovery tag of our own hosts: legal, and none of their other tags."""
    if value in HOST_TAGS:
        raise ValueError(f"hosts have a tag {value!r} of their own; expected another key")
    return tag_key(value)


def tag_value(value: str) -> str:
    """Check the value of an EC2 tag, as far as a server-side filter can match it exactly."""
    if not _TAG.fullmatch(value) or len(value) > 256:  # noqa: PLR2004 - AWS's limit
        raise ValueError("expected 1 to 256 letters, digits, spaces or . : / = + - @ _")
    return value


def _network(value: object) -> ipaddress.IPv4Network:
    """Parse an IPv4 network as AWS writes it; otherwise say what was probably meant."""
    try:
        # Not the integers and tuples that `ipaddress` takes as well.
        meant = ipaddress.IPv4Network(str(value), strict=False)
    except ValueError:
        raise ValueError("expected an IPv4 network such as 10.42.0.0/16") from None
    if str(meant) == value:
        return meant
    if isinstance(value, str) and value.split("/")[0] != str(meant.network_address):
        raise ValueError(f"it has host bits set; expected the network's address: {meant}")
    raise ValueError(f"expected {meant}")
