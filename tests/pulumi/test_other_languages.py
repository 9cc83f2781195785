"""The components in a program of another language, through the component plugin."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import yaml

from sandbox.configuration import ROOT
from tests.pulumi.inventory import inventory
from tests.pulumi.stack import new_emulator, new_stack

if TYPE_CHECKING:
    from pathlib import Path

VPC = "127.77.0.0/16"

PROGRAM = {
    "name": "consumer",
    "runtime": "yaml",
    "packages": {"prometheus-aws": str(ROOT / "components")},
    "resources": {
        "net": {
            "type": "prometheus-aws:index:MonitoringNetwork",
            "properties": {"vpcCidr": VPC, "zoneCount": 2, "allowLoopbackCidr": True},
        },
        "prom": {
            "type": "prometheus-aws:index:PrometheusService",
            "properties": {
                "vpcId": "${net.vpcId}",
                "subnetIds": "${net.publicSubnetIds}",
                "environment": "tried",
                "deleteImagesOnDestroy": True,
            },
        },
        "hosts": {
            "type": "prometheus-aws:index:ExporterGroup",
            "properties": {
                "vpcId": "${net.vpcId}",
                "prometheusSecurityGroupId": "${prom.securityGroupId}",
            },
        },
        "host": {
            "type": "prometheus-aws:index:ExporterNode",
            "properties": {
                "subnetId": "${net.publicSubnetIds[0]}",
                "securityGroupId": "${hosts.securityGroupId}",
                "instanceProfileName": "${hosts.instanceProfileName}",
                "userData": "${hosts.userData}",
                "amiId": "${hosts.amiId}",
            },
        },
    },
    "outputs": {
        "vpc": "${net.vpcId}",
        "subnets": "${net.publicSubnetIds}",
        "hosts": ["${host.instanceId}"],
    },
}


def test_a_yaml_program_deploys_every_component(tmp_path: Path) -> None:
    """Anywhere on this machine: the workspace leads its plugins and its account."""
    project = tmp_path / "consumer"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(PROGRAM), encoding="utf-8")
    with new_emulator() as emulator, new_stack(emulator, tmp_path) as stack:

        def pulumi(*arguments: str) -> str:
            done = stack.workspace.run("--cwd", str(project), *arguments, stdout=subprocess.PIPE)
            assert done.returncode == 0, done.stdout
            return done.stdout

        before = inventory(emulator)
        pulumi("stack", "init", "tried")
        pulumi("up", "--yes", "--skip-preview")
        outputs = yaml.safe_load(pulumi("stack", "output", "--json"))
        after = inventory(emulator)
        assert after["vpc"] - before["vpc"] == {outputs["vpc"]}
        assert len(outputs["subnets"]) == 2
        assert set(outputs["subnets"]) < after["subnet"]
        assert after["instance"] - before["instance"] == set(outputs["hosts"])
        assert len(after["service"] - before["service"]) == 1
        pulumi("destroy", "--yes", "--skip-preview")
        assert inventory(emulator) == before
