"""What Prometheus needs for 10, 100 and 1,000 hosts, and what the shipped rules cost of it.

`docs/sizing.md` has what came out. All servers run at once, with and without rules side by
side, so that the machine's noise is the same for all.
`python -m benchmarks.sizing --help` has the durations.
"""

if __name__ == "__main__":
    import excepthook  # noqa: F401 - before what may fail

# isort: split

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import emulated_hosts, history
from benchmarks.figure import Figure
from benchmarks.server import Reading, Server
from sandbox import processes
from sandbox.addresses import reserve_vpc_range
from sandbox.binaries import ensure

ROOT = Path(__file__).parent.parent
HOSTS = (10, 100, 1000)
WARM_UP_S = 330.0
"""Most rules look at the last five minutes."""

WINDOW_S = 120.0
_MIB = 2**20
_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}


class Pair(NamedTuple):
    """Two servers with the same hosts."""

    hosts: int
    plain: Server
    ruled: Server


class Written(NamedTuple):
    """The head of a server as a block on disk."""

    samples: int
    chunk_bytes: int
    index_bytes: int


@contextmanager
def exporters(directory: Path, count: int) -> Iterator[list[str]]:
    """Run emulated hosts; give their addresses with port.

    Args:
        directory: for logs and text files.
        count: how many.

    Raises:
        RuntimeError: they do not start.
    """
    vpc = reserve_vpc_range()
    try:
        # Two addresses of the range are not a host's: that of its last is its reservation.
        real, *emulated = emulated_hosts.addresses(vpc.cidr, count + 1)
        texts = directory / "texts"
        texts.mkdir()
        (texts / "systemd.prom").write_text(emulated_hosts.systemd_series(), encoding="utf-8")
        address = f"{real}:{vpc.node_exporter_port}"
        log = directory / "exporters.log"
        running: list[processes.Process] = []
        try:
            running.append(
                processes.start(
                    [
                        ensure(["node_exporter"])["node_exporter"],
                        f"--web.listen-address={address}",
                        f"--collector.textfile.directory={texts}",
                    ],
                    log=directory / "node_exporter.log",
                    environment=_ENVIRONMENT,
                )
            )
            running.append(
                processes.start(
                    [
                        *(sys.executable, "-m", "benchmarks.emulated_hosts"),
                        *(f"http://{address}/metrics", str(vpc.node_exporter_port), *emulated),
                    ],
                    log=log,
                    environment=_ENVIRONMENT,
                    directory=ROOT,
                )
            )
            while "ready" not in processes.last_lines(log):
                if running[1].poll() is not None:
                    raise RuntimeError("\n".join(processes.last_lines(log)))
                time.sleep(0.1)
            yield [f"{host}:{vpc.node_exporter_port}" for host in emulated]
        finally:
            processes.stop(running, 5)
    finally:
        vpc.release()


def _written(block: Path) -> Written:
    stats = json.loads((block / "meta.json").read_text(encoding="utf-8"))["stats"]
    return Written(
        stats["numSamples"],
        sum(chunk.stat().st_size for chunk in (block / "chunks").iterdir()),
        (block / "index").stat().st_size,
    )


def _start(directory: Path, hosts: Sequence[str], started: ExitStack) -> Pair:
    past = directory / "past"
    directory.mkdir()
    history.write(len(hosts), past)
    servers = []
    for name in ("plain", "ruled"):
        (directory / name).mkdir()
        shutil.copytree(past, directory / name / "data", copy_function=os.link)
        server = Server(directory / name, hosts, rules=name == "ruled")
        started.callback(server.stop)
        server.wait_until_ready()
        servers.append(server)
    return Pair(len(hosts), *servers)


def _busy() -> tuple[float, float]:
    """Return the seconds that all processors were busy, and were there, since the start."""
    times = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = times[3] + times[4]
    return sum(times) - idle, sum(times)


def _gains(before: Reading, after: Reading) -> tuple[float, float, float]:
    """Return cores, samples a second, and seconds of rule evaluation a second."""
    seconds = after.moment - before.moment
    samples, rules = (
        (after.metrics.get(metric, 0) - before.metrics.get(metric, 0)) / seconds
        for metric in (
            "prometheus_tsdb_head_samples_appended_total",
            "prometheus_rule_group_duration_seconds_sum",
        )
    )
    return (after.cpu_s - before.cpu_s) / seconds, samples, rules


