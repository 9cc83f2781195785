"""Stack `pizza`: a cluster, its daemons and a service, from the first order to the page."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboards.catalogue import DASHBOARDS
from sandbox import prometheus, show
from sandbox.state import find
from tests.dashboards import test_live as live
from tests.sandbox.command import Account, Deployed, processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboards.model import Dashboard

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="DNS and control groups need root")

OF_CLUSTERS = [it for it in DASHBOARDS if it.uid in live.OF_CLUSTERS]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    given = [f"--config={key}={value}" for key, value in show.CONFIG.items()]
    with Deployed.up("--stack", "pizza", "--runtime", "process", *given) as found:
        yield found


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> Account:
    return Account(deployed)


def pids_of(address: str) -> list[int]:
    """Return the processes that listen at a task's address: gunicorn's own, and its worker."""
    told = f"LISTEN_HOST={address}".encode()
    return [
        it.pid
        for it in processes("gunicorn")
        if told in Path(f"/proc/{it.pid}/environ").read_bytes().split(b"\0")
    ]


def test_tasks_hosts_and_containers_are_found_without_a_word_about_addresses(
    account: Account,
) -> None:
    found = prometheus.targets(account.url)
    jobs = {job: [it for it in found if it.job == job] for job in ("pizza", "node", "cadvisor")}
    assert {job: len(its) for job, its in jobs.items()} == {"pizza": 2, "node": 3, "cadvisor": 3}
    assert {it.health for its in jobs.values() for it in its} == {"up"}
    cluster = account.outputs["services_cluster_name"]
    service = account.outputs["services"]["pizza"]["service_name"]
    for target in jobs["pizza"]:
        assert (target.labels["cluster"], target.labels["service"]) == (cluster, service)
        assert {"task", "availability_zone", "version"} <= target.labels.keys()
    for target in jobs["node"] + jobs["cadvisor"]:
        assert target.labels["cluster"] == cluster
        assert {"instance_id", "availability_zone"} <= target.labels.keys()


def test_what_a_container_takes_is_joined_with_its_service(account: Account) -> None:
    joined = (
        'count(sum by (cluster, task) (container_memory_working_set_bytes{container="svc-pizza"})'
        ' * on (cluster, task) group_left (job) max by (cluster, task, job) (up{job="pizza"}))'
    )
    until("both tasks", 60, lambda: account.value(joined) == 2)


def test_a_task_that_is_killed_comes_back_and_the_graph_shows_it(account: Account) -> None:
    found = [it for it in prometheus.targets(account.url) if it.job == "pizza"]
    before = {it.labels["task"] for it in found}
    for pid in pids_of(found[0].address.rpartition(":")[0]):
        os.kill(pid, signal.SIGKILL)

    def another() -> bool:
        found = [it for it in prometheus.targets(account.url) if it.job == "pizza"]
        tasks = {it.labels["task"] for it in found if it.health == "up"}
        return len(tasks) == len(before) and tasks != before

    until("another task", 90, another)
    assert account.value('count(count by (task) (count_over_time(up{job="pizza"}[10m])))') == 3


def test_orders_failures_the_page_the_repair_and_the_end(
    account: Account, deployed: Deployed
) -> None:
    directory = find(deployed.name)
    told: list[str] = []
    show.play(account.url, directory.notifications, directory.logs, told.append)
    assert told[-1] == "it is over, and they were told"
    assert any("of the pizza orders fail" in line for line in told)


@pytest.mark.parametrize("dashboard", OF_CLUSTERS, ids=lambda it: it.uid)
def test_every_query_has_data_or_says_why_not(account: Account, dashboard: Dashboard) -> None:
    def wrong() -> list[str]:
        return live.problems(account.url, dashboard, live.values(account.url, dashboard))

    try:
        until("data", live.FIRST_DATA_S, lambda: not wrong(), pause_s=2)
    except AssertionError:
        assert wrong() == []
