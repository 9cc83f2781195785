"""The rendered configuration, as Prometheus of the deployed version understands it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import pytest
import yaml
from moto.server import ThreadedMotoServer

from components.configuration.delivery import LIVE_DOCKERFILE
from components.containers.content import shipped_files
from components.containers.names import member_name
from components.prometheus.prometheus_args import MAX_REPLICAS
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from tests.configuration.rendering import (
    ENTRYPOINT,
    SOURCE,
    Entrypoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden"
DISCOVERY_TIMEOUT = 60.0  # seconds
REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
LOCAL = {
    "PROMETHEUS_LISTEN_HOST",
    "PROMETHEUS_CONFIG_DIR",
    "PROMETHEUS_RENDERED_DIR",
    "PROMETHEUS_DATA_DIR",
}
"""Variables that only the image sets."""
CLOSED_PORT = "1"  # what listens there is of no interest: only what is discovered


@pytest.fixture
def entrypoint(tmp_path: Path) -> Entrypoint:
    return Entrypoint(tmp_path)


@pytest.mark.parametrize("file", ["prometheus.yml", "scrape.d/node.yml"])
def test_rendered_files_are_as_reviewed(entrypoint: Entrypoint, file: str) -> None:
    """After a change that is meant, copy the rendered file to tests/configuration/golden/."""
    assert entrypoint.run().returncode == 0
    rendered = (entrypoint.rendered / file).read_text(encoding="utf-8")
    assert rendered == (GOLDEN / file).read_text(encoding="utf-8")


ALERTMANAGER = {"ALERTMANAGER_DNS_NAME": "alertmanager.internal", "ALERTMANAGER_PORT": "9093"}


REPLICA = {
    "PROMETHEUS_NAME": "prom-2",
    "PROMETHEUS_DOMAIN": "monitoring.internal",
    "PROMETHEUS_REPLICA": "1",
}
"""One of several."""
CLUSTERS = {
    "ECS_CLUSTER_MAP": " ".join(
        f"{name}=arn:aws:ecs:{REGION}:123456789012:cluster/{name}" for name in ("shop", "office")
    ),
    "EXPECTED_TASKS_MAP": "web=3 mail=1",
    "CLUSTER_HOSTS_MAP": "shop=hosts-of-shop office=hosts-of-office",
    "CADVISOR_PORT": "9101",
}
"""What is discovered in ECS clusters."""
OF_CLUSTERS = {"ecs_alerts.yml", "container_alerts.yml"}
"""Rules on it."""
LIVE = {"CONFIGURATION_PORT": "9533", "ALERTMANAGER_CONFIGURATION_PORT": "9533"}
"""Variables of a configuration that is delivered while servers run."""
LIVE_REPLICA = {"CONFIGURATION_PORT": "9533", "PROMETHEUS_CONFIGURATION_PORT": "9533"}
"""Likewise, of one of several."""


@pytest.mark.parametrize(
    "variables",
    [
        {},
        ALERTMANAGER,
        {**ALERTMANAGER, **REPLICA},
        {**ALERTMANAGER, **LIVE},
        {"CONFIGURATION_PORT": "9533"},
        {**REPLICA, **LIVE_REPLICA},
        CLUSTERS,
    ],
    ids=[
        *("alone", "alertmanager", "replica", "live with alertmanager", "live", "live replica"),
        "clusters",
    ],
)
def test_promtool_accepts_the_rendered_tree(
    entrypoint: Entrypoint, variables: dict[str, str]
) -> None:
    assert_promtool_accepts(entrypoint, variables)


def assert_promtool_accepts(entrypoint: Entrypoint, variables: dict[str, str]) -> None:
    entrypoint.attempted()
    assert entrypoint.run(**variables).returncode == 0
    rendered = entrypoint.rendered / ("current" if "CONFIGURATION_PORT" in variables else "")
    done = subprocess.run(
        [
            ensure(["promtool"])["promtool"],
            "check",
            "config",
            "--lint=all",
            "--lint-fatal",
            rendered / "prometheus.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_cluster_and_job_is_in_the_configuration(entrypoint: Entrypoint) -> None:
    assert entrypoint.run(**CLUSTERS).returncode == 0

    def rendered(file: str) -> Any:  # noqa: ANN401 - YAML
        return yaml.safe_load((entrypoint.rendered / file).read_text(encoding="utf-8"))

    jobs = rendered("scrape.d/ecs_tasks.yml")["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["ecs_tasks-1", "ecs_tasks-2", "ecs_tasks-3"]
    arns = [word.partition("=")[2] for word in CLUSTERS["ECS_CLUSTER_MAP"].split()]
    for job in jobs:
        # The same, to the byte: one provider, and one set of calls.
        assert {**job, "job_name": ""} == {**jobs[0], "job_name": ""}
        assert job["aws_sd_configs"][0]["clusters"] == arns
    node, cadvisor = rendered("scrape.d/cluster_hosts.yml")["scrape_configs"]
    assert node["ec2_sd_configs"] == cadvisor["ec2_sd_configs"]
    assert node["ec2_sd_configs"][0]["filters"][0]["values"] == ["hosts-of-shop", "hosts-of-office"]
    records = {
        rule["labels"]["job"]: rule["expr"]
        for rule in rendered("rules.d/ecs_alerts.yml")["groups"][0]["rules"]
        if rule["record"] == "job:ecs_tasks_expected:sum"
    }
    assert records == {"web": "vector(3)", "mail": "vector(1)"}


@pytest.mark.parametrize("variables", [{}, ALERTMANAGER], ids=["alone", "alertmanager"])
def test_what_the_image_has_of_a_configuration_that_is_delivered_is_one(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    source = tmp_path / "source"
    for name in shipped_files(SOURCE, LIVE_DOCKERFILE):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, source / name)
    kept = {str(path.relative_to(source)) for path in source.rglob("*.yml")}
    assert kept == {
        *("prometheus.yml", "alerting.yml"),
        *("scrape.d/configuration.yml", "rules.d/configuration.yml"),
    }
    live = {**LIVE, **variables} if variables else {"CONFIGURATION_PORT": "9533"}
    assert_promtool_accepts(Entrypoint(tmp_path, source=source), live)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, {"alertmanager_alerts.yml", "configuration.yml", *OF_CLUSTERS}),
        (ALERTMANAGER, {"configuration.yml", *OF_CLUSTERS}),
        ({**ALERTMANAGER, **LIVE}, OF_CLUSTERS),
        ({**ALERTMANAGER, **LIVE, **CLUSTERS}, set()),
    ],
)
def test_there_are_rules_only_on_what_there_is(
    entrypoint: Entrypoint, variables: dict[str, str], missing: set[str]
) -> None:
    entrypoint.attempted()
    assert entrypoint.run(**variables).returncode == 0
    first = "first" if "CONFIGURATION_PORT" in variables else ""
    folders = (SOURCE / "rules.d", entrypoint.rendered / first / "rules.d")
    all_of_them, rendered = ({path.name for path in folder.iterdir()} for folder in folders)
    assert all_of_them - rendered == missing


def test_an_alertmanager_is_found_by_name_for_its_alerts_and_its_metrics(
    entrypoint: Entrypoint,
) -> None:
    assert entrypoint.run(**ALERTMANAGER).returncode == 0
    config, scrape = (
        yaml.safe_load((entrypoint.rendered / file).read_text(encoding="utf-8"))
        for file in ("prometheus.yml", "scrape.d/alertmanager.yml")
    )
    by_name = [
        {
            "names": ["alertmanager.internal"],
            "type": "A",
            "port": 9093,
            "refresh_interval": "15s",
        }
    ]
    assert config["alerting"]["alertmanagers"] == [{"dns_sd_configs": by_name}]
    [job] = scrape["scrape_configs"]
    assert job == {"job_name": "alertmanager", "dns_sd_configs": by_name}


def test_what_tells_replicas_apart_is_on_no_alert(entrypoint: Entrypoint) -> None:
    assert entrypoint.run(**ALERTMANAGER, **REPLICA).returncode == 0
    config = yaml.safe_load((entrypoint.rendered / "prometheus.yml").read_text(encoding="utf-8"))
    assert config["global"]["external_labels"]["replica"] == "prometheus-1"
    assert config["alerting"]["alert_relabel_configs"] == [
        # Of that value only: what is monitored may have such a label, too.
        {
            "source_labels": ["replica"],
            "regex": "prometheus-1",
            "target_label": "replica",
            "replacement": "",
        }
    ]


def job_on_others(entrypoint: Entrypoint, job: str, replica: str) -> dict[str, Any]:
    """Return a replica's scrape job, `prometheus` or `configuration`, that is on the others."""
    file = {"prometheus": "prometheus.yml", "configuration": "configuration_replicas.yml"}[job]
    entrypoint.attempted()
    variables = {**REPLICA, **LIVE_REPLICA, "PROMETHEUS_REPLICA": replica}
    assert entrypoint.run(**variables).returncode == 0
    text = (entrypoint.rendered / "current" / "scrape.d" / file).read_text(encoding="utf-8")
    found: dict[str, Any]
    (found,) = yaml.safe_load(text)["scrape_configs"]
    return found