def _figures(pair: Pair, before: Sequence[Reading], after: Sequence[Reading]) -> Iterator[Figure]:
    (cpu, samples, _), (cpu_ruled, samples_ruled, rules) = map(_gains, before, after)
    series, series_ruled = (reading.metrics["prometheus_tsdb_head_series"] for reading in after)
    hosts = pair.hosts

    def row(what: str, plain: str, ruled: str, note: str = "") -> Figure:
        return Figure(f"{hosts} hosts: {what}", f"{plain} / {ruled}", note)

    yield row("hosts that are UP", *(str(server.up()) for server in (pair.plain, pair.ruled)))
    yield row("series", f"{series:.0f}", f"{series_ruled:.0f}", "without / with the shipped rules")
    yield row("samples a second", f"{samples:.0f}", f"{samples_ruled:.0f}")
    yield row("cores", f"{cpu:.3f}", f"{cpu_ruled:.3f}")
    for title, key in (("resident", "VmRSS"), ("of it anonymous", "RssAnon"), ("peak", "VmHWM")):
        plain, ruled = (reading.memory[key] / _MIB for reading in after)
        yield row(f"memory, {title}, MiB", f"{plain:.0f}", f"{ruled:.0f}")
    plain, ruled = (reading.metrics["go_gc_heap_live_bytes"] / _MIB for reading in after)
    yield row("memory, Go heap that is alive, MiB", f"{plain:.0f}", f"{ruled:.0f}")
    yield Figure(f"{hosts} hosts: seconds of rule evaluation a second", f"{rules:.3f}")
    groups = sorted(pair.ruled.rule_groups().items(), key=lambda item: -item[1])
    for group, seconds in groups[:4]:
        yield Figure(f"{hosts} hosts:   last evaluation of {group}", f"{seconds:.3f} s")
    for what in ("rule_group_iterations_missed", "rule_evaluation_failures"):
        count = after[1].metrics.get(f"prometheus_{what}_total", 0)
        yield Figure(f"{hosts} hosts: {what}", f"{count:.0f}", "0")


def _on_disk(pair: Pair) -> Iterator[Figure]:
    servers = (pair.plain, pair.ruled)
    before = [server.read() for server in servers]
    blocks = [_written(server.snapshot()) for server in servers]
    after = [server.read() for server in servers]
    wal = [
        sum(file.stat().st_size for file in server.data.glob("wal/*") if file.is_file())
        / reading.metrics["prometheus_tsdb_head_samples_appended_total"]
        for server, reading in zip(servers, after, strict=True)
    ]

    def row(what: str, values: Sequence[float], form: str) -> Figure:
        text = " / ".join(format(value, form) for value in values)
        return Figure(f"{pair.hosts} hosts: {what}", text)

    yield row("block, bytes a sample", [b.chunk_bytes / b.samples for b in blocks], ".2f")
    yield row(
        "block's index, bytes a series",
        [
            block.index_bytes / reading.metrics["prometheus_tsdb_head_series"]
            for block, reading in zip(blocks, after, strict=True)
        ],
        ".0f",
    )
    yield row("write-ahead log, bytes a sample", wal, ".2f")
    cpu = [late.cpu_s - early.cpu_s for early, late in zip(before, after, strict=True)]
    yield row("writing the block, s of a processor", cpu, ".1f")
    peak = [reading.memory["VmHWM"] / _MIB for reading in after]
    yield row("memory, peak until then, MiB", peak, ".0f")


def sizing(
    hosts: Sequence[int] = HOSTS, warm_up_s: float = WARM_UP_S, window_s: float = WINDOW_S
) -> list[Figure]:
    """Memory, processor, disk and samples of Prometheus by the number of hosts.

    Args:
        hosts: how many; each number has two servers of its own.
        warm_up_s: seconds before the measurement.
        window_s: seconds of the measurement.
    """
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="prometheus-aws-sizing-") as folder,
        exporters(Path(folder), max(hosts)) as addresses,
        ExitStack() as started,
    ):
        pairs = [_start(Path(folder, str(n)), addresses[:n], started) for n in hosts]
        time.sleep(warm_up_s)
        busy = _busy()
        before = [(pair.plain.read(), pair.ruled.read()) for pair in pairs]
        time.sleep(window_s)
        after = [(pair.plain.read(), pair.ruled.read()) for pair in pairs]
        used, there = (late - early for early, late in zip(busy, _busy(), strict=True))
        figures.append(Figure("processors of this machine that were busy", f"{used / there:.0%}"))
        for pair, early, late in zip(pairs, before, after, strict=True):
            figures += [*_figures(pair, early, late), *_on_disk(pair)]
    return figures


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=HOSTS)
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S, metavar="SECONDS")
    parser.add_argument("--window", type=float, default=WINDOW_S, metavar="SECONDS")
    asked = parser.parse_args()
    for figure in sizing(asked.hosts, asked.warm_up, asked.window):
        print("  ".join(figure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
