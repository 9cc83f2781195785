"""settings.Settings: every key, and how Pulumi hands them over."""

import re
from collections.abc import Collection
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from blocks import BLOCKS, Block, HostsArgs, ServicesArgs
from components.assets import image_context
from components.configuration import ConfigurationArgs
from mocks.recording import deploy, refuse
from settings import EVALUATION_S, NAMESPACES, PROJECT, Settings, SettingsError
from tests.components.examples import EXAMPLES
from tests.unit.configurations import FARGATE, INGRESS, SERVICE, Values, namespaced, parse, problems

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:it-AbCdEf"  # noqa: S105
SMS = {"sms": ["+4915112345678"]}
LINKED = {"prometheus": {"runbookBaseUrl": "https://example.com/runbooks"}}
EMULATED = {"aws:endpoints": '[{"ec2": "http://127.0.0.1:5000"}]'}

# --- good input ---


def test_the_defaults() -> None:
    settings = parse()
    assert settings.environment == "test"
    assert settings.emulated is False
    assert settings.network == {
        "vpc_cidr": "10.42.0.0/16",
        "zone_count": 2,
        "exclude_zone_ids": ("apne1-az3", "use1-az3", "usw1-az2"),
        "nat_strategy": "none",
        "ipv6": False,
        "network_acl": False,
        "network_acl_ingress": (),
        "network_acl_egress": (),
        "flow_logs": False,
        "log_retention_days": 14,
    }
    assert settings.hosts == {
        "count": 2,
        "node_exporter_port": 9100,
        "instance_type": "t4g.nano",
        "ami_id": "",
        "ssh_cidrs": (),
        "root_volume_gib": 8,
        "ssh_key_name": "",
        "discovery_tag_key": "prometheus-scrape",
        "discovery_tag_value": "true",
    }
    assert settings.grafana is None
    assert settings.storage == {
        "storage_kind": "ephemeral",
        "storage_size_gib": 50,
        "storage_iops": 3000,
        "storage_throughput": 125,
        "storage_instance_type": "t4g.small",
        "storage_snapshot_hour": 3,
        "storage_snapshot_retention_days": 7,
        "storage_restore_snapshot_id": "",
        "storage_delete_volumes_on_destroy": False,
    }
    assert settings.prometheus == {
        "enable_execute_command": False,
        "overlay": "",
        "cpu_architecture": "ARM64",
        "task_cpu": 256,
        "task_memory": 512,
        "storage_gib": 21,
        "log_retention_days": 14,
        "delete_images_on_destroy": False,
        "replicas": 1,
        "port": 9090,
        "admin_cidrs": (),
        "retention": "15d",
        "scrape_interval": "15s",
        "discovery_refresh_interval": "60s",
        "credentials": "iam-user",
        "access_key_rotation": 1,
        "sample_limit": 10_000,
        "body_size_limit_mib": 10,
        "target_limit": 2_000,
        "runbook_base_url": "docs/runbooks",
    }
    assert settings.alertmanager is None
    assert parse({"alertmanager": {}}).alertmanager == {
        "enable_execute_command": False,
        "overlay": "",
        "cpu_architecture": "ARM64",
        "task_cpu": 256,
        "task_memory": 512,
        "storage_gib": 21,
        "log_retention_days": 14,
        "delete_images_on_destroy": False,
        "replicas": 2,
        "port": 9093,
        "page_with": (),
        "notify_with": (),
        "slack_url_secret_arn": "",
        "pagerduty_routing_key_secret_arn": "",
        "opsgenie_api_key_secret_arn": "",
        "webhook_url_secret_arn": "",
        "watchdog_url_secret_arn": "",
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "notify_days": "",
        "notify_hours": "",
        "time_zone": "UTC",
        "routes_file": "",
    }
    assert settings.notifications is None
    assert parse({"notifications": {}}).notifications == {"emails": (), "sms": ()}
    assert settings.cluster is None
    assert settings.services == {}


def test_the_defaults_of_what_is_switched_on() -> None:
    assert parse({"grafana": {}}).grafana == {
        "enable_execute_command": False,
        "overlay": "",
        "cpu_architecture": "ARM64",
        "task_cpu": 256,
        "task_memory": 512,
        "storage_gib": 21,
        "log_retention_days": 14,
        "delete_images_on_destroy": False,
        "port": 3000,
        "anonymous_viewer": False,
        "admin_password_rotation": 1,
        "oidc_scopes": ("openid", "email", "profile"),
        "oidc_role_attribute_path": "",
    }
    assert parse().bastion is None
    assert parse({"bastion": {}}).bastion == {
        "instance_type": "t4g.nano",
        "ssh_cidrs": (),
        "key_name": "",
    }


