"""settings.Settings: every kind of bad input, and what is said about it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from blocks import BLOCKS
from settings import SettingsError
from tests.components.examples import OWN, SHOP
from tests.components.refusal import shown
from tests.unit.configurations import FARGATE, INGRESS, SERVICE, Values, parse, problems

PATHS = {
    f"{name}.{'shop.' * bool(block.names)}{key}"
    for name, block in BLOCKS.items()
    for key in block.knobs
}

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:it-AbCdEf"  # noqa: S105
WHOLE = "expected a whole number"
OPEN = "is open to the world. Name the networks that people come from"
LIST = "expected a list of strings"

# Path, value, what is expected. What exactly is legal is asserted where the components declare it.
BAD: list[tuple[str, Any, str]] = [
    ("network.vpcCidr", "ten", "expected an IPv4 network such as 10.42.0.0/16"),
    ("network.vpcCidr", "", "expected an IPv4 network such as 10.42.0.0/16"),
    ("network.vpcCidr", 10, "expected a string: put it in quotes"),
    ("network.vpcCidr", "10.0.0.0/28", "expected a size from /16, AWS's largest, to /27"),
    ("network.zoneCount", 0, f"{WHOLE} from 1 to 8"),
    ("network.zoneCount", "2", f"{WHOLE}: leave out the quotes"),
    ("network.excludeZoneIds", ["us-east-1a"], "'us-east-1a': expected the id of an availability"),
    ("network.networkAcl", "yes", "expected true or false"),
    ("network.networkAclIngress", ["80"], "'80': expected tcp or udp, a port or a range of ports"),
    ("network.networkAclEgress", ["tcp 80 0.0.0.0/0"], "expected no rules, or the network ACL"),
    ("network.networkAclEgress", ["tcp 0 0.0.0.0/0"], "expected ports from 1 to 65535"),
    ("network.natStrategy", "double", "expected one of none, single, per-az"),
    ("network.networkAclEgress", ["tcp 80 ::1/64"], "'tcp 80 ::1/64': it has host bits set; exp"),
    ("network.ipv6", "yes", "expected true or false"),
    ("network.flowLogs", "True", "expected true or false: leave out the quotes"),
    ("network.flowLogs", 1, "expected true or false"),
    ("network.flowLogs", None, "expected true or false"),
    ("network.logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
    ("hosts.count", -1, f"{WHOLE} from 0 to 1000"),
    ("hosts.count", 1001, f"{WHOLE} from 0 to 1000"),
    ("hosts.count", 2.5, WHOLE),
    ("hosts.count", True, WHOLE),
    ("hosts.nodeExporterPort", 0, f"{WHOLE} from 1024 to 65535"),
    ("hosts.instanceType", "x99.999xlarge", "no EC2 instance type that runs Linux is called so"),
    ("hosts.instanceType", "t9zz.nano", "no EC2 instance type that runs Linux is called so"),
    ("hosts.instanceType", "t1.micro", "Amazon Linux 2023 is not made for a1, c1, m1, m2, t1"),
    ("hosts.amiId", "ami-xyz", "expected the id of an image"),
    ("hosts.sshCidrs", ["0.0.0.0/0"], f"'0.0.0.0/0' {OPEN}"),
    ("hosts.rootVolumeGib", 7, f"{WHOLE} from 8 to 16384 GiB"),
    ("hosts.sshKeyName", 5, "expected a string: put it in quotes"),
    ("hosts.sshKeyName", "a\nb", "at most 255 printable ASCII characters"),
    ("hosts.discoveryTagKey", "aws:scrape", "not starting with aws:"),
    ("hosts.discoveryTagKey", "Name", "hosts have a tag 'Name' of their own"),
    ("hosts.discoveryTagValue", "*", "expected 1 to 256 letters"),
    ("hosts.discoveryTagValue", True, "expected a string: put it in quotes"),
    ("bastion.instanceType", "t1.micro", "Amazon Linux 2023 is not made for a1, c1, m1, m2, t1"),
    ("bastion.sshCidrs", ["0.0.0.0/0"], f"'0.0.0.0/0' {OPEN}"),
    ("bastion.sshCidrs", ["::/0"], "'::/0': expected an IPv4 network"),
    ("bastion.sshCidrs", ["203.0.113.9/32"], "without a key; expected the name of an EC2 key pair"),
    ("bastion.keyName", 5, "expected a string: put it in quotes"),
    ("bastion.keyName", "a\nb", "at most 255 printable ASCII characters"),
    ("storage.kind", "ebs", "without a NAT gateway no way to AWS; expected network.natStrategy"),
    ("storage.kind", "efs", "expected one of ephemeral, ebs"),
    ("storage.sizeGib", 1, f"{WHOLE} from 2 to 65536 GiB"),
    ("storage.iops", 25_001, "500 IOPS at most for each GiB; expected at most 25000 with 50 GiB"),
    ("storage.iops", 2999, f"{WHOLE} from 3000 to 80000"),
    ("storage.throughput", 751, "at most 750 with 3000 IOPS"),
    ("storage.throughput", 124, f"{WHOLE} from 125 to 2000 MiB/s"),
    ("storage.instanceType", "t1.micro", "Amazon Linux 2023 is not made for a1, c1, m1, m2, t1"),
    ("storage.snapshotHour", 24, f"{WHOLE} from 0 to 23"),
    ("storage.snapshotRetentionDays", 0, f"{WHOLE} from 1 to 1000"),
    ("storage.restoreSnapshotId", "latest", "expected the id of a snapshot, such as snap-"),
    ("storage.deleteVolumesOnDestroy", "yes", "expected true or false"),
    ("prometheus.enableExecuteCommand", "true", "expected true or false: leave out the quotes"),
    ("prometheus.cpuArchitecture", "arm64", "expected one of ARM64, X86_64"),
    ("prometheus.taskCpu", 300, "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
    ("prometheus.taskMemory", 4096, "with 256 CPU units, Fargate offers 512, 1024, 2048"),
    ("prometheus.storageGib", 20, f"{WHOLE} from 21 to 200 GiB"),
    ("prometheus.logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
    ("prometheus.deleteImagesOnDestroy", "no", "expected true or false"),
    ("prometheus.port", 80, f"{WHOLE} from 1024 to 65535"),
    ("prometheus.adminCidrs", ["0.0.0.0/1", "128.0.0.0/1"], f"'0.0.0.0/1' {OPEN}"),
    ("prometheus.adminCidrs", ["office"], "'office': expected an IPv4 network"),
    ("prometheus.adminCidrs", "203.0.113.7/32", f"{LIST}: put it in brackets"),
    ("prometheus.adminCidrs", {"office": "203.0.113.7/32"}, LIST),
    ("prometheus.adminCidrs", [1], LIST),
    ("prometheus.retention", "forever", "expected a duration as Prometheus writes it"),
    ("prometheus.retention", "1h", "expected a duration from 2h to 100y"),
    ("prometheus.scrapeInterval", 15, "expected a string: put it in quotes"),
    ("prometheus.discoveryRefreshInterval", "10ms", "expected a duration from 1s to 5m"),
    ("prometheus.credentials", "root", "expected one of iam-user, task-role"),
    ("prometheus.accessKeyRotation", 0, f"{WHOLE} from 1 to 1000000"),
    ("prometheus.sampleLimit", 0, f"{WHOLE} from 1 to 1000000"),
    ("prometheus.bodySizeLimitMib", 0, f"{WHOLE} from 1 to 1024"),
    ("prometheus.targetLimit", 0, f"{WHOLE} from 1 to 100000"),
    ("prometheus.replicas", 3, "each is in another zone; expected at most 2, as network.zoneCount"),
    ("prometheus.replicas", 0, f"{WHOLE} from 1 to 8"),
    ("prometheus.runbookBaseUrl", "https://x/", "expected a URL such as https://example.com"),
    *[
        (f"alertmanager.{key}", value, expected)
        for key, value, expected in (
            ("enableExecuteCommand", "true", "expected true or false: leave out the quotes"),
            ("cpuArchitecture", "arm64", "expected one of ARM64, X86_64"),
            ("taskCpu", 300, "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
            ("taskMemory", 4096, "with 256 CPU units, Fargate offers 512, 1024, 2048"),
            ("storageGib", 20, f"{WHOLE} from 21 to 200 GiB"),
            ("logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
            ("deleteImagesOnDestroy", "no", "expected true or false"),
            ("replicas", 3, "each is in another zone; expected at most 2, as network.zoneCount"),
            ("replicas", 0, f"{WHOLE} from 1 to 8"),
            ("port", 80, f"{WHOLE} from 1024 to 65535"),
            ("port", 9094, "talk to each other on this port; expected another one"),
            ("pageWith", "sns", f"{LIST}: put it in brackets"),
            ("pageWith", ["sns"], "sns needs a topic; expected the block notifications"),
            ("pageWith", ["slack"], "slack needs the ARN of the secret with the slack url"),
            ("pageWith", ["mail"], "expected some of sns, slack, pagerduty, opsgenie, webhook"),
            ("notifyWith", ["opsgenie"], "the secret with the opsgenie api key"),
            ("notifyWith", ["webhook", "webhook"], "each once"),
            ("slackUrlSecretArn", "https://hooks.slack.com/x", "expected the whole ARN of a secr"),
            ("pagerdutyRoutingKeySecretArn", f"{SECRET_ARN}x*", "expected the whole ARN of"),
            ("opsgenieApiKeySecretArn", f"{SECRET_ARN}:key::", "expected the whole ARN of"),
            ("webhookUrlSecretArn", "hook", "expected the whole ARN of a secret"),
            ("watchdogUrlSecretArn", 5, "expected a string: put it in quotes"),
            ("groupWait", "2h", "expected a duration from 0s to 1h"),
            ("groupInterval", "0s", "expected a duration from 1s to 1d"),
            ("repeatInterval", "5d", "expected a duration from 1m to 4d"),
            ("notifyDays", "weekend", "expected a day such as monday"),
            ("notifyHours", "8-18", "expected a range within one day, such as 08:00-18:00"),
            ("timeZone", "Berlin", "expected the name of a time zone"),
            ("routesFile", "no-such-file.yml", "there is no such file; expected a path from"),
        )
    ],
    *[
        (f"{server}.overlay", "no-such-folder", "there is no such folder; expected a path from")
        for server in ("prometheus", "alertmanager", "grafana")
    ],
    ("notifications.emails", ["me"], "'me': expected an e-mail address such as on-call@"),
    ("notifications.sms", ["0151"], "'0151': expected a phone number in E.164 format"),
    ("grafana.enableExecuteCommand", 1, "expected true or false"),
    ("grafana.cpuArchitecture", "arm64", "expected one of ARM64, X86_64"),
    ("grafana.taskCpu", 300, "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
    ("grafana.taskMemory", 4096, "with 256 CPU units, Fargate offers 512, 1024, 2048"),
    ("grafana.storageGib", 20, f"{WHOLE} from 21 to 200 GiB"),
    ("grafana.logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
    ("grafana.deleteImagesOnDestroy", "no", "expected true or false"),
    ("grafana.port", 80, f"{WHOLE} from 1024 to 65535"),
    ("grafana.anonymousViewer", "yes", "expected true or false"),
    ("grafana.adminPasswordRotation", 0, f"{WHOLE} from 1 to 1000000"),
    ("grafana.oidcScopes", ["email"], "expected scopes without blanks and commas, openid among"),
    ("grafana.oidcRoleAttributePath", 1, "expected a string: put it in quotes"),
    ("ingress.domain", "", "expected a string, not empty"),
    ("ingress.domain", "Example.com", "expected a domain such as monitoring.example.com"),
    ("ingress.zoneId", "example.com", "expected the id of a hosted zone of Route53"),
    ("ingress.zoneId", "", "expected the id of the hosted zone that the domain is in"),
    ("ingress.certificateArn", "mine", "expected the ARN of a certificate, which begins with"),
    ("ingress.cidrs", ["2001:db8::/32"], "'2001:db8::/32' is about IPv6, which the VPC does not"),
    ("ingress.cidrs", [], "nobody could connect to the load balancer; expected the networks"),
    ("ingress.cidrs", ["0.0.0.0/0"], f"'0.0.0.0/0' {OPEN}"),
    ("ingress.cidrs", ["::/0"], f"'::/0' {OPEN}"),
    ("ingress.openToTheWorld", "yes", "expected true or false"),
    ("ingress.internal", True, "expected network.natStrategy single or per-az"),
    ("ingress.internal", "yes", "expected true or false"),
    ("ingress.oidcIssuer", "http://login.example.com", "expected a URL that begins with https://"),
    ("ingress.oidcAuthorizationEndpoint", "", "OIDC needs it; expected what your identity"),
    ("ingress.oidcAuthorizationEndpoint", "https://x:8443/a", "to port 443 only"),
    ("ingress.oidcTokenEndpoint", "login", "expected a URL that begins with https://"),
    ("ingress.oidcUserInfoEndpoint", "login", "expected a URL that begins with https://"),
    ("ingress.oidcClientId", "", "OIDC needs it; expected what your identity provider says"),
    ("ingress.oidcClientSecretArn", "hunter2", "expected the ARN of a secret, which begins"),
    ("ingress.cognitoUserPoolArn", "eu-central-1_x", "expected the ARN of a user pool"),
    ("ingress.cognitoClientId", "me", "it is Cognito's, and there is no user pool"),
    ("ingress.cognitoDomain", "Ours", "expected the prefix of the user pool's domain"),
    ("ingress.withoutAuthentication", True, "there is an identity provider; expected false"),
    ("ingress.wafAclArn", "waf", "expected the ARN of a regional web ACL, which begins with"),
    ("ingress.deletionProtection", "yes", "expected true or false"),
    ("ingress.accessLogRetentionDays", 0, f"{WHOLE} from 1 to 3653"),
    ("ingress.deleteAccessLogsOnDestroy", "yes", "expected true or false"),
    ("configuration.delivery", "git", "expected one of image, live"),
    ("configuration.refreshInterval", "6m", "from 1s to 5m"),
    ("configuration.port", 80, f"{WHOLE} from 1024 to 65535"),
    *[
        (f"cluster.{key}", value, expected)
        for key, value, expected in (
            ("capacity", "ec2", "without a NAT gateway no way to AWS; expected network.natStrateg"),
            ("capacity", "EC2", "expected one of ec2, fargate"),
            ("instanceTypes", [], "expected 1 to 40 instance types"),
            ("instanceTypes", ["t4g.small", "t3.small"], "expected one architecture, as an image"),
            ("instanceTypes", ["t1.micro"], "'t1.micro': Amazon Linux 2023 is not made for a1, c1"),
            ("minSize", 101, f"{WHOLE} from 0 to 100"),
            ("desiredSize", 4, "expected from min_size 1 to max_size 3"),
            ("desiredSize", 101, f"{WHOLE} from 0 to 100"),
            ("maxSize", 0, f"{WHOLE} from 1 to 100"),
            ("spotPercent", 50, "it is about EC2 hosts, and capacity is fargate; expected 0"),
            ("spotPercent", 101, f"{WHOLE} from 0 to 100"),
            ("rootSizeGib", 29, f"{WHOLE} from 30 to 65536 GiB"),
            ("containerInsights", "yes", "expected true or false"),
            ("nodeExporterCpu", 1, f"{WHOLE} from 2 to 1024"),
            ("nodeExporterMemory", 8, f"{WHOLE} from 16 to 4096 MiB"),
            ("cadvisorPort", 80, f"{WHOLE} from 1024 to 65535"),
            ("cadvisorCpu", 1025, f"{WHOLE} from 2 to 1024"),
            ("cadvisorMemory", 8, f"{WHOLE} from 16 to 4096 MiB"),
            ("housekeepingInterval", "2m", "expected a duration from 1s to 1m"),
            ("logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
            ("deleteImagesOnDestroy", "no", "expected true or false"),
        )
    ],
    *[
        (f"services.shop.{key}", value, expected)
        for key, value, expected in (
            ("enableExecuteCommand", "true", "expected true or false: leave out the quotes"),
            ("cpuArchitecture", "arm64", "expected one of ARM64, X86_64"),
            ("logRetentionDays", 15, "expected one of 1, 3, 5, 7, 14, 30"),
            ("deleteImagesOnDestroy", "no", "expected true or false"),
            ("metrics", "8000/metrics", f"{LIST}: put it in brackets"),
            ("metrics", [], "expected a list of strings, not empty"),
            ("metrics", ["80/metrics"], "port 80 is for a process with privileges"),
            ("metrics", ["8000"], "'8000': expected a port and a path, such as 8000/metrics"),
            (
                "job",
                "ecs_tasks-1",
                "this package's own scrape job has it already; expected another",
            ),
            ("job", "shop/web", "'shop/web': expected a job, of letters, digits and . _ -"),
            ("job", "a b", "expected at most 128 letters, digits and"),
            (
                "launchType",
                "EC2",
                "the cluster has no hosts; expected FARGATE, or cluster.capacity",
            ),
            ("launchType", "fargate", "expected one of FARGATE, EC2"),
            ("securityGroupIds", "sg-0123456789abcdef0", f"{LIST}: put it in brackets"),
            ("securityGroupIds", [f"sg-0000000{n}" for n in range(5)], "a task may have 4 groups"),
            ("securityGroupIds", ["database"], "'database': expected the id of a security group"),
            ("imageContext", "no-such-folder", "expected a folder that holds a Dockerfile"),
            ("image", "shop:1.2", "expected either it or image_context, a folder"),
            ("image", "shop:latest", "a tag that says the version (not latest, which says none)"),
            ("user", "root", "expected numbers, uid or uid:gid, such as 1000:1000"),
            ("readOnlyRootFilesystem", "no", "expected true or false"),
            ("writablePaths", ["tmp"], "'tmp': expected a path from the root, such as /tmp"),
            ("environment", {"A": "b"}, LIST),
            ("environment", ["1=2"], "'1': expected a variable, such as LOG_LEVEL=info"),
            ("secretArns", ["PASSWORD=hunter2"], "PASSWORD: expected the ARN of a secret"),
            ("port", 80, f"{WHOLE} from 1024 to 65535"),
            ("healthPath", "/health", "expected health_command, by which ECS asks, or host_name"),
            ("healthPath", "health", "expected a path that begins with a slash, such as /health"),
            ("healthCommand", "curl localhost", f"{LIST}: put it in brackets"),
            ("cpu", 300, "Fargate offers 256, 512, 1024, 2048, 4096, 8192, 16384 (CPU units)"),
            ("cpu", 127, f"{WHOLE} from 128 to 196608"),
            ("memory", 300, "with 256 CPU units, Fargate offers 512, 1024, 2048"),
            ("memory", 31, f"{WHOLE} from 32 to 122880 MiB"),
            ("desiredCount", 0, f"{WHOLE} from 1 to 5000"),
            ("maxCount", 1, "desired_count is 2; expected at least as many, or 0 for no auto-sca"),
            ("maxCount", 5001, f"{WHOLE} from 0 to 5000"),
            ("cpuTargetPercent", 91, f"{WHOLE} from 10 to 90"),
            ("hostName", "shop.example.com", "there is no load balancer; expected the block ing"),
            ("hostName", 5, "expected a string: put it in quotes"),
            ("listenerPriority", 7, "it is for a rule that host_name makes; expected host_name"),
            ("listenerPriority", 50_001, f"{WHOLE} from 0 to 50000"),
            ("monitoring", "no-such-folder", "there is no such folder; expected a path from the"),
        )
    ],
]


LEGAL: Values = {"ingress": INGRESS, "cluster": FARGATE, "services": {"shop": SERVICE}}
"""Blocks whose defaults are not legal."""

ALSO: dict[str, Values] = {
    "services": {"cluster": FARGATE},
    "services.shop.hostName": {"services": {"shop": {"listenerPriority": 100}}},
}
"""Block or path -> what has to be there, too, so that one thing is wrong."""


def nested(*found: tuple[str, Any]) -> dict[str, dict[str, Any]]:
    """Paths with values, as blocks."""
    values: dict[str, dict[str, Any]] = {}
    for path, value in found:
        block, *names, key = path.split(".")
        for also in (ALSO.get(block, {}), ALSO.get(path, {})):
            _lay(values, also)
        _lay(values, {block: LEGAL.get(block, {})})
        inner = values[block]
        for name in names:
            inner = inner[name]
        inner[key] = value
    return values


def _lay(values: dict[str, Any], more: Values) -> None:
    """Add what is not there yet."""
    for key, value in more.items():
        if isinstance(value, Mapping):
            _lay(values.setdefault(key, {}), value)
        else:
            values.setdefault(key, value)


@pytest.mark.parametrize(("path", "value", "expected"), BAD, ids=[f"{p}={v}" for p, v, _ in BAD])
def test_a_bad_value_is_named_with_its_path_and_what_is_expected(
    path: str, value: object, expected: str
) -> None:
    (line,) = problems(nested((path, value)))
    start = f"{path} is {shown(path, value, json.dumps)}: "
    assert line.startswith(start)
    assert expected in line.removeprefix(start)


def test_every_key_of_every_block_has_a_bad_value() -> None:
    assert {path for path, _, _ in BAD} == PATHS


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"prometeus": {}}, "prometeus is unknown: did you mean prometheus?"),
        ({"zoneCount": "2"}, "zoneCount is unknown: did you mean network.zoneCount?"),
        ({"hostCount": "2"}, "hostCount is unknown: did you mean hosts.count?"),
        (
            {"q": "1"},
            f"q is unknown: expected one of {', '.join(sorted({*BLOCKS, 'environment'}))}",
        ),
        ({"network": {"zonecount": 2}}, "network.zonecount is unknown: did you mean zoneCount?"),
        ({"network": {"vpc_cidr": ""}}, "network.vpc_cidr is unknown: did you mean vpcCidr?"),
        (
            {"prometheus": {"discoveryTagKey": "a"}},
            "prometheus.discoveryTagKey is unknown: did you mean hosts.discoveryTagKey?",
        ),
        (
            {"network": {"q": 1}},
            (
                "network.q is unknown: expected one of excludeZoneIds, flowLogs, ipv6,"
                " logRetentionDays, natStrategy, networkAcl, networkAclEgress, networkAclIngress,"
                " vpcCidr, zoneCount"
            ),
        ),
        (
            {"hosts.count": "3"},
            (
                "hosts.count is not a key of its own: expected count in the block"
                " prometheus-aws:hosts, where `pulumi config set --path` puts it"
            ),
        ),
    ],
    ids=str,
)
def test_a_misspelt_key_is_an_error_with_a_suggestion(values: Values, problem: str) -> None:
    assert problems(values) == [problem]


def test_what_the_program_gives_is_no_setting() -> None:
    given = {
        "network": {"allowLoopbackCidr": True, "sshCidrs": [], "instanceTypes": []},
        "hosts": {"replaceOnNewAmi": True, "associatePublicIp": True, "environment": "dev"},
        "prometheus": {"version": "3.0.0", "imageContext": "", "assignPublicIp": True},
        "grafana": {"prometheusPort": 9090, "scrapeInterval": "15s", "runbookBaseUrl": "docs"},
        "ingress": {**INGRESS, "servers": ["prometheus"], "ipv6": True},
        "bastion": {"associatePublicIp": True, "prometheusPort": 9090},
        "cluster": {**FARGATE, "vpcId": "vpc-1", "cpuArchitecture": "ARM64"},
        **services(shop={"assignPublicIp": True, "domain": "example.com", "clusterArn": "a"}),
    }
    lines = problems(given)
    assert len(lines) == 21
    assert all(" is unknown: " in line for line in lines)


@pytest.mark.parametrize("text", ["", "two", "2", '"two"', "[]", '["count"]', "null", "{count: 2}"])
def test_a_block_that_is_no_mapping(text: str) -> None:
    (line,) = problems({"hosts": text})
    assert line.startswith("hosts is ")
    assert ": expected keys with values; the keys are count, nodeExporterPort, " in line


AFTER = {
    "alertmanager.routesFile",
    "prometheus.overlay",
    *(f"{server}.taskMemory" for server in ("alertmanager", "grafana", "prometheus")),
    "prometheus.taskMemory",
    *("ingress.zoneId", "ingress.oidcClientId", "ingress.cognitoClientId"),
    "ingress.withoutAuthentication",
    "bastion.sshCidrs",
}
"""Checked against another key, and so only when that one is legal."""


def test_all_problems_of_all_blocks_at_once() -> None:
    bad = nested(*{path: (path, value) for path, value, _ in BAD}.values())
    bad["hosts"]["conut"] = 2
    lines = problems({**bad, "environment": "a b", "hots": {}})
    assert sorted(line.split(" is ")[0] for line in lines) == sorted(
        PATHS - AFTER | {"environment", "hots", "hosts.conut"}
    )


def test_a_stack_whose_name_is_no_environment_is_told_so() -> None:
    """The key was not set: the stack's name is what does not fit."""
    for values in ({}, {"environment": ""}):
        (line,) = problems(values, stack="2024.prod")
        start = 'environment (the stack\'s name) is "2024.prod": expected a letter, then'
        assert line.startswith(start)


