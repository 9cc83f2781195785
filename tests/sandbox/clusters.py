"""An emulated account with the ECS agent, and services of a small real HTTP process."""

from __future__ import annotations

import base64
import contextlib
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.addresses import reserve_vpc_range
from sandbox.ecs import Agent
from sandbox.emulator import Emulator
from sandbox.resources import RESOURCE_TYPES, Account
from sandbox.runtimes import ProcessRuntime
from tests.sandbox.command import processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TIMEOUT_S = 60

_APP = """
import http.server, os, sys, time

if os.environ.get("DIES"):
    sys.exit(3)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        end = time.time() + 1
        while self.path == "/busy" and time.time() < end:
            pass
        body = f'app_info{{version="{os.environ["VERSION"]}", path="{self.path}"}} 1\\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

at = os.environ["LISTEN_HOST"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(at, Handler).serve_forever()
"""

PORT = 8000


@dataclass
class Playground:
    """The account, with a VPC of two zones, a cluster, and an image of a server in the registry."""

    account: Account
    agent: Agent
    directory: Path
    subnets: Sequence[str]
    group: str
    cluster: str
    """Its ARN."""
    told: list[list[str]]
    """What the agent has said that it cannot run."""
    image: str = ""
    """The server's."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's
        return self.account.client(service)

    def push(self, directory: Path) -> str:
        """Push an image; return its reference."""
        url = _make(self.account, "aws:ecr/repository:Repository").properties["repositoryUrl"]
        build = {"context": str(directory), "dockerfile": str(directory / "Dockerfile")}
        return str(
            _make(
                self.account, "docker:index/image:Image", imageName=f"{url}:1", build=build
            ).properties["repoDigest"]
        )

    def revision(self, family: str = "web", mode: str = "awsvpc", **variables: str) -> str:
        """Register a version of the server; return its ARN."""
        variables = {"PORT": str(PORT), "VERSION": "1", **variables}
        container = {
            "name": family,
            "image": self.image,
            "memory": 64,
            "environment": [{"name": name, "value": value} for name, value in variables.items()],
            "portMappings": [{"containerPort": int(variables["PORT"])}],
        }
        return self.register(family, mode, container)

    def register(
        self, family: str, mode: str, container: Mapping[str, Any], **given: object
    ) -> str:
        """Register a task definition of one container; return its ARN."""
        made = self.client("ecs").register_task_definition(
            family=family, networkMode=mode, containerDefinitions=[container], **given
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def serve(self, name: str, revision: str, **given: object) -> None:
        """Create a service; on Fargate, unless it is said otherwise."""
        if not given.keys() & {"launchType", "capacityProviderStrategy"}:
            given["launchType"] = "FARGATE"
        network = {"subnets": self.subnets, "securityGroups": [self.group]}
        if "host" not in str(self.definition(revision)["networkMode"]):
            given["networkConfiguration"] = {"awsvpcConfiguration": network}
        self.client("ecs").create_service(
            cluster=self.cluster, serviceName=name, taskDefinition=revision, **given
        )

    def update(self, name: str, **given: object) -> None:
        self.client("ecs").update_service(cluster=self.cluster, service=name, **given)

    def definition(self, revision: str) -> Mapping[str, Any]:
        answer = self.client("ecs").describe_task_definition(taskDefinition=revision)
        found: Mapping[str, Any] = answer["taskDefinition"]
        return found

    def service(self, name: str) -> Mapping[str, Any]:
        """Return how ECS describes a service."""
        answer = self.client("ecs").describe_services(cluster=self.cluster, services=[name])
        found: Mapping[str, Any] = answer["services"][0]
        return found

    def tasks(self, name: str, **wanted: str) -> list[Mapping[str, Any]]:
        """Return how ECS describes the tasks of a service."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=self.cluster, serviceName=name, **wanted)["taskArns"]
        described = ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []
        return list(described)

    def events(self, name: str) -> str:
        return "\n".join(event["message"] for event in self.service(name)["events"])

    def is_stable(self, name: str) -> bool:
        """Say what `aws ecs wait services-stable` waits for."""
        found = self.service(name)
        return (
            len(found["deployments"]) == 1
            and found["runningCount"] == found["desiredCount"]
            and found["deployments"][0]["rolloutState"] == "COMPLETED"
        )

    def wait_until_stable(self, name: str) -> None:
        until(f"{name} is stable", TIMEOUT_S, lambda: self.is_stable(name))

    def pid(self, task: Mapping[str, Any]) -> int:
        """Return the process of a task that has an address of its own."""
        listens = f"LISTEN_HOST={address(task)}".encode()
        (found,) = (
            it.pid
            for it in processes(f"{self.directory}/image/app.py")
            if listens in Path(f"/proc/{it.pid}/environ").read_bytes().split(b"\0")
        )
        return found

    def versions(self, name: str, port: int = PORT) -> list[str]:
        """Ask the tasks of a service which version they are, of those that answer."""
        answers = [ask(address(task), port) for task in self.tasks(name)]
        return sorted(it.partition('version="')[2].partition('"')[0] for it in answers if it)


