"""Configuration that changes while Prometheus runs: a real one, and S3 of the emulator.

In a checkout in which time runs faster: durations are shorter, and nothing else is changed. The
tests are one story, in this order, of one process of Prometheus.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from components.configuration.archive import Archive, pack
from components.configuration.delivery import read_tree
from sandbox import prometheus
from tests.sandbox.command import Account, Deployed, Process, copied_checkout, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIVE_S = 60
"""Within which a change is to be live."""

FASTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 1s")],
    "docker/prometheus/rules.d/configuration.yml": [
        ("for: 5m", "for: 1s"),
        ("seconds > 900", "seconds > 8"),
    ],
}
"""File -> what stands there, and what instead."""

OWN = "rules.d/own.yml"
RULE = "groups: [{{name: own, rules: [{{record: answer, expr: '{}'}}]}}]\n"


@dataclass
class Story:
    """A sandbox whose configuration is delivered live."""

    account: Account
    tree: Path
    process: Process
    """Of Prometheus, when the story begins."""

    def __post_init__(self) -> None:
        self.s3 = self.account.client("s3")
        self.bucket = self.account.outputs["configuration_bucket"]

    def version(self, rule: str = "", **files: str) -> Archive:
        """Pack the tree, with a rule of one's own."""
        own = {OWN: RULE.format(rule)} if rule else {}
        texts = {name: text.encode() for name, text in {**own, **files}.items()}
        return pack({**read_tree(self.tree, "**/*.yml"), **texts})

    def put(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"prometheus/{name}", Body=content)

    def point(self, archive: Archive) -> None:
        self.put("current", archive.version.encode())

    def publish(self, archive: Archive) -> Archive:
        self.put(f"{archive.version}.tar.gz", archive.content)
        self.point(archive)
        return archive

    def wanted(self) -> str:
        """Return what the pointer names."""
        found = self.s3.get_object(Bucket=self.bucket, Key="prometheus/current")
        return str(found["Body"].read().decode().strip())

    def labels(self, metric: str) -> dict[str, Any]:
        """Return the labels of a metric's only series; none if there is none."""
        found = prometheus.query(self.account.url, "query", query=metric)["result"]
        return dict(found[0]["metric"]) if found else {}

    def is_live(self, archive: Archive) -> bool:
        return self.labels("configuration_live_info").get("version") == archive.version[:12]

    def answer(self) -> float | None:
        return self.account.value("answer")

    def until_answer(self, expected: float | None) -> None:
        until(f"the rule's result {expected}", LIVE_S, lambda: self.answer() == expected)

    def fires(self, alert: str) -> bool:
        return (alert, "firing") in {
            (found.labels["alertname"], found.state)
            for found in prometheus.alerts(self.account.url)
        }

    def has_not_restarted(self) -> bool:
        return self.account.prometheus_process() == self.process


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    checkout = copied_checkout(tmp_path_factory.mktemp("faster") / "checkout")
    for name, changes in FASTER.items():
        text = (checkout / name).read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, (name, before)
            text = text.replace(before, after)
        (checkout / name).write_text(text, encoding="utf-8")
    given = ("--config=configuration.delivery=live", "--config=configuration.refreshInterval=1s")
    up = ("--hosts", "1", "--runtime", "process", *given)
    with Deployed.up(*up, checkout=checkout) as deployed:
        account = Account(deployed)
        tree = checkout / "docker" / "prometheus"
        yield Story(account, tree, account.prometheus_process())


def test_it_starts_with_what_the_program_has_delivered(story: Story) -> None:
    wanted = story.version()
    assert story.wanted() == wanted.version
    until("the delivered version", LIVE_S, lambda: story.is_live(wanted))
    assert story.account.value('count(up{job="node"})') == 1
    assert not story.fires("ConfigurationRefused")


def test_a_changed_rule_is_live_without_a_restart(story: Story) -> None:
    for number in (1, 2):
        wanted = story.publish(story.version(f"vector({number})"))
        story.until_answer(number)
        until("the metric of the version", LIVE_S, lambda: story.is_live(wanted))  # noqa: B023
    assert story.has_not_restarted()


def test_a_broken_file_is_refused_and_told(story: Story) -> None:
    good = story.version("vector(2)")
    broken = story.publish(story.version("sum("))
    until("the alert", LIVE_S, lambda: story.fires("ConfigurationRefused"))
    refused = story.labels("configuration_refused_info")
    assert (refused["version"], refused["reason"]) == (broken.version[:12], "check")
    assert story.is_live(good)
    assert story.answer() == 2
    assert story.account.value("prometheus_config_last_reload_successful") == 1
    # Going back is moving the pointer.
    story.point(good)
    until("the end of the alert", LIVE_S, lambda: not story.fires("ConfigurationRefused"))


def test_a_deleted_file_is_gone(story: Story) -> None:
    assert story.answer() == 2
    story.publish(story.version())
    story.until_answer(None)


def test_an_upload_that_is_half_written_is_never_live(story: Story) -> None:
    before = story.version()
    wanted = story.version("vector(3)")
    story.point(wanted)  # in the wrong order
    incomplete = 'configuration_attempts_total{result="incomplete"} > '
    until("an attempt", LIVE_S, lambda: story.account.value(f"{incomplete}0"))
    story.put(f"{wanted.version}.tar.gz", wanted.content[:-20])
    seen = story.account.value(f"{incomplete}0") or 0
    until("another attempt", LIVE_S, lambda: story.account.value(f"{incomplete}{seen}"))
    assert story.is_live(before)
    assert story.answer() is None
    story.put(f"{wanted.version}.tar.gz", wanted.content)
    story.until_answer(3)


def test_a_bucket_out_of_reach_breaks_nothing(story: Story) -> None:
    iam = story.account.client("iam")
    (role,) = (
        it["RoleName"]
        for it in iam.list_roles()["Roles"]
        if it["RoleName"].startswith("prometheus-task-role")
    )
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    before = story.version("vector(3)")
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    wanted = story.publish(story.version("vector(4)"))
    until("the alert", LIVE_S, lambda: story.fires("ConfigurationNotUpdated"))
    assert story.account.value('configuration_attempts_total{result="denied"}')
    assert story.is_live(before)
    assert story.answer() == 3
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_text(policy))
    story.until_answer(4)
    until("the metric of the version", LIVE_S, lambda: story.is_live(wanted))
    until("the end of the alert", LIVE_S, lambda: not story.fires("ConfigurationNotUpdated"))


def test_prometheus_has_never_been_restarted(story: Story) -> None:
    assert story.has_not_restarted()


def test_the_role_reads_its_servers_part_and_nothing_else(story: Story) -> None:
    """By the product's policy, which the emulator checks."""
    iam = story.account.client("iam")
    (role,) = (
        it["RoleName"]
        for it in iam.list_roles()["Roles"]
        if it["RoleName"].startswith("prometheus-task-role")
    )
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    of_s3 = [it for it in policy["Statement"] if "s3:" in str(it["Action"])]
    resource = f"arn:aws:s3:::{story.bucket}/prometheus/*"
    assert of_s3 == [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resource}]


def _text(policy: object) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)
