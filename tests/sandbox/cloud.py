"""An emulated AWS account with ECS clusters, and a real Prometheus that discovers what runs there.

The tasks are made in the emulator, in process, as ECS would show them; what they serve is real.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from components import policies
from sandbox.addresses import free_port
from sandbox.binaries import ensure
from sandbox.emulator import Emulator
from tests.configuration.rendering import ENTRYPOINT, Entrypoint
from tests.configuration.test_prometheus_config import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TIMEOUT_S = 60
REGION = "eu-west-1"
ZONE = "eu-west-1b"

CONTAINER = (
    'container_label_com_amazonaws_ecs_cluster="shop",'
    'container_label_com_amazonaws_ecs_container_name="app",'
    'container_label_com_amazonaws_ecs_task_arn="arn:aws:ecs:eu-west-1:1:task/shop/0123",'
    'container_label_com_amazonaws_ecs_task_definition_family="web",'
    'id="/a.slice",image="web:1",name="ecs-web-app"'
)
"""Labels as the real cAdvisor (0.60.5) gives them to a container of ECS."""

ANSWERS = {
    "/metrics": f"""\
container_memory_working_set_bytes{{id="/",image="",name=""}} 1
container_memory_working_set_bytes{{{CONTAINER}}} 2
machine_cpu_cores 2
""",
    "/stats": "stats 1\n",
}
"""What a task, a host's node_exporter and its cAdvisor serve: all of it, all of them."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `ANSWERS`."""

    def do_GET(self) -> None:
        body = ANSWERS.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Cloud:
    """An AWS account with clusters, and what listens at the addresses of tasks and hosts."""

    def __init__(self) -> None:
        self.emulator = Emulator(REGION)
        self.emulator.start()
        from moto.ecs.models import ecs_backends  # noqa: PLC0415 - slow
        from moto.moto_api import state_manager  # noqa: PLC0415

        # Otherwise each look at a task would bring it nearer to its end.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**12})
        self.backend: Any = ecs_backends[self.emulator.account_id][REGION]
        self.ecs, self.ec2 = self.emulator.client("ecs"), self.emulator.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="127.61.0.0/16")["Vpc"]["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.subnet = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock="127.61.16.0/20", AvailabilityZone=ZONE
        )["Subnet"]["SubnetId"]
        self.group = self.ec2.create_security_group(
            GroupName="tasks", Description="tasks", VpcId=self.vpc
        )["GroupId"]
        self._servers: list[http.server.ThreadingHTTPServer] = []

    def stop(self) -> None:
        from moto.moto_api import state_manager  # noqa: PLC0415

        for server in self._servers:
            server.shutdown()
            server.server_close()
        state_manager.unset_transition("ecs::task")
        self.emulator.stop()

    def listen(self, address: str, *ports: int) -> None:
        for port in ports:
            server = http.server.ThreadingHTTPServer((address, port), Handler)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self._servers.append(server)

    def cluster(self, name: str) -> str:
        arn: str = self.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"]
        return arn

    def service(self, cluster: str, name: str, mode: str, **tags: str) -> None:
        """Make a service, and a task definition of the same name; `_` in tags stands for `-`."""
        self.ecs.register_task_definition(
            family=name,
            networkMode=mode,
            containerDefinitions=[{"name": "app", "image": "app", "memory": 64}],
        )
        self.ecs.create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=name,
            desiredCount=1,
            tags=[{"key": k.replace("_", "-"), "value": v} for k, v in tags.items()],
        )

    def awsvpc_task(self, cluster: str, service: str, status: str = "RUNNING") -> Any:  # noqa: ANN401
        """Run a task on Fargate at an address of its own; return moto's, with its `address`."""
        (task,) = self.backend.run_task(
            *(cluster, service, 1, None, None, None, "FARGATE"),
            networking_configuration={
                "awsvpcConfiguration": {
                    "subnets": [self.subnet],
                    "securityGroups": [self.group],
                }
            },
            group=f"service:{service}",
        )
        details = {it["name"]: it for it in task.attachments[0]["details"]}
        self.ec2.delete_network_interface(NetworkInterfaceId=details["networkInterfaceId"]["value"])
        made = self.ec2.create_network_interface(SubnetId=self.subnet)["NetworkInterface"]
        details["networkInterfaceId"]["value"] = made["NetworkInterfaceId"]
        details["privateIPv4Address"]["value"] = task.address = made["PrivateIpAddress"]
        task.availability_zone, task.health_status = ZONE, "HEALTHY"
        task.last_status = status
        return task

    def group_of_hosts(self, cluster: str, group: str, count: int) -> list[dict[str, Any]]:
        """Make an auto-scaling group whose instances have joined a cluster; return these."""
        image = self.ec2.describe_images()["Images"][0]["ImageId"]
        scaling = self.emulator.client("autoscaling")
        self.ec2.create_launch_template(
            LaunchTemplateName=group,
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "t4g.micro",
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "same"}]}
                ],
            },
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=group,
            LaunchTemplate={"LaunchTemplateName": group},
            MinSize=count,
            MaxSize=count,
            VPCZoneIdentifier=self.subnet,
        )
        named = {"Name": "tag:aws:autoscaling:groupName", "Values": [group]}
        reservations = self.ec2.describe_instances(Filters=[named])["Reservations"]
        hosts = [host for it in reservations for host in it["Instances"]]
        for host in hosts:
            self.ecs.register_container_instance(
                cluster=cluster,
                instanceIdentityDocument=json.dumps({"instanceId": host["InstanceId"]}),
            )
        return hosts

    def host_tasks(self, cluster: str, service: str) -> list[Any]:
        """Run a task on each host of a cluster."""
        instances = self.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
        tasks: list[Any] = self.backend.start_task(
            cluster, service, instances, {}, "", group=f"service:{service}"
        )
        for task in tasks:
            task.launch_type, task.availability_zone = "EC2", ZONE
        return tasks

    def key(self, *statements: policies.Statement) -> dict[str, str]:
        """Return the variables of a user who may do what the statements say, and nothing else."""
        iam = self.emulator.client("iam")
        iam.create_user(UserName="discovery")
        iam.put_user_policy(
            UserName="discovery", PolicyName="it", PolicyDocument=policies.document(*statements)
        )
        key = iam.create_access_key(UserName="discovery")["AccessKey"]
        self.emulator.enforce_iam()
        return {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }


