"""What Prometheus needs for its hosts, from what `python -m benchmarks --only sizing` measured.

The figures of `MEASURED` are copied from that run's table by hand: whoever measures anew changes
them, and `make docs` does the rest.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from components.containers.fargate import MEMORY_MIB, STORAGE_GIB
from components.prometheus.container import SIZE_RETENTION_SHARE

HOSTS = (10, 50, 100, 250, 500, 1000, 2000)
"""Rows of the table. 2,000 is the default of `prometheus.targetLimit`."""

RETENTION_DAYS = (15, 30, 90)


class Measurement(NamedTuple):
    """One number of hosts, each pair of figures without and with the shipped rules."""

    series: tuple[int, int]
    samples_a_second: tuple[int, int]
    cores: tuple[float, float]
    alive_mib: tuple[int, int]
    """Go's heap that is alive after a collection: what `PrometheusMemoryNearLimit` looks at."""
    resident_mib: tuple[int, int]
    rules_s: float
    """Seconds of rule evaluation a second."""


MEASURED: Mapping[int, Measurement] = {
    10: Measurement((12_754, 13_191), (839, 865), (0.004, 0.006), (29, 32), (83, 103), 0.005),
    100: Measurement(
        (121_114, 124_785), (8_011, 8_221), (0.017, 0.035), (152, 159), (241, 360), 0.059
    ),
    1000: Measurement(
        (1_204_714, 1_236_051),
        (79_636, 82_089),
        (0.175, 0.379),
        (1_483, 1_874),
        (2_062, 3_486),
        2.637,
    ),
}
"""Hosts -> figures."""

BYTES_A_SAMPLE = 2.0
"""In a block of two hours: 1.78 in chunks (10 hosts with rules, 24 minutes), 105 a series in the
index. Prometheus's docs/storage.md says 1 to 2."""

SAFETY = 2
"""Factor on memory and processor: for queries, the block that is written every two hours, the log
that is read at each start, half an hour of samples that the measured memory does not have yet, and
processors other than the measured one. Of the memory that Go may have, half is then in use; the
alert `PrometheusMemoryNearLimit` fires at 80 %."""

GO_SHARE = 0.9
"""Share of the task's memory that Go may have (--auto-gomemlimit)."""

INSTANCES: Mapping[str, tuple[float, int]] = {
    "t4g.small": (0.4, 2),
    "t4g.medium": (0.4, 4),
    "t4g.large": (0.6, 8),
    "m7g.large": (2, 8),
    "r7g.large": (2, 16),
    "r7g.xlarge": (4, 32),
    "r7g.2xlarge": (8, 64),
}
"""EC2 type -> vCPUs that it has all the time (of t4g, the baseline), GiB of memory.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
and https://docs.aws.amazon.com/ec2/latest/instancetypes/mo.html
"""


class Size(NamedTuple):
    """What a number of hosts needs."""

    vcpus: float
    memory_mib: int
    gib: tuple[int, ...]
    """Storage, for each of `RETENTION_DAYS`."""
    cpu_units: int
    task_memory_mib: int
    instance_type: str


def _line(pairs: Mapping[int, float], hosts: int) -> float:
    """Read a value off the line through the least and the most hosts that were measured."""
    low, high = min(pairs), max(pairs)
    slope = (pairs[high] - pairs[low]) / (high - low)
    return pairs[low] + (hosts - low) * slope


def size(hosts: int) -> Size:
    """Return what this many hosts need, with the shipped rules and every 15 seconds."""

    def measured(name: str) -> float:
        return _line({count: getattr(m, name)[1] for count, m in MEASURED.items()}, hosts)

    vcpus = SAFETY * measured("cores")
    memory = SAFETY * measured("alive_mib") / GO_SHARE
    bytes_a_day = measured("samples_a_second") * 86_400 * BYTES_A_SAMPLE
    gib = tuple(
        math.ceil(days * bytes_a_day / SIZE_RETENTION_SHARE / 2**30) for days in RETENTION_DAYS
    )
    cpu_units, task_memory = next(
        (cpu, mib)
        for cpu, sizes in MEMORY_MIB.items()
        for mib in sizes
        if cpu >= vcpus * 1024 and mib >= memory
    )
    instance = next(
        name
        for name, (cores, total) in INSTANCES.items()
        if cores >= vcpus and total * 1024 - max(512, total * 1024 / 10) >= task_memory
    )
    return Size(vcpus, round(memory), gib, cpu_units, task_memory, instance)


def _storage(gib: int) -> str:
    least, most = STORAGE_GIB
    return f"{gib}, EBS" if gib > most else str(max(least, gib))


def tables() -> str:
    """The tables of `docs/sizing.md`."""
    return "\n".join([*_needed(), "", *_measured()])


def _needed() -> Iterator[str]:
    days = " | ".join(f"`storageGib` for {days} days" for days in RETENTION_DAYS)
    yield f"| hosts | vCPU | memory, MiB | `taskCpu` / `taskMemory` | {days} | EC2 type with EBS |"
    yield "| ---: " * (5 + len(RETENTION_DAYS)) + "|"
    for hosts in HOSTS:
        need = size(hosts)
        cells = [
            f"{hosts:,}",
            f"{need.vcpus:.2f}",
            f"{need.memory_mib:,}",
            f"{need.cpu_units} / {need.task_memory_mib}",
            *map(_storage, need.gib),
            need.instance_type,
        ]
        yield f"| {' | '.join(cells)} |"


def _measured() -> Iterator[str]:
    titles = ["series", "samples a second", "cores", "heap alive, MiB", "resident, MiB"]
    yield f"| hosts | {' | '.join(titles)} | rule evaluation, s a second |"
    yield "| ---: " * (2 + len(titles)) + "|"
    for hosts, found in MEASURED.items():
        pairs = [found.series, found.samples_a_second, found.cores]
        cells = [f"{a:,} / {b:,}" for a, b in [*pairs, found.alive_mib, found.resident_mib]]
        yield f"| {hosts:,} | {' | '.join(cells)} | {found.rules_s:.3f} |"
