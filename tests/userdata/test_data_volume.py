"""userdata/data_volume.sh, executed for real: in a throw-away root, against a real block device.

The volume is a file behind a loop device, which the kernel grows, mounts and fails to read as it
would a disk. What is not there: the host's kernel objects of NVMe devices, which are files of the
throw-away root, and AWS, whose answers come from stand-ins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from components.exporters.user_data import user_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "userdata" / "data_volume.sh"
VOLUME = "vol-0123456789abcdef0"
MIB = 1024 * 1024
SIZE = 400 * MIB
"""The least that mkfs.xfs takes is 300 MiB."""

TOOLS = ("losetup", "mkfs.xfs", "mkfs.ext4", "blkid", "mount")


def _missing() -> str:
    """Say why there can be no block device here; empty if there can."""
    if os.geteuid() != 0:
        return "needs root, to mount a loop device"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    if "\txfs\n" not in Path("/proc/filesystems").read_text():
        return "needs a kernel with XFS"
    found = subprocess.run(["losetup", "--find"], capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else f"no loop device: {found.stderr.strip()}"


MISSING = _missing()

# They record what they are called with in $CALLS.
STAND_INS = {
    # Refuses $REFUSALS times, then puts the device of the file `volume` in its place. Its cluster
    # has the provider of another host first.
    "aws": r"""
if [ "$1 $2" = "ecs describe-clusters" ]; then
    asked=$(wc -l <"$STATE/asked")
    echo >>"$STATE/asked"
    [ "$asked" -lt "${UNKNOWN:-0}" ] && echo prometheus-host-11 && exit
    printf 'prometheus-host-11\tprometheus-host-1\n' && exit
fi
refused=$(wc -l <"$STATE/refusals")
if [ "$refused" -lt "${REFUSALS:-0}" ] || [ -e "$STATE/attached" ]; then
    echo >>"$STATE/refusals"
    echo "An error occurred (VolumeInUse): $6 is already attached" >&2
    exit 254
fi
[ -n "$NEVER_APPEARS" ] || touch "$STATE/attached" && "$STATE/plug"
[ -z "$ANSWER_LOST" ] || { echo "Read timeout on endpoint URL" >&2; exit 254; }
""",
    "curl": r"""
[ -z "$NO_METADATA" ] || exit 28
case $* in
    *"--request PUT"*"ttl-seconds: 300"*"/latest/api/token") printf secret ;;
    *"-token: secret"*/latest/meta-data/instance-id) printf i-0123456789abcdef0 ;;
    *"-token: secret"*/latest/meta-data/placement/region) printf eu-central-1 ;;
    *) exit 22 ;;