class Server(NamedTuple):
    """A running Prometheus."""

    port: int
    process: subprocess.Popen[bytes]

    def targets(self) -> list[dict[str, Any]]:
        active: list[dict[str, Any]] = ask(self.port, "targets?state=active")["activeTargets"]
        return [it for it in active if it["scrapePool"] != "prometheus"]

    def until_up(self, count: int) -> list[dict[str, Any]]:
        """Return the targets, once as many have been scraped."""
        deadline = time.monotonic() + TIMEOUT_S
        found: list[dict[str, Any]] = []
        while sum(it["health"] != "unknown" for it in found) < count:
            assert self.process.poll() is None, "prometheus has ended: its log is below"
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
            try:
                found = self.targets()
            except OSError:
                continue  # it does not listen yet
        return found

    @classmethod
    @contextlib.contextmanager
    def up(
        cls,
        directory: Path,
        cloud: Cloud,
        variables: Mapping[str, str],
        *,
        log: int | None = None,
    ) -> Iterator[Server]:
        """Start Prometheus as its container does, and stop it at the end.

        Args:
            directory: for its files.
            cloud: what it discovers.
            variables: beside and above those that every container has.
            log: where its log goes, as `subprocess` takes it. Default: where this process's does.
        """
        port = free_port()
        program = ensure(["prometheus"])["prometheus"]
        of_all = {
            "AWS_ENDPOINT_URL": cloud.emulator.endpoint,
            "AWS_REGION": REGION,
            "VPC_ID": cloud.vpc,
            "PROMETHEUS_PORT": str(port),
            "SCRAPE_INTERVAL": "1s",
            "DISCOVERY_REFRESH_INTERVAL": "1s",
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        }
        environment = Entrypoint(directory).environment(**{**of_all, **variables})
        process = subprocess.Popen(
            ["sh", str(ENTRYPOINT)], env=environment, cwd=directory, stderr=log
        )
        try:
            yield cls(port, process)
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)
