"""How long the program takes to evaluate, components against the same raw resources.

Run as `python -m benchmarks.evaluation SHAPE HOSTS`: evaluates once, prints seconds as JSON. Every
measurement is a process of its own, so that none profits from another.
"""

import json
import sys
import time

IMPORT_STARTED = time.perf_counter()

import pulumi  # noqa: E402 - the imports are what is measured first
import pulumi.runtime  # noqa: E402
import pulumi_aws as aws  # noqa: E402

from components import ExporterGroup, ExporterNode, MonitoringNetwork, PrometheusService  # noqa: E402
from mocks.evaluation import Monitor, evaluate  # noqa: E402
from mocks.recording import Recording  # noqa: E402

IMPORT_SECONDS = time.perf_counter() - IMPORT_STARTED


def program(shape: str, hosts: int) -> None:
    """Register everything around the hosts, and the hosts: as components or as raw instances."""
    network = MonitoringNetwork("monitoring", {})
    prometheus = PrometheusService(
        "prometheus",
        {
            "vpc_id": network.vpc_id,
            "subnet_ids": network.public_subnet_ids,
            "environment": "bench",
        },
    )
    group = ExporterGroup(
        "exporters",
        {
            "vpc_id": network.vpc_id,
            "prometheus_security_group_id": prometheus.security_group_id,
        },
    )
    for index in range(hosts):
        subnet_id = network.public_subnet_ids[index % 2]
        (component if shape == "components" else raw)(f"exporter-{index}", subnet_id, group)


def component(name: str, subnet_id: pulumi.Output[str], group: ExporterGroup) -> None:
    """Register a host as an `ExporterNode`."""
    ExporterNode(
        name,
        {
            "subnet_id": subnet_id,
            "security_group_id": group.security_group_id,
            "instance_profile_name": group.instance_profile_name,
            "user_data": group.user_data,
            "ami_id": group.ami_id,
            "associate_public_ip": True,
        },
    )


def raw(name: str, subnet_id: pulumi.Output[str], group: ExporterGroup) -> None:
    """Register the same instance without a component around it."""
    aws.ec2.Instance(
        f"{name}-arm64",
        ami=group.ami_id,
        instance_type="t4g.nano",
        subnet_id=subnet_id,
        vpc_security_group_ids=[group.security_group_id],
        iam_instance_profile=group.instance_profile_name,
        associate_public_ip_address=True,
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        root_block_device={"encrypted": True, "volume_type": "gp3", "volume_size": 8},
        user_data=group.user_data,
        user_data_replace_on_change=True,
        tags={"Name": name, "role": "exporter-node", "prometheus-scrape": "true"},
        opts=pulumi.ResourceOptions(ignore_changes=["ami"]),
    )


def main() -> None:
    """Evaluate once and print the seconds."""
    shape, hosts = sys.argv[1], int(sys.argv[2])
    started = time.perf_counter()
    evaluate(
        lambda: program(shape, hosts),
        Monitor(Recording()),
        project="prometheus-aws",
        stack="bench",
        config={},
    )
    seconds = time.perf_counter() - started
    print(json.dumps({"import": IMPORT_SECONDS, "evaluate": seconds}))


if __name__ == "__main__":
    main()
