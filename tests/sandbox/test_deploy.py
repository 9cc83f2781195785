"""Programs other than our own, evaluated into the emulator."""

from __future__ import annotations

import contextvars
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox import configuration, deploy
from sandbox.emulator import Emulator
from sandbox.resources import Account, GoneError, images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    emulator = Emulator("eu-west-1")
    emulator.start()
    yield Account(emulator, {"owner": "tests"})
    emulator.stop()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of a project with a stack."""
    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    monkeypatch.setattr(configuration, "ROOT", tmp_path)
    files = {
        "Pulumi.yaml": {"name": "tried", "runtime": "python"},
        "Pulumi.dev.yaml": {"config": {"aws:region": "eu-west-1"}},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))
    return tmp_path


def _deploy(
    account: Account, project: Path, program: str, config: Mapping[str, str] | None = None
) -> deploy.Deployment:
    (project / "__main__.py").write_text(program)
    # Pulumi's settings are context variables: other tests keep theirs.
    return contextvars.copy_context().run(
        deploy.deploy, account, "dev", config or {}, lambda _count: None
    )


def test_resources_are_made_and_what_they_get_flows_back(account: Account, project: Path) -> None:
    deployed = _deploy(
        account,
        project,
        "import pulumi, pulumi_aws as aws\n"
        "vpc = aws.ec2.Vpc('net', cidr_block='127.9.0.0/16', tags={'x': 'y'})\n"
        "subnet = aws.ec2.Subnet('part', vpc_id=vpc.id, cidr_block='127.9.1.0/24')\n"
        "user = aws.iam.User('robot')\n"
        "key = aws.iam.AccessKey('key', user=user.name)\n"
        "pulumi.export('subnet', subnet.id)\n"
        "pulumi.export('tags', vpc.tags_all)\n"
        "pulumi.export('number', pulumi.Config().require_int('n'))\n"
        "pulumi.export('key', key.secret)\n"
        "pulumi.export('marked', pulumi.Output.secret('s'))\n",
        {"tried:n": "7"},
    )
    assert deployed.resources == 4
    subnets = account.client("ec2").describe_subnets(SubnetIds=[deployed.outputs["subnet"]])
    assert subnets["Subnets"][0]["CidrBlock"] == "127.9.1.0/24"
    assert deployed.outputs["tags"] == {"owner": "tests", "x": "y"}
    assert deployed.outputs["number"] == 7
    assert deployed.outputs["key"] == deployed.outputs["marked"] == "[secret]"


def test_subnets_lie_where_aws_offers_what_is_asked_for(project: Path) -> None:
    """In us-east-1, one zone has neither the instance type nor Fargate for ARM64."""
    program = (
        "import pulumi, components\n"
        "args = {'vpc_cidr': '127.9.0.0/16', 'allow_loopback_cidr': True}\n"
        "args |= {'zone_count': pulumi.Config().require_int('zones')}\n"
        "args |= {'instance_types': ['t3.nano']}\n"
        "pulumi.export('vpc', components.MonitoringNetwork('net', args).vpc_id)\n"
    )
    emulator = Emulator("us-east-1")
    emulator.start()
    try:
        there = Account(emulator, {})
        deployed = _deploy(there, project, program, {"tried:zones": "5"})
        of_vpc = [{"Name": "vpc-id", "Values": [deployed.outputs["vpc"]]}]
        subnets = there.client("ec2").describe_subnets(Filters=of_vpc)["Subnets"]
        zones = {subnet["AvailabilityZoneId"] for subnet in subnets}
        assert zones == {f"use1-az{number}" for number in (1, 2, 4, 5, 6)}
        with pytest.raises(deploy.DeployError) as error:
            _deploy(there, project, program, {"tried:zones": "6"})
        expected = "Not usable: us-east-1e (use1-az3 is excluded; no t3.nano)"
        assert str(error.value).endswith(expected)
    finally:
        emulator.stop()


def test_type_without_an_entry_is_named(account: Account, project: Path) -> None:
    with pytest.raises(deploy.ProgramError, match=r"no entry for the type aws:sqs/queue:Queue"):
        _deploy(account, project, "import pulumi_aws as aws\naws.sqs.Queue('q')\n")


def test_function_without_an_entry_is_named(account: Account, project: Path) -> None:
    with pytest.raises(deploy.ProgramError, match="no entry for the function aws:index/getRegion"):
        _deploy(account, project, "import pulumi_aws as aws\naws.get_regions()\n")


def test_refusal_of_the_emulator_names_the_resource(account: Account, project: Path) -> None:
    program = "import pulumi_aws as aws\naws.ec2.Vpc('bad', cidr_block='127.9.0.0/8')\n"
    with pytest.raises(deploy.ProgramError, match=r"^aws:ec2/vpc:Vpc 'bad': .*InvalidVpc"):
        _deploy(account, project, program)


def test_program_that_refuses_says_so_without_a_trace(account: Account, project: Path) -> None:
    program = "import pulumi\nraise pulumi.RunError('not like this')\n"
    with pytest.raises(deploy.DeployError) as error:
        _deploy(account, project, program)
    assert str(error.value) == "not like this"


def test_mistake_in_the_program_comes_with_its_trace(account: Account, project: Path) -> None:
    with pytest.raises(deploy.ProgramError, match=r"(?s)__main__\.py.*ZeroDivisionError"):
        _deploy(account, project, "1 / 0\n")


def test_image_is_entered_in_the_registry(account: Account, project: Path) -> None:
    deployed = _deploy(
        account,
        project,
        "import pulumi, pulumi_aws as aws, pulumi_docker as docker\n"
        "r = aws.ecr.Repository('images', image_tag_mutability='IMMUTABLE')\n"
        "i = docker.Image('i', image_name=r.repository_url.apply(lambda u: u + ':1'),\n"
        "    build={'context': '/c', 'dockerfile': '/c/Dockerfile', 'args': {'A': '1'}})\n"
        "pulumi.export('digest', i.repo_digest)\n"
        "pulumi.export('name', r.name)\n",
    )
    reference = deployed.outputs["digest"]
    source = images.source(account, reference)
    assert source == images.ImageSource(Path("/c"), Path("/c/Dockerfile"), {"A": "1"})
    assert images.sources(account) == [source]
    found = account.client("ecr").describe_images(repositoryName=deployed.outputs["name"])
    assert [image["imageTags"] for image in found["imageDetails"]] == [["1"]]
    assert found["imageDetails"][0]["imageDigest"] == reference.split("@")[1]
    with pytest.raises(GoneError):
        images.source(account, f"{reference[:-1]}{'1' if reference[-1] == '0' else '0'}")
    json.dumps(deployed.outputs)
