"""What Fargate offers."""

from collections.abc import Mapping, Sequence

CPU_ARCHITECTURES = ("ARM64", "X86_64")

MEMORY_MIB: Mapping[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
"""CPU units -> the memory sizes in MiB that Fargate offers with them.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

MAX_STOP_TIMEOUT_S = 120
"""The most that Fargate lets a container take to end.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

STORAGE_GIB = (21, 200)
"""Least and most ephemeral storage of a task that can be asked for.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
"""


def memory_fits(memory: int, cpu: int) -> None:
    """Check that Fargate offers this memory (MiB) with this CPU (units, 1024 = one vCPU).

    Raises:
        ValueError: with the sizes that Fargate offers.
    """
    sizes = MEMORY_MIB[cpu]
    if memory not in sizes:
        raise ValueError(
            f"with {cpu} CPU units, Fargate offers {', '.join(map(str, sizes))} (MiB of memory)"
        )
