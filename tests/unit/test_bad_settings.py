"""settings.Settings: every kind of bad input, and what is said about it."""

import json
from typing import Any

import pytest

from blocks import BLOCKS
from settings import SettingsError
from tests.components.refusal import shown
from tests.unit.configurations import INGRESS, Values, parse, problems

PATHS = {f"{name}.{key}" for name, block in BLOCKS.items() for key in block.knobs}

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
    ("storage.kind", "ebs", "without a NAT gateway no way to AWS; expected network.natStrategy"),
    ("storage.kind", "efs", "expected one of ephemeral, ebs"),
    ("storage.sizeGib", 0, f"{WHOLE} from 1 to 65536 GiB"),
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
]


LEGAL = {"ingress": INGRESS}
"""Blocks whose defaults are not legal."""


def nested(*found: tuple[str, Any]) -> dict[str, dict[str, Any]]:
    """Paths with values, as blocks."""
    values: dict[str, dict[str, Any]] = {}
    for path, value in found:
        block, _, key = path.partition(".")
        values.setdefault(block, dict(LEGAL.get(block, {})))[key] = value
    return values


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
    }
    lines = problems(given)
    assert len(lines) == 14
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
