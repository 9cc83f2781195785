"""settings.Settings: every key, every kind of bad input, and generated configurations."""

import ipaddress
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from components.checks import FARGATE_MEMORY_MIB, LOG_RETENTION_DAYS, PRIVATE_RANGES
from mocks.recording import Deployment, deploy, refuse
from settings import Settings, SettingsError

PROGRAM = Path(__file__).parents[2] / "__main__.py"
ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
EMULATED = {"aws:endpoints": '[{"ec2": "http://127.0.0.1:5000"}]'}

FEW = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def parse(
    values: Mapping[str, str] | None = None,
    *,
    stack: str = "test",
    emulated: bool = False,
    zones: list[str] = ZONES,
) -> Settings:
    return Settings.parse(
        values or {}, stack=stack, emulated=emulated, available_zones=lambda: zones
    )


def problems(values: Mapping[str, str], **options: Any) -> list[str]:  # noqa: ANN401
    """What is said about bad values, a line for each problem."""
    with pytest.raises(SettingsError) as error:
        parse(values, **options)
    first, *lines, last = str(error.value).splitlines()
    stack = options.get("stack", "test")
    assert first == (
        f"the configuration of stack {stack!r} has {len(lines)} problem(s); nothing was changed:"
    )
    assert last == (
        "Mend it with `pulumi config set <key> <value>` or in"
        f" Pulumi.{stack}.yaml; docs/configuration.md has all the keys."
    )
    assert all(line.startswith("  - prometheus-aws:") for line in lines)
    return [line.removeprefix("  - prometheus-aws:") for line in lines]


def program(config: Mapping[str, str]) -> Deployment:
    return deploy(lambda: runpy.run_path(str(PROGRAM)), config=namespaced(config))


def namespaced(config: Mapping[str, str]) -> dict[str, str]:
    return {f"prometheus-aws:{key}": value for key, value in config.items()}


# --- good input ---


def test_the_defaults() -> None:
    assert parse().model_dump() == {
        "environment": "test",
        "vpc_cidr": "10.42.0.0/16",
        "zone_count": 2,
        "nat_strategy": "none",
        "flow_logs": False,
        "host_count": 2,
        "host_instance_type": "t4g.nano",
        "host_root_volume_gib": 8,
        "host_ami_id": "",
        "ssh_key_name": "",
        "ssh_cidrs": (),
        "admin_cidrs": (),
        "prometheus_port": 9090,
        "node_exporter_port": 9100,
        "cpu_architecture": "ARM64",
        "task_cpu": 256,
        "task_memory": 512,
        "storage_gib": 21,
        "retention": "15d",
        "scrape_interval": "15s",
        "discovery_refresh_interval": "60s",
        "discovery_tag_key": "prometheus-scrape",
        "discovery_tag_value": "true",
        "credentials": "iam-user",
        "access_key_rotation": 1,
        "log_retention_days": 14,
        "delete_images_on_destroy": False,
    }


def test_every_key_is_read() -> None:
    values = {
        "environment": "production",
        "vpcCidr": "192.168.0.0/20",
        "zoneCount": "3",
        "natStrategy": "per-az",
        "flowLogs": "true",
        "hostCount": "5",
        "hostInstanceType": "t3.micro",
        "hostRootVolumeGib": "20",
        "hostAmiId": "ami-0123456789abcdef0",
        "sshKeyName": "admin",
        "sshCidrs": '["203.0.113.8/32"]',
        "adminCidrs": '["203.0.113.7/32", "198.51.100.0/24"]',
        "prometheusPort": "9091",
        "nodeExporterPort": "9101",
        "cpuArchitecture": "X86_64",
        "taskCpu": "1024",
        "taskMemory": "4096",
        "storageGib": "100",
        "retention": "90d",
        "scrapeInterval": "30s",
        "discoveryRefreshInterval": "2m",
        "discoveryTagKey": "team:monitor",
        "discoveryTagValue": "yes",
        "credentials": "task-role",
        "accessKeyRotation": "7",
        "logRetentionDays": "30",
        "deleteImagesOnDestroy": "true",
    }
    assert values.keys() == {field.alias for field in Settings.model_fields.values()}
    default = parse().model_dump()
    read = parse(values).model_dump(by_alias=True)
    assert not [key for key in default if read[_alias(key)] == default[key]]
    assert {key: _text(value) for key, value in read.items()} == values


