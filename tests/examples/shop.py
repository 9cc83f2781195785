"""The pizza service as a container runs it, as a process of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from sandbox.addresses import LOOPBACK, free_port
from sandbox.runtimes import parse_dockerfile, to_local
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "pizza_service"
DOCKERFILE = (EXAMPLE / "Dockerfile").read_text(encoding="utf-8")
START_S = 60.0
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Service:
    """One that runs."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def order(self, body: object, headers: Mapping[str, str] | None = None) -> int:
        """Order, and return the status of the answer."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            f"{self.url}/orders", json.dumps(body).encode(), headers
        )
        try:
            with DIRECT.open(request, timeout=START_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def values(self) -> dict[str, float]:
        """Return series -> value, from a scrape; labels as `outcome=created`."""
        with DIRECT.open(f"http://{LOOPBACK}:{self.metrics_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {
            " ".join([sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))]): (
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def command() -> tuple[list[str], dict[str, str]]:
    """Return what the image starts, and its environment, with this machine's paths."""
    image = parse_dockerfile(DOCKERFILE)
    paths = {inside: EXAMPLE / source for inside, source in image.copied.items()}
    environment = {name: to_local(value, paths) for name, value in image.environment.items()}
    words = [*image.entrypoint, *image.command]
    assert words[0] == "python"
    return [sys.executable, *words[1:]], environment


@contextlib.contextmanager
def serving(directory: Path, *before: str, **variables: str) -> Iterator[Service]:
    """Start the service, and stop it in the end.

    Args:
        directory: for its log.
        before: words before the command, such as those that change the user.
        variables: of its environment, besides those of the image.
    """
    ports = free_port(), free_port()
    words, environment = command()
    environment |= {"LISTEN_HOST": LOOPBACK, "PORT": str(ports[0]), "METRICS_PORT": str(ports[1])}
    environment |= {"PATH": os.environ["PATH"], **variables}
    log = directory / "pizza.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*before, *words], env=environment, stdout=file, stderr=file, cwd="/"
        )
    service = Service(process, *ports, log)

    def healthy() -> bool:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        with contextlib.suppress(OSError), DIRECT.open(f"{service.url}/health", timeout=5):
            return True
        return False

    try:
        until("the service", START_S, healthy)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        finally:
            process.kill()
            process.wait()


def load(*arguments: str) -> list[str]:
    """Return the command of the load generator."""
    return [sys.executable, "-m", "examples.pizza_service.load", *arguments]


def loaded(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the load generator to its end."""
    return subprocess.run(
        load(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )


@contextlib.contextmanager
def loading(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the load generator, and stop it in the end."""
    process = subprocess.Popen(
        load(*arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)