# --- values that do not go together ---


def test_zones_that_do_not_fit_into_the_network() -> None:
    assert problems({"network": {"vpcCidr": "10.0.0.0/27"}}) == [
        (
            "network.zoneCount is 2: the VPC 10.0.0.0/27 has room for 1 zone(s) of 2 subnets;"
            " expected at most 1, or a VPC of /26 or larger"
        )
    ]


def test_networks_with_ssh_fit_into_a_network_acl_together() -> None:
    hosts, bastion = ([f"203.0.{n}.{it}/32" for it in range(6)] for n in (113, 112))
    blocks = {"hosts": {"sshCidrs": hosts}, "bastion": {"keyName": "k", "sshCidrs": bastion}}
    (line,) = problems(blocks)
    assert line.startswith("bastion.sshCidrs is ")
    assert line.endswith(
        ": with hosts.sshCidrs, these are 12 networks; expected at most 10 together, which is what"
        " a network ACL has room for"
    )
    # The same ones count once.
    read = parse({**blocks, "bastion": {"keyName": "k", "sshCidrs": hosts}})
    assert read.bastion
    assert read.bastion["ssh_cidrs"] == hosts


def test_hosts_that_do_not_fit_into_the_network() -> None:
    network = {"vpcCidr": "10.0.0.0/24", "zoneCount": 2}
    assert parse({"network": network, "hosts": {"count": 18}}).hosts["count"] == 18
    assert problems({"network": network, "hosts": {"count": 19}}) == [
        (
            "hosts.count is 19: 2 subnet(s) of the VPC 10.0.0.0/24 have room for 18 hosts;"
            " expected at most 18, or more zones, or a larger VPC"
        )
    ]


