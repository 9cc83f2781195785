"""`__main__.py`, with the configuration of every stack file."""

import importlib
import inspect
import json
import re

import pytest

from blocks import BLOCKS
from mocks.evaluation import without_secrets
from mocks.recording import ACCOUNT, REGION, SECRET_KEY, Deployment, deploy, refuse
from settings import SettingsError
from stack_files import stack_file_config
from tests.program.evaluate import ROOT, cli_config, evaluate, program, variables
from tests.unit.configurations import FARGATE, INGRESS, SERVICE

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))

each_stack = pytest.mark.parametrize("stack", STACKS)
preview_and_update = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])

UNLIMITABLE = {
    "ec2:DescribeInstances",
    "ec2:DescribeAvailabilityZones",
    "ecr:GetAuthorizationToken",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}

UNLIMITABLE_OF_VOLUMES = {"ec2:DescribeSnapshots", "ec2:DescribeVolumes"}

UNLIMITABLE_OF_HOSTS = {
    # As AWS's own policy for ECS's hosts has them.
    "ecs:DiscoverPollEndpoint",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
}

UNLIMITABLE_OF_CLUSTERS = {"ec2:DescribeNetworkInterfaces"}
"""The only actions here that AWS cannot limit to a resource, by its authorization reference."""

UNLIMITABLE_OF = {
    "prod": UNLIMITABLE_OF_VOLUMES | UNLIMITABLE_OF_HOSTS,
    "pizza": UNLIMITABLE_OF_CLUSTERS | UNLIMITABLE_OF_HOSTS,
}

IN_THE_CLUSTER = {
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ecs:DescribeContainerInstances",
}
"""Actions that are limited by the condition that it is the cluster."""


@pytest.fixture(scope="module")
def dev() -> Deployment:
    return evaluate()


# --- every stack ---


def test_there_is_a_stack() -> None:
    assert "dev" in STACKS


@each_stack
def test_every_stack_registers_the_same_in_a_preview(stack: str) -> None:
    update, preview = evaluate(stack=stack), evaluate(stack=stack, preview=True)
    assert update.resources
    assert {(r.type, r.name) for r in preview.resources} == {
        (r.type, r.name) for r in update.resources
    }
    assert preview.exports.keys() == update.exports.keys()


@each_stack
@preview_and_update
def test_no_stack_has_a_secret_in_plain_text(stack: str, *, preview: bool) -> None:
    deployment = evaluate(stack=stack, preview=preview)
    everything = {r.name: without_secrets(r.inputs) for r in deployment.resources}
    plain = json.dumps([everything, without_secrets(deployment.outputs)], default=str)
    assert "monitoring-vpc" in plain
    assert SECRET_KEY not in plain
    assert "the-ecr-password" not in plain


@each_stack
def test_every_resource_of_a_stack_belongs_to_a_component(stack: str) -> None:
    deployment = evaluate(stack=stack)
    components = {r.name for r in deployment.resources if not r.options.custom}
    assert {"monitoring", "prometheus", "exporters"} <= components
    owners = {r.parent for r in deployment.resources if r.options.custom}
    assert owners <= components


@each_stack
def test_every_policy_names_its_actions_and_wherever_possible_its_resources(stack: str) -> None:
    documents = [
        json.loads(r.inputs["policy"])
        for deployment in (
            evaluate(stack=stack),
            evaluate(
                {
                    "prometheus": {"credentials": "task-role", "enableExecuteCommand": True},
                    "network": {"flowLogs": True},
                },
                stack=stack,
            ),
        )
        for r in deployment.resources
        if r.type.startswith("aws:iam/") and "policy" in r.inputs
    ]
    statements = [statement for document in documents for statement in document["Statement"]]
    assert len(documents) >= 5
    assert not [s for s in statements if "NotAction" in s or "NotResource" in s]
    assert not [s for s in statements if set("*?") & set("".join(s["Action"]))]
    cluster = f"arn:aws:mock:{REGION}:{ACCOUNT}:services-cluster"
    in_cluster = {"ArnLike": {"ecs:cluster": [cluster]}}
    everywhere = [s for s in statements if s["Resource"] == "*"]
    unlimited = {a for s in everywhere if s.get("Condition") != in_cluster for a in s["Action"]}
    assert unlimited == UNLIMITABLE | UNLIMITABLE_OF.get(stack, set())
    limited = {a for s in statements if s.get("Condition") == in_cluster for a in s["Action"]}
    assert limited == (IN_THE_CLUSTER if stack == "pizza" else set())