def test_settings_are_frozen() -> None:
    settings = parse()
    with pytest.raises(ValidationError, match="frozen"):
        settings.host_count = 3


@pytest.mark.parametrize("values", [{}, {"environment": ""}])
def test_the_environment_is_the_stack_unless_it_is_given(values: dict[str, str]) -> None:
    assert parse(values, stack="prod").environment == "prod"
    assert parse({"environment": "other"}, stack="prod").environment == "other"


def test_a_stack_whose_name_is_no_environment_is_told_so() -> None:
    """The key was not set: the stack's name is what does not fit."""
    (line,) = problems({}, stack="2024.prod")
    assert line.startswith("environment is '2024.prod' (the stack's name): expected a letter, then")
    (line,) = problems({"environment": ""}, stack="2024.prod")
    assert line.startswith("environment is '2024.prod' (the stack's name): expected a letter, then")


def test_a_loopback_network_is_legal_only_in_an_emulator() -> None:
    values = {"vpcCidr": "127.42.0.0/16"}
    assert parse(values, emulated=True).vpc_cidr == "127.42.0.0/16"
    assert problems(values) == [
        (
            "vpcCidr is '127.42.0.0/16': expected a private range, inside one of 10.0.0.0/8,"
            " 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"
        )
    ]


@pytest.mark.parametrize(
    ("nat_strategy", "public"), [("none", True), ("single", False), ("per-az", False)]
)
def test_public_subnets_are_for_networks_without_nat(nat_strategy: str, *, public: bool) -> None:
    assert parse({"natStrategy": nat_strategy}).in_public_subnets is public


def test_the_region_is_not_asked_about_an_illegal_number_of_zones() -> None:
    def ask() -> list[str]:
        raise AssertionError("asked")

    with pytest.raises(SettingsError, match="zoneCount"):
        Settings.parse({"zoneCount": "9"}, stack="test", available_zones=ask)


# --- bad input ---

WHOLE = "expected a whole number from"
NETWORK = "expected an IPv4 network such as 10.42.0.0/16"
OPEN = "is open to the world. Name the networks that people come from"

