"""The arguments of a server whose data may be on a volume."""

from typing import Annotated, NotRequired

from components import checks
from components.arguments import Knob, Rule
from components.containers.server import ServerArgs
from components.exporters.instance_types import instance_architecture
from components.storage import rules


class StorageArgs(ServerArgs):
    """Arguments of such a server: where its data is."""

    storage_kind: NotRequired[
        Annotated[
            str,
            Knob("ephemeral", checks.one_of(rules.KINDS)),
            Rule(rules.no_public_address, ("assign_public_ip",)),
        ]
    ]
    """Where the samples are. `ephemeral`: on Fargate, gone with the task. `ebs`: on a volume of
    their own, which outlives task and host, with an EC2 host for each replica; it needs private
    subnets with a NAT gateway."""

    storage_size_gib: NotRequired[Annotated[int, Knob(50, checks.whole(*rules.SIZE_GIB, "GiB"))]]
    """Size of the volume in GiB, 2 to 65536. It can grow while it is in use, never shrink."""

    storage_iops: NotRequired[
        Annotated[
            int, Knob(3_000, checks.whole(*rules.IOPS)), Rule(rules.iops_fit, ("storage_size_gib",))
        ]
    ]
    """IOPS of the volume, 3000 (which cost nothing) to 80000, at most 500 for each GiB."""

    storage_throughput: NotRequired[
        Annotated[
            int,
            Knob(125, checks.whole(*rules.THROUGHPUT_MIB, "MiB/s")),
            Rule(rules.throughput_fits, ("storage_iops",)),
        ]
    ]
    """Throughput of the volume in MiB/s, 125 (which costs nothing) to 2000, at most a quarter of
    its IOPS."""

    storage_instance_type: NotRequired[
        Annotated[
            str,
            Knob("t4g.small", instance_architecture),
            Rule(
                rules.host_fits,
                ("storage_kind", "cpu_architecture", "task_cpu", "task_memory"),
                asks_aws=True,
            ),
        ]
    ]
    """EC2 instance type of the host, of the task's architecture, on the Nitro system. A tenth of
    its memory, 512 MiB at least, is not for the task. Another type replaces the host; with several
    replicas, each gets it when you replace it."""

    storage_snapshot_hour: NotRequired[Annotated[int, Knob(3, checks.whole(0, 23))]]
    """Hour (UTC) of the volume's daily snapshot, 0 to 23."""

    storage_snapshot_retention_days: NotRequired[
        Annotated[int, Knob(7, checks.whole(*rules.RETENTION_DAYS))]
    ]
    """How many daily snapshots are kept, 1 to 1000."""

    storage_restore_snapshot_id: NotRequired[Annotated[str, Knob("", rules.legal_snapshot_id)]]
    """Snapshot to go on from: a volume made of it is used in place of the original one, which
    stays. Empty: the original one. With several replicas, each uses it when you replace its
    host."""

    storage_delete_volumes_on_destroy: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let `pulumi destroy`, another kind of storage, and fewer replicas delete volumes with the
    samples on them. Snapshots stay."""


STORAGE = StorageArgs.__annotations__.keys() - ServerArgs.__annotations__.keys()
"""The keys of these arguments, all of which begin with `storage_`."""
