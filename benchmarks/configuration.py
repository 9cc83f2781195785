"""How long a change of configuration takes until it is live, with the default intervals."""

import time
from typing import Any

from benchmarks.demo import POLL_S, SANDBOX, sandbox_command
from benchmarks.figure import Figure, median_and_worst
from components import assets
from components.configuration.archive import pack
from components.configuration.delivery import read_tree
from sandbox import prometheus
from sandbox.emulator import client
from sandbox.state import find

TIME_LIMIT_S = 120.0
ROUNDS = 6
RULE = "groups: [{{name: bench, rules: [{{record: bench, expr: 'vector({})'}}]}}]\n"


def change_to_live() -> list[Figure]:
    """A changed rule, from when the pointer is uploaded until Prometheus has loaded it."""
    live = ("--config", "configuration.delivery=live")
    sandbox_command("up", "--detach", "--hosts", "1", *live)
    try:
        state = find(SANDBOX).read()
        s3, bucket = client("s3", state.variables), state.outputs["configuration_bucket"]
        times = [
            _seconds_until_live(s3, bucket, state.prometheus_url, number)
            for number in range(ROUNDS)
        ]
    finally:
        sandbox_command("down")
    return [
        Figure(
            "change of configuration to live (median, worst)",
            median_and_worst(times),
            "< 60 s (refresh 15 s + reload 10 s + the checks)",
        )
    ]


def _seconds_until_live(s3: Any, bucket: str, url: str, number: int) -> float:  # noqa: ANN401 - boto3's
    files = read_tree(assets.image_context("prometheus"), "**/*.yml")
    archive = pack({**files, "rules.d/bench.yml": RULE.format(number).encode()})
    key = f"prometheus/{archive.version}.tar.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=archive.content)
    s3.put_object(Bucket=bucket, Key="prometheus/current", Body=archive.version.encode())
    started = time.perf_counter()
    while time.perf_counter() - started < TIME_LIMIT_S:
        groups = prometheus.query(url, "rules")["groups"]
        if f"vector({number})" in [rule["query"] for group in groups for rule in group["rules"]]:
            return time.perf_counter() - started
        time.sleep(POLL_S)
    raise RuntimeError(f"a changed rule is not live after {TIME_LIMIT_S:.0f} s")
