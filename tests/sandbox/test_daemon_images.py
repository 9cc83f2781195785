"""The daemons' images, as far as this machine runs them: their commands, by the real programs."""

from __future__ import annotations

import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from components import assets
from sandbox import binaries
from sandbox.addresses import free_port
from sandbox.products import BinaryError
from sandbox.resources import ImageSource
from sandbox.runtimes import ContainerSpec, ProcessRuntime

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "127.0.0.9"
METRICS = {
    "node_exporter": 'node_filesystem_size_bytes{device="',
    "cadvisor": 'container_cpu_usage_seconds_total{cpu="total",id="/"',
}


@pytest.mark.parametrize("server", METRICS)
def test_it_listens_where_it_is_told_and_measures(server: str, tmp_path: Path) -> None:
    try:
        program = binaries.ensure([server])[server]
    except BinaryError as error:
        pytest.skip(str(error))
    context, port = assets.image_context(server), free_port()
    environment = {
        f"{server.upper()}_LISTEN_HOST": ADDRESS,
        f"{server.upper()}_PORT": str(port),
        "NODE_EXPORTER_ROOT": "/",
    }
    spec = ContainerSpec(
        {"name": server},
        ImageSource(context, context / "Dockerfile", {}),
        environment,
        {},
        tmp_path / "log",
    )
    running = ProcessRuntime([program.parent]).start(spec)
    try:
        url, found = f"http://{ADDRESS}:{port}/metrics", ""
        deadline = time.monotonic() + 60
        while METRICS[server] not in found and time.monotonic() < deadline:
            assert running.exit_code() is None, (tmp_path / "log").read_text()
            with suppress(OSError):
                found = urllib.request.urlopen(url, timeout=5).read().decode()
            time.sleep(0.2)
        assert METRICS[server] in found, (tmp_path / "log").read_text()
    finally:
        running.stop(10)
