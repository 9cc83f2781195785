"""The measurements; each gives the rows of the table that it is responsible for."""

import json
import re
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mocks.recording import deploy
from sandbox import prometheus
from sandbox.emulator import client
from sandbox.state import find

ROOT = Path(__file__).parent.parent
ROUNDS = 3
SHAPES = ("components", "raw")
TIME_LIMIT_S = 60.0
POLL_S = 0.1
SANDBOX = "benchmark"


class Figure(NamedTuple):
    """A row: what was measured, the value with its unit, and what is wanted, if anything is."""

    what: str
    measured: str
    wanted: str = ""


def _evaluate(shape: str, hosts: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.evaluation", shape, str(hosts)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


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


def run_sandbox(*arguments: str) -> str:
    """Run a command of the sandbox that the measurements share, and return what it prints."""
    command = [sys.executable, "-m", "sandbox", *arguments, "--name", SANDBOX]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _seconds_until_up(url: str, ec2: Any, model: Mapping[str, Any]) -> float:  # noqa: ANN401 - boto3's
    """Run one more instance like `model`; return the time until Prometheus has scraped it."""
    started = time.perf_counter()
    instance = ec2.run_instances(
        MinCount=1,
        MaxCount=1,
        ImageId=model["ImageId"],
        SubnetId=model["SubnetId"],
        SecurityGroupIds=[group["GroupId"] for group in model["SecurityGroups"]],
        TagSpecifications=[{"ResourceType": "instance", "Tags": model["Tags"]}],
    )["Instances"][0]["InstanceId"]
    while time.perf_counter() - started < TIME_LIMIT_S:
        for target in prometheus.targets(url):
            if target.labels.get("instance_id") == instance and target.health == "up":
                return time.perf_counter() - started
        time.sleep(POLL_S)
    raise RuntimeError(f"{instance} is not UP after {TIME_LIMIT_S:.0f} s")


def discovery() -> list[Figure]:
    """Time from the emulator's `RunInstances` to UP, against refresh plus scrape interval."""
    refresh, scrape = 5, 1
    run_sandbox(
        *("up", "--detach", "--hosts", "1"),
        *(
            "--config",
            f"prometheus.discoveryRefreshInterval={refresh}s",
            "--config",
            f"prometheus.scrapeInterval={scrape}s",
        ),
    )
    try:
        state = find(SANDBOX).read()
        ec2 = client("ec2", state.variables)
        (host,) = state.outputs["host_ids"]
        model = ec2.describe_instances(InstanceIds=[host])["Reservations"][0]["Instances"][0]
        times = sorted(
            _seconds_until_up(state.prometheus_url, ec2, model) for _ in range(2 * ROUNDS)
        )
    finally:
        run_sandbox("down")
    # Prometheus hands new targets over every 5 s only (discovery/manager.go, updatert).
    return [
        Figure(
            "RunInstances to UP (median, worst)",
            f"{statistics.median(times):.1f} s, {times[-1]:.1f} s",
            f"refresh {refresh} s + scrape {scrape} s (+ 5 s of Prometheus's own)",
        )
    ]


def warm_demo() -> list[Figure]:
    """Where the seconds of a warm `make demo ONCE=1` go, as its own progress tells."""
    started = time.perf_counter()
    command = ["make", "--no-print-directory", "demo", "ONCE=1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None  # noqa: S101 - for the type checker
        lines = [(time.perf_counter() - started, line.strip()) for line in process.stderr]
    total = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"make demo ONCE=1 ended with exit code {process.returncode}")
    figures = [Figure("warm make demo ONCE=1", f"{total:.1f} s")]
    ends = [moment for moment, _ in lines[1:]] + [total]
    figures += [
        Figure(f"  {line[:60]}", f"{end - moment:.1f} s")
        for (moment, line), end in zip(lines, ends, strict=True)
        if line and end - moment >= POLL_S
    ]
    return figures


def tests() -> list[Figure]:
    """Duration of `make test`, and its ten slowest tests."""
    started = time.perf_counter()
    done = subprocess.run(
        ["make", "test"], cwd=ROOT, check=False, capture_output=True, text=True, errors="replace"
    )
    total = time.perf_counter() - started
    summary = re.findall(r"=+ (.*(?:passed|failed|error).*) =+", done.stdout)
    figures = [Figure("make test", f"{total:.0f} s", "<= 900 s")]
    figures += [Figure("  its own summary", summary[-1])] if summary else []
    for seconds, phase, test in re.findall(r"^([\d.]+)s (\w+)\s+(\S+)", done.stdout, re.MULTILINE):
        figures.append(Figure(f"  {phase} {test.removeprefix('tests/')[:80]}", f"{seconds} s"))
    return figures