# --- the stack dev ---


def test_the_exports_of_dev_are_exactly_these(dev: Deployment) -> None:
    exports = dict(dev.exports)
    command = exports.pop("prometheus_url_command")
    foreign = exports.pop("foreign_interfaces_command")
    port_forwarding = exports.pop("prometheus_port_forwarding_command")
    assert exports == {
        "region": REGION,
        "vpc_id": "monitoring-vpc-id",
        "cluster_name": "prometheus-cluster",
        "service_name": "prometheus-service",
        "log_group_name": "prometheus-log",
        "prometheus_port": 9090,
        "credentials_secret_arn": f"arn:aws:mock:{REGION}:{ACCOUNT}:prometheus-discovery-secret",
        "prometheus_security_group_id": "prometheus-security-group-id",
        "exporter_security_group_id": "exporters-security-group-id",
        "host_ids": ["exporter-0-arm64-id", "exporter-1-arm64-id"],
    }
    assert command.startswith(f"TASK=$(aws --region {REGION} ")
    assert "Association.PublicIp" in command
    assert foreign.startswith(f"aws --region {REGION} ")
    assert "Values=monitoring-vpc-id" in foreign
    assert '["exporter-0-arm64-id", "exporter-1-arm64-id"]' in foreign
    assert '"prometheus-security-group-id"' in foreign
    assert port_forwarding.endswith(" --parameters portNumber=9090,localPortNumber=9090")


def test_everything_that_can_have_tags_has_the_stacks_name() -> None:
    """Whatever its stack file says; a resource's own tags stay."""
    deployment = deploy(program, config=cli_config(), stack="another")
    tagged = {r.name: r.inputs["tags"] for r in deployment.resources if "tags" in r.inputs}
    assert {tags["stack"] for tags in tagged.values()} == {"another"}
    assert tagged["monitoring-vpc"] == {"Name": "monitoring", "stack": "another"}
    untagged = {r.type for r in deployment.resources if r.name not in tagged and r.options.custom}
    can = [type_ for type_ in untagged if type_.startswith("aws:") and _can_have_tags(type_)]
    assert can == []


def _can_have_tags(type_: str) -> bool:
    """Whether a resource type of AWS has tags, in the provider's SDK."""
    package, _, name = type_.partition("/")
    module = importlib.import_module(package.replace("aws:", "pulumi_aws."))
    made = getattr(module, name.partition(":")[2])
    return "tags" in inspect.signature(made._internal_init).parameters


@each_stack
def test_every_command_says_its_region(stack: str) -> None:
    """It need not be that of whoever pastes it."""
    exports = [text for text in evaluate(stack=stack).exports.values() if isinstance(text, str)]
    commands = [text for text in exports if "$(aws " in text]
    assert commands
    for command in commands:
        assert command.count(f"aws --region {REGION} ") == len(re.findall(r"\baws ", command))


def test_dev_costs_no_nat_gateway_and_is_two_hosts(dev: Deployment) -> None:
    assert dev.of_type(":NatGateway") == []
    assert len(dev.of_type(":Instance")) == 2
    task = dev.one(":TaskDefinition").inputs
    assert (task["cpu"], task["memory"]) == ("256", "512")


def test_nobody_reaches_dev_from_outside(dev: Deployment) -> None:
    (rule,) = dev.of_type(":SecurityGroupIngressRule")
    assert "cidrIpv4" not in rule.inputs
    assert rule.inputs["referencedSecurityGroupId"] == "prometheus-security-group-id"


def test_prometheus_goes_out_to_aws_and_to_the_exporters_only(dev: Deployment) -> None:
    group = "prometheus-security-group-id"
    egress = [r.inputs for r in dev.of_type(":SecurityGroupEgressRule")]
    out = {
        (r["ipProtocol"], r["fromPort"], r["toPort"], r.get("cidrIpv4"))
        for r in egress
        if r["securityGroupId"] == group and "referencedSecurityGroupId" not in r
    }
    to_groups = {
        (r["ipProtocol"], r["fromPort"], r["toPort"], r["referencedSecurityGroupId"])
        for r in egress
        if r["securityGroupId"] == group and "referencedSecurityGroupId" in r
    }
    assert out == {("tcp", 443, 443, "0.0.0.0/0")}
    assert to_groups == {("tcp", 9100, 9100, "exporters-security-group-id")}