@pytest.mark.parametrize(("name", "port"), [("prometheus", 9090), ("configuration", 9533)])
def test_a_replica_looks_for_as_many_others_as_there_may_be(
    entrypoint: Entrypoint, name: str, port: int
) -> None:
    (discovery,) = job_on_others(entrypoint, name, "1")["dns_sd_configs"]
    assert discovery["port"] == port
    assert discovery["names"] == [
        f"{member_name('prom-2', index)}.monitoring.internal" for index in range(MAX_REPLICAS)
    ]


@pytest.mark.parametrize("name", ["prometheus", "configuration"])
@pytest.mark.parametrize(("replica", "others"), [("0", {"prometheus-1"}), ("1", {"prometheus-0"})])
def test_each_replica_has_one_identity_whoever_scrapes_it(
    entrypoint: Entrypoint, replica: str, others: set[str], name: str
) -> None:
    """By Prometheus's own relabelling, of what DNS would find: the first two."""
    job = job_on_others(entrypoint, name, replica)
    del job["dns_sd_configs"]
    names = [f"{member_name('prom-2', index)}.monitoring.internal" for index in range(2)]
    job["static_configs"] = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"__meta_dns_name": name}}
        for port, name in enumerate(names, 1)
    ]
    port = free_port()
    config = entrypoint.directory / "relabelled.yml"
    config.write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    arguments = [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path=data"]
    with subprocess.Popen(
        [ensure(["prometheus"])["prometheus"], f"--config.file={config}", *arguments],
        cwd=entrypoint.directory,
    ) as prometheus:
        try:
            found = discovered(port, prometheus, 1, f"{name}-replicas")
        finally:
            prometheus.terminate()
    assert {labels["instance"] for labels in found.values()} == others
    assert {labels["job"] for labels in found.values()} == {name}


def test_the_alerts_link_to_the_runbooks_that_are_configured(entrypoint: Entrypoint) -> None:
    base = "https://books.example.com/v1.2/runbooks?plain=1&x=%20"
    assert entrypoint.run(RUNBOOK_BASE_URL=base).returncode == 0
    links = [
        rule["annotations"]["runbook_url"]
        for file in (entrypoint.rendered / "rules.d").glob("*.yml")
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert links
    assert [link for link in links if not re.match(rf"{re.escape(base)}/\w+\.md#\w+$", link)] == []


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """Yield the URL of an emulated AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Cloud:
    """Makes the networks and hosts to discover."""

    def __init__(self, url: str) -> None:
        self.ec2: Any = boto3.client(
            "ec2",
            endpoint_url=url,
            config=botocore.config.Config(proxies={}),
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        self.image = self.ec2.describe_images()["Images"][0]["ImageId"]

    def network(self, second: int) -> tuple[str, str]:
        """Make 127.<second>.0.0/16 with one subnet; return the ids of both."""
        vpc = self.ec2.create_vpc(CidrBlock=f"127.{second}.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"127.{second}.1.0/24", AvailabilityZone=f"{REGION}b"
        )
        return vpc, subnet["Subnet"]["SubnetId"]

    def host(self, subnet: str, **tags: str) -> dict[str, Any]:
        """Run an instance; return what describes it. In tag keys `_` stands for `-`."""
        pairs = [{"Key": key.replace("_", "-"), "Value": value} for key, value in tags.items()]
        reservation = self.ec2.run_instances(
            ImageId=self.image,
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            InstanceType="t4g.micro",
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}] if pairs else [],
        )
        host: dict[str, Any] = reservation["Instances"][0]
        return host


def ask(port: int, path: str) -> Any:  # noqa: ANN401 - whatever JSON there is
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as answer:
        return json.load(answer)["data"]


def discovered(
    port: int, prometheus: subprocess.Popen[bytes], count: int, pool: str = "node"
) -> dict[str, Any]:
    """Return the labels of a job's targets by URL, once there are `count` of them."""
    deadline = time.monotonic() + DISCOVERY_TIMEOUT
    targets: list[Any] = []
    while len(targets) < count:
        assert prometheus.poll() is None, "prometheus has ended: its log is below"
        assert time.monotonic() < deadline, f"{len(targets)} targets of {count}: {targets}"
        time.sleep(0.2)
        try:
            targets = ask(port, f"targets?state=active&scrapePool={pool}")["activeTargets"]
        except OSError:
            continue  # it does not listen yet
    return {target["scrapeUrl"]: target["labels"] for target in targets}


def test_discovery_finds_running_tagged_hosts_of_the_vpc_and_labels_them(
    entrypoint: Entrypoint, emulator: str
) -> None:
    cloud = Cloud(emulator)
    vpc, subnet = cloud.network(21)
    _, elsewhere = cloud.network(22)
    named = cloud.host(subnet, Name="web", prometheus_scrape="true")
    nameless = cloud.host(subnet, prometheus_scrape="true")
    cloud.host(subnet)
    cloud.host(subnet, Name="off", prometheus_scrape="false")
    cloud.host(elsewhere, Name="elsewhere", prometheus_scrape="true")
    stopped = cloud.host(subnet, Name="stopped", prometheus_scrape="true")
    cloud.ec2.stop_instances(InstanceIds=[stopped["InstanceId"]])

    port = free_port()
    variables = entrypoint.environment(
        **CREDENTIALS,
        AWS_ENDPOINT_URL=emulator,
        VPC_ID=vpc,
        NODE_EXPORTER_PORT=CLOSED_PORT,
        PROMETHEUS_PORT=str(port),
        PATH=f"{ensure(['prometheus'])['prometheus'].parent}{os.pathsep}{os.environ['PATH']}",
    )
    command = ["sh", str(ENTRYPOINT)]
    with subprocess.Popen(command, env=variables, cwd=entrypoint.directory) as prometheus:
        try:
            targets = discovered(port, prometheus, 2)
            retention = ask(port, "status/runtimeinfo")["storageRetention"]
        finally:
            prometheus.terminate()

    assert targets == {
        f"http://{host['PrivateIpAddress']}:{CLOSED_PORT}/metrics": {
            "job": "node",
            "instance": instance,
            "instance_id": host["InstanceId"],
            "availability_zone": f"{REGION}b",
            "instance_type": "t4g.micro",
            "private_ip": host["PrivateIpAddress"],
        }
        for host, instance in [(named, "web"), (nameless, nameless["InstanceId"])]
    }
    assert retention == "15d or 16GiB"