def address(task: Mapping[str, Any]) -> str:
    """Return a task's own address."""
    details = task["attachments"][0]["details"]
    return str(next(it["value"] for it in details if it["name"] == "privateIPv4Address"))


def ask(host: str, port: int = PORT, path: str = "/metrics") -> str:
    """Return what a server answers; empty while it does not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _make(account: Account, token: str, **given: object) -> Any:  # noqa: ANN401 - any property
    entry = RESOURCE_TYPES[token]
    return entry.make(account, entry.fill_in(account, "tried", given))


@contextlib.contextmanager
def playground(directory: Path, programs: Sequence[Path] = ()) -> Iterator[Playground]:
    """Start the emulator and the agent, without any service.

    Args:
        directory: an empty one.
        programs: directories of what images have from their base images.
    """
    with contextlib.ExitStack() as stack:
        vpc = reserve_vpc_range()
        stack.callback(vpc.release)
        emulator = Emulator("eu-west-1")
        emulator.start()
        stack.callback(emulator.stop)
        account = Account(emulator)
        image = directory / "image"
        image.mkdir()
        (image / "app.py").write_text(_APP, encoding="utf-8")
        (image / "Dockerfile").write_text(
            'FROM python\nCOPY . /app\nENTRYPOINT ["python3", "/app/app.py"]\n', encoding="utf-8"
        )
        vpc_id = _make(account, "aws:ec2/vpc:Vpc", cidrBlock=vpc.cidr).id
        prefix = vpc.cidr.rsplit(".", 2)[0]
        subnets = [
            _make(
                account,
                "aws:ec2/subnet:Subnet",
                vpcId=vpc_id,
                cidrBlock=f"{prefix}.{number}.0/24",
                availabilityZone=f"eu-west-1{zone}",
            ).id
            for number, zone in ((1, "a"), (2, "b"))
        ]
        group = _make(account, "aws:ec2/securityGroup:SecurityGroup", vpcId=vpc_id).id
        runtime = ProcessRuntime([Path(sys.executable).parent, *programs])
        told: list[list[str]] = []
        agent = Agent(account, runtime, directory / "volumes", directory, told.append)
        agent.start()
        stack.callback(agent.stop)
        cluster = _make(account, "aws:ecs/cluster:Cluster", name="tried").id
        made = Playground(account, agent, directory, subnets, group, cluster, told)
        made.image = made.push(image)
        yield made


def add_hosts(made: Playground, count: int, instance_type: str = "t3.small") -> None:
    """Let hosts join the cluster, over both zones, from the group and the provider `hosts`."""
    ec2, autoscaling, ecs = (made.client(it) for it in ("ec2", "autoscaling", "ecs"))
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    data = {
        "ImageId": image,
        "InstanceType": instance_type,
        "SecurityGroupIds": [made.group],
        "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
    }
    ec2.create_launch_template(LaunchTemplateName="hosts", LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="hosts",
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=count,
        VPCZoneIdentifier=",".join(made.subnets),
        LaunchTemplate={"LaunchTemplateName": "hosts", "Version": "$Latest"},
    )
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["hosts"])
    arn = groups["AutoScalingGroups"][0]["AutoScalingGroupARN"]
    ecs.create_capacity_provider(
        name="hosts", autoScalingGroupProvider={"autoScalingGroupArn": arn}
    )
    ecs.put_cluster_capacity_providers(
        cluster=made.cluster, capacityProviders=["hosts"], defaultCapacityProviderStrategy=[]
    )


def hosts(made: Playground) -> list[Mapping[str, Any]]:
    """Return how ECS describes the cluster's hosts."""
    ecs = made.client("ecs")
    arns = ecs.list_container_instances(cluster=made.cluster)["containerInstanceArns"]
    if not arns:
        return []
    answer = ecs.describe_container_instances(cluster=made.cluster, containerInstances=arns)
    return list(answer["containerInstances"])


ON_HOSTS = {"capacityProviderStrategy": [{"capacityProvider": "hosts", "weight": 1}]}