def test_a_load_balancer_that_does_not_fit_into_the_network() -> None:
    one_zone = problems({"network": {"zoneCount": 1}, "ingress": INGRESS})
    assert one_zone == [
        "network.zoneCount is 1: a load balancer takes 2 zones; expected at least 2"
    ]
    private = {**INGRESS, "internal": True}
    assert parse({"network": {"natStrategy": "single"}, "ingress": private}).ingress
    nobody = {key: value for key, value in private.items() if not key.startswith("oidc")}
    assert parse({"ingress": {**nobody, "withoutAuthentication": True}}).ingress
    assert problems({"ingress": private}) == [
        (
            "ingress.internal is true: without a NAT gateway, an internal load balancer cannot"
            " reach the identity provider; expected network.natStrategy single or per-az"
        )
    ]


@pytest.mark.parametrize(
    ("rules", "open_"),
    [
        ([], False),
        (["tcp 80 0.0.0.0/0"], False),
        (["udp 443 0.0.0.0/0"], False),
        (["tcp 443 203.0.113.0/24"], True),
        (["tcp 400-500 0.0.0.0/0"], True),
    ],
)
def test_a_network_acl_must_let_people_in_to_the_load_balancer(
    rules: list[str], *, open_: bool
) -> None:
    values = {"network": {"networkAcl": True, "networkAclIngress": rules}, "ingress": INGRESS}
    if open_:
        parse(values)
    else:
        (line,) = problems(values)
        assert line.startswith("network.networkAclIngress is ")
        assert "expected a rule for HTTPS, such as 'tcp 443 0.0.0.0/0'" in line


