"""How long the program takes to evaluate, and how much it registers."""

import json
import runpy
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.figure import Figure
from mocks.recording import deploy
from stack_files import stack_file_config

ROOT = Path(__file__).parent.parent
ROUNDS = 3
SHAPES = ("components", "raw")
TIME_LIMIT_S = 60.0
STACK = "prod"
"""The stack with everything."""

PIZZA = "pizza"
"""The stack with a service."""

SERVICES = 50

RULE = """groups:
  - name: {name}
    rules:
      - alert: NoTask
        expr: absent(up{{job="{name}"}})
        labels: {{severity: warning}}
        annotations: {{summary: "No task of {name}."}}
"""

_SERVICES = "prometheus-aws:services"


def _measured(module: str, *arguments: object) -> dict[str, float]:
    """Measure in a process of its own, which prints what it measures as JSON."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _evaluate(shape: str, hosts: int) -> dict[str, float]:
    return _measured("evaluation", shape, hosts)


def evaluation() -> list[Figure]:
    """Start-up and evaluation with 1, 100 and 1,000 hosts, components against raw resources."""
    imports: list[float] = []
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for hosts in (1, 100, 1000):
            for shape in SHAPES:
                result = _evaluate(shape, hosts)
                imports.append(result["import"])
                seconds.setdefault((shape, hosts), []).append(result["evaluate"])
    median = {key: statistics.median(values) for key, values in seconds.items()}
    figures = [Figure("start-up: imports", f"{statistics.median(imports):.2f} s")]
    for hosts in (1, 100, 1000):
        components, raw = (median[shape, hosts] for shape in SHAPES)
        figures.append(
            Figure(
                f"evaluation, {hosts} hosts: components / raw",
                f"{components:.2f} s / {raw:.2f} s",
            )
        )
    per_host = [(median[shape, 1000] - median[shape, 1]) / 999 for shape in SHAPES]
    each = " / ".join(f"{host * 1000:.1f} ms" for host in per_host)
    figures.append(
        Figure(
            "cost per host: components / raw",
            f"{per_host[0] / per_host[1]:.2f} ({each})",
            "<= 1.25",
        )
    )
    return figures


def evaluation_of_stack() -> list[Figure]:
    """Evaluation of a whole stack, against the same custom resources without components."""
    found = _side_by_side(ROOT / f"Pulumi.{STACK}.yaml", 2 * ROUNDS)
    return [
        Figure(
            f"evaluation of {STACK} ({found.resources} resources): components / raw", found.ratio
        )
    ]


def evaluation_of_services() -> list[Figure]:
    """Evaluation with `SERVICES` services, each with a rule of its own, against raw resources."""
    with tempfile.TemporaryDirectory() as folder:
        one, many = (
            _side_by_side(stack_of_services(Path(folder), count), ROUNDS) for count in (1, SERVICES)
        )
    each = [
        (more - less) / (SERVICES - 1)
        for more, less in ((many.components, one.components), (many.raw, one.raw))
    ]
    return [
        Figure(
            f"evaluation with {SERVICES} services ({many.resources} resources): components / raw",
            many.ratio,
        ),
        Figure(
            "cost per service: components / raw",
            f"{each[0] / each[1]:.2f} ({' / '.join(f'{it * 1000:.0f} ms' for it in each)})",
            f"{(many.resources - one.resources) / (SERVICES - 1):g} resources each",
        ),
    ]


def stack_of_services(folder: Path, count: int) -> Path:
    """Write a stack's file: that of the pizza service, with more of its kind.

    Args:
        folder: where to, as well as each service's rule.
        count: of services.
    """
    config = stack_file_config(ROOT / f"Pulumi.{PIZZA}.yaml")
    ((_, service),) = config[_SERVICES].items()
    services = {}
    for number in range(1, count + 1):
        name = f"{PIZZA}-{number}"
        rules = folder / name / "prometheus" / "rules.d"
        rules.mkdir(parents=True, exist_ok=True)
        (rules / f"{name}.yml").write_text(RULE.format(name=name), encoding="utf-8")
        services[name] = {**service, "monitoring": str(folder / name)}
    file = folder / f"Pulumi.services-{count}.yaml"
    file.write_text(json.dumps({"config": {**config, _SERVICES: services}}), encoding="utf-8")
    return file


class _SideBySide(NamedTuple):
    """Medians, in seconds."""

    resources: int
    components: float
    raw: float

    @property
    def ratio(self) -> str:
        return f"{self.components / self.raw:.2f} ({self.components:.2f} s / {self.raw:.2f} s)"


def _side_by_side(stack_file: Path, rounds: int) -> _SideBySide:
    """Evaluate the program with a stack's file, and the same custom resources, in turns."""
    seconds: dict[str, list[float]] = {shape: [] for shape in SHAPES}
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded.json"
        counted = _measured("stack", "record", stack_file, recorded)
        for _ in range(rounds):
            for shape in SHAPES:
                seconds[shape].append(_measured("stack", shape, stack_file, recorded)["evaluate"])
    components, raw = (statistics.median(seconds[shape]) for shape in SHAPES)
    return _SideBySide(int(counted["resources"]), components, raw)


def resources_per_host() -> list[Figure]:
    """Resources that one more host registers in the program."""
    counts = [
        len(
            deploy(
                lambda: runpy.run_path(str(ROOT / "__main__.py")),
                config={"prometheus-aws:hosts": json.dumps({"count": hosts})},
            ).resources
        )
        for hosts in (10, 11)
    ]
    return [Figure("resources registered per host", str(counts[1] - counts[0]), "<= 2")]


def largest_program() -> list[Figure]:
    """Hosts that evaluate within a minute: the largest number that was really tried."""
    hosts, best, seconds = 1000, 0, 0.0
    while True:
        evaluated = _evaluate("components", hosts)["evaluate"]
        if evaluated > TIME_LIMIT_S:
            break
        best, seconds = hosts, evaluated
        if evaluated > 0.9 * TIME_LIMIT_S:
            break
        # Aim a little short of the limit: evaluation grows no slower than the hosts do.
        hosts = max(hosts + 500, int(hosts * min(3.0, 0.95 * TIME_LIMIT_S / evaluated)))
    return [Figure("hosts evaluated within 60 s", f"{best} ({seconds:.0f} s)")]
