"""settings.Settings and the program, with generated configurations: legal and illegal ones."""

import ipaddress
import json
import runpy
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from blocks import BLOCKS, ENVIRONMENT
from components.alertmanager.configuration import INTEGRATIONS
from components.alertmanager.rules import CLUSTER_PORT
from components.checks import NOBODYS
from components.containers.fargate import MEMORY_MIB
from components.exporters.exporter_node import HOST_TAGS
from components.ingress.servers import SERVERS
from components.logs import LOG_RETENTION_DAYS
from components.network.subnets import PRIVATE_RANGES
from components.prometheus.overlay import package_jobs
from components.services.metrics_tag import MAX_ENDPOINTS
from mocks.recording import ZONES, deploy, refuse
from settings import Settings, SettingsError
from tests.components.examples import SHOP
from tests.components.refusal import shown
from tests.unit.configurations import FARGATE, INGRESS, SERVICE, namespaced, parse, problems

PROGRAM = Path(__file__).parents[2] / "__main__.py"
KEYS = {(name, key) for name, block in BLOCKS.items() for key in block.knobs}

MANY = hypothesis_settings(max_examples=200, deadline=None)
FEW = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

Configuration = dict[str, dict[str, Any]]


# --- legal ones ---


@st.composite
def networks(draw: st.DrawFn, shortest: int) -> str:
    prefix = draw(st.integers(shortest, 32))
    number = draw(st.integers(0, 2**prefix - 1))
    return str(ipaddress.IPv4Network((number << (32 - prefix), prefix)))


SHORT_INTERVALS = st.one_of(
    st.integers(1, 60).map("{}s".format), st.integers(1000, 60000).map("{}ms".format)
)
LONG_INTERVALS = st.one_of(
    st.integers(1, 5).map("{}m".format), st.integers(1, 59).map("4m{}s".format)
)
ADMINS = st.lists(
    networks(8).filter(
        lambda cidr: not any(ipaddress.IPv4Network(cidr).overlaps(other) for other in NOBODYS)
    ),
    max_size=10,
    unique=True,
)
ADMINS_BY_IPV6 = st.lists(
    st.builds(
        lambda prefix, bits: str(ipaddress.IPv6Network((2**125 + (bits << 64), prefix), False)),  # noqa: FBT003 - not strict
        st.integers(16, 64),
        st.integers(0, 2**61 - 1),
    ),
    max_size=2,
    unique=True,
)
PORTS = st.integers(1024, 65535)
TAG_TEXT = st.from_regex(r"[A-Za-z0-9_.:/=+@-]{1,40}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,31}", fullmatch=True)


def acl_rules(*, ipv6: bool) -> st.SearchStrategy[list[str]]:
    return st.lists(
        st.builds(
            "{} {} {}".format,
            st.sampled_from(["tcp", "udp"]),
            st.one_of(st.integers(1, 65535), st.integers(1, 99).map("{0}-{0}".format)),
            st.one_of(networks(0), st.just("::/0")) if ipv6 else networks(0),
        ),
        max_size=2,
        unique=True,
    )


SECRETS_OF = {
    "slack": "slackUrlSecretArn",
    "pagerduty": "pagerdutyRoutingKeySecretArn",
    "opsgenie": "opsgenieApiKeySecretArn",
    "webhook": "webhookUrlSecretArn",
}
SECRET_ARNS = st.from_regex(
    r"arn:aws:secretsmanager:us-east-1:[0-9]{12}:secret:[a-z/_]{1,9}-[A-Za-z0-9]{6}", fullmatch=True
)
WAYS = st.lists(st.sampled_from(INTEGRATIONS), unique=True)
OWN = Path(__file__).parents[2] / "examples" / "own_configuration"
MONITORING = OWN.parent / "pizza_service" / "monitoring"
ROUTES = Path(__file__).parents[1] / "components" / "alertmanager" / "routes.yml"