def test_ipv6_takes_a_network_that_has_it() -> None:
    rules = {"networkAcl": True, "networkAclIngress": ["tcp 443 ::/0"]}
    ingress = {**INGRESS, "cidrs": ["203.0.113.7/32", "2001:db8::/32"]}
    assert parse({"network": {"ipv6": True, **rules}, "ingress": ingress}).network["ipv6"]
    expected = (
        "is about IPv6, which the VPC does not have; expected IPv4 networks only, or the network's"
        " ipv6 switched on"
    )
    assert problems({"network": rules, "ingress": ingress}) == [
        f"network.networkAclIngress is [\"tcp 443 ::/0\"]: 'tcp 443 ::/0' {expected}",
        (f'ingress.cidrs is ["203.0.113.7/32", "2001:db8::/32"]: \'2001:db8::/32\' {expected}'),
    ]


def test_all_that_a_load_balancer_needs_is_told_at_once() -> None:
    assert [line.partition(" is ")[0] for line in problems({"ingress": {}})] == [
        *("ingress.domain", "ingress.zoneId", "ingress.cidrs", "ingress.oidcIssuer")
    ]


# --- services ---

EC2: Values = {"network": {"natStrategy": "single"}, "cluster": {}}
"""A cluster with hosts, which takes a NAT gateway."""


