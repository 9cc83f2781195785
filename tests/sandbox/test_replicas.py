"""Two Prometheus servers and two Alertmanagers, all of them real, and one of the former dies.

The stack is prod, with two replicas. The tests are one story, in this order.
"""

from __future__ import annotations

import os
import re
import signal
import time
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest

from sandbox import prometheus
from sandbox.state import find
from tests.sandbox.alerting import FASTER, SECOND_TURN_S, Alerting, ask, states
from tests.sandbox.command import Account, Deployed, changed_checkout, processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="DNS and mounts of one's own need root")

WAIT_S = 10
"""How long an alert on hosts is pending: time enough to kill a server."""

DEAD_S = 12
"""How long it stays away, at least: several scrapes."""

GROUP_WAIT_S = 6
"""Longer than two servers may disagree, one scrape and one evaluation, as in production."""

SETTLED_S = GROUP_WAIT_S + SECOND_TURN_S
"""After that, whatever was to be told would have been."""

ALERT = "JobDown"


class Pair(NamedTuple):
    """Two replicas of Prometheus, and whom they tell."""

    alerting: Alerting
    urls: tuple[str, str]

    def alert(self, url: str, state: str, name: str = ALERT) -> prometheus.Alert | None:
        """Return an alert as one of the servers has it; None if it is not in that state."""
        try:
            found = prometheus.alerts(url)
        except prometheus.PrometheusError:
            return None
        wanted = (state, name)
        return next((it for it in found if (it.state, it.labels["alertname"]) == wanted), None)

    def signal(self, number: signal.Signals) -> None:
        """Send all exporters a signal."""
        for pid in self.alerting.exporters():
            os.kill(pid, number)

    def scale(self, count: int) -> None:
        """Set the number of tasks of the first one's service."""
        account = self.alerting.account
        cluster, service = account.outputs["cluster_name"], account.outputs["service_name"]
        account.client("ecs").update_service(cluster=cluster, service=service, desiredCount=count)

    def samples(self, url: str, expression: str) -> list[float]:
        """Return when one of the servers has samples of a series, of the last hour."""
        found = prometheus.query(url, "query", query=f"{expression}[1h]")["result"]
        assert len(found) <= 1, found
        return [float(at) for at, _ in found[0]["values"]] if found else []


def found_at(account: Account, name: str) -> str:
    """Return the URL of whom a name leads to; empty while it leads to nobody."""
    discovery = account.client("servicediscovery")
    (service,) = (it for it in discovery.list_services()["Services"] if it["Name"] == name)
    tasks = discovery.list_instances(ServiceId=service["Id"])["Instances"]
    port = urlsplit(account.url).port
    return f"http://{tasks[0]['Attributes']['AWS_INSTANCE_IPV4']}:{port}" if tasks else ""


def answers(url: str) -> bool:
    """Say whether somebody answers there."""
    if not url:
        return False
    try:
        prometheus.query(url, "query", query="1")
    except prometheus.PrometheusError:
        return False
    return True


def seconds(text: str) -> float:
    """Return a time of RFC 3339; Python knows no nanoseconds."""
    return datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text)).timestamp()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    checkout = changed_checkout(tmp_path_factory.mktemp("replicas") / "checkout", FASTER)
    rules = checkout / "docker" / "prometheus" / "rules.d"
    targets = rules / "targets.yml"
    text = targets.read_text(encoding="utf-8")
    targets.write_text(text.replace("for: 2s", f"for: {WAIT_S}s"), encoding="utf-8")
    servers = rules / "prometheus_alerts.yml"
    before, name, after = servers.read_text(encoding="utf-8").partition("PrometheusReplicaDown\n")
    assert "for: 15m" in after
    text = before + name + after.replace("for: 15m", "for: 2s", 1)
    servers.write_text(text, encoding="utf-8")
    changes = {
        "prometheus.replicas": "2",
        "alertmanager.groupWait": f"{GROUP_WAIT_S}s",
        "alertmanager.groupInterval": f"{GROUP_WAIT_S}s",
    }
    given = [f"--config={key}={value}" for key, value in changes.items()]
    up = ("--stack", "prod", "--hosts", "2", "--runtime", "process", *given)
    with Deployed.up(*up, checkout=checkout) as deployed:
        account = Account(deployed)
        second = found_at(account, "prometheus-1")
        yield Pair(Alerting(account, find(deployed.name).notifications), (account.url, second))


def test_both_scrape_everything_and_each_other(pair: Pair) -> None:
    for url in pair.urls:
        until(
            "all is up",
            40,
            lambda url=url: (  # type: ignore[misc] # of this round
                {it.instance for it in prometheus.targets(url) if it.health == "up"}
                >= {"prometheus-0", "prometheus-1"}
            ),
        )
    first, second = (
        {(it.job, it.instance) for it in prometheus.targets(url) if it.health == "up"}
        for url in pair.urls
    )
    assert first == second
    assert len([job for job, _ in first if job == "node"]) == 2
    for of_each in ("prometheus", "configuration"):
        assert {instance for job, instance in first if job == of_each} == {
            "prometheus-0",
            "prometheus-1",
        }
    # Each itself, too, although both are on this machine.
    started = [
        {
            it["metric"]["instance"]: it["value"][1]
            for it in prometheus.query(url, "query", query="process_start_time_seconds")["result"]
            if it["metric"]["job"] == "prometheus"
        }
        for url in pair.urls
    ]
    assert started[0] == started[1]
    assert len(set(started[0].values())) == 2
    assert len(prometheus.alertmanagers(pair.urls[0])) == 2
    assert prometheus.alertmanagers(pair.urls[0]) == prometheus.alertmanagers(pair.urls[1])