LEGAL_VALUES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("network", "natStrategy"): st.sampled_from(["none", "single", "per-az"]),
    ("network", "excludeZoneIds"): st.lists(
        st.from_regex(r"us[ew][12]-az[1-9]", fullmatch=True), max_size=3
    ),
    ("network", "flowLogs"): st.booleans(),
    ("network", "logRetentionDays"): st.sampled_from(LOG_RETENTION_DAYS),
    ("hosts", "nodeExporterPort"): PORTS,
    ("hosts", "instanceType"): st.sampled_from(
        ["t4g.nano", "t3.micro", "c7gn.16xlarge", "m7i-flex.large", "c8g.metal-24xl"]
    ),
    ("hosts", "amiId"): st.one_of(
        st.just(""), st.from_regex(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", fullmatch=True)
    ),
    ("hosts", "sshCidrs"): ADMINS,
    ("hosts", "rootVolumeGib"): st.integers(8, 16384),
    ("hosts", "sshKeyName"): st.one_of(st.just(""), NAMES),
    ("hosts", "discoveryTagKey"): TAG_TEXT.filter(
        lambda key: not key.lower().startswith("aws:") and key not in HOST_TAGS
    ),
    ("hosts", "discoveryTagValue"): TAG_TEXT,
    ("storage", "snapshotHour"): st.integers(0, 23),
    ("storage", "snapshotRetentionDays"): st.integers(1, 1000),
    ("storage", "restoreSnapshotId"): st.one_of(
        st.just(""), st.from_regex(r"snap-([0-9a-f]{8}|[0-9a-f]{17})", fullmatch=True)
    ),
    ("storage", "deleteVolumesOnDestroy"): st.booleans(),
    ("prometheus", "enableExecuteCommand"): st.booleans(),
    ("prometheus", "cpuArchitecture"): st.sampled_from(["ARM64", "X86_64"]),
    ("prometheus", "storageGib"): st.integers(21, 200),
    ("prometheus", "logRetentionDays"): st.sampled_from(LOG_RETENTION_DAYS),
    ("prometheus", "deleteImagesOnDestroy"): st.booleans(),
    ("prometheus", "port"): PORTS,
    ("prometheus", "adminCidrs"): ADMINS,
    ("prometheus", "retention"): st.one_of(
        st.integers(1, 36500).map("{}d".format), st.integers(2, 900).map("{}h30m".format)
    ),
    ("prometheus", "scrapeInterval"): SHORT_INTERVALS,
    ("prometheus", "discoveryRefreshInterval"): st.one_of(SHORT_INTERVALS, LONG_INTERVALS),
    ("prometheus", "credentials"): st.sampled_from(["iam-user", "task-role"]),
    ("prometheus", "accessKeyRotation"): st.integers(1, 1_000_000),
    ("prometheus", "sampleLimit"): st.integers(1, 1_000_000),
    ("prometheus", "bodySizeLimitMib"): st.integers(1, 1024),
    ("prometheus", "targetLimit"): st.integers(1, 100_000),
    ("prometheus", "runbookBaseUrl"): st.from_regex(
        r"https://[a-z0-9.-]{1,20}[a-z0-9](/[A-Za-z0-9_~-]{1,10}){0,3}", fullmatch=True
    ),
    ("alertmanager", "enableExecuteCommand"): st.booleans(),
    ("alertmanager", "cpuArchitecture"): st.sampled_from(["ARM64", "X86_64"]),
    ("alertmanager", "storageGib"): st.integers(21, 200),
    ("alertmanager", "logRetentionDays"): st.sampled_from(LOG_RETENTION_DAYS),
    ("alertmanager", "deleteImagesOnDestroy"): st.booleans(),
    ("alertmanager", "port"): PORTS.filter(lambda port: port != CLUSTER_PORT),
    ("alertmanager", "watchdogUrlSecretArn"): SECRET_ARNS,
    ("alertmanager", "groupWait"): SHORT_INTERVALS,
    ("alertmanager", "groupInterval"): SHORT_INTERVALS,
    ("alertmanager", "repeatInterval"): st.integers(1, 96).map("{}h".format),
    ("alertmanager", "notifyDays"): st.sampled_from(["", "monday", "monday:friday"]),
    ("alertmanager", "notifyHours"): st.integers(0, 22).map("{0:02}:00-{0:02}:30".format),
    ("alertmanager", "timeZone"): st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tokyo"]),
    ("alertmanager", "routesFile"): st.sampled_from(["", str(ROUTES)]),
    **{
        (server, "overlay"): st.sampled_from(["", str(OWN / server)])
        for server in ("prometheus", "alertmanager", "grafana")
    },
    ("notifications", "emails"): st.lists(
        st.from_regex(r"[a-z0-9+_-]{1,20}@([a-z0-9]{1,9}\.){1,3}[a-z]{2,9}", fullmatch=True),
        max_size=20,
        unique=True,
    ),
    ("notifications", "sms"): st.lists(
        st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), max_size=20, unique=True
    ),
    ("configuration", "delivery"): st.sampled_from(["image", "live"]),
    ("configuration", "refreshInterval"): SHORT_INTERVALS,
    ("configuration", "port"): st.just(9534),  # no server's
    ("grafana", "enableExecuteCommand"): st.booleans(),
    ("grafana", "cpuArchitecture"): st.sampled_from(["ARM64", "X86_64"]),
    ("grafana", "storageGib"): st.integers(21, 200),
    ("grafana", "logRetentionDays"): st.sampled_from(LOG_RETENTION_DAYS),
    ("grafana", "deleteImagesOnDestroy"): st.booleans(),
    ("grafana", "port"): PORTS,
    ("grafana", "anonymousViewer"): st.booleans(),
    ("grafana", "adminPasswordRotation"): st.integers(1, 1_000_000),
    ("grafana", "oidcScopes"): st.lists(NAMES, max_size=3).map(lambda more: ["openid", *more]),
    # Without an identity provider, which is not here, nobody has a role of theirs.
    ("grafana", "oidcRoleAttributePath"): st.just(""),
    ("bastion", "instanceType"): st.sampled_from(["t4g.nano", "t3.micro"]),
}
"""Block and key -> its legal values, for the keys that stand alone."""