def services(**blocks: Values) -> dict[str, Any]:
    """Services that are legal but for what is said."""
    return {"services": {name: {**SERVICE, **block} for name, block in blocks.items()}}


@pytest.mark.parametrize("key", sorted(BLOCKS["services"].knobs))
def test_a_key_of_a_service_without_a_service(key: str) -> None:
    assert problems({"cluster": FARGATE, "services": {key: "some value"}}) == [
        f"services.{key} is the key of a service: expected it below a name, such as shop.{key}"
    ]


def test_a_service_may_have_the_name_of_a_key() -> None:
    values = services(port={}, environment={})
    assert set(parse({"cluster": FARGATE, **values}).services) == {"port", "environment"}


EMPTY = '""'


@pytest.mark.parametrize("name", ["Shop", "my_shop", "1st", "", "s" * 18, "shop.web"])
def test_the_name_of_a_service_becomes_part_of_names_in_aws(name: str) -> None:
    assert problems({"cluster": FARGATE, **services(**{name: {}})}) == [
        (
            f"services.{name or EMPTY} becomes part of names in AWS: expected a lowercase letter,"
            " then up to 16 lowercase letters, digits or '-'"
        )
    ]
    assert parse({"cluster": FARGATE, **services(**{"s" * 17: {}})}).services