def test_the_defaults_of_a_cluster() -> None:
    assert parse({"network": {"natStrategy": "single"}, "cluster": {}}).cluster == {
        "capacity": "ec2",
        "instance_types": ("t4g.small",),
        "min_size": 1,
        "desired_size": 3,
        "max_size": 3,
        "spot_percent": 0,
        "root_size_gib": 30,
        "container_insights": False,
        "node_exporter_cpu": 32,
        "node_exporter_memory": 64,
        "cadvisor_port": 9101,
        "cadvisor_cpu": 64,
        "cadvisor_memory": 256,
        "housekeeping_interval": "15s",
        "log_retention_days": 14,
        "delete_images_on_destroy": False,
    }


def test_the_defaults_of_a_service() -> None:
    assert parse({"cluster": FARGATE, "services": {"shop": SERVICE}}).services == {
        "shop": {
            "enable_execute_command": False,
            "cpu_architecture": "ARM64",
            "log_retention_days": 14,
            "delete_images_on_destroy": False,
            "metrics": ["8000/metrics"],
            "job": "",
            "launch_type": "FARGATE",
            "security_group_ids": (),
            "image_context": SERVICE["imageContext"],
            "image": "",
            "user": "",
            "read_only_root_filesystem": True,
            "writable_paths": ("/tmp",),  # noqa: S108 - in the container
            "environment": (),
            "secret_arns": (),
            "port": 8000,
            "health_path": "/",
            "health_command": (),
            "cpu": 256,
            "memory": 512,
            "desired_count": 2,
            "max_count": 0,
            "cpu_target_percent": 60,
            "host_name": "",
            "listener_priority": 0,
            "monitoring": "",
        }
    }


EXAMPLES_OF_ARGUMENTS: dict[type, dict[str, Any]] = {
    HostsArgs: {"count": 5},
    ServicesArgs: {},  # all of them are the component's
    ConfigurationArgs: {"delivery": "live", "refresh_interval": "1m", "port": 9534},
}
EXAMPLES_OF_ARGUMENTS |= {example.shape: dict(example.all) for example in EXAMPLES.values()}
INSTEAD = {key for example in EXAMPLES.values() for key in example.instead}
EVERY_KEY: dict[str, dict[str, Any]] = {
    name: {
        block.key(key): value
        for shape in block.shapes
        for key, value in EXAMPLES_OF_ARGUMENTS[shape].items()
        if block.key(key) in block.knobs and key not in block.given
    }
    for name, block in BLOCKS.items()
}
"""Each with another value than its default."""
EVERY_KEY["services"]["hostName"] = f"shop.{EVERY_KEY['ingress']['domain']}"


def test_every_key_is_read() -> None:
    named = {name: {"web": it} if BLOCKS[name].names else it for name, it in EVERY_KEY.items()}
    settings = parse({"environment": "production", **named})
    assert settings.environment == "production"
    for name, block in EVERY_KEY.items():
        knobs = BLOCKS[name].knobs
        found = getattr(settings, name)
        if BLOCKS[name].names:
            assert list(found) == ["web"]
            found = found["web"]
        read = {BLOCKS[name].key(key): it for key, it in found.items()}
        instead = set(map(BLOCKS[name].key, INSTEAD)) & knobs.keys()
        assert read.keys() == knobs.keys() == block.keys() | instead
        assert {key: read[key] for key in block} == block
        assert not [key for key in block if read[key] == knobs[key].default]


def test_settings_are_frozen() -> None:
    settings = parse()
    with pytest.raises(FrozenInstanceError):
        settings.environment = "other"  # type: ignore[misc]


@pytest.mark.parametrize("values", [{}, {"environment": ""}])
def test_the_environment_is_the_stack_unless_it_is_given(values: Values) -> None:
    assert parse(values, stack="prod").environment == "prod"
    assert parse({"environment": "other"}, stack="prod").environment == "other"


