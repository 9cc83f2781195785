"""A real Prometheus finds the tasks of services by its own discovery, role ecs."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sandbox import processes, prometheus
from sandbox.addresses import LOOPBACK, free_port
from sandbox.binaries import ensure
from tests.sandbox.clusters import (
    ON_HOSTS,
    PORT,
    TIMEOUT_S,
    Playground,
    add_hosts,
    address,
    hosts,
    playground,
)
from tests.sandbox.command import until

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIGURATION = """
scrape_configs:
  - job_name: tasks
    scrape_interval: 1s
    aws_sd_configs:
      - role: ecs
        region: eu-west-1
        port: {port}
        clusters: ["{cluster}"]
        refresh_interval: 1s
    relabel_configs:
      - source_labels: [__meta_ecs_tag_service_metrics]
        regex: "yes"
        action: keep
      - source_labels: [__meta_ecs_service]
        target_label: service
      - source_labels: [__meta_ecs_task_arn]
        regex: .*/(.+)
        target_label: task
      - source_labels: [__meta_ecs_cluster]
        target_label: cluster
      - source_labels: [__meta_ecs_availability_zone]
        target_label: availability_zone
      - source_labels: [__meta_ecs_task_definition]
        regex: .*/(.+)
        target_label: version
      - source_labels: [__meta_ecs_launch_type]
        target_label: launch_type
      - source_labels: [__meta_ecs_ec2_instance_id]
        target_label: instance_id
"""


class Watched(NamedTuple):
    """A cluster, and a Prometheus that watches it."""

    made: Playground
    url: str

    def up(self, service: str) -> list[prometheus.Target]:
        """Return the targets of a service that are UP, by address."""
        found = [
            it
            for it in prometheus.targets(self.url)
            if it.health == "up" and it.labels["service"] == service
        ]
        return sorted(found, key=lambda it: it.address)

    def agrees(self, service: str, count: int) -> bool:
        """Say whether what is UP is what ECS says that runs."""
        tasks = {it["taskArn"].rpartition("/")[2] for it in self.made.tasks(service)}
        found = {target.labels["task"] for target in self.up(service)}
        return len(tasks) == count == self.made.service(service)["runningCount"] and found == tasks


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    with playground(directory) as made:
        tags = [{"key": "metrics", "value": "yes"}]
        made.serve("web", made.revision(), desiredCount=2, tags=tags)
        made.serve("untagged", made.revision("untagged"), desiredCount=1)
        add_hosts(made, 2)
        made.serve("hosted", made.revision("hosted"), desiredCount=2, tags=tags, **ON_HOSTS)
        daemon = made.revision("daemon", "host", PORT="8000")
        made.serve("daemon", daemon, schedulingStrategy="DAEMON", launchType="EC2", tags=tags)
        configuration = directory / "prometheus.yml"
        text = _CONFIGURATION.format(port=PORT, cluster=made.cluster)
        configuration.write_text(text, encoding="utf-8")
        port = free_port()
        server = processes.start(
            [
                ensure(["prometheus"])["prometheus"],
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={LOOPBACK}:{port}",
            ],
            log=directory / "prometheus.log",
            environment={"PATH": os.defpath, **made.account.emulator.environment},
        )
        url = f"http://{LOOPBACK}:{port}"
        try:
            until("it answers", TIMEOUT_S, lambda: _answers(url))
            yield Watched(made, url)
        finally:
            processes.stop([server], 10)


def _answers(url: str) -> bool:
    try:
        prometheus.targets(url)
    except prometheus.PrometheusError:
        return False
    return True


def test_each_task_is_a_target_at_an_address_of_its_own(watched: Watched) -> None:
    until("both are UP", TIMEOUT_S, lambda: watched.agrees("web", 2))
    first, second = watched.up("web")
    assert {first.address, second.address} == {
        f"{address(task)}:{PORT}" for task in watched.made.tasks("web")
    }
    assert {first.zone, second.zone} == {"eu-west-1a", "eu-west-1b"}
    for target in (first, second):
        assert target.labels["cluster"] == "tried"
        assert target.labels["version"] == "web:1"
        assert target.labels["launch_type"] == "FARGATE"
    assert not watched.up("untagged")


def test_tasks_on_hosts_say_which(watched: Watched) -> None:
    until("both are UP", TIMEOUT_S, lambda: watched.agrees("hosted", 2))
    instances = {it["ec2InstanceId"] for it in hosts(watched.made)}
    assert {it.labels["instance_id"] for it in watched.up("hosted")} == instances
    assert {it.labels["launch_type"] for it in watched.up("hosted")} == {"EC2"}


def test_a_daemon_is_at_its_hosts_address(watched: Watched) -> None:
    until("both are UP", TIMEOUT_S, lambda: watched.agrees("daemon", 2))
    ids = [it["ec2InstanceId"] for it in hosts(watched.made)]
    reservations = watched.made.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    addresses = {it["PrivateIpAddress"] for each in reservations for it in each["Instances"]}
    assert {it.address.partition(":")[0] for it in watched.up("daemon")} == addresses


def test_up_and_down(watched: Watched) -> None:
    watched.made.update("web", desiredCount=4)
    until("four are UP", TIMEOUT_S, lambda: watched.agrees("web", 4))
    assert len({it.address for it in watched.up("web")}) == 4
    watched.made.update("web", desiredCount=2)
    until("two are left", TIMEOUT_S, lambda: watched.agrees("web", 2))


def test_a_killed_task_is_replaced_by_another_one(watched: Watched) -> None:
    killed, other = watched.up("web")
    (task,) = (it for it in watched.made.tasks("web") if address(it) in killed.address)
    os.kill(watched.made.pid(task), signal.SIGKILL)
    before = killed.labels["task"]
    until(
        "another one is UP",
        TIMEOUT_S,
        lambda: (
            watched.agrees("web", 2)
            and before not in {it.labels["task"] for it in watched.up("web")}
        ),
    )
    assert other.labels["task"] in {it.labels["task"] for it in watched.up("web")}
    (stopped,) = (
        it for it in watched.made.tasks("web", desiredStatus="STOPPED") if before in it["taskArn"]
    )
    assert stopped["lastStatus"] == "STOPPED"
    assert "container web ended with -9" in stopped["stoppedReason"]


def test_a_new_version_is_another_label(watched: Watched) -> None:
    watched.made.update("web", taskDefinition=watched.made.revision(VERSION="2"))
    until(
        "the new version is UP",
        TIMEOUT_S,
        lambda: (
            watched.agrees("web", 2)
            and {it.labels["version"] for it in watched.up("web")} == {"web:2"}
        ),
    )
    asked = prometheus.query(watched.url, "query", query='app_info{service="web"}')["result"]
    assert {it["metric"]["version"] for it in asked} >= {"web:2"}


def test_a_deleted_service_is_no_target(watched: Watched) -> None:
    watched.made.client("ecs").delete_service(
        cluster=watched.made.cluster, service="web", force=True
    )
    until("nothing of it is left", TIMEOUT_S, lambda: not watched.made.tasks("web"))
    until("no target is left", TIMEOUT_S, lambda: not watched.up("web"))
    arns = watched.made.client("ecs").list_services(cluster=watched.made.cluster)["serviceArns"]
    assert {arn.rpartition("/")[2] for arn in arns} == {"untagged", "hosted", "daemon"}