esac
""",
    "systemctl": "",
    "logger": "",
    "sleep": "PATH=/usr/bin:/bin; exec sleep 0.05",
    "dnf": 'echo "stand-in: no" >&2; exit 1',
}
PREAMBLE = '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n'


class _Host:
    """A throw-away root, the volume, the stand-ins, and what they recorded."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.data = self.root / "data"
        self.image = directory / "volume"
        self.other = directory / "other"
        self.device = ""
        self.devices: list[str] = []
        self.variables = {
            "VOLUME_ID": VOLUME,
            "ECS_CLUSTER": "prometheus-cluster-1",
            "CAPACITY_PROVIDER": "prometheus-host-1",
            "DATA_DIRECTORY": "prometheus",
            "DATA_OWNER": "65534:65534",
        }
        self.environment = {
            "PATH": f"{directory / 'stand-ins'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(self.root),
            "STATE": str(directory),
            "CALLS": str(directory / "calls"),
            "TIMEOUT": "20",
        }
        for name in ("root/dev", "root/etc", "stand-ins"):
            (directory / name).mkdir(parents=True)
        (self.root / "etc" / "fstab").write_text("UUID=1-2-3 / xfs defaults 0 1\n")
        (directory / "refusals").touch()
        (directory / "asked").touch()
        for name, text in STAND_INS.items():
            self.stand_in(name, text)

    def stand_in(self, name: str, text: str) -> None:
        path = self.directory / "stand-ins" / name
        path.write_text(f"{PREAMBLE}{text}\n")
        path.chmod(0o755)

    def make_volume(self) -> None:
        """Make the volume, which is not attached to the host yet, and another disk, which is.

        The other one comes first, is as large, and as empty.
        """
        other = self._disk(self.other)
        self._nvme("nvme0n1", "vol0000000000000000a", Path(other))
        self.device = self._disk(self.image)
        plug = self.directory / "plug"
        serial = self.root / "sys/block/nvme1n1/device/serial"
        plug.write_text(
            f"#!/bin/sh\n[ -e $STATE/attached ] || exit 0\nmkdir -p {serial.parent}\n"
            f"echo '{VOLUME.replace('-', '')} ' >{serial}\n"
            f"ln -sf {self.device} {self.root}/dev/nvme1n1\n"
        )
        plug.chmod(0o755)

    def _disk(self, image: Path) -> str:
        with image.open("wb") as file:
            file.truncate(SIZE)
        self.devices.append(_output("losetup", "--find", "--show", str(image)))
        return self.devices[-1]

    def _nvme(self, name: str, serial: str, device: Path) -> None:
        file = self.root / "sys/block" / name / "device/serial"
        file.parent.mkdir(parents=True)
        file.write_text(f"{serial}\n")
        (self.root / "dev" / name).symlink_to(device)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the user data as the program renders it."""
        (self.directory / "calls").write_text("")
        rendered = self.directory / "user-data"
        rendered.write_text(user_data(SCRIPT.read_text(), self.variables))
        return subprocess.run(
            ["/bin/bash", rendered],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def succeed(self) -> None:
        result = self.run()
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[-1] == (
            f"{VOLUME} is mounted at /data; the host joins prometheus-cluster-1"
        )
        assert self.other.stat().st_blocks == 0, "the other disk was written to"

    def calls(self, program: str) -> list[str]:
        lines = (self.directory / "calls").read_text().splitlines()
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(program)]

    def file(self, path: str) -> Path:
        return self.root / path

    def content(self) -> tuple[int, int, bytes]:
        """Return what tells whether somebody has written to the disks: sparse files."""
        with self.image.open("rb") as file:
            blocks = [image.stat().st_blocks for image in (self.other, self.image)]
            return blocks[0], blocks[1], file.read(MIB)

    def resize(self, size: int) -> None:
        """Give the volume another size; EC2 enlarges one even while it is in use."""
        os.truncate(self.image, size)
        _output("losetup", "--set-capacity", self.device)

    def new_host(self) -> None:
        """Replace the host: another root, the same volume, which is detached."""
        self.unmount()
        shutil.rmtree(self.root / "sys/block/nvme1n1")
        (self.root / "dev/nvme1n1").unlink()
        (self.directory / "attached").unlink()
        shutil.rmtree(self.root / "etc")
        self.data.rmdir()
        (self.root / "etc").mkdir()
        self.file("etc/fstab").touch()

    def unmount(self) -> None:
        while os.path.ismount(self.data):
            _output("umount", str(self.data))

    def clean_up(self) -> None:
        self.unmount()
        for device in self.devices:
            _output("losetup", "--detach", device)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _size(mounted: Path) -> int:
    found = os.statvfs(mounted)
    return found.f_blocks * found.f_frsize


@pytest.fixture
def host(tmp_path: Path) -> Iterator[_Host]:
    if MISSING:
        pytest.skip(MISSING)
    host = _Host(tmp_path)
    try:
        host.make_volume()
        yield host
    finally:
        host.clean_up()


@pytest.fixture
def failing_run(host: _Host) -> Callable[[], str]:
    """Return a function that runs the script, which must fail, and tells why."""

    def run() -> str:
        before = host.content()
        result = host.run()
        assert result.returncode == 1, result.stdout
        error = result.stderr.splitlines()[-1]
        assert error.startswith("data volume set-up failed: ")
        reason = error.removeprefix("data volume set-up failed: ")
        assert host.calls("logger") == [
            f"--tag data-volume-setup --priority user.err failed: {reason}"
        ]
        # The lock is there, the host is in no cluster, nothing is mounted, nothing was formatted.
        assert (
            "mountpoint" in host.file("etc/systemd/system/ecs.service.d/10-data.conf").read_text()
        )
        assert not host.file("etc/ecs/ecs.config").exists()
        assert not os.path.ismount(host.data)
        assert not (host.data / "prometheus").exists()
        assert host.content() == before
        return reason

    return run


def test_shellcheck() -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shellcheck = shutil.which("shellcheck", path=path)
    assert shellcheck, "shellcheck is in requirements-dev.txt"
    subprocess.run([shellcheck, SCRIPT], check=True)


def test_an_empty_volume_is_attached_formatted_and_mounted(host: _Host) -> None:
    host.succeed()
    (attach,) = host.calls("aws ec2")
    assert attach == (
        f"attach-volume --region eu-central-1 --volume-id {VOLUME}"
        " --instance-id i-0123456789abcdef0 --device /dev/sdf"
    )
    assert _output("findmnt", "--noheadings", "--output", "FSTYPE,SOURCE", str(host.data)) == (
        f"xfs    {host.device}"
    )
    directory = (host.data / "prometheus").stat()
    assert (directory.st_uid, directory.st_gid, directory.st_mode & 0o777) == (65534, 65534, 0o755)
    assert host.data.stat().st_uid == 0
    uuid = _output("blkid", "--match-tag", "UUID", "--output", "value", host.device)
    assert host.file("etc/fstab").read_text() == (
        f"UUID=1-2-3 / xfs defaults 0 1\nUUID={uuid} /data xfs noatime 0 0\n"
    )
    assert host.file("etc/ecs/ecs.config").read_text() == (
        "ECS_CLUSTER=prometheus-cluster-1\nECS_AWSVPC_BLOCK_IMDS=true\n"
    )


def test_the_agent_is_locked_before_anything_else(host: _Host) -> None:
    host.succeed()
    assert host.file("etc/systemd/system/ecs.service.d/10-data.conf").read_text() == (
        "[Service]\nExecStartPre=/usr/bin/mountpoint --quiet /data\n"
    )
    first = (host.directory / "calls").read_text().splitlines()[0]
    assert first == "systemctl daemon-reload"


def test_the_lock_opens_only_where_data_is_mounted(host: _Host) -> None:
    lock = ["mountpoint", "--quiet", str(host.data)]
    host.data.mkdir()
    assert subprocess.run(lock, check=False).returncode != 0
    host.succeed()
    assert subprocess.run(lock, check=False).returncode == 0


def test_data_stays_when_the_host_is_replaced(host: _Host) -> None:
    host.succeed()
    samples = host.data / "prometheus" / "chunks"
    samples.write_text("samples")
    os.chown(samples, 1234, 1234)
    host.new_host()
    host.succeed()
    assert samples.read_text() == "samples"
    assert samples.stat().st_uid == 1234, "only the top directory's owner is set"


def test_second_run_changes_nothing(host: _Host) -> None:
    host.succeed()
    (host.data / "prometheus" / "chunks").write_text("samples")
    fstab = host.file("etc/fstab").read_text()
    host.succeed()
    assert host.calls("aws ec2") == []
    assert host.file("etc/fstab").read_text() == fstab
    assert (host.data / "prometheus" / "chunks").read_text() == "samples"
    assert _output("findmnt", "--noheadings", "--output", "TARGET", str(host.data)) == str(
        host.data
    )


def test_a_volume_that_was_unmounted_is_mounted_again(host: _Host) -> None:
    host.succeed()
    (host.data / "prometheus" / "chunks").write_text("samples")
    host.unmount()
    host.succeed()
    assert (host.data / "prometheus" / "chunks").read_text() == "samples"
    assert host.file("etc/fstab").read_text().count("/data") == 1


def test_a_volume_that_has_grown_since_is_used_to_its_end(host: _Host) -> None:
    host.succeed()
    before = _size(host.data)
    host.new_host()
    host.resize(2 * SIZE)
    host.succeed()
    assert _size(host.data) > before + SIZE * 0.9


def test_growth_while_the_host_runs_is_used_by_the_timers_service(host: _Host) -> None:
    host.succeed()
    before = _size(host.data)
    assert "enable --quiet --now data-grow.timer" in host.calls("systemctl")
    units = host.root / "etc/systemd/system"
    assert "OnUnitActiveSec=5min\n" in (units / "data-grow.timer").read_text()
    host.resize(2 * SIZE)
    service = (units / "data-grow.service").read_text()
    (command,) = [it for it in service.splitlines() if it.startswith("ExecStart=")]
    program, *arguments = command.removeprefix("ExecStart=").split()
    assert program == "/usr/sbin/xfs_growfs"
    for _ in range(2):  # without growth, it is nothing
        subprocess.run(
            [program, *(it.replace("/data", str(host.data)) for it in arguments)],
            check=True,
            capture_output=True,
        )
    assert _size(host.data) > before + SIZE * 0.9


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_units_are_valid_for_systemd(host: _Host) -> None:
    host.succeed()
    units = host.root / "etc/systemd/system"
    result = subprocess.run(
        [
            *("systemd-analyze", "verify", "--man=no"),
            *(units / "data-grow.service", units / "data-grow.timer"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_volume_that_another_host_still_holds_is_waited_for(host: _Host) -> None:
    host.environment["REFUSALS"] = "3"
    host.succeed()
    assert len(host.calls("aws ec2")) == 4
    assert host.calls("sleep")[:3] == ["5", "5", "5"]


def test_a_volume_that_is_never_released_is_a_failure(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    host.environment |= {"REFUSALS": "100000", "TIMEOUT": "1"}
    assert failing_run() == (
        f"cannot attach {VOLUME} to i-0123456789abcdef0 for 1 s: An error occurred (VolumeInUse):"
        f" {VOLUME} is already attached"
    )


def test_a_volume_is_attached_even_if_awss_answer_is_lost(host: _Host) -> None:
    host.environment["ANSWER_LOST"] = "1"
    host.succeed()
    assert len(host.calls("aws ec2")) == 1


def test_a_volume_that_never_appears_is_a_failure(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    host.environment |= {"NEVER_APPEARS": "1", "TIMEOUT": "1"}
    assert failing_run() == (
        f"{VOLUME} is attached, but no NVMe device has its id as serial number"
    )


def test_without_the_hosts_metadata_it_fails(host: _Host, failing_run: Callable[[], str]) -> None:
    host.environment["NO_METADATA"] = "1"
    assert failing_run() == "no answer from the host's metadata service"


@pytest.mark.parametrize("make", [["mkfs.ext4", "-q"], ["mkswap"]])
def test_a_foreign_file_system_is_refused(
    host: _Host, failing_run: Callable[[], str], make: list[str]
) -> None:
    subprocess.run([*make, host.device], check=True, capture_output=True)
    reason = failing_run()
    assert reason.startswith(f"{VOLUME} holds something else than an xfs file system: ")
    assert f"TYPE={make[0].removeprefix('mkfs.').removeprefix('mk')}" in reason


def test_a_partition_table_is_refused(host: _Host, failing_run: Callable[[], str]) -> None:
    table = bytes(446) + bytes.fromhex("00000200 83ffffff 00080000 00000100".replace(" ", ""))
    with Path(host.device).open("r+b") as device:
        device.write(table + bytes(48) + b"\x55\xaa")
    reason = failing_run()
    assert reason.startswith(f"{VOLUME} holds something else than an xfs file system: ")
    assert "PTTYPE=dos" in reason


def test_what_was_never_written_may_read_as_anything(host: _Host) -> None:
    """As on an encrypted volume; the headers of a file system begin where sectors do."""
    with Path(host.device).open("r+b") as device:
        device.seek(32 * MIB)
        device.write(b"anything XFSB" + os.urandom(4096))
    host.succeed()


def test_a_host_joins_only_when_the_cluster_knows_its_provider(
    host: _Host,
) -> None:
    host.environment |= {"UNKNOWN": "100000", "TIMEOUT": "1"}
    done = host.run()
    assert done.returncode == 1
    reason = "prometheus-host-1 is none of prometheus-cluster-1: prometheus-host-11"
    assert reason in done.stderr
    assert not (host.root / "etc" / "ecs" / "ecs.config").exists()
    host.environment["UNKNOWN"] = "3"
    host.succeed()


@pytest.mark.parametrize(
    ("place", "length", "reason"),
    [
        # Some of these blkid does not know as a file system any more.
        (0, 4, f"{VOLUME} holds what is left of a file system: it is not formatted"),
        (100, 64, f"{VOLUME} holds what is left of a file system: it is not formatted"),
        (200, 8, "mount --types xfs"),
    ],
)
def test_a_damaged_file_system_is_not_formatted(
    host: _Host, failing_run: Callable[[], str], place: int, length: int, reason: str
) -> None:
    host.succeed()
    host.new_host()
    with Path(host.device).open("r+b") as device:
        device.seek(place)
        device.write(b"\xff" * length)
    assert reason in failing_run()


def test_a_volume_that_cannot_be_read_is_not_formatted(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    os.truncate(host.image, 0)  # the device stays as large: what is read is an I/O error
    assert failing_run() == f"{VOLUME} cannot be read"


def test_a_volume_too_small_for_the_file_system_is_a_failure(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    host.resize(100 * MIB)
    assert failing_run().endswith('mkfs.xfs -q "$device": exit code 1')


def test_a_volume_smaller_than_its_file_system_is_a_failure(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    """As one that was copied to a smaller one is; nothing makes it fit."""
    host.succeed()
    host.new_host()
    host.resize(SIZE - 50 * MIB)
    assert failing_run().endswith(
        'mount --types xfs --options noatime "$device" "$data": exit code 32'
    )


def test_another_device_at_data_is_a_failure(host: _Host) -> None:
    host.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", host.data], check=True)
    result = host.run()
    assert result.returncode == 1
    assert f"/data is another device than {VOLUME}" in result.stderr
    assert not host.file("etc/ecs/ecs.config").exists()


@pytest.mark.parametrize("name", ["VOLUME_ID", "ECS_CLUSTER", "DATA_DIRECTORY", "DATA_OWNER"])
def test_a_missing_variable_is_named(
    host: _Host, failing_run: Callable[[], str], name: str
) -> None:
    del host.variables[name]
    assert failing_run() == f"the environment variable {name} is missing or empty"


def _without(host: _Host, tool: str) -> None:
    """Take a program away from the host's PATH."""
    programs = host.directory / "programs"
    programs.mkdir()
    for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
        for program in Path(folder).iterdir():
            if program.name != tool and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program)
    host.environment["PATH"] = f"{host.directory / 'stand-ins'}:{programs}"


def test_a_missing_program_is_installed(host: _Host) -> None:
    mkfs = shutil.which("mkfs.xfs")
    _without(host, "mkfs.xfs")
    host.stand_in("dnf", f'ln -s {mkfs} "$STATE/programs/mkfs.xfs"')
    host.succeed()
    assert host.calls("dnf") == ["install --assumeyes --quiet xfsprogs"]


def test_a_program_that_cannot_be_installed_is_a_failure(
    host: _Host, failing_run: Callable[[], str]
) -> None:
    _without(host, "mkfs.xfs")
    assert failing_run() == "cannot install xfsprogs, which has mkfs.xfs: dnf's exit code 1"