def test_a_loopback_network_is_legal_only_in_an_emulator() -> None:
    values = {"network": {"vpcCidr": "127.42.0.0/16"}}
    assert parse(values, emulated=True).network["vpc_cidr"] == "127.42.0.0/16"
    assert parse(values, emulated=True).emulated is True
    with pytest.raises(SettingsError, match="expected a private range"):
        parse(values)


@pytest.mark.parametrize(
    ("nat_strategy", "public"), [("none", True), ("single", False), ("per-az", False)]
)
def test_public_subnets_are_for_networks_without_nat(nat_strategy: str, *, public: bool) -> None:
    assert parse({"network": {"natStrategy": nat_strategy}}).in_public_subnets is public


def test_an_optional_block_is_on_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = parse().prometheus
    optional = BLOCKS["prometheus"]._replace(optional=True)
    monkeypatch.setitem(cast("dict[str, Block]", BLOCKS), "prometheus", optional)
    assert parse().prometheus is None
    assert parse({"prometheus": {}}).prometheus == before
    assert parse({"prometheus": {"port": 9091}}).prometheus == {**before, "port": 9091}
    for nothing in ("", "null"):
        (problem,) = problems({"prometheus": nothing})
        assert ": expected keys with values; the keys are " in problem


# --- as Pulumi hands it over ---


def test_settings_are_read_from_the_stack() -> None:
    loaded: list[Settings] = []
    values = {"hosts": {"count": 3}, "prometheus": {"adminCidrs": ["203.0.113.7/32"]}}
    others = {"other-project:hosts": "nothing", "aws:region": "eu-central-1"}
    deploy(lambda: loaded.append(Settings.load()), config=namespaced(values) | others, stack="prod")
    assert loaded == [parse(values, stack="prod")]


def test_the_zones_are_those_of_the_region() -> None:
    """Three, in the recording."""
    deploy(Settings.load, config=namespaced({"network": {"zoneCount": 3}}))
    error = refuse(Settings.load, config=namespaced({"network": {"zoneCount": 4}}))
    assert (
        "\n  - prometheus-aws:network.zoneCount is 4: the region has 3 usable availability zones"
        " (eu-central-1a, eu-central-1b, eu-central-1c); expected at most 3\n"
    ) in str(error)


def test_the_rules_of_the_network_acl_are_counted_with_ssh_of_the_hosts() -> None:
    rules = [f"tcp {port} 0.0.0.0/0" for port in range(20, 36)]
    block = {"networkAcl": True, "networkAclIngress": rules}
    assert parse({"network": block}).network["network_acl_ingress"] == rules
    for others in (
        {"hosts": {"sshCidrs": ["203.0.113.8/32"]}},
        {"bastion": {"sshCidrs": ["203.0.113.8/32"], "keyName": "admin"}},
    ):
        (line,) = problems({"network": block, **others})
        assert line.startswith("network.networkAclIngress is ")
        assert "would have 20 rules in this direction" in line


@pytest.mark.parametrize("block", ["hosts", "bastion"])
def test_the_zones_offer_the_instance_type_of_the_hosts(block: str) -> None:
    offerings = {"locations": ["eu-central-1b"], "instanceTypes": ["c6g.large"]}
    token = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"  # noqa: S105 - not a secret
    config = namespaced(
        {"hosts": {"instanceType": "c6g.large"}, block: {"instanceType": "c6g.large"}}
    )
    with pytest.raises(SettingsError) as error:
        deploy(Settings.load, config=config, invokes={token: offerings})
    assert (
        "network.zoneCount is 2: the region has 1 usable availability zones (eu-central-1b);"
        " expected at most 1, or another instance type, or fewer excluded zones. Not usable:"
        " eu-central-1a (no c6g.large), eu-central-1c (no c6g.large)"
    ) in str(error.value)


def test_the_region_is_not_asked_about_an_illegal_number_of_zones() -> None:
    text = str(refuse(Settings.load, config=namespaced({"network": {"zoneCount": 9}})))
    assert "expected a whole number from 1 to 8" in text
    assert "the region" not in text


def test_endpoints_of_the_provider_mean_an_emulator() -> None:
    config = namespaced({"network": {"vpcCidr": "127.42.0.0/16"}})
    deploy(Settings.load, config=config | EMULATED)
    expected = 'network.vpcCidr is "127.42.0.0/16"'
    assert expected in str(refuse(Settings.load, config=config))
    assert expected in str(refuse(Settings.load, config=config | {"aws:endpoints": "[]"}))