# Key, text, what is expected.
BAD = [
    ("vpcCidr", "ten", NETWORK),
    ("vpcCidr", "", NETWORK),
    ("vpcCidr", "10.42.0.1/16", "it has host bits set; expected the network's address: 10.42.0.0"),
    ("vpcCidr", "8.8.0.0/16", "expected a private range, inside one of 10.0.0.0/8"),
    ("vpcCidr", "10.0.0.0/15", "AWS allows a VPC from /16 to /28"),
    ("vpcCidr", "10.0.0.0/29", "AWS allows a VPC from /16 to /28"),
    ("vpcCidr", "10.0.0.0/255.255.0.0", "expected"),
    ("zoneCount", "0", f"{WHOLE} 1 to 8"),
    ("zoneCount", "-1", f"{WHOLE} 1 to 8"),
    ("zoneCount", "9", f"{WHOLE} 1 to 8"),
    (
        "zoneCount",
        "4",
        (
            "the region has 3 availability zones (eu-central-1a, eu-central-1b, eu-central-1c);"
            " expected at most 3"
        ),
    ),
    ("natStrategy", "double", "expected one of none, single, per-az"),
    ("flowLogs", "yes", "expected true or false"),
    ("flowLogs", "1", "expected true or false"),
    ("flowLogs", "", "expected true or false"),
    ("hostCount", "-1", f"{WHOLE} 0 to 1000"),
    ("hostCount", "1001", f"{WHOLE} 0 to 1000"),
    ("hostCount", "two", "whole number"),
    ("hostCount", "2.5", "whole number"),
    ("hostCount", "", "whole number"),
    ("hostInstanceType", "mac2.metal", "its architecture is unknown; expected an EC2 instance"),
    ("hostRootVolumeGib", "7", f"{WHOLE} 8 to 16384 GiB"),
    ("hostAmiId", "ami-xyz", "ami-"),
    ("sshKeyName", "k" * 256, "at most 255 characters"),
    ("sshCidrs", '["0.0.0.0/0"]', OPEN),
    ("adminCidrs", '["0.0.0.0/0"]', OPEN),
    ("adminCidrs", '["0.0.0.0/1", "128.0.0.0/1"]', OPEN),
    ("adminCidrs", '["office"]', f"'office': {NETWORK}"),
    ("adminCidrs", '["203.0.113.7"]', "'203.0.113.7'"),
    ("adminCidrs", '["10.0.0.0/8", "10.0.0.0/8"]', "10.0.0.0/8"),
    ("adminCidrs", "203.0.113.7/32", "list"),
    ("adminCidrs", '"203.0.113.7/32"', "list"),
    ("adminCidrs", '{"office": "203.0.113.7/32"}', "list"),
    ("adminCidrs", "[1]", "valid string"),
    ("prometheusPort", "80", f"{WHOLE} 1024 to 65535"),
    ("prometheusPort", "65536", f"{WHOLE} 1024 to 65535"),
    ("nodeExporterPort", "0", f"{WHOLE} 1024 to 65535"),
    ("cpuArchitecture", "arm64", "expected one of ARM64, X86_64"),
    ("taskCpu", "300", "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
    ("taskMemory", "4096", "with 256 CPU units, Fargate offers 512, 1024, 2048"),
    ("storageGib", "20", f"{WHOLE} 21 to 200 GiB"),
    ("retention", "forever", "expected a duration as Prometheus writes it, such as 15s"),
    ("retention", "1h", "expected a duration from 7200 s"),
    ("scrapeInterval", "15", "expected a duration as Prometheus writes it"),
    ("scrapeInterval", "61s", "expected a duration from 1 s to 60 s"),
    ("discoveryRefreshInterval", "10ms", "expected a duration from 1 s to 3600 s"),
    ("discoveryTagKey", "aws:scrape", "not starting with aws:"),
    ("discoveryTagKey", "environment", "expected"),  # a tag that the hosts have already
    ("discoveryTagKey", "Name", "expected"),
    ("discoveryTagValue", "*", "expected 1 to 256 letters"),
    ("environment", "a b", "expected a letter, then up to 31 letters"),
    ("credentials", "root", "expected one of iam-user, task-role"),
    ("accessKeyRotation", "0", f"{WHOLE} 1 to 1000000"),
    ("logRetentionDays", "15", "expected one of 1, 3, 5, 7, 14, 30"),
    ("deleteImagesOnDestroy", "maybe", "expected true or false"),
]


@pytest.mark.parametrize(("key", "text", "expected"), BAD, ids=[f"{k}={t:.20}" for k, t, _ in BAD])
def test_a_bad_value_is_named_with_its_key_and_what_is_expected(
    key: str, text: str, expected: str
) -> None:
    (line,) = problems({key: text})
    assert line.startswith(f"{key} is {text!r}: ")
    assert expected in line.removeprefix(f"{key} is {text!r}: ")


def test_every_key_has_a_bad_value() -> None:
    assert {key for key, _, _ in BAD} == {f.alias for f in Settings.model_fields.values()}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("zoneCounts", "zoneCount"),
        ("zonecount", "zoneCount"),
        ("vpc_cidr", "vpcCidr"),
        ("adminCidr", "adminCidrs"),
        ("scrapInterval", "scrapeInterval"),
    ],
)
def test_a_misspelt_key_is_an_error_with_a_suggestion(key: str, meant: str) -> None:
    assert problems({key: "1"}) == [f"{key} is unknown: did you mean {meant}?"]


def test_a_key_like_no_other_is_answered_with_all_of_them() -> None:
    known = sorted(str(field.alias) for field in Settings.model_fields.values())
    assert problems({"q": "1"}) == [f"q is unknown: expected one of {', '.join(known)}"]


AFTER = {"taskMemory"}
"""Checked against another key, and so only when that one is legal."""


def test_all_problems_are_told_at_once() -> None:
    first = {key: text for key, text, _ in reversed(BAD)}
    lines = problems(first | {"zoneCounts": "2"})
    keys = [line.split(" is ")[0] for line in lines]
    assert sorted(keys) == sorted({key for key, _, _ in BAD} - AFTER | {"zoneCounts"})


# --- values that do not go together ---


