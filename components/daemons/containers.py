"""The two daemons, as ECS wants them described."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.containers.definition import NOBODY, Container, container_definition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from components.containers.image import ServerImage
    from components.daemons.cluster_daemons import ClusterDaemonsArgs

READ_ONLY = "ro"
READ_ONLY_AND_FOLLOWING = "ro,rslave"
"""How a directory of the host is mounted; `rslave`: with what the host mounts and unmounts later,
which a container would otherwise hold on to.

ECS has no field for it. Its agent puts `host:container` together from what a mount point says, with
`:ro` behind it where `readOnly` is true, and Docker takes three parts at most: so all modes stand
in `containerPath`, and `readOnly` is false. Sources: `dockerHostBinds` of
https://github.com/aws/amazon-ecs-agent/blob/master/agent/api/task/task.go,
https://github.com/aws/containers-roadmap/issues/362, `ParseMountRaw` of
https://github.com/moby/moby/blob/master/volume/mounts/linux_parser.go
"""

_OPEN_FILES = 4096


@dataclass(frozen=True)
class Daemon:
    """What is particular to one of them."""

    container: Container
    cpu: int
    """CPU units that are kept for it on a host; it may use what is idle."""

    memory_mib: int
    mounts: Mapping[str, tuple[str, str, str]]
    """Volume -> where it is on the host, where in the container, and how it is mounted."""

    linux_parameters: Mapping[str, Any] = field(default_factory=dict)
    host_processes: bool = False
    """Does it see the host's processes?"""

    def definition(self, region: pulumi.Input[str], log_group: pulumi.Input[str]) -> dict[str, Any]:
        """Describe the container: as every server's, but for what it sees of the host."""
        common = container_definition(self.container, self.memory_mib, region, log_group)
        return {
            **common,
            "cpu": self.cpu,
            "linuxParameters": {**common["linuxParameters"], **self.linux_parameters},
            "mountPoints": [
                {"sourceVolume": volume, "containerPath": f"{path}:{mode}", "readOnly": False}
                for volume, (_, path, mode) in self.mounts.items()
            ],
        }

    @property
    def volumes(self) -> Sequence[dict[str, str]]:
        """The task's volumes, as the provider takes them."""
        return [{"name": name, "host_path": host} for name, (host, _, _) in self.mounts.items()]


def node_exporter(args: ClusterDaemonsArgs, image: ServerImage) -> Daemon:
    """Describe node_exporter, which needs no rights: it reads what everybody may read.

    Source: https://github.com/prometheus/node_exporter#docker
    """
    port = args["node_exporter_port"]
    return Daemon(
        Container(
            name="node_exporter",
            image=image,
            user=NOBODY,
            environment={"NODE_EXPORTER_PORT": str(port)},
            ports=[port],
            volumes={},
            health_path="/",
            open_files=_OPEN_FILES,
        ),
        cpu=args["node_exporter_cpu"],
        memory_mib=args["node_exporter_memory"],
        mounts={"root": ("/", "/host", READ_ONLY_AND_FOLLOWING)},
        host_processes=True,
    )


def cadvisor(args: ClusterDaemonsArgs, image: ServerImage) -> Daemon:
    """Describe cAdvisor: root, as Docker's socket and directory are root's.

    Who can send requests by that socket is as good as root on the host, whatever the mount says,
    and the host's network leads to the rights of the host's role (docs/adr/0030).

    It is not privileged, as its documentation proposes: of capabilities it has the one that the
    kernel's log asks for, where it reads which container ran out of memory. The hierarchy of
    control groups is mounted by itself: of the one below /sys, Docker would show a container its
    own part only. Sources: https://github.com/google/cadvisor/blob/master/docs/running.md,
    https://docs.kernel.org/admin-guide/sysctl/kernel.html#dmesg-restrict
    """
    port = args["cadvisor_port"]
    return Daemon(
        Container(
            name="cadvisor",
            image=image,
            user="0:0",
            environment={
                "CADVISOR_PORT": str(port),
                "CADVISOR_HOUSEKEEPING_INTERVAL": args["housekeeping_interval"],
            },
            ports=[port],
            volumes={},
            health_path="/healthz",
            open_files=_OPEN_FILES,
        ),
        cpu=args["cadvisor_cpu"],
        memory_mib=args["cadvisor_memory"],
        mounts={
            "proc": ("/proc", "/rootfs/proc", READ_ONLY),
            "sys": ("/sys", "/sys", READ_ONLY),
            "cgroup": ("/sys/fs/cgroup", "/sys/fs/cgroup", READ_ONLY),
            "docker": ("/var/lib/docker", "/var/lib/docker", READ_ONLY_AND_FOLLOWING),
            "docker-socket": ("/var/run/docker.sock", "/var/run/docker.sock", READ_ONLY),
        },
        linux_parameters={
            "capabilities": {"add": ["SYSLOG"], "drop": ["ALL"]},
            "devices": [
                {"hostPath": "/dev/kmsg", "containerPath": "/dev/kmsg", "permissions": ["read"]}
            ],
        },
    )
