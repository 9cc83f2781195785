"""A Prometheus under measurement: the image's configuration, but for where the hosts are."""

from __future__ import annotations

import os
import re
import shutil
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from benchmarks.emulated_hosts import name
from sandbox import processes, prometheus
from sandbox.addresses import LOOPBACK, free_port
from sandbox.binaries import ensure
from tests.configuration.rendering import ENTRYPOINT, SOURCE, Entrypoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 30.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """What a server has used until now, and what it holds."""

    moment: float
    """Monotonic seconds."""
    cpu_s: float
    """Seconds of a processor, in user and system mode."""
    memory: Mapping[str, int]
    """Name in /proc/PID/status (VmRSS, RssAnon, VmHWM, ...) -> bytes."""
    metrics: Mapping[str, float]
    """Name of each of its own metrics -> sum of its series."""


class Server:
    """A real Prometheus as a process of its own."""

    def __init__(self, directory: Path, hosts: Sequence[str], *, rules: bool) -> None:
        """Start it.

        Args:
            directory: for all that it writes; `data` in it may have blocks already.
            hosts: addresses and ports of the exporters.
            rules: with the shipped rules?
        """
        source = directory / "source"
        shutil.copytree(SOURCE, source)
        _replace_discovery(source / "scrape.d" / "node.yml", hosts)
        if not rules:
            shutil.rmtree(source / "rules.d")
        self._port = free_port()
        binary = ensure(["prometheus"])["prometheus"]
        environment = Entrypoint(directory, source=source).environment(
            PROMETHEUS_PORT=str(self._port),
            PATH=f"{binary.parent}{os.pathsep}{os.environ['PATH']}",
        )
        self.data = directory / "data"
        self._log = directory / "log"
        self.process = processes.start(
            # For the snapshot. It listens on the loopback interface only.
            ["sh", ENTRYPOINT, "--web.enable-admin-api"],
            log=self._log,
            environment=environment,
            directory=directory,
        )

    def wait_until_ready(self) -> None:
        """Wait until it has read what it has stored.

        Raises:
            RuntimeError: it ends or is not ready within two minutes.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self._ask("/-/ready")
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(
            "Prometheus does not start:\n" + "\n".join(processes.last_lines(self._log))
        )

    def read(self) -> Reading:
        """Return what it has used until now."""
        metrics: dict[str, float] = {}
        for metric, value in _SAMPLE.findall(self._ask("/metrics")):
            metrics[metric] = metrics.get(metric, 0.0) + float(value)
        process = Path("/proc", str(self.process.pid))
        status = re.findall(r"^(\w+):\s+(\d+) kB$", (process / "status").read_text(), re.MULTILINE)
        # After the name, which may hold spaces, the first field is the third of proc(5).
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return Reading(
            moment=time.monotonic(),
            cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND,
            memory={name: int(kib) * 1024 for name, kib in status},
            metrics=metrics,
        )

    def up(self) -> int:
        """Return how many hosts are UP."""
        active = prometheus.targets(f"http://{LOOPBACK}:{self._port}")
        return sum(target.job == "node" and target.health == "up" for target in active)

    def rule_groups(self) -> dict[str, float]:
        """Return rule group -> seconds that its last evaluation took."""
        pattern = r'^prometheus_rule_group_last_duration_seconds\{rule_group=".*;(.*)"\} (\S+)$'
        found = re.findall(pattern, self._ask("/metrics"), re.MULTILINE)
        return {group: float(seconds) for group, seconds in found}

    def snapshot(self) -> Path:
        """Let it write its memory as a block, as it does every two hours; return the block."""
        before = {*self.data.glob("snapshots/*/*")}
        self._ask("/api/v1/admin/tsdb/snapshot", b"")
        taken = {*self.data.glob("snapshots/*/*")} - before
        # Blocks of the history are linked there, too. That of the head is the newest.
        return max(taken, key=lambda block: (block / "meta.json").stat().st_mtime)

    def stop(self) -> None:
        """Stop it."""
        processes.stop([self.process], _STOP_TIMEOUT_S)

    def _ask(self, path: str, body: bytes | None = None) -> str:
        url = f"http://{LOOPBACK}:{self._port}{path}"
        with _DIRECT.open(url, body, timeout=_START_TIMEOUT_S) as answer:
            text: str = answer.read().decode()
        return text


def _replace_discovery(file: Path, hosts: Sequence[str]) -> None:
    """Let the job find the hosts in the file, with the labels that EC2's discovery would give."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    del job["ec2_sd_configs"]
    job["static_configs"] = [
        {
            "targets": [host],
            "labels": {
                "__meta_ec2_instance_id": f"i-{number:017x}",
                "__meta_ec2_availability_zone": f"eu-west-1{'abc'[number % 3]}",
                "__meta_ec2_instance_type": "t4g.small",
                "__meta_ec2_private_ip": host.partition(":")[0],
                "__meta_ec2_tag_Name": name(number),
            },
        }
        for number, host in enumerate(hosts)
    ]
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