def test_zones_that_do_not_fit_into_the_network() -> None:
    assert problems({"vpcCidr": "10.0.0.0/27", "zoneCount": "2", "hostCount": "0"}) == [
        (
            "zoneCount is '2': the VPC 10.0.0.0/27 has room for 1 zones of 2 subnets; expected at"
            " most 1 zones, or a VPC of /26 or larger"
        )
    ]


def test_defaults_that_do_not_fit_are_named_as_the_user_would_type_them() -> None:
    (line,) = problems({"vpcCidr": "10.0.0.0/27"})
    assert line.startswith("zoneCount is 2: the VPC 10.0.0.0/27 has room for 1 zones")


def test_hosts_that_do_not_fit_into_the_network() -> None:
    values = {"vpcCidr": "10.0.0.0/24", "zoneCount": "2"}
    assert parse(values | {"hostCount": "18"}).host_count == 18
    assert problems(values | {"hostCount": "19"}) == [
        (
            "hostCount is '19': 2 subnets of the VPC 10.0.0.0/24 have room for 18 hosts;"
            " expected fewer hosts, more zones or a larger VPC"
        )
    ]


def test_memory_that_fargate_does_not_offer_with_the_cpu() -> None:
    assert problems({"taskCpu": "1024"}) == [
        (
            "taskMemory is 512: with 1024 CPU units, Fargate offers 2048, 3072, 4096, 5120, 6144,"
            " 7168, 8192 (MiB of memory)"
        )
    ]


def test_one_mistake_is_one_problem() -> None:
    """What depends on a bad value is not checked against it."""
    assert len(problems({"taskCpu": "300", "taskMemory": "1"})) == 1
    assert len(problems({"vpcCidr": "ten"})) == 1


# --- as Pulumi hands it over ---


def test_settings_are_read_from_the_stack() -> None:
    loaded: list[Settings] = []
    config = {
        "prometheus-aws:hostCount": "3",
        "prometheus-aws:adminCidrs": '["203.0.113.7/32"]',
        "other-project:hostCount": "9",
        "aws:region": "eu-central-1",
    }
    deploy(lambda: loaded.append(Settings.load()), config=config, stack="prod")
    expected = parse({"hostCount": "3", "adminCidrs": '["203.0.113.7/32"]'}, stack="prod")
    assert loaded == [expected]


def test_the_zones_are_those_of_the_region() -> None:
    """Three, in the recording."""
    deploy(Settings.load, config={"prometheus-aws:zoneCount": "3"})
    error = refuse(Settings.load, config={"prometheus-aws:zoneCount": "4"})
    assert "the region has 3 availability zones" in str(error)


def test_endpoints_of_the_provider_mean_an_emulator() -> None:
    config = {"prometheus-aws:vpcCidr": "127.42.0.0/16"}
    deploy(Settings.load, config=config | EMULATED)
    assert "vpcCidr is '127.42.0.0/16'" in str(refuse(Settings.load, config=config))
    assert "vpcCidr" in str(refuse(Settings.load, config=config | {"aws:endpoints": "[]"}))


def test_the_error_has_no_stack_trace() -> None:
    """Pulumi prints the message alone for a `RunError`."""
    assert issubclass(SettingsError, pulumi.RunError)


# --- generated configurations ---


def _alias(field: str) -> str:
    return str(Settings.model_fields[field].alias)


def _text(value: object) -> str:
    """A value as Pulumi hands it over."""
    return value if isinstance(value, str) else json.dumps(value)


