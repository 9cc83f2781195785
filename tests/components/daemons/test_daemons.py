"""components.daemons: exactly what the daemons are, and that nothing else is touched."""

import json
from typing import Any

import pulumi
import pytest

from components import assets
from components.containers.content import shipped_files
from mocks.recording import Deployment, deploy, refuse
from tests.components.examples import DAEMONS
from tests.components.services import ARN, document

HOSTS = DAEMONS.others["host_security_group_ids"]


def daemons(**args: Any) -> Deployment:  # noqa: ANN401
    given = {**DAEMONS.fewest, "host_security_group_ids": HOSTS, **args}
    return deploy(lambda: DAEMONS.component("watch", given))


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return daemons()


def _container(deployment: Deployment, name: str) -> dict[str, Any]:
    (found,) = json.loads(deployment.inputs(f"watch-{name}-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def _image(deployment: Deployment, name: str) -> dict[str, Any]:
    (found,) = [
        it.inputs for it in deployment.of_type(":Image") if it.name.startswith(f"watch-{name}-")
    ]
    return dict(found)


@pytest.mark.parametrize("name", ["node-exporter", "cadvisor"])
def test_the_service(deployed: Deployment, name: str) -> None:
    assert deployed.inputs(f"watch-{name}-service") == {
        "cluster": DAEMONS.fewest["cluster_arn"],
        "taskDefinition": f"{ARN}:watch-{name}-task",
        "launchType": "EC2",
        "schedulingStrategy": "DAEMON",
        "deploymentMinimumHealthyPercent": 0,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "availabilityZoneRebalancing": "DISABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
    }
    assert "watch-execution-role-policy" in deployed.needs(f"watch-{name}-service")


def test_the_task_of_node_exporter_sees_the_host_and_has_no_rights(deployed: Deployment) -> None:
    task = deployed.inputs("watch-node-exporter-task")
    assert (task["networkMode"], task["pidMode"]) == ("host", "host")
    assert task["requiresCompatibilities"] == ["EC2"]
    assert task["volumes"] == [{"name": "root", "hostPath": "/"}]
    assert "taskRoleArn" not in task
    container = _container(deployed, "node-exporter")
    assert container["user"] == "65534:65534"
    assert container["linuxParameters"] == {"capabilities": {"add": [], "drop": ["ALL"]}}
    # The agent joins the two to /:/host:ro,rslave, which Docker takes; with readOnly there would
    # be a fourth part.
    assert container["mountPoints"] == [
        {"sourceVolume": "root", "containerPath": "/host:ro,rslave", "readOnly": False}
    ]
    assert container["readonlyRootFilesystem"] is True
    assert "privileged" not in container
    assert (container["cpu"], container["memory"]) == (32, 64)


def test_the_task_of_cadvisor_is_not_privileged_and_writes_nothing(deployed: Deployment) -> None:
    task = deployed.inputs("watch-cadvisor-task")
    assert task["networkMode"] == "host"
    assert "pidMode" not in task
    container = _container(deployed, "cadvisor")
    assert "privileged" not in container
    assert container["linuxParameters"] == {
        "capabilities": {"add": ["SYSLOG"], "drop": ["ALL"]},
        "devices": [
            {"hostPath": "/dev/kmsg", "containerPath": "/dev/kmsg", "permissions": ["read"]}
        ],
    }
    assert container["readonlyRootFilesystem"] is True
    hosts = {it["name"]: it["hostPath"] for it in task["volumes"]}
    mounted = {hosts[it["sourceVolume"]]: it["containerPath"] for it in container["mountPoints"]}
    assert mounted == {
        "/proc": "/rootfs/proc:ro",
        "/sys": "/sys:ro",
        "/sys/fs/cgroup": "/sys/fs/cgroup:ro",
        "/var/lib/docker": "/var/lib/docker:ro,rslave",
        "/var/run/docker.sock": "/var/run/docker.sock:ro",
    }
    assert not [it for it in container["mountPoints"] if it["readOnly"]]


def test_health_is_asked_where_they_listen() -> None:
    deployment = daemons(node_exporter_port=9200, cadvisor_port=9201)
    asked = {
        name: _container(deployment, name)["healthCheck"]["command"][-1]
        for name in ("node-exporter", "cadvisor")
    }
    assert asked == {
        "node-exporter": "http://127.0.0.1:9200/",
        "cadvisor": "http://127.0.0.1:9201/healthz",
    }


def test_the_settings_reach_the_containers() -> None:
    deployment = deploy(lambda: DAEMONS.component("watch", DAEMONS.all))
    found = {name: _container(deployment, name) for name in ("node-exporter", "cadvisor")}
    variables = {
        name: {it["name"]: it["value"] for it in container["environment"]}
        for name, container in found.items()
    }
    assert variables == {
        "node-exporter": {"NODE_EXPORTER_PORT": "9200"},
        "cadvisor": {"CADVISOR_PORT": "9201", "CADVISOR_HOUSEKEEPING_INTERVAL": "30s"},
    }
    sizes = {name: (it["cpu"], it["memory"]) for name, it in found.items()}
    assert sizes == {"node-exporter": (64, 128), "cadvisor": (128, 512)}
    for name in found:
        task = deployment.inputs(f"watch-{name}-task")
        assert task["runtimePlatform"]["cpuArchitecture"] == "X86_64"
        assert _image(deployment, name)["build"]["platform"] == "linux/amd64"
    assert _image(deployment, "cadvisor")["build"]["args"] == {
        "CADVISOR_VERSION": "0.60.4",
        "CADVISOR_DIGEST": "",  # none is pinned of that version
    }
    assert deployment.inputs("watch-log")["retentionInDays"] == 30


@pytest.mark.parametrize(
    ("name", "server"), [("node-exporter", "node_exporter"), ("cadvisor",) * 2]
)
def test_the_image_is_pinned(deployed: Deployment, name: str, server: str) -> None:
    version = assets.VERSIONS[server]
    digest = assets.image_digest(server, version)
    assert digest.startswith("sha256:")
    assert _image(deployed, name)["build"]["args"] == {
        f"{server.upper()}_VERSION": version,
        f"{server.upper()}_DIGEST": digest,
    }
    # Of the folder, nothing goes into it.
    assert shipped_files(assets.image_context(server)) == ["Dockerfile"]


@pytest.mark.parametrize("server", ["node_exporter", "cadvisor"])
def test_the_ports_are_the_images_defaults(deployed: Deployment, server: str) -> None:
    (port,) = _container(deployed, server.replace("_", "-"))["portMappings"]
    assert assets.image_defaults(server)[f"{server.upper()}_PORT"] == str(port["containerPort"])
    assert port["hostPort"] == port["containerPort"]


# --- who reaches what ---


def test_prometheus_reaches_both_ports_of_every_host_and_nobody_else_does(
    deployed: Deployment,
) -> None:
    rules = {
        (
            it.type.rpartition(":")[2],
            it.inputs["securityGroupId"],
            it.inputs["referencedSecurityGroupId"],
            it.inputs["fromPort"],
            it.inputs["toPort"],
        )
        for it in deployed.resources
        if "securityGroupId" in it.inputs
    }
    assert rules == {
        (kind, *groups, port, port)
        for host in HOSTS
        for port in (9100, 9101)
        for kind, groups in (
            ("SecurityGroupIngressRule", (host, "sg-prometheus")),
            ("SecurityGroupEgressRule", ("sg-prometheus", host)),
        )
    }
    assert not deployed.of_type(":SecurityGroup")


def test_ecs_may_pull_the_two_images_and_write_the_log(deployed: Deployment) -> None:
    statements = document(deployed, "watch-execution-role-policy")["Statement"]
    assert [(it["Action"][0], it["Resource"]) for it in statements] == [
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchCheckLayerAvailability", f"{ARN}:watch-node-exporter-images"),
        ("ecr:BatchCheckLayerAvailability", f"{ARN}:watch-cadvisor-images"),
        ("logs:CreateLogStream", f"{ARN}:watch-log:*"),
    ]


def test_of_a_foreign_cluster_nothing_is_registered(deployed: Deployment) -> None:
    """It is named, and that is all."""
    kinds = {it.type.rpartition(":")[2] for it in deployed.resources if it.options.custom}
    assert kinds == {
        *("Repository", "LifecyclePolicy", "Image", "RandomId", "LogGroup", "Role", "RolePolicy"),
        *("TaskDefinition", "Service", "SecurityGroupIngressRule", "SecurityGroupEgressRule"),
    }


def test_where_prometheus_is_admitted_already_there_are_no_rules() -> None:
    """One of two clusters whose hosts share a group: EC2 refuses a second rule like the first."""
    assert not [it for it in daemons(host_security_group_ids=[]).resources if "Rule" in it.type]


def test_a_host_group_that_is_named_twice_is_refused() -> None:
    args = {**DAEMONS.fewest, "host_security_group_ids": ["sg-hosts", "sg-hosts"]}
    said = str(refuse(lambda: DAEMONS.component("watch", args)))
    assert "sg-hosts is in the list more than once; expected each group once" in said


def test_how_many_host_groups_there_are_must_be_known() -> None:
    def program() -> None:
        groups = pulumi.Output.from_input(["sg-hosts"])
        DAEMONS.component("watch", {**DAEMONS.fewest, "host_security_group_ids": groups})

    said = str(refuse(program))
    assert (
        "host_security_group_ids is an output: expected a list, whose entries may be outputs"
    ) in said
