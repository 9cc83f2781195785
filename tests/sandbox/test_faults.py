"""Faults of what Prometheus depends on: the way to EC2, a host, its secret (docs/faults.md).

In a checkout in which time runs faster: durations are shorter, and nothing else is changed.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.command import Account, Deployed, changed_checkout, processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator

FASTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 1s")],
    "docker/prometheus/rules.d/prometheus_alerts.yml": [
        ("[10m]) > 0\n        for: 20m", "[10s]) > 0\n        for: 2s"),
        (
            'present_over_time(job:up:count{job="node"}[1d])\n        for: 10m',
            'present_over_time(job:up:count{job="node"}[1d])\n        for: 2s',
        ),
    ],
    # How long a sample that was not followed by another one counts as the value: 5 minutes.
    "docker/prometheus/entrypoint.sh": [
        ("exec prometheus", "exec prometheus --query.lookback-delta=10s")
    ],
    # How long a container must have run to be restarted in its task.
    "components/containers/definition.py": [
        ("RESTART_ATTEMPT_PERIOD_S = 60", "RESTART_ATTEMPT_PERIOD_S = 1")
    ],
}
"""File -> what stands there, and what instead."""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Yield a sandbox of three hosts: one stays, one is replaced, and one leaves."""
    checkout = changed_checkout(tmp_path_factory.mktemp("faster") / "checkout", FASTER)
    with Deployed.up(
        *("--hosts", "3", "--runtime", "process"),
        *("--config", "prometheus.discoveryRefreshInterval=1s"),
        *("--config", "prometheus.scrapeInterval=1s"),
        checkout=checkout,
    ) as deployed:
        yield Account(deployed)


def _launch(account: Account, name: str) -> str:
    groups = [account.outputs["exporter_security_group_id"]]
    return account.launch(groups, **{"Name": name, "prometheus-scrape": "true"})


def test_a_host_that_is_replaced_while_alerts_are_pending_pages_nobody(account: Account) -> None:
    _, old, _ = account.outputs["host_ids"]
    name = account.nodes()[old].labels["instance"]
    address = account.instance(old)["PrivateIpAddress"]
    (exporter,) = processes(f"--web.listen-address={address}:")
    os.kill(exporter.pid, signal.SIGKILL)

    def pending() -> set[str | None]:
        alerts = (*account.raised("TargetDown"), *account.raised("NodeDown"))
        return {one.get("instance_id") for one in alerts}

    until("alerts on it and on its job are pending", 30, lambda: pending() == {old, None})
    assert not account.fires("TargetDown")
    assert not account.fires("NodeDown")

    account.client("ec2").terminate_instances(InstanceIds=[old])
    new = _launch(account, name)
    until("the new one is UP", 40, lambda: account.health(new) == "up")
    until("the old one has gone", 30, lambda: account.health(old) is None)
    until("nothing is pending", 30, lambda: not pending())
    assert not account.raised("JobDown")
    assert account.nodes()[new].labels["instance"] == name
    fired = 'ALERTS{alertstate="firing", alertname=~"NodeDown|TargetDown|JobDown|TargetsDropped"}'
    assert account.value(f"count(count_over_time({fired}[1h]))") is None


def test_denied_discovery_keeps_known_hosts_and_catches_up_when_allowed(account: Account) -> None:
    staying, _, leaving = account.outputs["host_ids"]
    iam = account.client("iam")
    user = iam.get_access_key_last_used(AccessKeyId=account.scoped_key()[0])["UserName"]
    (policy,) = iam.list_user_policies(UserName=user)["PolicyNames"]
    document = iam.get_user_policy(UserName=user, PolicyName=policy)["PolicyDocument"]
    known = set(account.nodes())

    iam.delete_user_policy(UserName=user, PolicyName=policy)
    denied = time.time()
    coming = _launch(account, "coming")
    account.client("ec2").terminate_instances(InstanceIds=[leaving])
    until("it is told", 60, lambda: account.fires("PrometheusSDRefreshFailure"))
    until("who has left counts as down", 30, lambda: account.health(leaving) == "down")
    assert set(account.nodes()) == known
    up = f'up{{job="node", instance_id="{staying}"}}[{int(time.time() - denied)}s]'
    assert account.value(f"min_over_time({up})") == 1

    iam.put_user_policy(UserName=user, PolicyName=policy, PolicyDocument=json.dumps(document))
    until("the new host is UP", 40, lambda: account.health(coming) == "up")
    until("the one that left has gone", 30, lambda: account.health(leaving) is None)
    until("it is over", 60, lambda: not account.raised("PrometheusSDRefreshFailure"))


def test_a_deleted_secret_matters_at_the_next_start_only(account: Account) -> None:
    staying, *_ = account.outputs["host_ids"]
    secrets = account.client("secretsmanager")
    arn = account.outputs["credentials_secret_arn"]
    refreshes = 'prometheus_sd_refresh_duration_seconds_count{mechanism="ec2"}'
    failures = 'increase(prometheus_sd_refresh_failures_total{mechanism="ec2"}[5s])'

    secrets.delete_secret(SecretId=arn)
    before = account.value(refreshes) or 0
    until("it goes on", 30, lambda: (account.value(refreshes) or 0) >= before + 5)
    assert account.value(failures) == 0
    assert account.health(staying) == "up"

    account.scale(0)
    account.client("ecs").update_service(
        cluster=account.outputs["cluster_name"],
        service=account.outputs["service_name"],
        desiredCount=1,
    )
    log = account.logs / "sandbox.log"
    why = "ResourceInitializationError: the secret"
    until("no task starts", 30, lambda: log.read_text(encoding="utf-8").count(why) >= 2)
    assert not account.answers()
    secrets.restore_secret(SecretId=arn)
    until("it starts", 60, account.answers)
    until("hosts are UP", 40, lambda: account.health(staying) == "up")


def test_started_while_discovery_is_denied_it_says_that_there_are_no_hosts(
    account: Account,
) -> None:
    """Of its samples it knows that there were some. The last of this file: the key is gone."""
    staying, *_ = account.outputs["host_ids"]
    until("hosts are counted", 30, lambda: account.value('job:up:count{job="node"}'))
    key_id, _ = account.scoped_key()
    iam = account.client("iam")
    user = iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"]
    iam.delete_access_key(UserName=user, AccessKeyId=key_id)
    before = account.prometheus_process().pid
    os.kill(before, signal.SIGKILL)
    until(
        "Prometheus runs again",
        40,
        lambda: account.answers() and account.prometheus_process().pid != before,
    )
    until("it is told", 40, lambda: account.fires("PrometheusNoTargetsDiscovered"))
    assert account.health(staying) is None