TOGETHER = {
    ("network", "vpcCidr"),
    ("network", "zoneCount"),
    ("network", "ipv6"),
    ("network", "networkAcl"),
    ("network", "networkAclIngress"),
    ("network", "networkAclEgress"),
    ("hosts", "count"),
    *(("storage", key) for key in ("kind", "sizeGib", "iops", "throughput", "instanceType")),
    ("prometheus", "taskCpu"),
    ("prometheus", "taskMemory"),
    ("prometheus", "replicas"),
    ("alertmanager", "taskCpu"),
    ("alertmanager", "taskMemory"),
    ("alertmanager", "replicas"),
    ("alertmanager", "pageWith"),
    ("alertmanager", "notifyWith"),
    *(("alertmanager", key) for key in SECRETS_OF.values()),
    ("grafana", "taskCpu"),
    ("grafana", "taskMemory"),
    ("bastion", "sshCidrs"),
    ("bastion", "keyName"),
    *((name, key) for name in ("ingress", "cluster", "services") for key in BLOCKS[name].knobs),
}


TASKS = st.sampled_from([(cpu, size) for cpu, sizes in MEMORY_MIB.items() for size in sizes]).map(
    lambda pair: {"taskCpu": pair[0], "taskMemory": pair[1]}
)


ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
UUID = "12345678-1234-1234-1234-123456789012"
PROVIDERS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({key: value for key, value in INGRESS.items() if key.startswith("oidc")}),
    st.builds(
        lambda client, prefix: {
            "cognitoUserPoolArn": ARN.format("cognito-idp", "userpool/eu-central-1_AbCdEf"),
            "cognitoClientId": client,
            "cognitoDomain": prefix,
        },
        TAG_TEXT,
        st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
    ),
)


@st.composite
def ingresses(draw: st.DrawFn, *, private: bool, ipv6: bool) -> dict[str, Any]:
    """A legal block, below the recording's zone; `private` if it may be."""
    label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\.", fullmatch=True)
    block: dict[str, Any] = {
        "domain": f"{''.join(draw(st.lists(label, max_size=3)))}example.com",
        "accessLogRetentionDays": draw(st.integers(1, 3653)),
        **{key: draw(st.booleans()) for key in ("deletionProtection", "deleteAccessLogsOnDestroy")},
        **draw(PROVIDERS),
    }
    zone = {"zoneId": draw(st.from_regex("Z[A-Z0-9]{1,31}", fullmatch=True))}
    certificate = {"certificateArn": ARN.format("acm", f"certificate/{UUID}")}
    block |= draw(st.sampled_from([zone, certificate, zone | certificate]))
    networks_ = draw(ADMINS)
    networks_ = [*networks_[:8], *(draw(ADMINS_BY_IPV6) if ipv6 else [])]
    block |= {"cidrs": networks_} if networks_ else {"openToTheWorld": True}
    if draw(st.booleans()):
        block["wafAclArn"] = ARN.format("wafv2", f"regional/webacl/ours/{UUID}")
    if private:
        block["internal"] = draw(st.booleans())
    if private and block["internal"] and networks_ and draw(st.booleans()):
        block = {key: it for key, it in block.items() if not key.startswith(("oidc", "cognito"))}
        block["withoutAuthentication"] = True
    return block


@st.composite
def clusters(draw: st.DrawFn, *, private: bool, node_exporter_port: int) -> dict[str, Any]:
    """A legal block; with hosts if it may be."""
    capacity = draw(st.sampled_from(["ec2", "fargate"] if private else ["fargate"]))
    fewest, first, most = sorted(draw(st.tuples(*[st.integers(0, 100)] * 3)))
    return {
        "capacity": capacity,
        "instanceTypes": draw(
            st.sampled_from([["t4g.small"], ["m7g.large", "c8g.large"], ["t3.small", "m7i.large"]])
        ),
        "minSize": fewest,
        "desiredSize": first,
        "maxSize": max(1, most),
        "spotPercent": draw(st.integers(0, 100)) if capacity == "ec2" else 0,
        "rootSizeGib": draw(st.integers(30, 65_536)),
        "containerInsights": draw(st.booleans()),
        **{key: draw(st.integers(2, 1024)) for key in ("nodeExporterCpu", "cadvisorCpu")},
        **{key: draw(st.integers(16, 4096)) for key in ("nodeExporterMemory", "cadvisorMemory")},
        "cadvisorPort": draw(PORTS.filter(lambda port: port != node_exporter_port)),
        "housekeepingInterval": draw(SHORT_INTERVALS),
        "logRetentionDays": draw(st.sampled_from(LOG_RETENTION_DAYS)),
        "deleteImagesOnDestroy": draw(st.booleans()),
    }


SERVICE_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,16}", fullmatch=True).filter(
    lambda name: name not in set(package_jobs())
)
IMAGES = st.one_of(
    st.just({"imageContext": str(SHOP)}),
    st.sampled_from(["shop:1.2", f"registry.example.com/shop@sha256:{'0' * 64}"]).map(
        lambda image: {"image": image}
    ),
)
GROUP_IDS = st.from_regex(r"sg-[0-9a-f]{17}", fullmatch=True)
VARIABLES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True)