def test_every_wrong_service_is_told_under_its_name() -> None:
    blocks = {"shop": {"port": 80}, "office": {}, "web": {**SERVICE, "prot": 8000}, "api": 5}
    assert [re.split(": expected|;", line)[0] for line in problems({"services": blocks})] == [
        "services.shop.metrics is missing",
        "services.shop.port is 80",
        'services.shop.image is ""',
        "services.office.metrics is missing",
        'services.office.image is ""',
        "services.web.prot is unknown: did you mean port?",
        "services.api is 5",
        "services need a cluster",
    ]


@pytest.mark.parametrize("text", ["", "two", "2", "[]", '["shop"]', "null"])
def test_services_that_are_no_mapping(text: str) -> None:
    (line,) = problems({"services": text})
    assert line.endswith(": expected names, each with keys and values of its own")


def test_services_take_a_cluster() -> None:
    """Whatever runs there: only with one, they are looked for."""
    (line,) = problems(services(shop={}))
    assert line == "services need a cluster; expected the block cluster, which makes one"
    assert parse({"services": {}}).cluster is None


def test_a_service_on_hosts_takes_a_cluster_that_has_some() -> None:
    on_hosts = services(shop={"launchType": "EC2", "cpu": 128, "memory": 300})
    assert problems({"cluster": FARGATE, **on_hosts}) == [
        (
            'services.shop.launchType is "EC2": the cluster has no hosts; expected FARGATE, or'
            " cluster.capacity ec2"
        )
    ]
    assert parse({**EC2, **on_hosts}).services["shop"]["launch_type"] == "EC2"
    on_hosts["services"]["shop"]["cpuArchitecture"] = "X86_64"
    assert problems({**EC2, **on_hosts}) == [
        (
            'services.shop.cpuArchitecture is "X86_64": hosts of type t4g.small are ARM64; expected'
            " that, or cluster.instanceTypes"
        )
    ]


