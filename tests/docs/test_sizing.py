"""The table of sizes is what AWS offers, and the pages that speak of sizes agree with it."""

import itertools
import re
from pathlib import Path

import pytest

from components.arguments import declared
from components.containers import fargate
from components.prometheus.prometheus_args import PrometheusServiceArgs
from docs import sizing
from stack_files import stack_file_config

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEFAULTS = {name: argument.default for name, argument in declared(PrometheusServiceArgs).items()}


def is_enough(hosts: int, cpu: int, memory: int) -> bool:
    need = sizing.size(hosts)
    return cpu >= need.vcpus * 1024 and memory >= need.memory_mib


@pytest.mark.parametrize("hosts", sizing.HOSTS)
def test_fargate_offers_what_is_needed(hosts: int) -> None:
    need = sizing.size(hosts)
    fargate.memory_fits(need.task_memory_mib, need.cpu_units)
    assert is_enough(hosts, need.cpu_units, need.task_memory_mib)


def test_more_hosts_need_no_less() -> None:
    needs = [sizing.size(hosts) for hosts in range(1, 2001)]
    for fewer, more in itertools.pairwise(needs):
        assert more.vcpus >= fewer.vcpus
        assert more.memory_mib >= fewer.memory_mib
        assert more.gib >= fewer.gib
        assert more.cpu_units >= fewer.cpu_units


@pytest.mark.parametrize("hosts", sizing.MEASURED)
def test_what_was_measured_fits_twice(hosts: int) -> None:
    found, need = sizing.MEASURED[hosts], sizing.size(hosts)
    assert need.cpu_units / 1024 >= sizing.SAFETY * found.cores[1] * 0.9
    assert need.task_memory_mib >= sizing.SAFETY * found.alive_mib[1] * 0.9


def said(pattern: str) -> list[int]:
    (found,) = re.findall(pattern, " ".join(README.split()))
    return [int(number.replace(",", "")) for number in found]


def test_the_readme_says_how_many_hosts_the_default_is_for() -> None:
    hosts, cpu, memory = said(r"([\d,]+) hosts fit the default task \(`(\d+)` / `(\d+)`\)")
    assert (cpu, memory) == (DEFAULTS["task_cpu"], DEFAULTS["task_memory"])
    assert is_enough(hosts, cpu, memory)
    assert not is_enough(hosts * 3 // 2, cpu, memory), "say that it is enough for more"


def test_the_readme_says_how_many_hosts_prod_is_for() -> None:
    prod = stack_file_config(ROOT / "Pulumi.prod.yaml")["prometheus-aws:prometheus"]
    hosts, cpu, memory = said(r"([\d,]+) the one of `Pulumi.prod.yaml` \(`(\d+)` / `(\d+)`\)")
    assert (cpu, memory) == (prod["taskCpu"], prod["taskMemory"])
    assert is_enough(hosts, cpu, memory)
    assert not is_enough(hosts * 3 // 2, cpu, memory), "say that it is enough for more"


def test_the_default_limits_leave_room_for_the_table() -> None:
    assert max(sizing.HOSTS) <= DEFAULTS["target_limit"]
    a_host = max(max(m.series) / hosts for hosts, m in sizing.MEASURED.items())
    assert 2 * a_host <= DEFAULTS["sample_limit"]
