"""A real Prometheus discovers what runs in ECS clusters of the emulated AWS, by its own means."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from components.prometheus.clusters import (
    may_describe_clusters,
    may_describe_interfaces,
    may_read_tasks,
)
from components.prometheus.discovery import may_discover
from sandbox.addresses import free_port
from tests.configuration.test_prometheus_config import ask
from tests.sandbox.cloud import REGION, ZONE, Cloud, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    found = Cloud()
    yield found
    found.stop()


@pytest.fixture
def start(tmp_path: Path, cloud: Cloud) -> Iterator[Any]:
    """Return a function that starts Prometheus, as its container does, with further variables."""
    with contextlib.ExitStack() as stack:
        yield lambda variables: stack.enter_context(Server.up(tmp_path, cloud, variables))


def test_tasks_of_tagged_services_are_scraped_at_every_endpoint(cloud: Cloud, start: Any) -> None:  # noqa: ANN401
    shop, other = cloud.cluster("shop"), cloud.cluster("other")
    first, second, third = free_port(), free_port(), free_port()
    endpoints = f"{first}/metrics {second}/stats {third}"
    cloud.service(shop, "web", "awsvpc", prometheus_metrics=endpoints, prometheus_job="storefront")
    cloud.service(shop, "agent", "host", prometheus_metrics=f"{second}")
    cloud.service(shop, "untagged", "awsvpc", other="8000/metrics")
    cloud.service(shop, "wrong", "awsvpc", prometheus_metrics="http:8000")
    cloud.service(other, "elsewhere", "awsvpc", prometheus_metrics=f"{first}/metrics")
    webs = [cloud.awsvpc_task(shop, "web") for _ in range(2)]
    for web in webs:
        cloud.listen(web.address, first, second, third)
    cloud.awsvpc_task(shop, "web", status="PENDING")
    cloud.awsvpc_task(shop, "untagged")
    cloud.awsvpc_task(shop, "wrong")
    cloud.awsvpc_task(other, "elsewhere")
    (host,) = cloud.group_of_hosts(shop, "hosts-of-shop", 1)
    cloud.listen(host["PrivateIpAddress"], second)
    (agent,) = cloud.host_tasks(shop, "agent")

    server = start(
        {
            "ECS_CLUSTER_MAP": f"shop={shop}",
            **cloud.key(
                may_discover(REGION),
                may_describe_interfaces(REGION),
                may_describe_clusters([shop]),
                may_read_tasks([shop]),
            ),
        }
    )
    found = {it["scrapeUrl"]: it for it in server.until_up(7)}

    def labels(job: str, service: str, task: str) -> dict[str, str]:
        return {
            "job": job,
            "service": service,
            "task": task,
            "cluster": "shop",
            "availability_zone": ZONE,
            "version": f"{service}:1",
        }

    expected = {
        f"http://{web.address}:{port}{path}": labels("storefront", "web", web.id)
        for web in webs
        for port, path in ((first, "/metrics"), (second, "/stats"), (third, "/metrics"))
    }
    address = f"{host['PrivateIpAddress']}:{second}"
    on_host = {"instance_id": host["InstanceId"]}
    expected[f"http://{address}/metrics"] = labels("agent", "agent", agent.id) | on_host
    for url, of_task in expected.items():
        of_task["instance"] = url.split("/")[2]
    assert {url: it["labels"] for url, it in found.items()} == expected
    assert {it["health"] for it in found.values()} == {"up"}, found


def test_hosts_of_clusters_are_found_without_a_tag_of_ones_own(cloud: Cloud, start: Any) -> None:  # noqa: ANN401
    shop, other = cloud.cluster("shop"), cloud.cluster("other")
    node, cadvisor = free_port(), free_port()
    hosts = {
        "shop": cloud.group_of_hosts(shop, "asg-of-shop", 2),
        "other": cloud.group_of_hosts(other, "asg-of-other", 1),
    }
    cloud.group_of_hosts(cloud.cluster("foreign"), "asg-of-nobody", 1)
    every = [host for of_cluster in hosts.values() for host in of_cluster]
    for host in every:
        cloud.listen(host["PrivateIpAddress"], node, cadvisor)
    server = start(
        {
            "CLUSTER_HOSTS_MAP": "shop=asg-of-shop other=asg-of-other",
            "NODE_EXPORTER_PORT": str(node),
            "CADVISOR_PORT": str(cadvisor),
            **cloud.key(may_discover(REGION)),
        }
    )
    found = {it["scrapeUrl"]: it for it in server.until_up(6)}
    assert {url: it["labels"] for url, it in found.items()} == {
        f"http://{host['PrivateIpAddress']}:{port}/metrics": {
            "job": job,
            "cluster": cluster,
            "instance": host["InstanceId"],
            "instance_id": host["InstanceId"],
            "availability_zone": ZONE,
            "instance_type": "t4g.micro",
            "private_ip": host["PrivateIpAddress"],
        }
        for cluster, of_cluster in hosts.items()
        for host in of_cluster
        for job, port in (("node", node), ("cadvisor", cadvisor))
    }
    assert {it["health"] for it in found.values()} == {"up"}, found
    memory = (
        f"container_memory_working_set_bytes{{job='cadvisor',instance='{every[0]['InstanceId']}'}}"
    )
    (sample,) = ask(server.port, f"query?query={memory}")["result"]
    assert sample["value"][1] == "2"
    labels = sample["metric"]
    kept = {"task": "0123", "container": "app", "family": "web", "name": "ecs-web-app"}
    assert kept.items() <= labels.items()
    assert not [name for name in labels if name == "id" or name.startswith("container_label")]
    assert len(ask(server.port, "query?query=machine_cpu_cores{job='cadvisor'}")["result"]) == 3


def test_a_dead_host_is_a_target_that_is_down(cloud: Cloud, start: Any) -> None:  # noqa: ANN401
    cloud.group_of_hosts(cloud.cluster("shop"), "asg-of-shop", 1)
    ports = {"NODE_EXPORTER_PORT": str(free_port()), "CADVISOR_PORT": str(free_port())}
    server = start(
        {"CLUSTER_HOSTS_MAP": "shop=asg-of-shop", **ports, **cloud.key(may_discover(REGION))}
    )
    assert [it["health"] for it in server.until_up(2)] == ["down", "down"]