@pytest.mark.parametrize("block", [{}, {"capacity": "ec2"}])
def test_a_cluster_of_hosts_takes_a_nat_gateway(block: Values) -> None:
    assert problems({"cluster": block}) == [
        (
            'cluster.capacity is "ec2": a task on a host has no public address, and without a NAT'
            " gateway no way to AWS; expected network.natStrategy single or per-az, or fargate"
        )
    ]
    for strategy in ("single", "per-az"):
        assert parse({"network": {"natStrategy": strategy}, "cluster": block}).cluster


def test_the_daemons_of_a_host_have_a_port_each() -> None:
    hosts = {"nodeExporterPort": 9101}
    assert problems({**EC2, "hosts": hosts}) == [
        (
            "cluster.cadvisorPort is 9101: node_exporter listens there; expected another port than"
            " node_exporter's"
        )
    ]
    assert parse({**EC2, "hosts": hosts, "cluster": {"cadvisorPort": 9100}}).cluster
    assert parse({"hosts": hosts, "cluster": FARGATE}).cluster  # where there are no daemons


@pytest.mark.parametrize(
    ("host_name", "problem"),
    [
        (
            "shop.example.org",
            (
                "the load balancer's certificate is for one name before its domain; expected a name"
                " such as shop.example.com"
            ),
        ),
        ("a.shop.example.com", "the load balancer's certificate is for one name before its"),
        ("example.com", "the load balancer's certificate is for one name before its domain"),
        ("Shop", "expected a domain such as monitoring.example.com, in lowercase letters"),
        ("grafana.example.com", "the server grafana has it already; expected another one"),
    ],
)
def test_a_host_name_is_below_the_domain_of_the_load_balancer(host_name: str, problem: str) -> None:
    around: Values = {
        "cluster": FARGATE,
        "grafana": {},
        "ingress": {**INGRESS, "domain": "example.com"},
    }
    block = {"hostName": host_name, "listenerPriority": 100}
    (line,) = problems({**around, **services(shop=block)})
    assert line.startswith(f'services.shop.hostName is "{host_name}": {problem}')
    assert parse({**around, **services(shop={**block, "hostName": "shop.example.com"})})
    (line,) = problems({"cluster": FARGATE, **services(shop=block)})
    assert line == (
        f'services.shop.hostName is "{host_name}": there is no load balancer; expected the block'
        " ingress, which makes one"
    )


@pytest.mark.parametrize(
    ("key", "value", "others"),
    [
        ("job", "web", {}),
        ("hostName", "shop.example.com", {"listenerPriority": 200}),
        ("listenerPriority", 100, {"hostName": "office.example.com"}),
    ],
)
def test_what_two_services_must_not_share(key: str, value: object, others: Values) -> None:
    shop = {"job": "web", "hostName": "shop.example.com", "listenerPriority": 100}
    ingress = {**INGRESS, "domain": "example.com"}
    values = services(shop=shop, office={**others, key: value})
    if key == "hostName":  # in the order of their rules: the first one has it
        values = services(shop=shop, office={**others, key: value, "job": "other"})
    shown = json.dumps(value)
    assert problems({"cluster": FARGATE, "ingress": ingress, **values}) == [
        f"services.office.{key} is {shown}: the service shop has it already; expected another one"
    ]


def test_what_services_bring_must_not_clash() -> None:
    """Each is legal alone; the servers get all of it, beside the user's own files."""
    own = {server: {"overlay": str(OWN / server)} for server in ("prometheus", "grafana")}
    folder = str(SHOP / "monitoring")
    values = {"cluster": FARGATE, **services(shop={"monitoring": folder})}
    parse({**values, "grafana": {}})
    (line,) = problems({**values, "prometheus": own["prometheus"]})
    assert line.startswith(f'services.shop.monitoring is "{folder}": {folder}/prometheus/rules.d/')
    assert "own_configuration/prometheus/rules.d/shop.yml: expected another name for one" in line

    both = services(shop={"monitoring": folder}, office={"monitoring": folder})
    lines = problems({"cluster": FARGATE, "grafana": {}, **both})
    assert len(lines) == 2  # rules, and dashboards
    assert all(line.startswith(f'services.office.monitoring is "{folder}": ') for line in lines)