def test_what_pulumi_calls_secret_is_secret() -> None:
    config = namespaced({"network": {"vpcCidr": "10.0.0.0/27"}, "hosts": {"count": -1}})
    text = str(refuse(Settings.load, config=config, secret=["prometheus-aws:network"]))
    assert "prometheus-aws:network.zoneCount is secret and not legal" in text
    assert "10.0.0.0" not in text
    assert "prometheus-aws:hosts.count is -1: " in text


def test_the_error_has_no_stack_trace() -> None:
    """Pulumi prints the message alone for a `RunError`."""
    assert issubclass(SettingsError, pulumi.RunError)


def test_a_misspelt_namespace_is_not_taken_for_somebody_elses() -> None:
    text = str(refuse(Settings.load, config={"prometheus:hosts": "{}", "proj-aws:hosts": "{}"}))
    assert [line for line in text.splitlines() if "unknown" in line] == [
        "  - prometheus:hosts is unknown: did you mean prometheus-aws:hosts?"
    ]


def test_a_number_of_thousands_of_digits_is_no_block() -> None:
    (problem,) = problems({"hosts": "9" * 5000})
    assert problem.startswith("hosts is ")
    assert "(5002 characters): expected keys with values" in problem


def test_default_tags_are_read_from_the_stack() -> None:
    tags = {"aws:defaultTags": '{"tags": {"prometheus-scrape": "true"}}'}
    assert "hosts.discoveryTagKey is " in str(refuse(Settings.load, config=tags))


# --- what is legal, but probably not meant ---


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("awz:region", "did you mean aws?"),
        ("azure-native:location", f"expected one of {', '.join(sorted(NAMESPACES))}"),
    ],
)
def test_a_key_that_nobody_reads_is_a_warning(key: str, hint: str) -> None:
    """Not an error: Pulumi ignores it, and somebody may keep it for a program of their own."""
    warnings = parse().warnings([key, "aws:region", "pulumi:tags", f"{PROJECT}:hosts"])
    assert list(warnings) == [f"{key} configures nothing: its namespace is unknown; {hint}"]


def test_every_package_of_the_program_has_its_namespace() -> None:
    file = Path(__file__).parents[2] / "requirements.txt"
    packages = re.findall(r"^pulumi-([\w-]+)==", file.read_text("utf-8"), re.MULTILINE)
    assert {PROJECT, "pulumi", *packages} == set(NAMESPACES)


@pytest.mark.parametrize(
    ("count", "instance_type", "usd"),
    [
        (2, "t4g.nano", None),
        (1000, "t4g.nano", "4,600"),
        (6, "m7g.xlarge", None),
        (7, "m7g.xlarge", "1,000"),
        (100, "m7i.24xlarge", "350,000"),
        (0, "u7inh-32tb.480xlarge", None),
    ],
)
def test_expensive_hosts_are_a_warning(count: int, instance_type: str, usd: str | None) -> None:
    settings = parse({"hosts": {"count": count, "instanceType": instance_type}})
    expected = (
        f"prometheus-aws:hosts: {count} hosts of type {instance_type} cost in the order of USD"
        f" {usd} a month on demand, with accelerators several times as much"
    )
    assert list(settings.warnings([])) == ([expected] if usd else [])
    assert not list(settings.warnings([], secret=["hosts"]))


@pytest.mark.parametrize(
    ("block", "told"),
    [({}, True), ({"watchdogUrlSecretArn": SECRET_ARN}, True), ({"pageWith": ["sns"]}, False)],
)
def test_alerts_that_nobody_is_told_of_are_a_warning(block: Values, *, told: bool) -> None:
    people = {"emails": ["me@example.com"]}
    settings = parse({"alertmanager": block, "notifications": people, **LINKED})
    sentence = f"{PROJECT}:alertmanager has neither pageWith nor notifyWith: it tells nobody"
    assert list(settings.warnings([])) == ([sentence] if told else [])


@pytest.mark.parametrize(("block", "told"), [(None, True), ({}, False), (SMS, True)])
def test_notifications_to_nobody_are_a_warning(block: Values | None, *, told: bool) -> None:
    settings = parse(LINKED if block is None else {"notifications": block, **LINKED})
    expected = (
        f"{PROJECT}:notifications has neither emails nor sms: nobody is told anything unless"
        " somebody subscribes to the topic"
    )
    assert list(settings.warnings([])) == ([] if told else [expected])


