"""What Prometheus has stored before a benchmark starts: rules look back for up to a day."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.emulated_hosts import name
from sandbox.binaries import ensure

DAY_S = 24 * 3600
STEP_S = 15
"""Scrape and evaluation interval."""

DISKS = {"/": "xfs", "/boot/efi": "vfat"}
"""Mount point -> type, of a host with Amazon Linux 2023 that writes to nothing else."""

FILESYSTEMS = {**DISKS, "/run": "tmpfs"}

LOOKED_BACK = {
    "node_filesystem_readonly": (DAY_S, FILESYSTEMS, 0),
    "instance_mountpoint:node_filesystem_avail:ratio": (DAY_S // 4, DISKS, 0.75),
    "instance_mountpoint:node_filesystem_files_free:ratio": (DAY_S // 4, DISKS, 0.9),
}
"""Series that the shipped rules look back at for more than an hour -> how far, one for each of
which file systems, and what value."""


def write(hosts: int, data: Path) -> None:
    """Write the history that ends now, as blocks, with promtool.

    Needs 2 MB of disk for each host while it runs.

    Args:
        hosts: how many.
        data: where the blocks are to be; made if need be.

    Raises:
        CalledProcessError: promtool fails.
    """
    data.mkdir(exist_ok=True)
    text = data / "history.om"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(_lines(hosts, int(time.time()) // STEP_S * STEP_S))
    # --max-block-duration is hidden; without it, all the text is read again for every two hours.
    subprocess.run(
        [
            *(ensure(["promtool"])["promtool"], "tsdb", "create-blocks-from", "openmetrics"),
            *("--quiet", "--max-block-duration=1d", text, data),
        ],
        check=True,
    )
    text.unlink()


def _lines(hosts: int, end: int) -> Iterator[str]:
    for metric, (seconds, mounts, value) in LOOKED_BACK.items():
        yield f"# TYPE {metric} gauge\n"
        times = [f" {moment}\n" for moment in range(end - seconds, end, STEP_S)]
        for host in range(hosts):
            for mount, kind in mounts.items():
                labels = f'job="node",instance="{name(host)}",mountpoint="{mount}",fstype="{kind}"'
                yield "".join(f"{metric}{{{labels}}} {value}{moment}" for moment in times)
    yield "# EOF\n"
