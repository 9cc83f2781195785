"""What the demo tells to look at and to try."""

import urllib.parse
from collections.abc import Mapping, Sequence

from sandbox.prometheus import Target

QUERIES: Mapping[str, str] = {
    "who is up": "up",
    "CPU of hosts": "instance:node_cpu_utilisation:rate5m",
    "samples/s": "sum(rate(prometheus_tsdb_head_samples_appended_total[1m]))",
}
"""What is worth seeing as a graph: a title and PromQL for each."""


def pages(url: str, queries: Mapping[str, str] = QUERIES) -> str:
    """Return lines with Prometheus's web pages that are worth opening.

    Args:
        url: of Prometheus.
        queries: what to draw, see `QUERIES`.
    """
    found = {"Targets": f"{url}/targets", "Alerts": f"{url}/alerts"}
    for title, expression in queries.items():
        parameters = {"g0.expr": expression, "g0.tab": "graph", "g0.range_input": "5m"}
        encoded = urllib.parse.urlencode(parameters, safe=":")
        found[f"Graph: {title}"] = f"{url}/query?{encoded}"
    return "\n".join(f"  {title + ':':<24} {page}" for title, page in found.items())


def broken_host(url: str, targets: Sequence[Target], pids: Mapping[str, int]) -> str:
    """Return lines that say how to break a host, what is then seen, and how to repair it.

    Args:
        url: of Prometheus.
        targets: of it.
        pids: of the exporters, by their instance's id.
    """
    for target in targets:
        if pid := pids.get(target.labels.get("instance_id", "")):
            return (
                f"Let {target.instance} hang:  kill -STOP {pid}\n"
                "  In half a minute it is DOWN, and the alert NodeDown is pending; once that\n"
                f"  has lasted 10 minutes, it fires: {url}/alerts?search=NodeDown\n"
                f"And bring it back:    kill -CONT {pid}"
            )
    return ""