@st.composite
def many_services(
    draw: st.DrawFn, *, cluster: dict[str, Any], domain: str
) -> dict[str, dict[str, Any]]:
    """Up to two legal services; below the domain, if there is a load balancer."""
    on_hosts = cluster["capacity"] == "ec2"
    of_hosts = "X86_64" if cluster["instanceTypes"][0] == "t3.small" else "ARM64"
    names = draw(st.lists(SERVICE_NAMES, max_size=2, unique=True))
    labels = st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True).filter(lambda it: it not in SERVERS)
    host_names = draw(st.lists(labels, min_size=2, max_size=2, unique=True))
    taken = [server.priority for server in SERVERS.values()]
    legal_priorities = st.integers(1, 50_000).filter(lambda it: it not in taken)
    priorities = draw(st.lists(legal_priorities, min_size=2, max_size=2, unique=True))
    # Rules of the same name cannot be brought twice.
    folders = draw(st.permutations(["", str(MONITORING)]))
    found = {}
    for name, label, priority, folder in zip(names, host_names, priorities, folders, strict=False):
        launch_type = draw(st.sampled_from(["FARGATE", "EC2"] if on_hosts else ["FARGATE"]))
        task = draw(TASKS)
        desired = draw(st.integers(1, 5000))
        variables = draw(st.lists(VARIABLES, max_size=3, unique=True))
        paths = st.lists(st.from_regex(r"[2-9]000(/[a-z]{1,9}){1,2}", fullmatch=True), unique=True)
        found[name] = {
            "metrics": draw(paths.filter(lambda it: 1 <= len(it) <= MAX_ENDPOINTS)),
            # Only this service's, whose name has no dot.
            "job": draw(st.sampled_from(["", f"{name}.web"])),
            "launchType": launch_type,
            **draw(IMAGES),
            "user": draw(st.sampled_from(["", "1000", "1000:1000"])),
            **{
                key: draw(st.booleans())
                for key in (
                    *("enableExecuteCommand", "readOnlyRootFilesystem", "deleteImagesOnDestroy"),
                )
            },
            "writablePaths": draw(
                st.lists(
                    st.from_regex(r"(/[a-z]{1,5}){1,3}", fullmatch=True), max_size=2, unique=True
                )
            ),
            "environment": [f"{it}={draw(st.text('ab= $', max_size=9))}" for it in variables[1:]],
            "secretArns": [f"{it}={draw(SECRET_ARNS)}" for it in variables[:1]],
            "port": draw(PORTS),
            "healthCommand": draw(st.sampled_from([[], ["true"], ["python", "-m", "shop"]])),
            "cpu": task["taskCpu"] if launch_type == "FARGATE" else draw(st.integers(128, 196_608)),
            "memory": (
                task["taskMemory"] if launch_type == "FARGATE" else draw(st.integers(32, 122_880))
            ),
            "cpuArchitecture": of_hosts
            if launch_type == "EC2"
            else draw(st.sampled_from(["ARM64", "X86_64"])),
            "securityGroupIds": draw(st.lists(GROUP_IDS, max_size=4, unique=True)),
            "desiredCount": desired,
            "maxCount": draw(st.one_of(st.just(0), st.integers(desired, 5000))),
            "cpuTargetPercent": draw(st.integers(10, 90)),
            "logRetentionDays": draw(st.sampled_from(LOG_RETENTION_DAYS)),
            "monitoring": folder,
        }
        if domain and draw(st.booleans()):
            found[name] |= {
                "hostName": f"{label}.{domain}",
                "listenerPriority": priority,
                "healthPath": draw(st.from_regex(r"/[a-z?=&]{0,9}", fullmatch=True)),
            }
    return found


@st.composite
def ingresses_into(draw: st.DrawFn, network: dict[str, Any]) -> dict[str, Any]:
    """A legal block, into a network whose ACL lets people in then."""
    let_in = network.get("networkAclIngress")
    if let_in is not None and "tcp 443 0.0.0.0/0" not in let_in:
        let_in.append("tcp 443 0.0.0.0/0")
    nat = network.get("natStrategy", "none") != "none"
    block: dict[str, Any] = draw(ingresses(private=nat, ipv6=network["ipv6"]))
    return block


