"""What is deployed, asked of the emulated AWS, of Prometheus and of the machine itself."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.command import Account, Deployed, processes, run, until

if TYPE_CHECKING:
    from collections.abc import Iterator

REFRESH_S = 5
SCRAPE_S = 2
HAND_OVER_S = 5
"""Prometheus passes discovered targets on to its scraper every 5 s.

Source: discovery/manager.go, `updatert`.
"""

DENIED: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2", "terminate_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
    ("ec2", "stop_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
    ("ec2", "run_instances", {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}),
    ("ec2", "describe_vpcs", {}),
    ("ec2", "describe_subnets", {}),
    ("ec2", "describe_security_groups", {}),
    ("ec2", "describe_network_interfaces", {}),
    ("ec2", "describe_volumes", {}),
    ("ec2", "describe_images", {}),
    ("ec2", "create_security_group", {"GroupName": "x", "Description": "x"}),
    ("ec2", "create_tags", {"Resources": ["i-0123456789abcdef0"], "Tags": []}),
    ("ec2", "create_key_pair", {"KeyName": "x"}),
    ("iam", "list_users", {}),
    ("iam", "list_roles", {}),
    ("iam", "create_user", {"UserName": "x"}),
    ("iam", "create_access_key", {"UserName": "x"}),
    ("iam", "list_access_keys", {"UserName": "x"}),
    ("secretsmanager", "list_secrets", {}),
    ("secretsmanager", "get_secret_value", {"SecretId": "x"}),
    ("ecr", "describe_repositories", {}),
    ("ecr", "get_authorization_token", {}),
    ("ecs", "list_clusters", {}),
    ("ecs", "list_task_definitions", {}),
    ("ecs", "update_service", {"service": "x", "desiredCount": 0}),
    ("ssm", "get_parameter", {"Name": "x"}),
    ("logs", "describe_log_groups", {}),
    ("s3", "list_buckets", {}),
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::1:role/xxxxxx", "RoleSessionName": "xx"}),
]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Deployed.up(
        *("--hosts", "2", "--runtime", "process"),
        *("--config", f"prometheus.discoveryRefreshInterval={REFRESH_S}s"),
        *("--config", f"prometheus.scrapeInterval={SCRAPE_S}s"),
    ) as deployed:
        yield Account(deployed)


def test_all_targets_are_up_with_the_labels_that_a_person_wants(account: Account) -> None:
    nodes = account.nodes()
    assert set(nodes) == set(account.outputs["host_ids"])
    for identifier, target in nodes.items():
        instance = account.instance(identifier)
        name = next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == "Name")
        assert target.labels == {
            "job": "node",
            "instance": name,
            "instance_id": identifier,
            "availability_zone": instance["Placement"]["AvailabilityZone"],
            "instance_type": instance["InstanceType"],
            "private_ip": instance["PrivateIpAddress"],
        }
        assert target.health == "up"


def test_hosts_run_the_real_node_exporter(account: Account) -> None:
    assert account.value("count(node_exporter_build_info)") == 2
    assert account.value("count(node_memory_MemTotal_bytes > 0)") == 2


def test_hosts_are_hardened_and_tagged(account: Account) -> None:
    for identifier in account.outputs["host_ids"]:
        instance = account.instance(identifier)
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        disks = [disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]]
        volumes = account.client("ec2").describe_volumes(VolumeIds=disks)["Volumes"]
        assert [volume["Encrypted"] for volume in volumes] == [True]
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        assert tags["managed-by"] == "pulumi"  # one of the provider's default tags


def test_the_url_command_prints_where_prometheus_answers(account: Account) -> None:
    command = account.outputs["prometheus_url_command"]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == f"{account.url}\n"


def test_exporters_admit_prometheus_and_nobody_else(account: Account) -> None:
    ec2 = account.client("ec2")
    groups = {
        group["GroupId"]
        for identifier in account.outputs["host_ids"]
        for interface in account.instance(identifier)["NetworkInterfaces"]
        for group in interface["Groups"]
    }
    (group_id,) = groups
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    cluster, service = account.outputs["cluster_name"], account.outputs["service_name"]
    described = account.client("ecs").describe_services(cluster=cluster, services=[service])
    network = described["services"][0]["networkConfiguration"]["awsvpcConfiguration"]
    (permission,) = group["IpPermissions"]
    assert permission["IpProtocol"] == "tcp"
    assert permission["FromPort"] == permission["ToPort"]
    addresses = {target.address for target in account.nodes().values()}
    assert {address.split(":")[1] for address in addresses} == {str(permission["FromPort"])}
    assert [pair["GroupId"] for pair in permission["UserIdGroupPairs"]] == network["securityGroups"]
    assert not permission["IpRanges"]
    assert not permission["Ipv6Ranges"]
    assert not permission["PrefixListIds"]


def test_nobody_reaches_prometheus_unless_named(account: Account) -> None:
    cluster, service = account.outputs["cluster_name"], account.outputs["service_name"]
    described = account.client("ecs").describe_services(cluster=cluster, services=[service])
    network = described["services"][0]["networkConfiguration"]["awsvpcConfiguration"]
    groups = account.client("ec2").describe_security_groups(GroupIds=network["securityGroups"])
    (group,) = groups["SecurityGroups"]
    assert group["IpPermissions"] == []
    assert {p["FromPort"] for p in group["IpPermissionsEgress"]} == {
        443,
        *(int(target.address.split(":")[1]) for target in account.nodes().values()),
    }


def test_default_security_group_is_empty(account: Account) -> None:
    groups = account.client("ec2").describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [account.outputs["vpc_id"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )
    (group,) = groups["SecurityGroups"]
    assert group["IpPermissions"] == []
    assert group["IpPermissionsEgress"] == []


def test_secret_holds_a_working_key_of_the_scoped_user(account: Account) -> None:
    key = account.scoped_key()
    instances = account.client_of("ec2", *key).describe_instances()["Reservations"]
    assert len(instances) == 2
    zones = account.client_of("ec2", *key).describe_availability_zones()["AvailabilityZones"]
    assert zones
    used = account.client("iam").get_access_key_last_used(AccessKeyId=key[0])
    assert "discovery-user" in used["UserName"]


@pytest.mark.parametrize(
    ("service", "action", "arguments"), DENIED, ids=[f"{d[0]}:{d[1]}" for d in DENIED]
)
def test_scoped_user_may_do_nothing_else(
    account: Account, service: str, action: str, arguments: dict[str, Any]
) -> None:
    call = getattr(account.client_of(service, *account.scoped_key()), action)
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] in (
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "403",  # what moto says for the services that speak JSON
    )


def test_no_secret_is_anywhere_that_it_should_not_be(account: Account) -> None:
    secrets = {*account.scoped_key(), account.environment["AWS_SECRET_ACCESS_KEY"]}
    ecs, ec2 = account.client("ecs"), account.client("ec2")
    definitions = [
        ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for arn in ecs.list_task_definitions()["taskDefinitionArns"]
    ]
    user_data = [
        ec2.describe_instance_attribute(InstanceId=identifier, Attribute="userData")
        for identifier in account.outputs["host_ids"]
    ]
    logs = [path for path in account.logs.rglob("*") if path.is_file()]
    volumes = list(account.logs.with_name("volumes").rglob("*.yml"))
    assert definitions
    assert logs
    assert volumes
    places = {
        "task definitions": json.dumps(definitions, default=str),
        "user data": json.dumps(user_data, default=str),
        "exports": json.dumps(account.outputs),
        "status": json.dumps(account.status),
        "command lines": json.dumps([process.command for process in processes()]),
        **{str(path): path.read_text(errors="replace") for path in (*logs, *volumes)},
    }
    leaks = [place for place, text in places.items() if any(secret in text for secret in secrets)]
    assert leaks == []


def test_container_gets_the_environment_of_its_task_definition(account: Account) -> None:
    ecs = account.client("ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    (container,) = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"][
        "containerDefinitions"
    ]
    pid = account.prometheus_process().pid
    words = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
    actual = dict(word.split("=", 1) for word in words)
    for variable in container["environment"]:
        assert actual.pop(variable["name"]) == variable["value"]
    key_id, secret_key = account.scoped_key()
    assert actual.pop("AWS_ACCESS_KEY_ID") == key_id
    assert actual.pop("AWS_SECRET_ACCESS_KEY") == secret_key
    # The rest: what the image says, where the sandbox's AWS is, what sh adds, and the credentials
    # of the role that the task has for Session Manager, after a key in the SDK's chain.
    assert set(actual) == {
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ENDPOINT_URL",
        "LISTEN_HOST",
        "PATH",
        "PROMETHEUS_CONFIG_DIR",
        "PROMETHEUS_DATA_DIR",
        "PROMETHEUS_LISTEN_HOST",
        "PROMETHEUS_RENDERED_DIR",
        "PROMETHEUS_REPLICA",
        "PWD",
    }


def test_task_has_an_address_in_the_subnet_of_its_service(account: Account) -> None:
    cluster, service = account.outputs["cluster_name"], account.outputs["service_name"]
    described = account.client("ecs").describe_services(cluster=cluster, services=[service])
    network = described["services"][0]["networkConfiguration"]["awsvpcConfiguration"]
    interfaces = account.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "group-id", "Values": network["securityGroups"]}]
    )
    (interface,) = interfaces["NetworkInterfaces"]
    assert interface["SubnetId"] in network["subnets"]
    assert interface["PrivateIpAddress"].startswith("127.")


def test_nothing_of_the_sandbox_listens_beyond_loopback(account: Account) -> None:
    ports = [
        *(url.rsplit(":", 1)[1] for url in account.status["urls"].values()),
        *(target.address.rsplit(":", 1)[1] for target in account.nodes().values()),
    ]
    wanted = {f"{int(port):04X}" for port in ports}
    listening = "0A"
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    addresses = {
        row[1].split(":")[0]
        for row in rows
        if row[3] == listening and row[1].split(":")[1] in wanted
    }
    assert addresses
    # The kernel prints addresses in the machine's byte order: 127.0.0.1 is 0100007F.
    assert {address[-2:] for address in addresses} == {"7F"}


def test_pulumi_has_no_state_of_what_it_has_not_deployed(account: Account) -> None:
    done = run("pulumi", "--name", account.status["name"], "preview")
    assert (done.returncode, done.stdout) == (1, "")
    assert "was deployed without Pulumi's engine" in done.stderr
    assert "up --pulumi" in done.stderr


def test_hosts_come_and_go_while_it_runs(account: Account) -> None:
    ec2 = account.client("ec2")
    groups = [account.outputs["exporter_security_group_id"]]
    untagged = account.launch(groups, Name="untagged")
    other_value = account.launch(groups, **{"Name": "other", "prometheus-scrape": "false"})
    tagged = account.launch(groups, **{"Name": "added", "prometheus-scrape": "true"})
    began = time.monotonic()
    until("the new host is UP", 60, lambda: account.health(tagged) == "up")
    # A refresh and a scrape interval, and what Prometheus needs between the two.
    assert time.monotonic() - began <= REFRESH_S + HAND_OVER_S + SCRAPE_S + 2
    assert account.nodes()[tagged].labels["instance"] == "added"

    refreshes = 'prometheus_sd_refresh_duration_seconds_count{mechanism="ec2"}'
    before = account.value(refreshes) or 0
    until("two more refreshes", 60, lambda: (account.value(refreshes) or 0) >= before + 2)
    assert not {untagged, other_value} & account.nodes().keys()
    # They run an exporter like any host: it is the tag that keeps them out.
    address = account.instance(untagged)["PrivateIpAddress"]
    assert processes(f"--web.listen-address={address}:")

    ec2.terminate_instances(InstanceIds=[tagged, untagged, other_value])
    until("the host has gone", 60, lambda: account.health(tagged) is None)
    until(
        "its exporter has gone",
        10,
        lambda: not processes(f"--web.listen-address={address}:"),
    )
    assert set(account.nodes()) == set(account.outputs["host_ids"])


def test_security_groups_decide_whom_prometheus_reaches(account: Account) -> None:
    ec2 = account.client("ec2")
    exporters = account.outputs["exporter_security_group_id"]
    foreign = account.launch([], **{"Name": "foreign", "prometheus-scrape": "true"})
    (default,) = account.instance(foreign)["SecurityGroups"]
    interface = account.instance(foreign)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    own = account.outputs["host_ids"][0]

    def comes(health: str, *hosts: str) -> None:
        until(f"{health}: {hosts}", 30, lambda: {account.health(it) for it in hosts} == {health})

    comes("down", foreign)
    shown = run("status", "--name", account.status["name"]).stdout
    port = account.nodes()[foreign].address.rpartition(":")[2]
    assert re.search(
        rf"^node foreign at \S+ is DOWN: no security group rule lets Prometheus reach it on port"
        rf" {port}: its groups \({default['GroupId']}\) have no ingress rule for Prometheus;",
        shown,
        re.MULTILINE,
    )
    ec2.modify_instance_attribute(InstanceId=foreign, Groups=[exporters])
    comes("up", foreign)
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface, Groups=[default["GroupId"]]
    )
    comes("down", foreign)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[exporters])
    comes("up", foreign, own)

    (group,) = ec2.describe_security_groups(GroupIds=[exporters])["SecurityGroups"]
    rules = {"GroupId": exporters, "IpPermissions": group["IpPermissions"]}
    ec2.revoke_security_group_ingress(**rules)
    comes("down", foreign, own)
    ec2.authorize_security_group_ingress(**rules)
    comes("up", foreign, own)
    ec2.terminate_instances(InstanceIds=[foreign])
    until("the host has gone", 60, lambda: account.health(foreign) is None)


def test_a_new_revision_replaces_the_task(account: Account) -> None:
    ecs = account.client("ecs")
    cluster, service = account.outputs["cluster_name"], account.outputs["service_name"]
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    for variable in container["environment"]:
        if variable["name"] == "ENVIRONMENT":
            variable["value"] = "renamed"
    kept = ("family", "networkMode", "volumes", "cpu", "memory", "executionRoleArn")
    revision = ecs.register_task_definition(
        containerDefinitions=[container], **{name: definition[name] for name in kept}
    )["taskDefinition"]["taskDefinitionArn"]
    before = account.prometheus_process().pid
    ecs.update_service(cluster=cluster, service=service, taskDefinition=revision)

    def replaced() -> bool:
        port = account.url.rsplit(":", 1)[1]
        running = processes(f"--web.listen-address=127.0.0.1:{port}")
        assert len(running) <= 1, "two servers at once would damage the data"
        return bool(running) and running[0].pid != before

    until("another Prometheus runs", 60, replaced)
    rendered = account.logs.with_name("volumes").rglob("prometheus.yml")
    assert ["renamed" in path.read_text() for path in rendered] == [True]
