"""Sandboxes through their command line, as a person uses them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox import prometheus
from sandbox.emulator import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_T = TypeVar("_T")

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 150


def run(
    *arguments: str, environment: Mapping[str, str] | None = None, checkout: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=checkout,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )


def copied_checkout(copy: Path) -> Path:
    """Copy what the sandbox and the program consist of, to be changed; return the copy."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs")
    shutil.copytree(ROOT, copy, ignore=lambda *args: ignored(*args) - {".dockerignore"})
    return copy


def changed_checkout(copy: Path, changes: Mapping[str, Sequence[tuple[str, str]]]) -> Path:
    """Copy as `copied_checkout` does, with other text in it; return the copy.

    Args:
        copy: where to.
        changes: file -> what stands there, and what instead.
    """
    copied_checkout(copy)
    for name, pairs in changes.items():
        text = (copy / name).read_text(encoding="utf-8")
        for before, after in pairs:
            assert before in text, (name, before)
            text = text.replace(before, after)
        (copy / name).write_text(text, encoding="utf-8")
    return copy


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a command of the sandbox."""
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(what: str, timeout_s: float, ask: Callable[[], _T | None], *, pause_s: float = 0.2) -> _T:
    """Ask again and again until the answer is true, and return it; fail after a while."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
        time.sleep(pause_s)


@dataclass(frozen=True)
class Process:
    """A process of this machine."""

    pid: int
    command: str
    """All its words, separated by spaces."""


def processes(part: str = "") -> list[Process]:
    """Return the processes whose command line contains a text; one that has ended has none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if command and part in command:
                found.append(Process(int(entry.name), command))
    return found


@dataclass(frozen=True)
class Deployed:
    """A sandbox that is up."""

    name: str

    @classmethod
    @contextlib.contextmanager
    def up(cls, *arguments: str, checkout: Path = ROOT) -> Iterator[Deployed]:
        """Start one, and stop it at the end."""
        name = f"test-{secrets.token_hex(4)}"
        done = run("up", "--detach", "--name", name, *arguments, checkout=checkout)
        assert done.returncode == 0, done.stderr
        try:
            yield cls(name)
        finally:
            stopped = run("down", "--name", name)
            assert stopped.returncode == 0, stopped.stderr

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        done = run("status", "--json", "--name", self.name)
        assert done.returncode == 0, done.stderr
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def environment(self) -> dict[str, str]:
        """Return the variables that `aws` prints."""
        done = run("aws", "--name", self.name)
        assert done.returncode == 0, done.stderr
        return dict(re.findall(r"^export (\w+)=(\S+)$", done.stdout, re.MULTILINE))


class Account:
    """A deployed sandbox's AWS account and Prometheus, asked directly."""

    def __init__(self, deployed: Deployed) -> None:
        self.status = deployed.status()
        self.outputs = self.status["outputs"]
        self.url: str = self.status["urls"]["prometheus"]
        self.logs = Path(self.status["logs"])
        self.environment = deployed.environment()

    def client(self, service: str) -> Any:  # noqa: ANN401 - made at run time
        """Return the administrator's boto3 client."""
        return client(service, self.environment)

    def client_of(self, service: str, access_key_id: str, secret_access_key: str) -> Any:  # noqa: ANN401 - made at run time
        """Return somebody else's boto3 client."""
        key = {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": secret_access_key}
        return client(service, {**self.environment, **key})

    def scoped_key(self) -> tuple[str, str]:
        """Return both halves of Prometheus's access key, from the secret."""
        secret = self.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["credentials_secret_arn"]
        )
        halves = json.loads(secret["SecretString"])
        assert halves.keys() == {"access_key_id", "secret_access_key"}
        return halves["access_key_id"], halves["secret_access_key"]

    def nodes(self) -> dict[str, prometheus.Target]:
        """Return instance id -> target, of the hosts that Prometheus knows."""
        return {
            target.labels["instance_id"]: target
            for target in prometheus.targets(self.url)
            if target.job == "node"
        }

    def health(self, instance_id: str) -> str | None:
        """Return the health of a host; None when Prometheus does not know it."""
        target = self.nodes().get(instance_id)
        return target.health if target else None

    def value(self, expression: str) -> float | None:
        """Return the value of a PromQL expression that has at most one; None when it has none."""
        found = prometheus.query(self.url, "query", query=expression)["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def raised(self, alert: str) -> list[dict[str, Any]]:
        """Return the labels of the alerts of this name that are pending or fire."""
        return [
            found["labels"]
            for found in prometheus.query(self.url, "alerts")["alerts"]
            if found["labels"]["alertname"] == alert
        ]

    def answers(self) -> bool:
        """Say whether Prometheus runs and answers."""
        try:
            return bool(prometheus.targets(self.url))
        except prometheus.PrometheusError:
            return False

    def scale(self, tasks: int) -> None:
        """Let ECS run so many tasks of Prometheus; wait until Prometheus answers, or not."""
        self.client("ecs").update_service(
            cluster=self.outputs["cluster_name"],
            service=self.outputs["service_name"],
            desiredCount=tasks,
        )
        until(f"{tasks} tasks run", 60, lambda: self.answers() == bool(tasks))

    def fires(self, alert: str) -> bool:
        """Say whether an alert of this name fires."""
        return any(
            (found.state, found.labels["alertname"]) == ("firing", alert)
            for found in prometheus.alerts(self.url)
        )

    def launch(self, groups: Sequence[str], **tags: str) -> str:
        """Run an instance like the program's own, with other groups and tags; return its id."""
        model = self.instance(self.outputs["host_ids"][0])
        launched = self.client("ec2").run_instances(
            ImageId=model["ImageId"],
            InstanceType=model["InstanceType"],
            SubnetId=model["SubnetId"],
            SecurityGroupIds=groups,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
        identifier: str = launched["Instances"][0]["InstanceId"]
        return identifier

    def instance(self, instance_id: str) -> dict[str, Any]:
        """Return what EC2 says about an instance."""
        answer = self.client("ec2").describe_instances(InstanceIds=[instance_id])
        described: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
        return described

    def prometheus_process(self) -> Process:
        """Return Prometheus itself."""
        port = self.url.rsplit(":", 1)[1]
        (found,) = processes(f"--web.listen-address=127.0.0.1:{port}")
        return found
