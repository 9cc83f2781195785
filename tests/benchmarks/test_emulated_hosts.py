"""The benchmark's hosts answer as a real node_exporter does."""

from __future__ import annotations

import gzip
import http.client
import ipaddress
import re
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.emulated_hosts import FRESH_S, SYSTEMD_UNITS
from benchmarks.sizing import exporters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = 3
COMPRESSED = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with exporters(tmp_path_factory.mktemp("exporters"), HOSTS) as addresses:
        yield addresses


def real(hosts: list[str]) -> str:
    """Return where the node_exporter is that all the hosts stand for."""
    address, _, port = hosts[0].partition(":")
    return f"{ipaddress.IPv4Address(address) - 1}:{port}"


def answer(connection: http.client.HTTPConnection, headers: dict[str, str]) -> bytes:
    connection.request("GET", "/metrics", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    body = response.read()
    return gzip.decompress(body) if response.headers["Content-Encoding"] == "gzip" else body


def ask(host: str, **headers: str) -> str:
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        return answer(connection, headers or COMPRESSED).decode()
    finally:
        connection.close()


def series(text: str) -> set[str]:
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    parsed = [re.fullmatch(r'(\w+(?:\{(?:\w+="[^"]*",?)*\})?) \S+', line) for line in samples]
    assert all(parsed), "a line is no sample"
    return {found[1] for found in parsed if found}


def test_each_host_has_the_series_of_the_real_exporter(hosts: list[str]) -> None:
    expected = series(ask(real(hosts)))
    assert len(expected) > 500
    assert [series(ask(host)) for host in hosts] == [expected] * HOSTS


def test_the_units_of_systemd_are_among_them(hosts: list[str]) -> None:
    found = ask(hosts[0])
    units = sum(SYSTEMD_UNITS.values())
    assert found.count("node_systemd_unit_state{") == 5 * units
    # As the alerts on services expect it.
    assert 'state="active",type="oneshot"} 1' in found
    assert found.count("node_systemd_service_restart_total{") == SYSTEMD_UNITS["service"]
    assert "node_textfile_scrape_error 0" in found


def test_numbers_move(hosts: list[str]) -> None:
    before = ask(hosts[0])
    time.sleep(FRESH_S)
    after = ask(hosts[0])
    moved = {*after.splitlines()} - {*before.splitlines()}
    assert any(line.startswith("node_time_seconds ") for line in moved)
    assert any(line.startswith("node_cpu_seconds_total{") for line in moved)


def test_a_connection_is_kept_and_each_form_is_as_asked_for(hosts: list[str]) -> None:
    connection = http.client.HTTPConnection(hosts[0], timeout=30)
    try:
        compressed = answer(connection, COMPRESSED)
        kept = connection.sock
        plain = answer(connection, {"Accept": COMPRESSED["Accept"], "Accept-Encoding": "identity"})
        assert connection.sock is kept is not None
    finally:
        connection.close()
    assert series(plain.decode()) == series(compressed.decode())


def test_all_that_listens_is_gone_afterwards(tmp_path: Path) -> None:
    with exporters(tmp_path, 1) as (host,):
        assert ask(host)
    with pytest.raises(ConnectionRefusedError):
        ask(host)
