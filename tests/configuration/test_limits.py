"""A target that answers with too much costs itself, and not Prometheus: with the real one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import yaml

from sandbox.addresses import free_port
from sandbox.binaries import ensure
from tests.configuration.rendering import ENTRYPOINT, SOURCE, Entrypoint
from tests.configuration.test_prometheus_config import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 60.0  # seconds
OWN_SERIES = 3000
"""More than Prometheus has of itself and of healthy targets."""

SERIES = 100_000
ANSWERS = {
    "healthy": b"fine 1\n",
    "samples": b"".join(b"many_%d 1\n" % number for number in range(SERIES)),
    "body": b"".join(b'millions{number="%d"} 1\n' % number for number in range(1_000_000)),
    "labels": b"labels{%s} 1\n" % b",".join(b'l%d="x"' % number for number in range(70)),
    "name": b'name{%s="x"} 1\n' % (b"n" * 2000),
    "value": b'value{a="%s"} 1\n' % (b"v" * 3000),
}
"""What each target exposes."""


class Exporter(BaseHTTPRequestHandler):
    """Answers at `/<name>` with that target's samples."""

    def do_GET(self) -> None:
        body = ANSWERS[self.path[1:]]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # Prometheus has read enough
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def exporter() -> Iterator[str]:
    """Yield the address of a server of all the targets."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Prometheus:
    """The real server, with the image's configuration, but for where the targets are."""

    def __init__(self, directory: Path, exporter: str, **variables: str) -> None:
        source = directory / "source"
        shutil.copytree(SOURCE, source)
        jobs: list[dict[str, Any]] = [
            {
                "job_name": name,
                "metrics_path": f"/{name}",
                "static_configs": [{"targets": [exporter]}],
            }
            for name in ANSWERS
        ]
        # A job of its own: a limit of targets fails all the targets of a job.
        two = [{"targets": [exporter], "labels": {"number": number}} for number in ("1", "2")]
        jobs.append({"job_name": "two", "metrics_path": "/healthy", "static_configs": two})
        (source / "scrape.d" / "node.yml").write_text(
            yaml.safe_dump({"scrape_configs": jobs}), encoding="utf-8"
        )
        self.port = free_port()
        binary = ensure(["prometheus"])["prometheus"]
        environment = Entrypoint(directory, source=source).environment(
            SCRAPE_INTERVAL="3s",
            PROMETHEUS_PORT=str(self.port),
            PATH=f"{binary.parent}{os.pathsep}{os.environ['PATH']}",
            **variables,
        )
        self.process = subprocess.Popen(["sh", str(ENTRYPOINT)], env=environment, cwd=directory)

    def errors(self) -> dict[str, str]:
        """Return job -> error of the last scrape, once each target has been scraped."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            assert self.process.poll() is None, "prometheus has ended: its log is below"
            with contextlib.suppress(OSError):  # it does not listen yet
                targets = ask(self.port, "targets?state=active")["activeTargets"]
                if len(targets) == len(ANSWERS) + 3 and all(
                    target["health"] != "unknown" for target in targets
                ):
                    return {target["labels"]["job"]: target["lastError"] for target in targets}
            assert time.monotonic() < deadline, "not every target is scraped"
            time.sleep(0.2)

    def value(self, expression: str) -> float:
        """Return the one value of an expression, once there is one."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found: list[Any] = ask(self.port, f"query?query={quote(expression)}")["result"]
            if found:
                return float(found[0]["value"][1])
            assert time.monotonic() < deadline, f"no result of {expression}"
            time.sleep(0.2)


@contextlib.contextmanager
def running(directory: Path, exporter: str, **variables: str) -> Iterator[Prometheus]:
    prometheus = Prometheus(directory, exporter, **variables)
    try:
        yield prometheus
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(TIMEOUT)


def test_a_target_beyond_a_limit_is_down_and_costs_no_more(tmp_path: Path, exporter: str) -> None:
    with running(tmp_path, exporter) as prometheus:
        errors = prometheus.errors()
        limit = 10_000
        scrapes = 'sum(prometheus_target_scrapes_exceeded_sample_limit_total{job="prometheus"})'
        prometheus.value(f"{scrapes} >= 2")
        series = prometheus.value("prometheus_tsdb_head_series")
        up = {job: prometheus.value(f'max(up{{job="{job}"}})') for job in errors}
        flags = ask(prometheus.port, "status/flags")
    assert errors.pop("samples") == "sample limit exceeded"
    assert errors.pop("body") == "body size limit exceeded"
    assert "label_limit exceeded" in errors.pop("labels")
    assert "label_name_length_limit exceeded" in errors.pop("name")
    assert "label_value_length_limit exceeded" in errors.pop("value")
    assert errors == {"healthy": "", "prometheus": "", "two": ""}
    assert {job for job, value in up.items() if value} == set(errors)
    # What was read before the limit stays until the head is truncated; scrapes do not add up.
    assert series < limit + OWN_SERIES
    assert (flags["auto-gomemlimit"], flags["auto-gomemlimit.ratio"]) == ("true", "0.9")


def test_it_is_the_limit_that_protects(tmp_path: Path, exporter: str) -> None:
    with running(tmp_path, exporter, SAMPLE_LIMIT="1000000", TARGET_LIMIT="1") as prometheus:
        errors = prometheus.errors()
        series = prometheus.value(f"prometheus_tsdb_head_series > {SERIES}")
        pool = "prometheus_target_scrape_pool_target"
        assert prometheus.value(f"{pool}s > {pool}_limit") == 2
    assert errors["samples"] == ""
    assert series > SERIES
    assert errors["two"] == "target_limit exceeded (number of targets: 2, limit: 1)"
    assert errors["healthy"] == ""
