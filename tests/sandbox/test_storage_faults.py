"""Faults of what Prometheus stores: killed as it writes, no room, a wrong clock (docs/faults.md).

In a checkout in which time runs faster: durations are shorter, and nothing else is changed.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import prometheus
from tests.sandbox.clock import UNSUPPORTED, set_clock
from tests.sandbox.command import Account, Deployed, changed_checkout, until
from tests.sandbox.disks import COMPACTED, fill, make_past, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")

HOUR_S = 3600
OWN = 'up{job="prometheus"}'

FASTER = {
    "docker/prometheus/prometheus.yml": [("evaluation_interval: 15s", "evaluation_interval: 1s")],
    "docker/prometheus/rules.d/node_alerts.yml": [
        ("> 5\n        for: 10m", "> 5\n        for: 2s")
    ],
    "docker/prometheus/rules.d/prometheus_alerts.yml": [
        (
            '(up{job="prometheus"}[5m])\n        for: 10m',
            '(up{job="prometheus"}[5s])\n        for: 2s',
        ),
    ],
    "docker/prometheus/entrypoint.sh": [
        ("exec prometheus", "exec prometheus --storage.tsdb.block-reload-interval=1s")
    ],
    # How long a container must have run to be restarted in its task.
    "components/containers/definition.py": [
        ("RESTART_ATTEMPT_PERIOD_S = 60", "RESTART_ATTEMPT_PERIOD_S = 5")
    ],
}
"""File -> what stands there, and what instead."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return changed_checkout(tmp_path_factory.mktemp("faster") / "checkout", FASTER)


@pytest.fixture(scope="module")
def account(checkout: Path) -> Iterator[Account]:
    with Deployed.up(
        *("--hosts", "1", "--runtime", "process"),
        *("--config", "prometheus.scrapeInterval=1s"),
        checkout=checkout,
    ) as deployed:
        yield Account(deployed)


def _data(account: Account) -> list[Path]:
    """Return where each task keeps its samples."""
    return [*account.logs.with_name("volumes").glob("*/data")]


def _at(account: Account, when: float, expression: str) -> float:
    """Return the value of an expression at a time; 0 when it has none."""
    found = prometheus.query(account.url, "query", query=expression, time=str(when))["result"]
    return float(found[0]["value"][1]) if found else 0.0


def _stored(account: Account, when: float) -> float:
    """Return how many samples Prometheus has of itself, of the minute before."""
    return _at(account, when, f"count_over_time({OWN}[1m])")


def _some(account: Account) -> float:
    """Wait for some samples; return the time of the newest ones."""
    until("there are some samples", 40, lambda: _stored(account, time.time()) >= 5)
    return time.time()


def _restart(account: Account, killed: int) -> None:
    """Kill Prometheus, and wait until ECS has restarted it, with what it had stored."""
    before = _data(account)
    os.kill(killed, signal.SIGKILL)
    until(
        "Prometheus runs again",
        40,
        lambda: account.answers() and account.prometheus_process().pid != killed,
    )
    log = (account.logs / "sandbox.log").read_text(encoding="utf-8")
    assert _data(account) == before, f"another task, which begins with nothing: {log[-2000:]}"


def _assert_undamaged(account: Account) -> None:
    began = time.time()
    corrupted = (
        "prometheus_tsdb_wal_corruptions_total + prometheus_tsdb_mmap_chunk_corruptions_total"
    )
    until("it is scraped", 20, lambda: account.value(f"timestamp({corrupted}) > {began}"))
    assert account.value(corrupted) == 0
    raised = {alert.labels["alertname"] for alert in prometheus.alerts(account.url)}
    assert {name for name in raised if "Corrupted" in name or "Compactions" in name} == set()


def test_the_retention_size_is_what_the_disk_has_room_for(account: Account) -> None:
    ecs = account.client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    disk = definition["ephemeralStorage"]["sizeInGiB"] * 2**30
    until("it is scraped", 20, lambda: account.value("prometheus_tsdb_retention_limit_bytes"))
    share = (account.value("prometheus_tsdb_retention_limit_bytes") or 0) / disk
    assert 0.75 < share <= 0.8


def test_killed_while_it_compacts_nothing_is_lost(account: Account, tmp_path: Path) -> None:
    past = make_past(tmp_path / "blocks", series=20_000)
    (data,) = _data(account)
    pid = account.prometheus_process().pid
    before = _some(account) - 2
    stored = _stored(account, before)
    for block in (tmp_path / "blocks").iterdir():
        shutil.copytree(block, data / f".{block.name}")
        (data / f".{block.name}").rename(data / block.name)

    def half_done() -> list[Path]:
        return [*data.glob("*.tmp-for-creation")]

    def compacted() -> list[Path]:
        return [
            it for it in data.glob("*/meta.json") if f'"level": {COMPACTED - 1}' in it.read_text()
        ]

    until("it compacts", 30, half_done, pause_s=0.001)
    os.kill(pid, signal.SIGSTOP)
    assert half_done()
    assert not compacted()
    _restart(account, pid)
    until("all is there", 20, lambda: _at(account, past.end, past.query) == past.samples)
    until("it has compacted", 30, lambda: compacted() and not half_done())
    assert _at(account, past.end, past.query) == past.samples
    assert _stored(account, before) == stored
    _assert_undamaged(account)


