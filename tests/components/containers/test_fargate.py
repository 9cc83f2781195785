"""components.containers.fargate: what Fargate offers."""

import pytest

from components.containers import fargate
from tests.components.refusal import problem

# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
# CPU units -> memory in GB.
FARGATE: dict[int, list[float]] = {
    256: [0.5, 1, 2],
    512: [1, 2, 3, 4],
    1024: [2, 3, 4, 5, 6, 7, 8],
    2048: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    4096: [*range(8, 31)],
    8192: [16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60],
    16384: [32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120],
}


def test_the_cpus_are_those_of_aws() -> None:
    assert fargate.MEMORY_MIB.keys() == FARGATE.keys()


@pytest.mark.parametrize("cpu", FARGATE)
def test_fargate_pairs_are_those_of_aws(cpu: int) -> None:
    offered = {int(gb * 1024) for gb in FARGATE[cpu]}
    candidates = {128, 256, 512, 768, *range(1024, 125 * 1024, 512)}
    legal = set()
    for memory in candidates:
        try:
            fargate.memory_fits(memory, cpu)
        except ValueError:
            continue
        legal.add(memory)
    assert legal == offered


def test_an_illegal_fargate_pair_names_the_legal_ones() -> None:
    assert problem(fargate.memory_fits, 4096, 256) == (
        "with 256 CPU units, Fargate offers 512, 1024, 2048 (MiB of memory)"
    )
