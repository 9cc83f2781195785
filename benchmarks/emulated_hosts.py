"""Many hosts for the price of one: a real node_exporter's answers, under many loopback addresses.

`python -m benchmarks.emulated_hosts URL PORT ADDRESS...` listens on each address, passes what it is
asked on to the node_exporter at URL, and gives an answer to whoever asks the same within a second:
the numbers move as a real host's do, and a thousand hosts cost one scrape a second.
"""

import asyncio
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import islice

FRESH_S = 1.0
"""How long an answer is given again: well below any scrape interval."""

_ASKED = ("Accept", "Accept-Encoding")
"""Headers that decide what an answer looks like."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

SYSTEMD_UNITS = {"service": 60, "socket": 12, "target": 30, "timer": 6, "path": 2}
"""Units that the exporter tells of on a usual host: assumed, as there is no systemd where the
benchmark runs. Ours switches the collector on (userdata/), and it is half of a host's series."""

_OF_A_UNIT = {
    "node_systemd_service_restart_total": ("service", "0"),
    "node_systemd_socket_accepted_connections_total": ("socket", "0"),
    "node_systemd_socket_current_connections": ("socket", "0"),
    "node_systemd_socket_refused_connections_total": ("socket", "0"),
    "node_systemd_timer_last_trigger_seconds": ("timer", "1.7e+09"),
}
"""Metric -> which kind of unit has it, and a value (collector/systemd_linux.go of 1.12.1)."""

_STATES = ("activating", "active", "deactivating", "failed", "inactive")


def addresses(cidr: str, count: int) -> list[str]:
    """Return the first addresses of a range."""
    return [str(address) for address in islice(IPv4Network(cidr).hosts(), count)]


def name(host: int) -> str:
    """Return the name of a host by its number."""
    return f"host-{host:04}"


def systemd_series() -> str:
    """Return what the collector `systemd` exposes, for node_exporter's text file collector."""
    return "\n".join([*_systemd_lines(), ""])


def _systemd_lines() -> Iterator[str]:
    units = {kind: [f"unit-{i}.{kind}" for i in range(n)] for kind, n in SYSTEMD_UNITS.items()}
    yield "# TYPE node_systemd_unit_state gauge"
    for kind, names in units.items():
        for number, unit in enumerate(names):
            type_ = ("simple", "oneshot")[number % 2] if kind == "service" else ""
            for state in _STATES:
                labels = f'name="{unit}",state="{state}",type="{type_}"'
                yield f"node_systemd_unit_state{{{labels}}} {int(state == 'active')}"
    yield "# TYPE node_systemd_units gauge"
    for state in _STATES:
        count = sum(SYSTEMD_UNITS.values()) if state == "active" else 0
        yield f'node_systemd_units{{state="{state}"}} {count}'
    for metric, (kind, value) in _OF_A_UNIT.items():
        yield f"# TYPE {metric} {'counter' if metric.endswith('_total') else 'gauge'}"
        for unit in units[kind]:
            yield f'{metric}{{name="{unit}"}} {value}'


class EmulatedHosts:
    """An HTTP server, as far as Prometheus needs one."""

    def __init__(self, url: str) -> None:
        """Take the URL of a node_exporter's metrics."""
        self._url = url
        self._answers: dict[tuple[str, ...], tuple[float, bytes]] = {}
        self._asking = asyncio.Lock()

    async def answer(self, headers: Mapping[str, str]) -> bytes:
        """Return a whole HTTP answer, no older than `FRESH_S`.

        Args:
            headers: of the request, names in lower case.
        """
        asked = {name: headers.get(name.lower(), "") for name in _ASKED}
        key = tuple(asked.values())
        async with self._asking:
            since, found = self._answers.get(key, (-FRESH_S, b""))
            if time.monotonic() - since >= FRESH_S:
                found = await asyncio.to_thread(self._ask, asked)
                self._answers[key] = (time.monotonic(), found)
        return found

    def _ask(self, asked: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(self._url, headers=dict(asked))  # noqa: S310 - ours
        with _DIRECT.open(request, timeout=10) as answer:
            body: bytes = answer.read()
            kept = [
                f"{name}: {answer.headers[name]}"
                for name in ("Content-Type", "Content-Encoding")
                if name in answer.headers
            ]
        head = ["HTTP/1.1 200 OK", *kept, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(head).encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer all the requests of a connection."""
        try:
            while True:
                _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                fields = [line.partition(":") for line in lines]
                headers = {name.lower(): value.strip() for name, _, value in fields}
                writer.write(await self.answer(headers))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Prometheus has gone, or node_exporter: the host counts as down
        finally:
            writer.close()


async def _run(url: str, port: int, hosts: list[str]) -> None:
    server = await asyncio.start_server(EmulatedHosts(url).serve, hosts, port)
    print("ready", flush=True)  # for whoever started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