@pytest.mark.parametrize(
    ("interval", "replicas", "warned"),
    [("5m", 2, False), ("15s", 2, False), ("14s", 2, True), ("1s", 1, False)],
)
def test_alertmanagers_that_do_not_wait_for_each_other_are_a_warning(
    interval: str, replicas: int, *, warned: bool
) -> None:
    block = {"groupInterval": interval, "replicas": replicas, "pageWith": ["sns"]}
    found = list(parse({"alertmanager": block, "notifications": SMS, **LINKED}).warnings([]))
    assert [f"groupInterval is {interval}: the last of 2" in it for it in found] == [True] * warned


@pytest.mark.parametrize(
    ("wait", "scrape", "replicas", "warned"),
    [
        ("30s", "15s", 2, False),
        ("29s", "15s", 2, True),
        ("30s", "1m", 2, True),
        ("0s", "1m", 1, False),
    ],
)
def test_servers_that_may_disagree_longer_than_a_message_waits_are_a_warning(
    wait: str, scrape: str, replicas: int, *, warned: bool
) -> None:
    rendered = (image_context("prometheus") / "prometheus.yml").read_text(encoding="utf-8")
    assert f"evaluation_interval: {EVALUATION_S}s" in rendered
    blocks = {
        "prometheus": {"replicas": replicas, "scrapeInterval": scrape, **LINKED["prometheus"]},
        "alertmanager": {"groupWait": wait, "pageWith": ["sns"]},
        "notifications": SMS,
    }
    found = list(parse(blocks).warnings([]))
    assert [f"groupWait is {wait}: several Prometheus servers" in it for it in found] == [
        True
    ] * warned


@pytest.mark.parametrize(
    ("blocks", "warned"),
    [
        ({}, False),
        ({"grafana": {}}, True),
        ({"grafana": {"anonymousViewer": True}}, True),
        ({"grafana": {"enableExecuteCommand": True}}, False),
        ({"grafana": {}, "ingress": INGRESS}, False),
        # The others are of use to people who never open them.
        ({"alertmanager": {"pageWith": ["sns"]}, "notifications": SMS}, False),
    ],
)
def test_a_grafana_that_nobody_can_reach_is_a_warning(blocks: Values, *, warned: bool) -> None:
    sentence = (
        f"{PROJECT}:grafana has no enableExecuteCommand, and there is no block {PROJECT}:ingress:"
        " nobody can reach it"
    )
    assert list(parse({**blocks, **LINKED}).warnings([])) == ([sentence] if warned else [])


@pytest.mark.parametrize(
    ("blocks", "url", "seen"),
    [
        ({}, "docs/runbooks", ""),
        ({"notifications": SMS}, "docs/runbooks", "notifications"),
        ({"grafana": {"enableExecuteCommand": True}}, "runbooks.example.com", "grafana"),
        (
            {"alertmanager": {"pageWith": ["sns"]}, "notifications": SMS},
            "docs/runbooks",
            "alertmanager, notifications",
        ),
        ({"notifications": SMS}, "http://wiki.example.com/it", ""),
        ({"notifications": SMS}, "https://example.com/it", ""),
    ],
)
def test_runbooks_that_nobody_can_click_on_are_a_warning(
    blocks: Values, url: str, seen: str
) -> None:
    def warnings(*, emulated: bool = False, secret: Collection[str] = ()) -> list[str]:
        settings = parse({**blocks, "prometheus": {"runbookBaseUrl": url}}, emulated=emulated)
        return list(settings.warnings([], secret))

    found = warnings()
    expected = (
        f"{PROJECT}:prometheus.runbookBaseUrl is {url}, which is no URL: the links of {seen} to"
        " runbooks lead nowhere"
    )
    assert [it.split("; ")[0] for it in found] == [expected] * bool(seen)
    assert all("https:// address" in it for it in found)
    hidden = warnings(secret=["prometheus"])
    assert ["runbookBaseUrl is no URL: " in it for it in hidden] == [True] * bool(seen)
    assert warnings(emulated=True) == []


def test_warnings_are_shown_by_pulumi(caplog: pytest.LogCaptureFixture) -> None:
    config = namespaced({"hosts": {"count": 100, "instanceType": "m7i.24xlarge"}})
    deploy(Settings.load, config=config | {"awz:region": "eu-central-1"})
    assert [text.split(":")[0] for text in caplog.messages] == ["awz", "prometheus-aws"]