@pytest.fixture
def disk(account: Account, tmp_path: Path) -> Iterator[Path]:
    """Yield where a task's volumes are on a small disk of their own; afterwards they are not."""
    volumes = account.logs.with_name("volumes")
    account.scale(0)
    until("the task's volumes are gone", 20, lambda: not _data(account))
    with small_disk(tmp_path / "disk", volumes, mib=64):
        try:
            yield volumes
        finally:
            account.scale(0)
            until("the task's volumes are gone", 20, lambda: not _data(account))
    account.scale(1)


@NEEDS_ROOT
def test_without_room_what_is_stored_is_kept_and_it_goes_on_when_there_is_some(
    account: Account, disk: Path
) -> None:
    account.scale(1)
    before = _some(account) - 2
    stored = _stored(account, before)
    fill(disk / "ballast")
    until("it is told", 30, lambda: account.fires("PrometheusNotIngestingSamples"))
    assert not account.raised("PrometheusTSDBWALWritesFailing")  # its metric is not stored either
    assert _at(account, time.time(), f"count_over_time({OWN}[3s])") == 0
    assert _stored(account, before) == stored

    (disk / "ballast").unlink()
    until("it is over", 30, lambda: not account.raised("PrometheusNotIngestingSamples"))
    until("what failed is told", 30, lambda: account.fires("PrometheusTSDBWALWritesFailing"))
    # What it could write in part only, the next start finds, and drops all that came after.
    _restart(account, account.prometheus_process().pid)
    until("what is dropped is told", 30, lambda: account.fires("PrometheusTSDBWALCorrupted"))
    assert _stored(account, before) == stored


@NEEDS_ROOT
def test_a_restart_without_room_ends_the_task_and_the_next_one_begins_with_nothing(
    account: Account, checkout: Path, disk: Path
) -> None:
    """Prometheus panics when it replays its log and cannot write a chunk that is full."""
    entrypoint = checkout / "docker" / "prometheus" / "entrypoint.sh"
    text = entrypoint.read_text(encoding="utf-8")
    # Of 120 samples, which take 30 minutes.
    chunks = "exec prometheus --storage.tsdb.samples-per-chunk=5"
    entrypoint.write_text(text.replace("exec prometheus", chunks), encoding="utf-8")
    account.scale(1)
    before = _some(account)
    first = _data(account)
    fill(disk / "ballast")
    os.kill(account.prometheus_process().pid, signal.SIGKILL)
    log = account.logs / "sandbox.log"
    ended = "container prometheus ended with 2"
    until("it cannot start", 30, lambda: ended in log.read_text(encoding="utf-8"))
    entrypoint.write_text(text, encoding="utf-8")
    until("another task runs", 60, lambda: _data(account) not in ([], first) and account.answers())
    logs = "".join(it.read_text(encoding="utf-8") for it in account.logs.glob("*.log"))
    assert "panic: preallocate: no space left on device" in logs
    assert _stored(account, before) == 0


@pytest.mark.skipif(bool(UNSUPPORTED), reason=UNSUPPORTED)
def test_a_clock_that_is_set_back_costs_the_time_until_it_has_caught_up(account: Account) -> None:
    """The last of this file: it leaves samples of the future."""
    pid = account.prometheus_process().pid
    before = _some(account) - 2
    stored = _stored(account, before)
    just_now = f"count_over_time({OWN}[3s])"  # at Prometheus's own time

    set_clock(pid, HOUR_S)
    until("it is told", 40, lambda: account.fires("NodeClockDiffersFromPrometheus"))
    until("it stores", 20, lambda: account.value(just_now))
    assert _stored(account, before) == stored
    assert not account.raised("PrometheusClockSetBack")

    set_clock(pid, 0)
    until("it is told", 20, lambda: account.fires("PrometheusClockSetBack"))
    until("it stores nothing", 20, lambda: account.value(just_now) is None)
    assert _stored(account, before) == stored

    set_clock(pid, HOUR_S + 60)  # the time has come
    until("it stores", 20, lambda: account.value(just_now))
    until("it is over", 20, lambda: not account.raised("PrometheusClockSetBack"))
    assert _stored(account, before) == stored
