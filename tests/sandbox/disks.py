"""Blocks of samples, and a small disk, for tests of what Prometheus stores."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from sandbox.binaries import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_S = 2 * 3600
"""What Prometheus writes its head to blocks of."""

COMPACTED = 3
"""Blocks that one compaction makes one of. Source: prometheus, cmd/prometheus/main.go:
`ExponentialBlockRanges(..., 3)`."""


class Past(NamedTuple):
    """Blocks with samples of yesterday."""

    samples: int
    end: float
    """After the last sample; Unix time."""

    @property
    def query(self) -> str:
        """Counts all of them, when asked for the time of the end."""
        return "sum(count_over_time(past[1d]))"


def make_past(directory: Path, series: int) -> Past:
    """Write blocks that Prometheus compacts as soon as it sees them.

    Args:
        directory: for the blocks; it does not exist.
        series: in each block, with one sample.
    """
    # One compaction's worth, from where such a range begins; one later block, so that it is over;
    # and the newest one, which the planner leaves out. Source: prometheus, tsdb/compact.go: `plan`.
    range_s = COMPACTED * BLOCK_S
    start = int(time.time() - 86400) // range_s * range_s
    times = [start + number * BLOCK_S for number in range(COMPACTED + 2)]
    text = directory.with_suffix(".txt")
    with text.open("w", encoding="utf-8") as file:
        file.write("# TYPE past gauge\n")
        for number in range(series):
            file.writelines(f'past{{number="{number}"}} 1 {when}\n' for when in times)
        file.write("# EOF\n")
    words = ("tsdb", "create-blocks-from", "openmetrics", "--quiet", text, directory)
    subprocess.run([ensure(["promtool"])["promtool"], *words], check=True)
    return Past(series * len(times), times[-1] + 1)


@contextlib.contextmanager
def small_disk(image: Path, directory: Path, mib: int) -> Iterator[None]:
    """Mount a new file system of this size on a directory."""
    with image.open("wb") as file:
        file.truncate(mib * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


def fill(file: Path) -> None:
    """Write a file until its disk is full."""
    with file.open("wb", buffering=0) as written, contextlib.suppress(OSError):
        while True:
            written.write(os.urandom(4096))