def test_the_parts_are_wired_together(dev: Deployment) -> None:
    assert variables(dev)["VPC_ID"] == "monitoring-vpc-id"
    assert variables(dev)["ENVIRONMENT"] == "dev"
    assert {r.inputs["vpcId"] for r in dev.of_type(":SecurityGroup")} == {"monitoring-vpc-id"}
    public = ["monitoring-public-0-id", "monitoring-public-1-id"]
    service = dev.one(":Service").inputs["networkConfiguration"]
    assert (service["subnets"], service["assignPublicIp"]) == (public, True)
    for index, host in enumerate(sorted(dev.of_type(":Instance"), key=lambda r: r.name)):
        assert host.inputs["subnetId"] == public[index]
        assert host.inputs["associatePublicIpAddress"] is True
        assert host.inputs["vpcSecurityGroupIds"] == ["exporters-security-group-id"]
        assert host.inputs["iamInstanceProfile"] == "exporters-profile"
        assert host.inputs["tags"] == {
            "Name": f"exporter-{index}",
            "role": "exporter-node",
            "environment": "dev",
            "prometheus-scrape": "true",
            "stack": "dev",
        }


def test_versions_come_from_the_versions_file(dev: Deployment) -> None:
    versions = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))
    build = dev.one(":Image").inputs["build"]
    version, digest = versions["prometheus_image"].split("@")
    assert version == versions["prometheus"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert build["args"] == {"PROMETHEUS_VERSION": version, "PROMETHEUS_DIGEST": digest}
    user_data = dev.named("exporter-0-arm64").inputs["userData"]
    assert f"export NODE_EXPORTER_VERSION={versions['node_exporter']}\n" in user_data


# --- the stack prod ---


def test_prod_and_pizza_have_every_optional_block() -> None:
    prod, pizza = (
        {key.partition(":")[2] for key in stack_file_config(ROOT / f"Pulumi.{stack}.yaml")}
        for stack in ("prod", "pizza")
    )
    # A load balancer is for a domain of the user's, a cluster for services of theirs; nobody needs
    # a bastion.
    optional = {name for name, block in BLOCKS.items() if block.optional}
    assert optional - {"ingress", "cluster", "bastion"} <= prod
    assert {"cluster", "services"} <= pizza


def test_dev_has_no_optional_block(dev: Deployment) -> None:
    assert not [r.name for r in dev.resources if r.type.startswith(("aws:sns/", "aws:kms/"))]
    assert not dev.of_type(":EventRule") + dev.of_type(":MetricAlarm")
    assert not [r.name for r in dev.resources if r.type.startswith("aws:servicediscovery/")]
    assert not [r.name for r in dev.resources if r.name.startswith(("alertmanager", "bastion"))]


def test_prod_tells_people_when_prometheus_is_in_trouble() -> None:
    prod = evaluate(stack="prod")
    topic = f"arn:aws:mock:{REGION}:{ACCOUNT}:notifications-topic"
    assert prod.exports["notification_topic_arn"] == topic
    assert [r.inputs["endpoint"] for r in prod.of_type(":TopicSubscription")] == [
        "on-call@example.com"
    ]
    assert {r.inputs["arn"] for r in prod.of_type(":EventTarget")} == {topic}
    alarm = prod.named("prometheus-watch-too-few-tasks")
    assert alarm.inputs["alarmActions"] == [topic]
    assert alarm.inputs["dimensions"] == {
        "ClusterName": prod.exports["cluster_name"],
        "ServiceName": prod.exports["service_name"],
    }
    # It begins when the service runs: what has no data yet would be an alarm.
    assert "prometheus-service" in prod.needs(alarm.name)


def test_prometheus_finds_two_alertmanagers_which_tell_the_topic() -> None:
    prod = evaluate(stack="prod")
    prometheus, group = "prometheus-security-group-id", "alertmanager-security-group-id"
    name = "alertmanager.monitoring.internal"
    assert prod.exports["alertmanager_dns_name"] == variables(prod)["ALERTMANAGER_DNS_NAME"] == name
    assert prod.inputs("names-namespace")["vpc"] == "monitoring-vpc-id"
    for server in ("alertmanager", "prometheus"):
        namespace = prod.inputs(f"{server}-name")["dnsConfig"]["namespaceId"]
        assert namespace == "names-namespace-id"
        alarm = prod.inputs(f"{server}-watch-too-few-tasks")
        assert alarm["dimensions"]["ClusterName"] == f"{server}-cluster"
    assert prod.inputs("alertmanager-service")["desiredCount"] == 2
    statements = json.loads(prod.inputs("alertmanager-task-role-policy")["policy"])["Statement"]
    (topic,) = (it["Resource"] for it in statements if it["Action"] == ["sns:Publish"])
    assert topic == prod.exports["notification_topic_arn"]
    between = sorted(
        (r.inputs["securityGroupId"], r.inputs["referencedSecurityGroupId"], r.inputs["fromPort"])
        for direction in ("Egress", "Ingress")
        for r in prod.of_type(f":SecurityGroup{direction}Rule")
        if r.inputs.get("referencedSecurityGroupId") in (group, prometheus)
        and group in (r.inputs["securityGroupId"], r.inputs["referencedSecurityGroupId"])
        and prometheus in (r.inputs["securityGroupId"], r.inputs["referencedSecurityGroupId"])
    )
    assert between == [
        *((group, prometheus, port) for port in (9093, 9533)),
        *((prometheus, group, port) for port in (9093, 9533)),
    ]
    assert (
        f'["{prometheus}", "{group}", "grafana-security-group-id"]'
        in prod.exports["foreign_interfaces_command"]
    )


def test_two_of_prometheus_are_watched_balanced_and_asked_one_by_one() -> None:
    block = {**INGRESS, "domain": "example.com"}
    two = evaluate({"prometheus": {"replicas": 2}, "ingress": block}, stack="prod")
    assert two.exports["service_names"] == ["prometheus-service", "prometheus-1-service"]
    assert two.exports["service_name"] == "prometheus-service"
    replace = two.exports["prometheus_replace_hosts_command"]
    assert replace.endswith(" --cluster prometheus-cluster --services prometheus-1-service")
    assert {
        r.inputs["dimensions"]["ServiceName"]: r.inputs["threshold"]
        for r in two.of_type(":MetricAlarm")
    } == {
        "prometheus-service": 1,
        "prometheus-1-service": 1,
        "alertmanager-service": 2,
        "grafana-service": 1,
    }
    services = [two.inputs(name) for name in two.exports["service_names"]]
    (group,) = {json.dumps(it["loadBalancers"][0]["targetGroupArn"]) for it in services}
    assert group.endswith(':ingress-prometheus"')
    assert two.inputs("ingress-prometheus")["stickiness"]["type"] == "lb_cookie"
    assert "stickiness" not in two.inputs("ingress-alertmanager")  # they share what they know
    (container,) = json.loads(two.inputs("grafana-task")["containerDefinitions"])
    given = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert given["PROMETHEUS_URL"] == "http://prometheus.monitoring.internal:9090"
    assert given["PROMETHEUS_1_URL"] == "http://prometheus-1.monitoring.internal:9090"


def test_two_of_prometheus_find_each_other_where_nothing_else_is(dev: Deployment) -> None:
    two = evaluate({"prometheus": {"replicas": 2}})
    assert variables(two).items() - variables(dev).items() == {
        ("PROMETHEUS_NAME", "prometheus"),
        ("PROMETHEUS_DOMAIN", "monitoring.internal"),
    }
    assert two.inputs("prometheus-1-name")["name"] == "prometheus-1"
    assert "service_names" not in dev.exports


def test_behind_a_load_balancer_all_links_lead_through_it() -> None:
    block = {**INGRESS, "domain": "example.com"}
    prod = evaluate({"ingress": block}, stack="prod")
    for server in ("prometheus", "alertmanager", "grafana"):
        assert prod.exports[f"{server}_url"] == f"https://{server}.example.com"
        (target,) = prod.inputs(f"{server}-service")["loadBalancers"]
        assert target["targetGroupArn"].endswith(f":ingress-{server}")
    assert variables(prod)["PROMETHEUS_EXTERNAL_URL"] == "https://prometheus.example.com"
    container, _ = json.loads(prod.inputs("alertmanager-task")["containerDefinitions"])
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert environment["ALERTMANAGER_EXTERNAL_URL"] == "https://alertmanager.example.com"
    assert environment["GRAFANA_URL"] == "https://grafana.example.com"
    assert "PROMETHEUS_EXTERNAL_URL" not in variables(evaluate(stack="prod"))


@pytest.mark.parametrize("internal", [False, True])
def test_ipv6_is_said_once_and_is_for_the_way_in_only(internal: bool) -> None:  # noqa: FBT001 - a parameter
    network = {"natStrategy": "single"}
    block = {**INGRESS, "domain": "example.com", "internal": internal}
    before = evaluate({"network": network, "ingress": block}, stack="prod")
    both = [*block["cidrs"], "2001:db8::/32"]
    after = evaluate(
        {"network": {**network, "ipv6": True}, "ingress": {**block, "cidrs": both}}, stack="prod"
    )
    balancer = after.inputs("ingress-balancer")
    assert balancer["ipAddressType"] == "dualstack"
    assert {
        "ipv6CidrBlock" in after.inputs(subnet.removesuffix("-id"))
        for subnet in balancer["subnets"]
    } == {True}
    changed = {r.name for r in before.resources if after.inputs(r.name) != r.inputs}
    assert changed == {
        *("ingress-balancer", "monitoring-vpc"),
        *(f"monitoring-{kind}-{n}" for kind in ("public", "private") for n in (0, 1)),
    }
    added = {r.name for r in after.resources} - {r.name for r in before.resources}
    assert added == {
        "monitoring-public-internet-ipv6",
        *(f"ingress-{name}-host-ipv6" for name in ("prometheus", "alertmanager", "grafana")),
        *(f"ingress-security-group-{it}-2001-db8--/32" for it in ("http", "https")),
    }


def test_messages_link_to_the_same_runbooks_as_alerts() -> None:
    url = "https://example.com/runbooks"
    prod = evaluate({"prometheus": {"runbookBaseUrl": url}}, stack="prod")
    for target in prod.of_type(":EventTarget"):
        assert f"{url}/notifications.md#" in target.inputs["inputTransformer"]["inputTemplate"]


# --- settings ---


def test_every_setting_reaches_what_it_is_for() -> None:
    deployment = evaluate(
        {
            "environment": "staging",
            "network": {
                "vpcCidr": "192.168.0.0/20",
                "zoneCount": 3,
                "networkAcl": True,
                "networkAclIngress": ["tcp 80 198.51.100.0/24"],
                "flowLogs": True,
                "logRetentionDays": 7,
            },
            "hosts": {
                "count": 1,
                "nodeExporterPort": 9101,
                "instanceType": "t3.micro",
                "amiId": "ami-0fedcba9876543210",
                "sshCidrs": ["203.0.113.8/32"],
                "rootVolumeGib": 20,
                "sshKeyName": "admin",
                "discoveryTagKey": "team:monitor",
                "discoveryTagValue": "yes",
            },
            "prometheus": {
                "cpuArchitecture": "X86_64",
                "taskCpu": 1024,
                "taskMemory": 4096,
                "storageGib": 100,
                "logRetentionDays": 30,
                "deleteImagesOnDestroy": False,
                "enableExecuteCommand": False,
                "port": 9091,
                "adminCidrs": ["203.0.113.7/32"],
                "accessKeyRotation": 7,
            },
        }
    )
    assert deployment.one(":Vpc").inputs["cidrBlock"] == "192.168.0.0/20"
    assert len(deployment.of_type(":Subnet")) == 6
    assert len(deployment.of_type(":FlowLog")) == 1
    assert {r.name: r.inputs["retentionInDays"] for r in deployment.of_type(":LogGroup")} == {
        "monitoring-flow-logs-group": 7,
        "prometheus-log": 30,
    }
    host = deployment.named("exporter-0-x86-64")
    assert host.inputs["instanceType"] == "t3.micro"
    assert host.inputs["rootBlockDevice"]["volumeSize"] == 20
    assert host.inputs["ami"] == "ami-0fedcba9876543210"
    assert list(host.options.ignoreChanges) == []
    assert host.inputs["keyName"] == "admin"
    assert host.inputs["tags"]["team:monitor"] == "yes"
    assert host.inputs["tags"]["environment"] == "staging"
    assert "export NODE_EXPORTER_PORT=9101\n" in host.inputs["userData"]
    ingress = {
        (r.inputs["securityGroupId"], r.inputs["fromPort"], r.inputs.get("cidrIpv4"))
        for r in deployment.of_type(":SecurityGroupIngressRule")
    }
    assert ingress == {
        ("exporters-security-group-id", 9101, None),
        ("exporters-security-group-id", 22, "203.0.113.8/32"),
        ("prometheus-security-group-id", 9091, "203.0.113.7/32"),
    }
    rules = deployment.one(":NetworkAcl").inputs["ingress"]
    passed = {(rule["cidrBlock"], rule["fromPort"], rule["toPort"]) for rule in rules}
    assert {("203.0.113.8/32", 22, 22), ("198.51.100.0/24", 80, 80)} < passed
    task = deployment.one(":TaskDefinition").inputs
    assert (task["cpu"], task["memory"]) == ("1024", "4096")
    assert task["ephemeralStorage"] == {"sizeInGib": 100}
    assert task["runtimePlatform"]["cpuArchitecture"] == "X86_64"
    assert deployment.one(":AccessKey").name == "prometheus-discovery-key-7"
    assert deployment.one(":Repository").inputs["forceDelete"] is False
    assert deployment.exports["prometheus_port"] == 9091
    assert "enableExecuteCommand" not in deployment.one(":Service").inputs
    assert "prometheus_port_forwarding_command" not in deployment.exports


@pytest.mark.parametrize(("nat_strategy", "gateways"), [("single", 1), ("per-az", 2)])
def test_behind_a_nat_gateway_everything_is_private(nat_strategy: str, gateways: int) -> None:
    deployment = evaluate({"network": {"natStrategy": nat_strategy}})
    private = ["monitoring-private-0-id", "monitoring-private-1-id"]
    assert len(deployment.of_type(":NatGateway")) == gateways
    service = deployment.one(":Service").inputs["networkConfiguration"]
    assert (service["subnets"], service["assignPublicIp"]) == (private, False)
    hosts = sorted(deployment.of_type(":Instance"), key=lambda r: r.name)
    assert [host.inputs["subnetId"] for host in hosts] == private
    assert [host.inputs["associatePublicIpAddress"] for host in hosts] == [False, False]
    assert "PrivateIpAddress" in deployment.exports["prometheus_url_command"]


def test_a_task_role_leaves_no_key_in_the_account() -> None:
    deployment = evaluate({"prometheus": {"credentials": "task-role"}})
    assert not [r for r in deployment.resources if "secret" in r.type or "User" in r.type]
    assert not deployment.of_type(":AccessKey")
    assert deployment.exports["credentials_secret_arn"] == ""


def test_hosts_are_spread_over_the_zones() -> None:
    deployment = evaluate({"hosts": {"count": 5}, "network": {"zoneCount": 3}})
    placed = {r.name: r.inputs["subnetId"] for r in deployment.of_type(":Instance")}
    assert placed == {
        f"exporter-{index}-arm64": f"monitoring-public-{index % 3}-id" for index in range(5)
    }
    assert deployment.exports["host_ids"] == [f"exporter-{n}-arm64-id" for n in range(5)]


def test_no_host_at_all() -> None:
    deployment = evaluate({"hosts": {"count": 0}})
    assert deployment.of_type(":ExporterNode") == []
    assert deployment.exports["host_ids"] == []
    assert len(deployment.of_type(":Service")) == 1


def test_a_host_costs_two_resources(dev: Deployment) -> None:
    assert len(evaluate({"hosts": {"count": 7}}).resources) - len(dev.resources) == 2 * 5


@pytest.mark.parametrize(
    ("nat_strategy", "subnets", "routes"),
    [
        ("none", "public", {"monitoring-public-internet"}),
        ("single", "private", {"monitoring-private-0-internet", "monitoring-private-1-internet"}),
        ("per-az", "private", {"monitoring-private-0-internet", "monitoring-private-1-internet"}),
    ],
)
def test_nothing_starts_before_it_has_internet_access(
    nat_strategy: str, subnets: str, routes: set[str]
) -> None:
    """A host downloads at its first boot only; a task that cannot pull its image is rolled back."""
    deployment = evaluate({"network": {"natStrategy": nat_strategy, "networkAcl": True}})
    associations = {
        r.name
        for r in deployment.of_type(":RouteTableAssociation")
        if f"monitoring-{subnets}" in r.inputs["subnetId"]
    }
    assert len(associations) == 2
    everything = routes | associations
    assert everything | {"monitoring-acl"} <= deployment.needs("prometheus-service")
    # A host waits for what its own subnet needs, so that another zone leaves it alone.
    for index, host in enumerate(("exporter-0-arm64", "exporter-1-arm64")):
        of_the_other = {name for name in everything if _zone(name) == str(1 - index)}
        needed = everything - of_the_other | {"monitoring-acl", "exporters-to-internet"}
        assert needed <= deployment.needs(host)
        assert not of_the_other & deployment.needs(host)


def _zone(name: str) -> str:
    """Which zone an association or a route is for, or else nothing."""
    of_private = re.search(r"-private-(\d)-", name)
    of_public = re.search(r"-public-routes-(\d)$", name)
    return (of_private or of_public or [name, ""])[1]


# --- Grafana ---


def test_grafana_is_off_and_nothing_of_it_is_there(dev: Deployment) -> None:
    assert dev.of_type(":GrafanaService") == dev.of_type(":ServiceNamespace") == []
    assert not [name for name in dev.exports if "grafana" in name]
    assert "serviceRegistries" not in dev.inputs("prometheus-service")


def test_grafana_finds_prometheus_by_name_and_knows_of_it_what_it_has_to() -> None:
    deployment = evaluate(
        {
            "prometheus": {
                "port": 9091,
                "scrapeInterval": "30s",
                "runbookBaseUrl": "https://x.org/r",
            },
            "grafana": {"port": 3001, "anonymousViewer": True, "enableExecuteCommand": True},
        }
    )
    (container,) = json.loads(deployment.inputs("grafana-task")["containerDefinitions"])
    given = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert given == {
        "PROMETHEUS_URL": "http://prometheus.monitoring.internal:9091",
        "SCRAPE_INTERVAL": "30s",
        "RUNBOOK_BASE_URL": "https://x.org/r",
        "GF_SERVER_HTTP_PORT": "3001",
        "GF_SECURITY_COOKIE_SECURE": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
    }
    assert deployment.inputs("prometheus-name")["name"] == "prometheus"
    rule = deployment.inputs("grafana-security-group-prometheus-ingress")
    assert rule["securityGroupId"] == "prometheus-security-group-id"
    assert rule["referencedSecurityGroupId"] == "grafana-security-group-id"
    assert rule["fromPort"] == rule["toPort"] == 9091
    assert deployment.inputs("grafana-service")["networkConfiguration"]["subnets"] == [
        "monitoring-public-0-id",
        "monitoring-public-1-id",
    ]
    exports = deployment.exports
    arn = f"arn:aws:mock:{REGION}:{ACCOUNT}:grafana-admin-password-secret"
    assert exports["grafana_admin_password_secret_arn"] == arn
    assert f"--secret-id {arn} " in exports["grafana_admin_password_command"]
    forwarding = exports["grafana_port_forwarding_command"]
    assert "--service-name grafana-service " in forwarding
    assert forwarding.endswith(" --parameters portNumber=3001,localPortNumber=3001")


# --- the bastion ---


def _bastion(deployment: Deployment) -> tuple[str, bool]:
    """Where it is, and whether it has a public address."""
    inputs = deployment.named("bastion-arm64").inputs
    return inputs["subnetId"], inputs["associatePublicIpAddress"]


@pytest.mark.parametrize("ssh_cidrs", [[], ["203.0.113.9/32"]])
@pytest.mark.parametrize("nat_strategy", ["none", "single"])
def test_a_bastion_has_a_public_address_for_ssh_or_where_nothing_else_leads_out(
    nat_strategy: str, ssh_cidrs: list[str]
) -> None:
    block = {"sshCidrs": ssh_cidrs, "keyName": "admin"}
    network = {"natStrategy": nat_strategy, "networkAcl": True}
    deployment = evaluate({"network": network, "bastion": block})
    public = nat_strategy == "none" or bool(ssh_cidrs)
    assert _bastion(deployment) == (f"monitoring-{'public' if public else 'private'}-0-id", public)
    ssh = [rule for rule in deployment.one(":NetworkAcl").inputs["ingress"] if rule["toPort"] == 22]
    assert [rule["cidrBlock"] for rule in ssh] == ssh_cidrs


def test_a_bastion_leads_to_the_servers_that_there_are() -> None:
    blocks = {"alertmanager": {"port": 9193}, "grafana": {"port": 3001}, "bastion": {}}
    for given, ports in (
        ({"bastion": {}}, {"prometheus": 9090}),
        (blocks, {"prometheus": 9090, "alertmanager": 9193, "grafana": 3001}),
    ):
        rules = {
            (r.inputs["securityGroupId"], r.inputs["fromPort"])
            for r in evaluate(given).of_type(":SecurityGroupIngressRule")
            if r.inputs.get("referencedSecurityGroupId") == "bastion-security-group-id"
        }
        assert rules == {(f"{name}-security-group-id", port) for name, port in ports.items()}


def test_a_bastion_changes_nothing_else_of_a_stack(dev: Deployment) -> None:
    deployment = evaluate({"bastion": {}})
    before = {(r.type, r.name): r.inputs for r in dev.resources}
    after = {(r.type, r.name): r.inputs for r in deployment.resources}
    new = after.keys() - before.keys()
    assert {key: after[key] for key in before} == before
    assert not [name for _, name in new if not name.startswith("bastion")]
    command = deployment.exports.pop("bastion_port_forwarding_command")
    assert "--cluster prometheus-cluster --service-name prometheus-service " in command
    assert deployment.exports.pop("bastion_instance_id") == "bastion-arm64-id"
    foreign = deployment.exports.pop("foreign_interfaces_command")
    assert '"exporter-1-arm64-id", "bastion-arm64-id"]' in foreign  # it is no one else's
    assert deployment.exports.items() <= dev.exports.items()
    assert deployment.exports.keys() == dev.exports.keys() - {"foreign_interfaces_command"}


# --- bad configuration ---


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ("network", "zoneCount", 0),
        ("network", "vpcCidr", "127.42.0.0/16"),
        ("network", "zoneCuont", 2),
        ("hosts", "count", "many"),
        ("prometheus", "adminCidrs", ["0.0.0.0/0"]),
    ],
)
def test_a_bad_configuration_registers_nothing_and_has_no_stack_trace(
    block: str, key: str, value: object
) -> None:
    error = refuse(program, config=cli_config({block: {key: value}}), stack="dev")
    assert isinstance(error, SettingsError)
    assert f"\n  - prometheus-aws:{block}.{key} is " in str(error)


def test_an_emulated_network_lies_in_loopback_and_has_no_session_manager() -> None:
    endpoints = {"aws:endpoints": '[{"ec2": "http://127.0.0.1:5000"}]'}
    changes = {
        "network": {"vpcCidr": "127.42.0.0/16"},
        "bastion": {},
        "cluster": FARGATE,
        "services": {"shop": {**SERVICE, "enableExecuteCommand": True}},
    }
    config = cli_config(changes) | endpoints
    deployment = deploy(program, config=config, stack="dev")
    assert deployment.one(":Vpc").inputs["cidrBlock"] == "127.42.0.0/16"
    assert "bastion_instance_id" in deployment.exports
    assert "bastion_port_forwarding_command" not in deployment.exports
    # The task is as it is on AWS; what would open a session is not offered.
    for name in ("prometheus-service", "svc-shop-service"):
        assert deployment.inputs(name)["enableExecuteCommand"] is True
    assert "prometheus_port_forwarding_command" not in deployment.exports
    assert "port_forwarding_command" not in deployment.exports["services"]["shop"]
