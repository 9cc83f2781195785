"""What happens when something breaks while the system runs."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from sandbox import prometheus
from tests.sandbox.command import Account, Deployed, processes, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ALERT_TIMEOUT_S = 60
"""Until an alert is pending. How long it then waits before it fires is for the rules' own tests."""

RESTART_PERIOD_S = 60
"""ECS restarts a container in its task only when it has run this long (`restartAttemptPeriod`)."""


@pytest.fixture(scope="module")
def broken() -> Iterator[Account]:
    """Yield a sandbox of three hosts, one of whose exporters is dead, and whose key is revoked."""
    with Deployed.up("--hosts", "3", "--runtime", "process") as deployed:
        account = Account(deployed)
        address = account.instance(account.outputs["host_ids"][0])["PrivateIpAddress"]
        (exporter,) = processes(f"--web.listen-address={address}:")
        os.kill(exporter.pid, signal.SIGKILL)
        key_id, _ = account.scoped_key()
        iam = account.client("iam")
        user = iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"]
        iam.delete_access_key(UserName=user, AccessKeyId=key_id)
        yield account


def test_host_with_a_dead_exporter_is_down_with_the_reason(broken: Account) -> None:
    dead, *alive = broken.outputs["host_ids"]
    until("the host is DOWN", 30, lambda: broken.health(dead) == "down")
    assert "connection refused" in broken.nodes()[dead].error
    assert [broken.health(identifier) for identifier in alive] == ["up", "up"]


def test_refused_discovery_keeps_the_targets(broken: Account) -> None:
    failures = 'prometheus_sd_refresh_failures_total{mechanism="ec2"}'
    until("refreshes fail", 60, lambda: (broken.value(failures) or 0) >= 2)
    assert set(broken.nodes()) == set(broken.outputs["host_ids"])


def test_both_alerts_are_raised(broken: Account) -> None:
    # The host, and a third of the job's targets.
    (host,) = until("NodeDown", ALERT_TIMEOUT_S, lambda: broken.raised("NodeDown"))
    assert (host["severity"], host["instance"]) == ("warning", "exporter-0")
    (job,) = until("TargetDown", ALERT_TIMEOUT_S, lambda: broken.raised("TargetDown"))
    assert (job["severity"], job["job"], job.get("instance")) == ("warning", "node", None)
    (failing,) = until(
        "PrometheusSDRefreshFailure",
        ALERT_TIMEOUT_S,
        lambda: broken.raised("PrometheusSDRefreshFailure"),
    )
    assert failing["mechanism"] == "ec2"
    assert set(broken.nodes()) == set(broken.outputs["host_ids"])


def test_status_says_what_is_wrong(broken: Account) -> None:
    shown = run("status", "--name", broken.status["name"]).stdout
    assert re.search(r"^node exporter-0 at \S+ is DOWN: .*connection refused$", shown, re.MULTILINE)
    assert "\nDiscovery (ec2) fails: hosts that come or go are not noticed" in shown
    told = json.loads(run("status", "--json", "--name", broken.status["name"]).stdout)["problems"]
    assert len(told) == 2
    assert all(line in shown for line in told)


class _TooMuch(BaseHTTPRequestHandler):
    """Answers like an exporter that has gone wild: 100,000 series."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write("".join(f'wild{{n="{n}"}} 1\n' for n in range(100_000)).encode())

    def log_message(self, *_args: object) -> None:
        pass


def test_a_host_with_too_many_series_is_down_and_prometheus_is_not(broken: Account) -> None:
    """In place of the dead exporter, on its address."""
    dead, *alive = broken.outputs["host_ids"]
    address, port = broken.nodes()[dead].address.split(":")
    before = broken.value("prometheus_tsdb_head_series") or 0
    with ThreadingHTTPServer((address, int(port)), _TooMuch) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        until("it is refused", 30, lambda: "sample limit" in broken.nodes()[dead].error)
        server.shutdown()
    assert broken.health(dead) == "down"
    assert [broken.health(identifier) for identifier in alive] == ["up", "up"]
    after = broken.value("prometheus_tsdb_head_series") or 0
    assert after - before < 20_000  # of 100,000


def test_killed_prometheus_comes_back_with_its_data(broken: Account) -> None:
    uptime = "time() - process_start_time_seconds{job='prometheus'}"
    until(
        "Prometheus has run long enough",
        RESTART_PERIOD_S + 30,
        lambda: (broken.value(uptime) or 0) > RESTART_PERIOD_S + 2,
    )
    killed_at = time.time()
    killed = broken.prometheus_process()
    os.kill(killed.pid, signal.SIGKILL)

    def ready() -> bool:
        try:
            prometheus.targets(broken.url)
        except prometheus.PrometheusError:
            return False
        return True

    until("Prometheus has ended", 10, lambda: not ready())
    until("Prometheus answers again", 60, ready)
    assert broken.prometheus_process().pid != killed.pid
    # The key is revoked, so that it discovers nothing: what is there is from before.
    before = str(killed_at - 30)
    found = prometheus.query(broken.url, "query", query='up{job="node"}', time=before)
    assert {series["metric"]["instance_id"] for series in found["result"]} == set(
        broken.outputs["host_ids"]
    )
