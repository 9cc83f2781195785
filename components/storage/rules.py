"""What a data volume and its host can be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pulumi_aws as aws

from components.exporters.instance_types import instance_architecture

if TYPE_CHECKING:
    import pulumi

KINDS = ("ephemeral", "ebs")

SIZE_GIB = (2, 65_536)
IOPS = (3_000, 80_000)
THROUGHPUT_MIB = (125, 2_000)
"""Least and most of a gp3 volume, as of September 2025. AWS has volumes of 1 GiB, too; there the
share for the samples, in whole GB as Prometheus is told it, would be 0.

Source: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
"""

IOPS_FOR_EACH_GIB = 500
THROUGHPUT_MIB_FOR_EACH_IOPS = 0.25
"""The most, likewise; what is included (3000 IOPS, 125 MiB/s) every size has."""

RETENTION_DAYS = (1, 1_000)
"""Source: https://docs.aws.amazon.com/dlm/latest/APIReference/API_RetainRule.html"""

RESERVED_MIB = 512
RESERVED_SHARE = 0.1
"""Memory of a host that no task may have, whichever is more: what the kernel keeps (an m4.large of
8192 MiB registers 7985), the operating system, Docker and the agent.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html
"""

_SNAPSHOT_ID = re.compile(r"snap-[0-9a-f]{8}(?:[0-9a-f]{9})?", re.ASCII)


def iops_fit(iops: int, size_gib: int) -> None:
    """Check the IOPS of a volume of this size.

    Raises:
        ValueError: with the most that it can have.
    """
    most = max(IOPS[0], size_gib * IOPS_FOR_EACH_GIB)
    if iops > most:
        raise ValueError(
            f"a gp3 volume has {IOPS_FOR_EACH_GIB} IOPS at most for each GiB; expected at most"
            f" {most} with {size_gib} GiB"
        )


def throughput_fits(throughput: int, iops: int) -> None:
    """Check the throughput (MiB/s) of a volume with these IOPS.

    Raises:
        ValueError: with the most that it can have.
    """
    most = int(iops * THROUGHPUT_MIB_FOR_EACH_IOPS)
    if throughput > most:
        raise ValueError(
            f"a gp3 volume has {THROUGHPUT_MIB_FOR_EACH_IOPS} MiB/s at most for each of its IOPS;"
            f" expected at most {most} with {iops} IOPS"
        )


def legal_snapshot_id(value: str) -> None:
    """Check the id of a snapshot; empty means none."""
    if value and not _SNAPSHOT_ID.fullmatch(value):
        raise ValueError("expected the id of a snapshot, such as snap-0123456789abcdef0")


def no_public_address(kind: str, assign_public_ip: bool) -> None:  # noqa: FBT001 - a rule's value
    """Check that the task needs no public address, which it cannot have on a host of one's own.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
    """
    if kind == "ebs" and assign_public_ip:
        raise ValueError(
            "a task on a host has no public address; expected private subnets with a NAT gateway,"
            " and assign_public_ip false"
        )


def host_fits(
    instance_type: str,
    kind: str,
    cpu_architecture: str,
    task_cpu: int,
    task_memory: int,
    invoke: pulumi.InvokeOptions,
) -> None:
    """Check with AWS that a host of this type can run the task and find the volume.

    Args:
        instance_type: EC2 instance type.
        kind: of storage; without a host, nothing is asked.
        cpu_architecture: of the task: `ARM64` or `X86_64`.
        task_cpu: CPU units of the task.
        task_memory: MiB of the task.
        invoke: how to ask AWS.

    Raises:
        ValueError: with all that is wrong.
    """
    if kind != "ebs":
        return
    wrong = []
    architecture = instance_architecture(instance_type)
    if architecture.upper() != cpu_architecture:
        wrong.append(f"it is {architecture}; expected one for the task's {cpu_architecture}")
    found = aws.ec2.get_instance_type(instance_type=instance_type, opts=invoke)
    # Metal has no hypervisor, and its volumes are NVMe devices all the same.
    if found.hypervisor != "nitro" and not found.bare_metal:
        wrong.append("it is not built on the Nitro system, whose devices tell their volume's id")
    memory = found.memory_size - max(RESERVED_MIB, int(found.memory_size * RESERVED_SHARE))
    if task_memory > memory:
        wrong.append(
            f"of its {found.memory_size} MiB, {memory} are for a task; expected a larger type for"
            f" the task's {task_memory} MiB"
        )
    if task_cpu > found.default_vcpus * 1024:
        wrong.append(
            f"it has {found.default_vcpus} vCPUs; expected a larger type for the task's"
            f" {task_cpu} CPU units"
        )
    if wrong:
        raise ValueError("; ".join(wrong))
