"""ExporterNode: exactly one host."""

from typing import Any

import pytest

from mocks.recording import Deployment, deploy
from tests.components.examples import NODE

ARM = {("aws:ec2/instance:Instance", "host-arm64")}
X86 = {("aws:ec2/instance:Instance", "host-x86-64")}


def node(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: NODE.component("host", {**NODE.fewest, **args}))


@pytest.fixture(scope="module")
def default() -> Deployment:
    return node()


def test_a_host_is_two_resources_and_no_more(default: Deployment) -> None:
    assert default.children("host") == ARM
    assert len(default.resources) == 2


def test_the_instance(default: Deployment) -> None:
    assert default.inputs("host-arm64") == {
        "ami": "ami-0123456789abcdef0",
        "instanceType": "t4g.nano",
        "subnetId": "subnet-1",
        "vpcSecurityGroupIds": ["sg-hosts"],
        "iamInstanceProfile": "profile-1",
        "associatePublicIpAddress": False,
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        "rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 8},
        "userData": "#!/bin/bash\n",
        "userDataReplaceOnChange": True,
        "tags": {"Name": "host", "role": "exporter-node", "prometheus-scrape": "true"},
    }


def test_every_option_reaches_the_instance() -> None:
    inputs = deploy(lambda: NODE.component("host", NODE.all)).inputs("host-x86-64")
    assert inputs["instanceType"] == "t3.micro"
    assert inputs["rootBlockDevice"] == {"encrypted": True, "volumeType": "gp3", "volumeSize": 20}
    assert inputs["associatePublicIpAddress"] is True
    assert inputs["keyName"] == "admin"
    assert inputs["tags"] == {
        "Name": "host",
        "role": "exporter-node",
        "team:monitor": "yes",
        "environment": "dev",
    }


def test_empty_names_are_left_out(default: Deployment) -> None:
    assert node(ssh_key_name="", environment="").inputs("host-arm64") == default.inputs(
        "host-arm64"
    )


def test_another_architecture_is_another_host() -> None:
    """An existing one keeps its image, which would not boot there."""
    assert node(instance_type="t3.micro").children("host") == X86
    assert node(instance_type="t4g.small").children("host") == ARM


@pytest.mark.parametrize(
    ("args", "ignored"),
    [({}, ["ami"]), ({"replace_on_new_ami": False}, ["ami"]), ({"replace_on_new_ami": True}, [])],
)
def test_a_newer_image_replaces_no_host_unless_asked_for(
    args: dict[str, Any], ignored: list[str]
) -> None:
    assert list(node(**args).named("host-arm64").options.ignoreChanges) == ignored


def test_a_size_of_another_language_is_the_same_size(default: Deployment) -> None:
    """It arrives as a float."""
    assert node(root_volume_gib=8.0).inputs("host-arm64") == default.inputs("host-arm64")


def test_the_outputs(default: Deployment) -> None:
    (outputs,) = [o for urn, o in default.outputs.items() if "ExporterNode" in urn]
    assert outputs == {"instance_id": "host-arm64-id", "private_ip": "10.42.0.10"}
