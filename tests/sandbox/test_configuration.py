"""A stack's configuration in a sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import configuration
from sandbox.addresses import VpcRange, reserve_vpc_range
from sandbox.configuration import ConfigurationError, handed_over, local_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = {
    "aws:defaultTags": {"value": {"tags": {"a": "b"}}},
    "environment": {"type": "string", "default": ""},
    "hosts": {"type": "object", "default": {}},
}
STACK = {
    "aws:region": "eu-west-1",
    "prometheus-aws:network": {"vpcCidr": "10.1.0.0/16", "flowLogs": True},
    "prometheus-aws:hosts": {"count": 3},
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the project defaults and two stacks."""
    monkeypatch.setattr(configuration, "ROOT", tmp_path)
    secret = {"secure": "v1:x"}
    files: dict[str, dict[str, Any]] = {
        "Pulumi.yaml": {"name": "prometheus-aws", "runtime": "python", "config": SCHEMA},
        "Pulumi.dev.yaml": {"config": STACK},
        "Pulumi.prod.yaml": {"config": {**STACK, "prometheus-aws:hosts": {"sshKeyName": secret}}},
        "Pulumi.empty.yaml": {},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))


@pytest.fixture
def vpc() -> Iterator[VpcRange]:
    found = reserve_vpc_range()
    yield found
    found.release()


def test_the_stacks_file_counts_but_for_addresses_and_intervals(vpc: VpcRange) -> None:
    settings = local_stack("dev", vpc, {}).settings
    assert settings.network["flow_logs"] is True
    assert settings.network["vpc_cidr"] == vpc.cidr
    assert settings.hosts["count"] == 3
    assert settings.hosts["node_exporter_port"] == vpc.node_exporter_port
    assert settings.emulated


@pytest.mark.parametrize(
    ("hosts", "scrape", "refresh"),
    [
        *((0, "2s", "5s"), (60, "2s", "5s"), (61, "3s", "5s"), (150, "5s", "5s")),
        *((300, "10s", "10s"), (1000, "34s", "34s")),
    ],
)
def test_intervals_grow_with_the_number_of_hosts(
    vpc: VpcRange, hosts: int, scrape: str, refresh: str
) -> None:
    found = local_stack("dev", vpc, {"hosts.count": str(hosts)}).settings.prometheus
    assert (found["scrape_interval"], found["discovery_refresh_interval"]) == (scrape, refresh)


def test_intervals_of_the_users_own_count(vpc: VpcRange) -> None:
    changes = {"hosts.count": "300", "prometheus.scrapeInterval": "7s"}
    found = local_stack("dev", vpc, changes).settings.prometheus
    assert (found["scrape_interval"], found["discovery_refresh_interval"]) == ("7s", "10s")


def test_grafana_gets_a_port_of_its_own_where_it_is_on(vpc: VpcRange) -> None:
    assert local_stack("dev", vpc, {}).settings.grafana is None
    for changes in ({"grafana": "{}"}, {"grafana.anonymousViewer": "true"}):
        found = local_stack("dev", vpc, changes).settings.grafana
        assert found is not None
        assert found["port"] != 3000
    found = local_stack("dev", vpc, {"grafana": '{"port": 3001}'}).settings.grafana
    assert found is not None
    assert found["port"] == 3001


def test_changes_come_last_and_are_typed_as_pulumi_types_them(vpc: VpcRange) -> None:
    changes = {
        "hosts.count": "1",
        "network.flowLogs": "false",
        "prometheus-aws:prometheus.adminCidrs": '["203.0.113.7/32"]',
        "prometheus.retention": "30d",
        "environment": "tried",
        "aws:region": "eu-north-1",
    }
    found = local_stack("dev", vpc, changes)
    assert found.region == "eu-north-1"
    assert found.settings.environment == "tried"
    assert found.settings.hosts["count"] == 1
    assert found.settings.network["flow_logs"] is False
    assert found.settings.prometheus["admin_cidrs"] == ["203.0.113.7/32"]
    assert found.settings.prometheus["retention"] == "30d"