def test_a_job_is_by_default_the_name_of_the_service() -> None:
    (line,) = problems({"cluster": FARGATE, **services(shop={}, office={"job": "shop"})})
    assert line == (
        'services.office.job is "shop": the service shop has it already; expected another one'
    )


def test_a_priority_is_none_of_the_servers() -> None:
    block = {"hostName": "shop.example.com", "listenerPriority": 10}
    ingress = {**INGRESS, "domain": "example.com"}
    (line,) = problems({"cluster": FARGATE, "ingress": ingress, **services(shop=block)})
    assert line == (
        "services.shop.listenerPriority is 10: the server prometheus has it already; expected"
        " another one"
    )


def test_one_mistake_is_one_problem() -> None:
    """What depends on a bad value is not checked against it."""
    assert len(problems({"prometheus": {"taskCpu": 300, "taskMemory": 1}})) == 1
    assert len(problems({"network": {"vpcCidr": "ten"}, "hosts": {"count": 1000}})) == 1
    assert len(problems({"network": {"zoneCount": 9}, "hosts": {"count": 1000}})) == 1


# --- secrets ---

SECRET_VALUES: list[Values] = [
    *(nested((path, value)) for path, value, _ in BAD if isinstance(value, str) and value),
    {"hosts": {"sshCidrs": ["203.0.113.7"]}},
    {"network": {"vpcCidr": "10.0.0.0/27"}},
    {"network": {"vpcCidr": "10.0.0.0/24"}, "hosts": {"count": 777}},
    {"hosts": "not a mapping"},
    {"environment": "not an environment"},
]


@pytest.mark.parametrize("server", ["prometheus", "alertmanager"])
def test_what_brings_configuration_has_a_port_of_its_own(server: str) -> None:
    values: Values = {
        "alertmanager": {},
        server: {"port": 9533},
        "configuration": {"delivery": "live"},
    }
    (line,) = problems(values)
    assert line == (
        f"configuration.port is 9533: {server}, in whose task it is, has this port; expected"
        " another one"
    )
    assert parse({**values, "configuration": {}})


def test_it_has_not_the_port_of_the_cluster() -> None:
    live = {"delivery": "live", "port": 9094}
    (line,) = problems({"alertmanager": {}, "configuration": live})
    assert "alertmanager, in whose task it is, has this port" in line
    assert parse({"configuration": live})


@pytest.mark.parametrize("values", SECRET_VALUES, ids=str)
def test_the_value_of_a_secret_is_never_shown(values: Values) -> None:
    (line,) = problems(values, secret=list(values))
    path, found, rest = line.partition(" is secret and not legal. ")
    assert found
    assert rest == ("No setting needs to be secret: set it in plain text to see what is expected")
    (plain,) = problems(values)
    assert plain.startswith(f"{path} is ")


def test_a_secret_network_is_not_told_by_the_hosts() -> None:
    values = {"network": {"vpcCidr": "10.0.0.0/24"}, "hosts": {"count": 777}}
    for secret in ("network", "hosts"):
        (line,) = problems(values, secret=[secret])
        assert "10.0.0.0" not in line
        assert "777" not in line


def test_a_misspelt_key_of_a_secret_block_is_still_named() -> None:
    (line,) = problems({"hosts": {"conut": "the-value"}}, secret=["hosts"])
    assert line == "hosts.conut is unknown: did you mean count?"


# --- the default tags of the AWS provider ---


@pytest.mark.parametrize(
    "text", ["notjson", '["x"]', '{"tags": null}', '{"tags": []}', '{"tag": {}}', "5", "[" * 10**5]
)
def test_default_tags_that_are_none(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(default_tags=text)
    _, *lines, _ = str(error.value).splitlines()
    expected = 'is not legal: expected tags, such as {"tags": {"owner": "me"}}'
    assert lines == [f"  - aws:defaultTags {expected}"]


@pytest.mark.parametrize("text", ["", "{}", '{"tags": {}}', '{"tags": {"owner": "me"}}'])
def test_default_tags(text: str) -> None:
    assert parse(default_tags=text) == parse()


@pytest.mark.parametrize("values", [{}, {"hosts": {"discoveryTagKey": "owner"}}], ids=str)
def test_the_discovery_tag_is_none_that_everything_has(values: Values) -> None:
    key = "owner" if values else "prometheus-scrape"
    tags = json.dumps({"tags": {key: "true"}})
    assert problems(values, default_tags=tags) == [
        (
            f'hosts.discoveryTagKey is "{key}": aws:defaultTags gives this tag to everything, not'
            " only to hosts that are to be scraped; expected another key"
        )
    ]
    (line,) = problems(values, default_tags=tags, secret=["hosts"])
    assert line.startswith("hosts.discoveryTagKey is secret and not legal. ")


def test_the_discovery_tag_is_not_the_stacks() -> None:
    (problem,) = problems({"hosts": {"discoveryTagKey": "stack"}})
    assert "this program gives this tag to everything" in problem
