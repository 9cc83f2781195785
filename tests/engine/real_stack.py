"""The project's own program under the engine, in an emulated AWS of its own."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.deploy import ROOT, configuration
from sandbox.emulator import ADMIN, Emulator
from sandbox.engine.driver import Engine, Result
from sandbox.engine.steps import Op

REGION = "eu-central-1"


class RealStack:
    def __init__(self, emulator: Emulator, directory: Path, project: Path = ROOT) -> None:
        self.emulator = emulator
        self.said: list[str] = []
        self.directory = directory
        self.project = project

    def engine(self, stack: str = "dev", **config: str) -> Engine:
        """Return the engine, with configuration in place of what the stack's file says."""
        return Engine(
            self.project,
            stack,
            self.config(stack, **config),
            state_dir=self.directory / "state",
            passphrase="of a test",  # noqa: S106 - of a state that lives as long as a test
            say=self.said.append,
        )

    def config(self, stack: str = "dev", **config: str) -> dict[str, str]:
        provider = {
            "aws:endpoints": json.dumps([{"ec2": self.emulator.endpoint}]),
            "aws:accessKey": self.emulator.access_key_id,
            "aws:secretKey": self.emulator.secret_access_key,
        }
        return configuration(stack, {**provider, **config})

    def inventory(self) -> dict[str, set[str]]:
        """Return what is in the emulated account, by kind."""
        return {kind: set(look(self.emulator.client)) for kind, look in _KINDS.items()}

    @property
    def state_text(self) -> str:
        return self.engine().state.path.read_text(encoding="utf-8")


@contextmanager
def real_stack(directory: Path) -> Iterator[RealStack]:
    """Return a stack in an emulator in which nothing has been made yet."""
    emulator = Emulator(REGION)
    emulator.start()
    try:
        yield RealStack(emulator, directory)
    finally:
        emulator.stop()


def copy_project(directory: Path) -> Path:
    """Copy what Pulumi needs of the project, to change it."""
    project = directory / "project"
    project.mkdir()
    for name in ("__main__.py", "settings.py", "versions.json", "components", "docker", "userdata"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, project)
    return project


def changes(result: Result) -> list[tuple[str, str]]:
    """What was done to which resource, in order."""
    return [(step.op.value, step.name) for step in result.steps if step.op is not Op.SAME]


def _ec2(call: str, kind: str, identifier: str, **arguments: Any) -> Callable[..., list[str]]:  # noqa: ANN401
    def look(client: Callable[[str], Any]) -> list[str]:
        answer: Mapping[str, Any] = getattr(client("ec2"), call)(**arguments)
        return [item[identifier] for item in answer[kind]]

    return look


def _instances(client: Callable[[str], Any]) -> list[str]:
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    reservations = client("ec2").describe_instances(Filters=alive)["Reservations"]
    return [instance["InstanceId"] for item in reservations for instance in item["Instances"]]


def _active_clusters(client: Callable[[str], Any]) -> list[str]:
    arns = client("ecs").list_clusters()["clusterArns"]
    clusters = client("ecs").describe_clusters(clusters=arns)["clusters"] if arns else []
    return [cluster["clusterArn"] for cluster in clusters if cluster["status"] == "ACTIVE"]


def _services(client: Callable[[str], Any]) -> list[str]:
    found = []
    for cluster in _active_clusters(client):
        arns = client("ecs").list_services(cluster=cluster)["serviceArns"]
        answer = client("ecs").describe_services(cluster=cluster, services=arns) if arns else {}
        found += [item for item in answer.get("services", []) if item["status"] != "INACTIVE"]
    return [service["serviceArn"] for service in found]


_KINDS: dict[str, Callable[[Callable[[str], Any]], list[str]]] = {
    "vpc": _ec2("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": _ec2("describe_subnets", "Subnets", "SubnetId"),
    "security group": _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "route table": _ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    # A VPC's own ACL goes with the VPC in AWS, not in moto.
    "network ACL": _ec2(
        "describe_network_acls",
        "NetworkAcls",
        "NetworkAclId",
        Filters=[{"Name": "default", "Values": ["false"]}],
    ),
    "gateway": _ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "endpoint": lambda client: [
        endpoint["VpcEndpointId"]
        for endpoint in client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        if endpoint["State"] != "deleted"  # AWS, too, lists it for a while
    ],
    "NAT gateway": lambda client: [
        gateway["NatGatewayId"]
        for gateway in client("ec2").describe_nat_gateways()["NatGateways"]
        if gateway["State"] != "deleted"  # AWS, too, lists it for a while
    ],
    "flow log": _ec2("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "address": _ec2("describe_addresses", "Addresses", "AllocationId"),
    "volume": _ec2("describe_volumes", "Volumes", "VolumeId"),
    "interface": _ec2("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "instance": _instances,
    "user": lambda client: [
        user["UserName"]
        for user in client("iam").list_users()["Users"]
        if user["UserName"] != ADMIN
    ],
    "role": lambda client: [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
    "instance profile": lambda client: [
        profile["Arn"] for profile in client("iam").list_instance_profiles()["InstanceProfiles"]
    ],
    "secret": lambda client: [
        secret["Name"] for secret in client("secretsmanager").list_secrets()["SecretList"]
    ],
    "repository": lambda client: [
        repository["repositoryName"]
        for repository in client("ecr").describe_repositories()["repositories"]
    ],
    "cluster": _active_clusters,
    "service": _services,
    "task definition": lambda client: client("ecs").list_task_definitions()["taskDefinitionArns"],
    "log group": lambda client: [
        group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]
    ],
}