def test_configuration_is_handed_over_as_by_pulumi(vpc: VpcRange) -> None:
    text = handed_over(local_stack("dev", vpc, {}).config)
    assert text["aws:defaultTags"] == '{"tags": {"a": "b"}}'
    assert text["aws:skipMetadataApiCheck"] == "true"
    assert text["prometheus-aws:environment"] == ""
    assert json.loads(text["prometheus-aws:hosts"])["count"] == 3


@pytest.mark.parametrize("stack", ["x", "../dev", "dev.yaml", ""])
def test_unknown_stack_names_those_that_there_are(vpc: VpcRange, stack: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"no stack '{stack}': expected one of dev, empty, prod"
    ):
        local_stack(stack, vpc, {})


def test_encrypted_value_is_named_and_can_be_replaced(vpc: VpcRange) -> None:
    path = r"prometheus-aws:hosts\.sshKeyName in Pulumi\.prod\.yaml is encrypted"
    with pytest.raises(ConfigurationError, match=path):
        local_stack("prod", vpc, {})
    found = local_stack("prod", vpc, {"prometheus-aws:hosts.sshKeyName": "plain"})
    assert found.settings.hosts["ssh_key_name"] == "plain"


def test_all_problems_are_told_with_their_paths(vpc: VpcRange) -> None:
    with pytest.raises(ConfigurationError) as error:
        local_stack("dev", vpc, {"hosts.count": "x", "network.zonecount": "2", "nonsense": "1"})
    for problem in ("hosts.count is", "network.zonecount is unknown", "nonsense is unknown"):
        assert f"\n  - prometheus-aws:{problem}" in str(error.value)


def test_a_block_that_is_none_is_named(vpc: VpcRange) -> None:
    with pytest.raises(ConfigurationError, match="prometheus-aws:hosts is 3: expected a block"):
        local_stack("dev", vpc, {"hosts": "3", "hosts.count": "1"})


@pytest.mark.parametrize(
    "region", ["moon-1", "eu-central-9", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "3", "[1]"]
)
def test_a_region_that_is_not_emulated_is_named(vpc: VpcRange, region: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"aws:region is .*: expected one of .*-\d \(none of"
    ):
        local_stack("dev", vpc, {"aws:region": region})


def test_a_region_is_needed(vpc: VpcRange) -> None:
    with pytest.raises(ConfigurationError, match="aws:region is not set"):
        local_stack("empty", vpc, {})


@pytest.mark.parametrize("text", ["notjson", '["x"]', '{"tags":null}'])
def test_default_tags_that_are_none_are_told(vpc: VpcRange, text: str) -> None:
    with pytest.raises(ConfigurationError, match="aws:defaultTags is not legal: expected tags"):
        local_stack("dev", vpc, {"aws:defaultTags": text})


def test_whoever_is_told_is_the_local_receiver(vpc: VpcRange) -> None:
    theirs = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:theirs-abcdef"
    block = {
        "pageWith": ["pagerduty", "slack"],
        "notifyWith": ["opsgenie"],
        "pagerdutyRoutingKeySecretArn": theirs,
        "opsgenieApiKeySecretArn": theirs,
        "slackUrlSecretArn": theirs,
    }
    found = local_stack("dev", vpc, {"alertmanager": json.dumps(block)})
    assert found.left_out == ["opsgenie", "pagerduty"]
    settings = found.settings.alertmanager
    assert settings is not None
    assert settings["page_with"] == ["slack", "webhook"]
    assert settings["notify_with"] == ["webhook"]
    for via in ("slack", "webhook", "watchdog"):
        assert settings[f"{via}_url_secret_arn"].endswith(f":secret:sandbox-{via}-secret")


@pytest.mark.parametrize("block", ["", "{}"])
def test_an_empty_block_tells_the_local_receiver(vpc: VpcRange, block: str) -> None:
    found = local_stack("dev", vpc, {"alertmanager": block} if block else {})
    assert bool(found.settings.alertmanager) is bool(block)
    assert found.left_out == []


def test_a_way_that_nobody_knows_is_refused_as_ever(vpc: VpcRange) -> None:
    with pytest.raises(ConfigurationError, match=r"alertmanager\.pageWith"):
        local_stack("dev", vpc, {"alertmanager.pageWith": '["pigeon"]'})