@st.composite
def legal(draw: st.DrawFn) -> Configuration:
    """Any legal configuration of up to five hosts, in a region of three zones."""
    around = draw(st.sampled_from(PRIVATE_RANGES))
    prefix = draw(st.integers(max(16, around.prefixlen), 27))
    number = draw(st.integers(0, 2 ** (prefix - around.prefixlen) - 1))
    first = int(around.network_address) + (number << (32 - prefix))
    values: Configuration = {
        "network": {
            "vpcCidr": f"{ipaddress.IPv4Address(first)}/{prefix}",
            "zoneCount": draw(st.integers(1, min(len(ZONES), {27: 1, 26: 2}.get(prefix, 8)))),
            "ipv6": draw(st.booleans()),
        },
        "hosts": {"count": draw(st.integers(0, 5))},
        "prometheus": draw(TASKS),
    }
    replicas = st.integers(1, values["network"]["zoneCount"])
    values["prometheus"]["replicas"] = draw(replicas)
    if draw(st.booleans()):
        values["grafana"] = draw(TASKS)
    if draw(st.booleans()):
        ipv6 = values["network"]["ipv6"]
        rules = {
            key: draw(acl_rules(ipv6=ipv6)) for key in ("networkAclIngress", "networkAclEgress")
        }
        values["network"] |= {"networkAcl": True, **rules}
    page, notify = draw(WAYS), draw(WAYS)
    values["alertmanager"] = {
        **draw(TASKS),
        "replicas": draw(replicas),
        "pageWith": page,
        "notifyWith": notify,
        **{SECRETS_OF[it]: draw(SECRET_ARNS) for it in {*page, *notify} - {"sns"}},
    }
    if "sns" in {*page, *notify}:
        values["notifications"] = {}
    for (block, key), strategy in LEGAL_VALUES.items():
        if draw(st.booleans()):
            values.setdefault(block, {})[key] = draw(strategy)
    if values["network"]["zoneCount"] > 1 and draw(st.booleans()):
        values["ingress"] = draw(ingresses_into(values["network"]))
    if draw(st.booleans()):
        # As many networks as there is room for, beside those of the hosts.
        room = 10 - len(values["hosts"].get("sshCidrs", ()))
        ssh = {"keyName": draw(NAMES), "sshCidrs": draw(ADMINS)[:room]}
        values["bastion"] = values.get("bastion", {}) | ssh
    values["storage"] = values.get("storage", {}) | draw(storages())
    if values["storage"]["kind"] == "ebs":
        values["network"]["natStrategy"] = draw(st.sampled_from(["single", "per-az"]))
        graviton = values["prometheus"].get("cpuArchitecture", "ARM64") == "ARM64"
        values["storage"]["instanceType"] = "m7g.metal" if graviton else "m7i.metal-48xl"
    if draw(st.booleans()):
        values["cluster"] = draw(
            clusters(
                private=values["network"].get("natStrategy", "none") != "none",
                node_exporter_port=values["hosts"].get("nodeExporterPort", 9100),
            )
        )
        values["services"] = draw(
            many_services(
                cluster=values["cluster"],
                domain=values.get("ingress", {}).get("domain", ""),
            )
        )
    return values


