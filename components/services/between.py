"""What several services must not have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.arguments import Problem
from components.ingress.servers import SERVERS
from components.prometheus.overlay import package_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def problems_between_services(
    services: Mapping[str, Mapping[str, Any]],
    *,
    domain: str = "",
    servers: Sequence[str] = (),
) -> Iterator[tuple[str, Problem]]:
    """Check services against each other, and against this package's own servers.

    Args:
        services: name of a `MonitoredService` -> its arguments, as far as they are legal.
        domain: of the load balancer, which all of them are behind.
        servers: this package's servers with a host name below it.

    Yields:
        The name of a service, and what is wrong with it.
    """
    jobs = dict.fromkeys(package_jobs(), "this package's own scrape job")
    hosts = {f"{stem}.{domain}": f"the server {stem}" for stem in servers}
    priorities: dict[int, str] = {SERVERS[stem].priority: f"the server {stem}" for stem in servers}
    for name, args in services.items():
        where = f"the service {name}"
        if "job" in args:
            yield from _taken(name, "job", {"job": args["job"] or name}, jobs, where)
        if not args.get("host_name"):
            continue
        yield from _taken(name, "host_name", args, hosts, where)
        if args.get("listener_priority"):
            yield from _taken(name, "listener_priority", args, priorities, where)


def _taken(
    name: str, key: str, args: Mapping[str, Any], takers: dict[Any, str], taker: str
) -> Iterator[tuple[str, Problem]]:
    """Note what a service has of a key, unless somebody else has the same."""
    if key not in args:
        return
    value = args[key]
    if value in takers:
        message = f"{takers[value]} has it already; expected another one"
        yield name, Problem(key, message, value)
    takers.setdefault(value, taker)