def integers(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


@st.composite
def networks(draw: st.DrawFn, shortest: int) -> str:
    prefix = draw(st.integers(shortest, 32))
    number = draw(st.integers(0, 2**prefix - 1))
    return str(ipaddress.IPv4Network((number << (32 - prefix), prefix)))


def lists(entries: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(entries, max_size=10, unique=True).map(json.dumps)


SHORT_INTERVALS = st.one_of(
    st.integers(1, 60).map("{}s".format), st.integers(1000, 60000).map("{}ms".format)
)
LONG_INTERVALS = st.one_of(
    st.integers(1, 60).map("{}m".format), st.integers(1, 59).map("59m{}s".format)
)

HOST_TAGS = {"Name", "role", "environment"}
TAG_TEXT = st.from_regex(r"[A-Za-z0-9_.:/=+@-]{1,40}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,31}", fullmatch=True)
BOOLEANS = st.sampled_from(["true", "false"])

LEGAL_VALUES: dict[str, st.SearchStrategy[str]] = {
    "environment": st.one_of(st.just(""), NAMES),
    "natStrategy": st.sampled_from(["none", "single", "per-az"]),
    "flowLogs": BOOLEANS,
    "hostInstanceType": st.sampled_from(
        ["t4g.nano", "t3.micro", "c7gn.16xlarge", "m7i-flex.large", "c8g.metal-24xl"]
    ),
    "hostRootVolumeGib": integers(8, 16384),
    "hostAmiId": st.one_of(st.just(""), st.from_regex(r"ami-[0-9a-f]{8,17}", fullmatch=True)),
    "sshKeyName": st.one_of(st.just(""), NAMES),
    "sshCidrs": lists(networks(8)),
    "adminCidrs": lists(networks(8)),
    "prometheusPort": integers(1024, 65535),
    "nodeExporterPort": integers(1024, 65535),
    "cpuArchitecture": st.sampled_from(["ARM64", "X86_64"]),
    "storageGib": integers(21, 200),
    "retention": st.one_of(
        st.integers(1, 36500).map("{}d".format), st.integers(2, 900).map("{}h30m".format)
    ),
    "scrapeInterval": SHORT_INTERVALS,
    "discoveryRefreshInterval": st.one_of(SHORT_INTERVALS, LONG_INTERVALS),
    "discoveryTagKey": TAG_TEXT.filter(
        lambda key: not key.lower().startswith("aws:") and key not in HOST_TAGS
    ),
    "discoveryTagValue": TAG_TEXT,
    "credentials": st.sampled_from(["iam-user", "task-role"]),
    "accessKeyRotation": integers(1, 1_000_000),
    "logRetentionDays": st.sampled_from(LOG_RETENTION_DAYS).map(str),
    "deleteImagesOnDestroy": BOOLEANS,
}
"""Key -> its legal values, for the keys that stand alone."""


@st.composite
def legal(draw: st.DrawFn) -> dict[str, str]:
    """Any legal configuration of up to five hosts, in a region of three zones."""
    around = draw(st.sampled_from(PRIVATE_RANGES))
    prefix = draw(st.integers(max(16, around.prefixlen), 27))
    number = draw(st.integers(0, 2 ** (prefix - around.prefixlen) - 1))
    first = int(around.network_address) + (number << (32 - prefix))
    zones = draw(st.integers(1, min(len(ZONES), {27: 1, 26: 2}.get(prefix, 8))))
    cpu = draw(st.sampled_from(sorted(FARGATE_MEMORY_MIB)))
    optional = {key: value for key, value in LEGAL_VALUES.items() if draw(st.booleans())}
    return {
        "vpcCidr": f"{ipaddress.IPv4Address(first)}/{prefix}",
        "zoneCount": str(zones),
        "hostCount": str(draw(st.integers(0, 5))),
        "taskCpu": str(cpu),
        "taskMemory": str(draw(st.sampled_from(FARGATE_MEMORY_MIB[cpu]))),
        **{key: draw(value) for key, value in optional.items()},
    }


def outside(low: int, high: int) -> st.SearchStrategy[str]:
    return st.one_of(st.integers(max_value=low - 1), st.integers(min_value=high + 1)).map(str)


def words(*legal_ones: str) -> st.SearchStrategy[str]:
    return st.text(alphabet="abcdefghijklmnopqrstuvwxyz -.", max_size=12).filter(
        lambda word: word not in legal_ones
    )


PUBLIC = st.tuples(st.integers(1, 9), st.integers(0, 255)).map(lambda n: f"{n[0]}.{n[1]}.0.0/16")
NUMBERS = {
    "zoneCount": (1, 3),
    "hostCount": (0, 1000),
    "hostRootVolumeGib": (8, 16384),
    "prometheusPort": (1024, 65535),
    "nodeExporterPort": (1024, 65535),
    "storageGib": (21, 200),
    "accessKeyRotation": (1, 1_000_000),
}
ILLEGAL_VALUES: dict[str, st.SearchStrategy[str]] = {
    **{key: st.one_of(outside(*limits), words()) for key, limits in NUMBERS.items()},
    "environment": st.from_regex(r"[0-9_. -][a-z0-9 ]{0,40}", fullmatch=True),
    "vpcCidr": st.one_of(words(), PUBLIC, integers(0, 99).map(lambda n: f"10.{n}.0.1/16")),
    "natStrategy": words("none", "single", "per-az"),
    "flowLogs": words("true", "false"),
    "deleteImagesOnDestroy": words("true", "false"),
    "hostInstanceType": words(),
    "hostAmiId": words("").filter(bool),
    "sshKeyName": st.integers(256, 300).map(lambda length: "k" * length),
    "sshCidrs": st.one_of(
        words(), lists(words()).filter(lambda t: t != "[]"), st.just('["0.0.0.0/0"]')
    ),
    "adminCidrs": st.one_of(networks(0), st.integers(0, 7).map(lambda n: f'["0.0.0.0/{n}"]')),
    "cpuArchitecture": words(),
    "taskCpu": st.integers().filter(lambda n: n not in FARGATE_MEMORY_MIB).map(str),
    "taskMemory": st.one_of(words(), integers(-10, 511)),
    "retention": st.one_of(words(), st.integers(0, 7199).map("{}s".format)),
    "scrapeInterval": st.one_of(words(), st.integers(61, 10**9).map("{}s".format)),
    "discoveryRefreshInterval": st.one_of(words(), st.integers(0, 999).map("{}ms".format)),
    "discoveryTagKey": st.text(alphabet="*?$\"'\\\nä", max_size=9),
    "discoveryTagValue": st.text(alphabet="*?$\"'\\\nä", max_size=9),
    "credentials": words(),
    "logRetentionDays": st.integers().filter(lambda n: n not in LOG_RETENTION_DAYS).map(str),
}


@st.composite
def illegal(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """A configuration that is legal but for one key, and that key."""
    key = draw(st.sampled_from(sorted(ILLEGAL_VALUES)))
    values = draw(legal())
    # What is checked against the network or the CPU is checked only if these are legal.
    return values | {key: draw(ILLEGAL_VALUES[key])}, key


@hypothesis_settings(max_examples=200, deadline=None)
@given(legal())
def test_every_legal_configuration_is_read_as_it_is(config: dict[str, str]) -> None:
    read = parse(config).model_dump(by_alias=True, mode="json")
    expected = config if config.get("environment") else config | {"environment": "test"}
    assert {key: _text(read[key]) for key in expected} == expected


@hypothesis_settings(max_examples=200, deadline=None)
@given(illegal())
def test_every_illegal_configuration_is_an_error_that_names_the_key(
    case: tuple[dict[str, str], str],
) -> None:
    config, key = case
    (line,) = problems(config)
    assert line.startswith(f"{key} is {config[key]!r}: ")
    assert len(line) > len(f"{key} is {config[key]!r}: ")


def test_every_key_is_generated() -> None:
    together = {"vpcCidr", "zoneCount", "hostCount", "taskCpu", "taskMemory"}
    keys = {field.alias for field in Settings.model_fields.values()}
    assert LEGAL_VALUES.keys() | together == keys
    assert ILLEGAL_VALUES.keys() == keys


@FEW
@given(legal())
def test_every_legal_configuration_deploys(config: dict[str, str]) -> None:
    deployment = program(config)
    hosts = deployment.of_type(":Instance")
    assert len(hosts) == int(config["hostCount"]) == len(deployment.exports["host_ids"])
    (container,) = json.loads(deployment.one(":TaskDefinition").inputs["containerDefinitions"])
    variables = {entry["name"]: entry["value"] for entry in container["environment"]}
    for host in hosts:  # Prometheus finds it
        tags = host.inputs["tags"]
        assert tags[variables["DISCOVERY_TAG_KEY"]] == variables["DISCOVERY_TAG_VALUE"]


@FEW
@given(illegal())
def test_no_illegal_configuration_registers_anything(case: tuple[dict[str, str], str]) -> None:
    config, key = case
    error = refuse(lambda: runpy.run_path(str(PROGRAM)), config=namespaced(config))
    assert f"prometheus-aws:{key} is " in str(error)
