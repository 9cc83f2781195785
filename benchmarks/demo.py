"""The sandbox: how soon a new host is scraped, and where the seconds of a demo go."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, median_and_worst
from sandbox import prometheus
from sandbox.emulator import client
from sandbox.state import find

ROOT = Path(__file__).parent.parent
HOSTS = 6
TIME_LIMIT_S = 60.0
POLL_S = 0.1
SANDBOX = "benchmark"


def sandbox_command(*arguments: str) -> str:
    """Run a command of the benchmarks' sandbox, and return what it prints."""
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
    sandbox_command(
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
        times = [_seconds_until_up(state.prometheus_url, ec2, model) for _ in range(HOSTS)]
    finally:
        sandbox_command("down")
    # Prometheus hands new targets over every 5 s only (discovery/manager.go, updatert).
    return [
        Figure(
            "RunInstances to UP (median, worst)",
            median_and_worst(times),
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