@st.composite
def storages(draw: st.DrawFn) -> dict[str, Any]:
    """Legal storage, on a volume or not."""
    size = draw(st.integers(2, 65_536))
    iops = draw(st.integers(3000, max(3000, min(80_000, 500 * size))))
    return {
        "kind": draw(st.sampled_from(["ephemeral", "ebs"])),
        "sizeGib": size,
        "iops": iops,
        "throughput": draw(st.integers(125, min(2000, iops // 4))),
    }


# --- illegal ones ---


def outside(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(max_value=low - 1), st.integers(min_value=high + 1))


def words(*legal_ones: str) -> st.SearchStrategy[str]:
    return st.text(alphabet="abcdefghijklmnopqrstuvwxyz -.", max_size=12).filter(
        lambda word: word not in legal_ones
    )


OTHER_TYPES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.just({}), st.just([{}]), st.floats(0.1, 0.9), st.just([None])
)
"""What no key takes."""

PUBLIC = st.tuples(st.integers(1, 9), st.integers(0, 255)).map(lambda n: f"{n[0]}.{n[1]}.0.0/16")
ODD_TEXT = st.text(alphabet="*?$\"'\\\nä", max_size=9)
LOG_DAYS = st.integers().filter(lambda days: days not in LOG_RETENTION_DAYS)
OTHER_ADMINS = st.one_of(
    words(),
    networks(0),
    st.lists(words(), min_size=1, max_size=3),
    st.integers(0, 7).map(lambda prefix: [f"0.0.0.0/{prefix}"]),
)

NO_ARN = words("").filter(bool)
NO_URL = st.from_regex(r"https?://[a-z]{1,9}[ :?#$\"']", fullmatch=True)

ILLEGAL_VALUES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("network", "vpcCidr"): st.one_of(
        words(), PUBLIC, st.integers(0, 99).map(lambda n: f"10.{n}.0.1/16")
    ),
    ("network", "zoneCount"): st.one_of(outside(1, 8), words(), st.just("2")),
    ("network", "excludeZoneIds"): st.lists(
        st.one_of(words(), st.sampled_from(ZONES)), min_size=1, max_size=3
    ),
    ("network", "ipv6"): st.one_of(words(), st.integers()),
    ("network", "networkAcl"): st.one_of(words(), st.integers()),
    ("network", "networkAclIngress"): st.lists(words(), min_size=1, max_size=3),
    ("network", "networkAclEgress"): st.lists(words(), min_size=1, max_size=3),
    ("network", "natStrategy"): words("none", "single", "per-az"),
    ("network", "flowLogs"): st.one_of(words(), st.integers(), st.just("true")),
    ("network", "logRetentionDays"): LOG_DAYS,
    ("hosts", "count"): st.one_of(outside(0, 1000), words(), st.booleans()),
    ("hosts", "nodeExporterPort"): outside(1024, 65535),
    ("hosts", "instanceType"): words(),
    ("hosts", "amiId"): words("").filter(bool),
    ("hosts", "sshCidrs"): OTHER_ADMINS,
    ("hosts", "rootVolumeGib"): outside(8, 16384),
    ("hosts", "sshKeyName"): st.one_of(st.integers(), st.just("ä")),
    ("hosts", "discoveryTagKey"): st.one_of(ODD_TEXT, st.sampled_from(HOST_TAGS)),
    ("hosts", "discoveryTagValue"): st.one_of(ODD_TEXT, st.booleans()),
    ("storage", "kind"): words("ephemeral", "ebs"),
    ("storage", "sizeGib"): outside(2, 65_536),
    ("storage", "iops"): outside(3_000, 80_000),
    ("storage", "throughput"): outside(125, 2_000),
    ("storage", "instanceType"): words(),
    ("storage", "snapshotHour"): outside(0, 23),
    ("storage", "snapshotRetentionDays"): outside(1, 1_000),
    ("storage", "restoreSnapshotId"): words("").filter(bool),
    ("storage", "deleteVolumesOnDestroy"): st.one_of(words(), st.integers()),
    ("prometheus", "cpuArchitecture"): words(),
    ("prometheus", "taskCpu"): st.integers().filter(lambda units: units not in MEMORY_MIB),
    ("prometheus", "taskMemory"): st.one_of(words(), st.integers(-10, 511)),
    ("prometheus", "storageGib"): outside(21, 200),
    ("prometheus", "logRetentionDays"): LOG_DAYS,
    ("prometheus", "deleteImagesOnDestroy"): st.one_of(words(), st.integers()),
    ("prometheus", "enableExecuteCommand"): st.one_of(words(), st.integers()),
    ("prometheus", "port"): st.one_of(outside(1024, 65535), words()),
    ("prometheus", "adminCidrs"): OTHER_ADMINS,
    ("prometheus", "retention"): st.one_of(words(), st.integers(0, 7199).map("{}s".format)),
    ("prometheus", "scrapeInterval"): st.one_of(
        words(), st.integers(61, 10**9).map("{}s".format), st.integers()
    ),
    ("prometheus", "discoveryRefreshInterval"): st.one_of(
        words(), st.integers(0, 999).map("{}ms".format)
    ),
    ("prometheus", "credentials"): words(),
    ("prometheus", "accessKeyRotation"): outside(1, 1_000_000),
    ("prometheus", "sampleLimit"): outside(1, 1_000_000),
    ("prometheus", "bodySizeLimitMib"): outside(1, 1024),
    ("prometheus", "targetLimit"): outside(1, 100_000),
    ("prometheus", "runbookBaseUrl"): st.from_regex(
        r"https://[a-z]{1,9}[ {}$\"'/]", fullmatch=True
    ),
    ("alertmanager", "enableExecuteCommand"): st.one_of(words(), st.integers()),
    ("alertmanager", "cpuArchitecture"): words(),
    ("alertmanager", "taskCpu"): st.integers().filter(lambda units: units not in MEMORY_MIB),
    ("alertmanager", "taskMemory"): st.one_of(words(), st.integers(-10, 511)),
    ("alertmanager", "storageGib"): outside(21, 200),
    ("alertmanager", "logRetentionDays"): LOG_DAYS,
    ("alertmanager", "deleteImagesOnDestroy"): st.one_of(words(), st.integers()),
    ("prometheus", "replicas"): outside(1, 8),
    ("alertmanager", "replicas"): outside(1, 8),
    ("alertmanager", "port"): st.one_of(outside(1024, 65535), st.just(CLUSTER_PORT)),
    ("alertmanager", "pageWith"): st.one_of(words(), st.lists(words(*INTEGRATIONS), min_size=1)),
    ("alertmanager", "notifyWith"): st.sampled_from([["webhook", "webhook"], ["x"]]),
    **{
        ("alertmanager", key): st.one_of(words(""), st.integers())
        for key in (*SECRETS_OF.values(), "watchdogUrlSecretArn")
    },
    ("alertmanager", "groupWait"): st.one_of(words(), st.integers(2, 99).map("{}h".format)),
    ("alertmanager", "groupInterval"): st.one_of(words(), st.integers(2, 99).map("{}d".format)),
    ("alertmanager", "repeatInterval"): st.one_of(words(), st.integers(5, 99).map("{}d".format)),
    ("alertmanager", "notifyDays"): words("").filter(lambda word: not word.endswith("day")),
    ("alertmanager", "notifyHours"): words(""),
    ("alertmanager", "timeZone"): words(),
    ("alertmanager", "routesFile"): words("").map("no-such/{}".format),
    **{
        (server, "overlay"): words("").map("no-such/{}".format)
        for server in ("prometheus", "alertmanager", "grafana")
    },
    ("notifications", "emails"): st.one_of(
        words(), st.lists(words(), min_size=1, max_size=3), st.integers()
    ),
    ("notifications", "sms"): st.one_of(
        words(), st.lists(words(), min_size=1, max_size=3), st.integers()
    ),
    ("grafana", "cpuArchitecture"): words(),
    ("grafana", "taskCpu"): st.integers().filter(lambda units: units not in MEMORY_MIB),
    ("grafana", "taskMemory"): st.one_of(words(), st.integers(-10, 511)),
    ("grafana", "storageGib"): outside(21, 200),
    ("grafana", "logRetentionDays"): LOG_DAYS,
    ("grafana", "deleteImagesOnDestroy"): st.one_of(words(), st.integers()),
    ("grafana", "enableExecuteCommand"): st.one_of(words(), st.integers()),
    ("grafana", "port"): st.one_of(outside(1024, 65535), words()),
    ("grafana", "anonymousViewer"): st.one_of(words(), st.integers()),
    ("grafana", "adminPasswordRotation"): outside(1, 1_000_000),
    ("grafana", "oidcScopes"): st.lists(words("openid"), max_size=3),
    ("grafana", "oidcRoleAttributePath"): st.integers(),
    ("ingress", "domain"): st.one_of(
        words("").map(lambda word: f"{word.replace('.', '')}"), st.just("a." * 31 + "com")
    ),
    ("ingress", "zoneId"): words(),
    ("ingress", "certificateArn"): NO_ARN,
    ("ingress", "cidrs"): OTHER_ADMINS,
    ("ingress", "openToTheWorld"): st.one_of(words(), st.integers()),
    ("ingress", "internal"): st.one_of(words(), st.integers()),
    ("ingress", "oidcIssuer"): NO_URL,
    ("ingress", "oidcAuthorizationEndpoint"): NO_URL,
    ("ingress", "oidcTokenEndpoint"): NO_URL,
    ("ingress", "oidcUserInfoEndpoint"): NO_URL,
    ("ingress", "oidcClientId"): st.one_of(st.just(""), st.integers()),
    ("ingress", "oidcClientSecretArn"): words(),
    ("ingress", "cognitoUserPoolArn"): NO_ARN,
    ("ingress", "cognitoClientId"): words("").filter(bool),
    ("ingress", "cognitoDomain"): words("").filter(bool),
    ("ingress", "withoutAuthentication"): st.one_of(st.just(value=True), words()),
    ("ingress", "wafAclArn"): NO_ARN,
    ("ingress", "deletionProtection"): st.one_of(words(), st.integers()),
    ("ingress", "accessLogRetentionDays"): outside(1, 3653),
    ("ingress", "deleteAccessLogsOnDestroy"): st.one_of(words(), st.integers()),
    ("configuration", "delivery"): words("image", "live"),
    ("configuration", "refreshInterval"): words(),
    ("configuration", "port"): outside(1024, 65535),
    ("bastion", "instanceType"): words(),
    ("bastion", "sshCidrs"): OTHER_ADMINS,
    ("bastion", "keyName"): st.one_of(st.integers(), st.just("ä")),
    ("cluster", "capacity"): words("ec2", "fargate"),
    ("cluster", "instanceTypes"): st.one_of(words(), st.lists(words(), max_size=3)),
    ("cluster", "minSize"): outside(0, 100),
    ("cluster", "desiredSize"): outside(0, 100),
    ("cluster", "maxSize"): outside(1, 100),
    ("cluster", "spotPercent"): outside(0, 100),
    ("cluster", "rootSizeGib"): outside(30, 65_536),
    ("cluster", "containerInsights"): st.one_of(words(), st.integers()),
    ("cluster", "nodeExporterCpu"): outside(2, 1024),
    ("cluster", "nodeExporterMemory"): outside(16, 4096),
    ("cluster", "cadvisorPort"): st.one_of(outside(1024, 65535), words()),
    ("cluster", "cadvisorCpu"): outside(2, 1024),
    ("cluster", "cadvisorMemory"): outside(16, 4096),
    ("cluster", "housekeepingInterval"): st.one_of(words(), st.integers(61, 999).map("{}s".format)),
    ("cluster", "logRetentionDays"): LOG_DAYS,
    ("cluster", "deleteImagesOnDestroy"): st.one_of(words(), st.integers()),
    ("services", "enableExecuteCommand"): st.one_of(words(), st.integers()),
    ("services", "cpuArchitecture"): words(),
    ("services", "logRetentionDays"): LOG_DAYS,
    ("services", "deleteImagesOnDestroy"): st.one_of(words(), st.integers()),
    ("services", "metrics"): st.one_of(words(), st.lists(words(), max_size=4)),
    ("services", "job"): st.from_regex(r"[a-z]{0,9}[ !*#/=@][a-z]{0,9}", fullmatch=True),
    ("services", "launchType"): words(),
    ("services", "securityGroupIds"): st.one_of(words(), st.lists(words(), min_size=1)),
    ("services", "imageContext"): words("").map("no-such/{}".format),
    ("services", "image"): words("").filter(bool),
    ("services", "user"): words(""),
    ("services", "readOnlyRootFilesystem"): st.one_of(words(), st.integers()),
    ("services", "writablePaths"): st.one_of(words(), st.lists(words(), min_size=1, max_size=3)),
    ("services", "environment"): st.one_of(words(), st.lists(words(), min_size=1, max_size=3)),
    ("services", "secretArns"): st.lists(words().map("A={}".format), min_size=1, max_size=3),
    ("services", "port"): st.one_of(outside(1024, 65535), words()),
    ("services", "healthPath"): words(),
    ("services", "healthCommand"): st.one_of(words(), st.integers()),
    ("services", "cpu"): outside(128, 196_608),
    ("services", "memory"): outside(32, 122_880),
    ("services", "desiredCount"): outside(1, 5000),
    ("services", "maxCount"): outside(0, 5000),
    ("services", "cpuTargetPercent"): outside(10, 90),
    ("services", "hostName"): words("").filter(bool),  # with a load balancer or without
    ("services", "listenerPriority"): outside(0, 50_000),
    ("services", "monitoring"): words("").map("no-such/{}".format),
}


@st.composite
def illegal(draw: st.DrawFn) -> tuple[Configuration, str, Any]:
    """A configuration that is legal but for one value, the path of this and itself."""
    block, key = draw(st.sampled_from(sorted(ILLEGAL_VALUES)))
    values = draw(legal())
    if block == "ingress":  # it has no defaults that are legal, and needs two zones
        values |= {"network": {}, "storage": {}, "ingress": dict(INGRESS)}
        for server in ("prometheus", "alertmanager"):
            values[server].pop("replicas")  # more, it may be, than the zones are now
        for name in ("cluster", "services"):  # which may need another network or domain
            values.pop(name, None)
    if (block, key) == ("network", "natStrategy"):  # which a volume's host needs
        values["storage"]["kind"] = "ephemeral"
    if block in {"cluster", "services"}:  # neither has defaults that are legal
        values.setdefault("cluster", dict(FARGATE))
    if block == "services":
        priority = {"listenerPriority": 7} if key == "hostName" else {}
        values["services"] = {"shop": {**SERVICE, **priority}}
    path = [block, "shop"] if BLOCKS[block].names else [block]
    inner = values
    for name in path:
        inner = inner.setdefault(name, {})
    inner[key] = draw(st.one_of(ILLEGAL_VALUES[block, key], OTHER_TYPES))
    return values, ".".join([*path, key]), inner[key]


def test_every_key_is_generated() -> None:
    assert LEGAL_VALUES.keys() | TOGETHER == KEYS
    assert ILLEGAL_VALUES.keys() == KEYS


# --- what holds for them ---


@MANY
@given(legal())
def test_every_legal_configuration_is_read_as_it_is(values: Configuration) -> None:
    read = parse(values)
    for name, block in values.items():
        of_block = getattr(read, name)
        pairs = (
            [(block[it], of_block[it]) for it in block]
            if BLOCKS[name].names
            else [(block, of_block)]
        )
        for given_, read_ in pairs:
            found = dict(zip(BLOCKS[name].knobs, read_.values(), strict=True))
            assert {key: found[key] for key in given_} == given_


@MANY
@given(illegal())
def test_every_illegal_configuration_is_an_error_that_names_the_path(
    case: tuple[Configuration, str, Any],
) -> None:
    values, path, value = case
    (line,) = problems(values)
    text = json.dumps(value, ensure_ascii=False)
    cut = f"{text[:120]}... ({len(text)} characters)" if len(text) > 120 else text
    start = f"{path} is {shown(path, value, lambda _: cut)}: "
    assert line.startswith(start)
    assert len(line) > len(start)


@MANY
@given(
    st.dictionaries(
        st.sampled_from([*BLOCKS, ENVIRONMENT, "other"]),
        st.one_of(
            st.text(max_size=20),
            st.recursive(
                st.one_of(
                    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)
                ),
                lambda inner: st.one_of(
                    st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner)
                ),
                max_leaves=9,
            ).map(json.dumps),
        ),
    )
)
def test_whatever_is_there_is_read_or_refused(values: dict[str, str]) -> None:
    with suppress(SettingsError):
        Settings.parse(values, stack="test")


@FEW
@given(legal())
def test_every_legal_configuration_deploys(values: Configuration) -> None:
    deployment = deploy(lambda: runpy.run_path(str(PROGRAM)), config=namespaced(values))
    hosts = [it for it in deployment.of_type(":Instance") if it.inputs["tags"]["role"] != "bastion"]
    assert len(deployment.of_type(":Instance")) - len(hosts) == ("bastion" in values)
    assert len(hosts) == values["hosts"]["count"] == len(deployment.exports["host_ids"])
    task = deployment.named("prometheus-task").inputs
    container, *_ = json.loads(task["containerDefinitions"])
    variables = {entry["name"]: entry["value"] for entry in container["environment"]}
    for host in hosts:  # Prometheus finds it
        tags = host.inputs["tags"]
        assert tags[variables["DISCOVERY_TAG_KEY"]] == variables["DISCOVERY_TAG_VALUE"]


@FEW
@given(illegal())
def test_no_illegal_configuration_registers_anything(
    case: tuple[Configuration, str, Any],
) -> None:
    values, path, _ = case
    error = refuse(lambda: runpy.run_path(str(PROGRAM)), config=namespaced(values))
    assert f"prometheus-aws:{path} is " in str(error)
