"""The servers that can have a host name, and how the load balancer treats each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from components.alertmanager import container as alertmanager
from components.grafana import container as grafana
from components.prometheus import container as prometheus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Server(NamedTuple):
    """A server behind the load balancer."""

    health_path: str
    """Answers 200 when it is alive."""

    priority: int
    """Of its listener rule. It never changes: AWS refuses two rules of one priority, even while
    they change places."""

    authenticated: bool
    """Whether the load balancer lets only users through that have logged in."""


SERVERS: Mapping[str, Server] = {
    "prometheus": Server(prometheus.HEALTH_PATH, 10, authenticated=True),
    "alertmanager": Server(alertmanager.HEALTH_PATH, 20, authenticated=True),
    # It has a login of its own, and does not understand the load balancer's.
    # Source: https://github.com/grafana/grafana/issues/8198
    "grafana": Server(grafana.HEALTH_PATH, 30, authenticated=False),
}
"""Stem, which is the first part of the host name, -> server."""


def legal_servers(value: Sequence[str]) -> None:
    """Check which servers get a host name.

    Raises:
        ValueError: with what is expected.
    """
    unknown = [stem for stem in value if stem not in SERVERS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no server of ours: expected some of {_stems()}")
    twice = sorted({stem for stem in value if value.count(stem) > 1})
    if twice:
        raise ValueError(
            f"{', '.join(twice)} is in the list more than once, and a host name leads to one"
            " server; expected each once"
        )


def some_of_the_servers(value: Sequence[str], servers: Sequence[str]) -> None:
    """Check servers that are to be among those with a host name.

    Raises:
        ValueError: with what is expected.
    """
    if not set(value) <= set(servers):
        raise ValueError(f"expected some of servers: {', '.join(servers)}")


def _stems() -> str:
    return ", ".join(SERVERS)