def test_one_dies_while_an_alert_is_pending_and_the_page_comes_once_and_in_time(
    pair: Pair,
) -> None:
    pair.signal(signal.SIGSTOP)
    first, second = pair.urls
    for url in pair.urls:
        until("it is pending", 40, lambda url=url: pair.alert(url, "pending"))  # type: ignore[misc]
    pending = pair.alert(second, "pending")
    assert pending
    os.kill(pair.alerting.account.prometheus_process().pid, signal.SIGKILL)
    pair.scale(0)  # nor does it come back
    assert pair.alerting.pages() == []
    until("the page", 40, pair.alerting.pages)
    assert not answers(first)
    (page,) = pair.alerting.told("page")
    (alert,) = page["alerts"]
    assert "replica" not in alert["labels"]
    # In time: it has waited since the outage began, and not since the death.
    firing = pair.alert(second, "firing")
    assert firing
    assert firing.since == pending.since
    assert round(seconds(alert["startsAt"]) - seconds(pending.since), 1) >= WAIT_S
    time.sleep(SETTLED_S)
    assert pair.alerting.pages() == ["firing"]


def test_whoever_is_left_says_that_the_other_is_gone(pair: Pair) -> None:
    found = until(
        "the alert", 60, lambda: pair.alert(pair.urls[1], "firing", "PrometheusReplicaDown")
    )
    assert found.labels["instance"] == "prometheus-0"
    told = until("it is told", 40, lambda: pair.alerting.told("notify"))
    names = {alert["labels"]["alertname"] for it in told for alert in it["alerts"]}
    assert "PrometheusReplicaDown" in names


def test_it_comes_back_and_nothing_ends_that_goes_on(pair: Pair) -> None:
    time.sleep(DEAD_S)
    pair.scale(1)
    until("it answers", 60, lambda: answers(pair.urls[0]))
    until("it has the alert again", 60, lambda: pair.alert(pair.urls[0], "firing"))
    for alertmanager in pair.alerting.alertmanagers():
        assert states(alertmanager) == {"active"}
        (alert,) = (it for it in ask(alertmanager, "alerts") if it["labels"]["alertname"] == ALERT)
        assert "replica" not in alert["labels"]
    time.sleep(SETTLED_S)
    assert pair.alerting.pages() == ["firing"]
    until(
        "nobody misses it",
        60,
        lambda: not pair.alert(pair.urls[1], "firing", "PrometheusReplicaDown"),
    )


def test_the_gap_of_one_is_none_in_the_other(pair: Pair) -> None:
    (host, *_) = sorted(pair.alerting.account.outputs["host_ids"])
    series = f'up{{job="node", instance_id="{host}"}}'
    had, has = (pair.samples(url, series) for url in reversed(pair.urls))
    gaps = list(pairwise(has))  # its samples are on a volume, those before its death too
    died, back = max(gaps, key=lambda gap: gap[1] - gap[0])
    assert back - died > DEAD_S
    meanwhile = [died, *(at for at in had if died < at < back), back]
    interval = float(
        prometheus.query(pair.urls[1], "status/config")["yaml"]
        .partition("scrape_interval: ")[2]
        .partition("s")[0]
    )
    # A busy machine scrapes late: three of its intervals.
    assert max(b - a for a, b in pairwise(meanwhile)) < 3 * interval + 1


def test_the_end_is_told_once(pair: Pair) -> None:
    pair.signal(signal.SIGCONT)
    until("the end", 60, lambda: "resolved" in pair.alerting.pages())
    time.sleep(SETTLED_S)
    assert pair.alerting.pages() == ["firing", "resolved"]


def test_an_update_of_one_after_the_other_stops_one_at_a_time(pair: Pair) -> None:
    """As Pulumi does it: the next one when the one before is healthy."""
    account = pair.alerting.account
    cluster, ecs = account.outputs["cluster_name"], account.client("ecs")
    taken = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    names = ("prometheus", "prometheus-1")
    for name, service in zip(names, account.outputs["service_names"], strict=True):
        (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
        definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])
        same = {k: v for k, v in definition["taskDefinition"].items() if k in taken and v}
        revision = ecs.register_task_definition(**same)["taskDefinition"]["taskDefinitionArn"]
        (old,) = processes(f"--web.listen-address={urlsplit(found_at(account, name)).netloc}")
        ecs.update_service(cluster=cluster, service=service, taskDefinition=revision)

        def replaced(name: str = name, pid: int = old.pid) -> bool:
            assert any(answers(found_at(account, it)) for it in names)
            url = found_at(account, name)
            now = processes(f"--web.listen-address={urlsplit(url).netloc}") if url else []
            return bool(now) and now[0].pid != pid and answers(url)

        until("another task answers", 90, replaced)
    assert pair.alerting.pages() == ["firing", "resolved"]
