"""What each knob of the components accepts: the limits that its declaration names."""

from collections.abc import Sequence
from typing import Any

import pytest

from components import (
    AlertmanagerServiceArgs,
    BastionArgs,
    ClusterDaemonsArgs,
    ExporterGroupArgs,
    ExporterNodeArgs,
    GrafanaServiceArgs,
    MonitoringNetworkArgs,
    NotificationTopicArgs,
    PrometheusServiceArgs,
    ServiceClusterArgs,
    ServiceWatchArgs,
)
from components.alertmanager.configuration import SECRETS
from components.arguments import declared, examine
from tests.components.refusal import shown

# Source: the API reference of PutRetentionPolicy.
LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096]
LOG_DAYS += [1827, 2192, 2557, 2922, 3288, 3653]

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:it/is-it-AbCdEf"  # noqa: S105
PORTS = ([1024, 65535], [0, 80, 1023, 65536], "expected a whole number from 1024 to 65535")
LOGS = (LOG_DAYS, [0, 2, 15, 3654, -1], f"expected one of {', '.join(map(str, LOG_DAYS))}")

_FORM = (
    "expected tcp or udp, a port or a range of ports, and a network, such as 'tcp 80 0.0.0.0/0' or"
    " 'udp 5000-5010 198.51.100.0/24'"
)
_PORTS = "expected ports from 1 to 65535, the lower one first"
ACL_RULES = [
    ("80", _FORM),
    ("icmp 8 0.0.0.0/0", _FORM),
    ("tcp  80 0.0.0.0/0", _FORM),
    ("tcp 80 0.0.0.0/0 ", _FORM),
    ("tcp http 0.0.0.0/0", _FORM),
    ("tcp 0 0.0.0.0/0", _PORTS),
    ("tcp 65536 0.0.0.0/0", _PORTS),
    ("tcp 81-80 0.0.0.0/0", _PORTS),
    ("tcp 80 world", "expected an IPv4 network such as 10.42.0.0/16"),
    ("tcp 80 fd00::/129", "expected an IPv6 network such as 2001:db8::/32"),
    ("tcp 80 ::1/64", "it has host bits set; expected the network's address: ::/64"),
    (
        "udp 80 10.0.0.1/8",
        "it has host bits set; expected the network's address: 10.0.0.0/8",
    ),
]
"""Illegal entries, and what is expected."""

# Arguments, key, legal values, illegal ones, what is expected.
LIMITS = [
    (
        MonitoringNetworkArgs,
        "zone_count",
        [1, 8],
        [0, 9, -1],
        "expected a whole number from 1 to 8",
    ),
    (
        MonitoringNetworkArgs,
        "nat_strategy",
        ["none", "single", "per-az"],
        ["", "None", "none "],
        "expected one of none, single, per-az",
    ),
    (MonitoringNetworkArgs, "log_retention_days", *LOGS),
    *[
        (
            MonitoringNetworkArgs,
            key,
            [[], ["tcp 1 0.0.0.0/0", "udp 1-65535 10.0.0.0/8"]],
            [[entry]],
            f"{entry!r}: {expected}",
        )
        for key in ("network_acl_ingress", "network_acl_egress")
        for entry, expected in ACL_RULES
    ],
    *[
        (
            MonitoringNetworkArgs,
            "exclude_zone_ids",
            [[], ["use1-az3", "apne1-az12", "mxc1-az1"]],
            [[entry]],
            (
                f"{entry!r}: expected the id of an availability zone, such as use1-az3, not its"
                " name, which differs from account to account"
            ),
        )
        for entry in ("us-east-1a", "", "use1-az", "USE1-AZ3")
    ],
    (PrometheusServiceArgs, "log_retention_days", *LOGS),
    (
        PrometheusServiceArgs,
        "cpu_architecture",
        ["ARM64", "X86_64"],
        ["", "arm64", "x86"],
        "expected one of ARM64, X86_64",
    ),
    (
        PrometheusServiceArgs,
        "task_cpu",
        [256, 16384],
        [0, 128, 257, 32768, -256],
        "expected one of 256, 512, 1024, 2048, 4096, 8192, 16384",
    ),
    (
        PrometheusServiceArgs,
        "storage_gib",
        [21, 200],
        [20, 201],
        "expected a whole number from 21 to 200 GiB",
    ),
    (
        PrometheusServiceArgs,
        "storage_kind",
        ["ephemeral", "ebs"],
        ["", "efs", "EBS"],
        "expected one of ephemeral, ebs",
    ),
    (
        PrometheusServiceArgs,
        "storage_size_gib",
        [6, 65_536],
        [1, 65_537],
        "expected a whole number from 2 to 65536 GiB",
    ),
    (
        PrometheusServiceArgs,
        "storage_iops",
        [3_000, 25_000],
        [2_999, 80_001],
        "expected a whole number from 3000 to 80000",
    ),
    (
        PrometheusServiceArgs,
        "storage_throughput",
        [125, 750],
        [124, 2_001],
        "expected a whole number from 125 to 2000 MiB/s",
    ),
    (
        PrometheusServiceArgs,
        "storage_snapshot_hour",
        [0, 23],
        [-1, 24],
        "expected a whole number from 0 to 23",
    ),
    (
        PrometheusServiceArgs,
        "storage_snapshot_retention_days",
        [1, 1_000],
        [0, 1_001],
        "expected a whole number from 1 to 1000",
    ),
    (
        PrometheusServiceArgs,
        "storage_restore_snapshot_id",
        ["", "snap-0123abcd", "snap-0123456789abcdef0"],
        ["snap-", "snap-0123", "vol-0123456789abcdef0", "SNAP-0123abcd", "snap-0123abcd\n"],
        "expected the id of a snapshot, such as snap-0123456789abcdef0",
    ),
    (PrometheusServiceArgs, "port", *PORTS),
    (PrometheusServiceArgs, "node_exporter_port", *PORTS),
    (
        PrometheusServiceArgs,
        "retention",
        ["2h", "15d", "100y"],
        ["0s", "119m", "101y"],
        "expected a duration from 2h to 100y",
    ),
    (
        PrometheusServiceArgs,
        "scrape_interval",
        ["1s", "1000ms", "15s", "1m"],
        ["999ms", "0s", "61s", "1h"],
        "expected a duration from 1s to 1m",
    ),
    (
        PrometheusServiceArgs,
        "discovery_refresh_interval",
        ["1s", "1000ms", "15s", "5m"],
        ["999ms", "0s", "5m1ms", "1h"],
        "expected a duration from 1s to 5m",
    ),
    (
        PrometheusServiceArgs,
        "credentials",
        ["iam-user", "task-role"],
        ["", "root", "iam-user "],
        "expected one of iam-user, task-role",
    ),
    (
        PrometheusServiceArgs,
        "access_key_rotation",
        [1, 1_000_000],
        [0, 1_000_001],
        "expected a whole number from 1 to 1000000",
    ),
    (
        PrometheusServiceArgs,
        "sample_limit",
        [1, 1_000_000],
        [0, 1_000_001],
        "expected a whole number from 1 to 1000000",
    ),
    (
        PrometheusServiceArgs,
        "body_size_limit_mib",
        [1, 1024],
        [0, 1025],
        "expected a whole number from 1 to 1024",
    ),
    (
        PrometheusServiceArgs,
        "target_limit",
        [1, 100_000],
        [0, 100_001],
        "expected a whole number from 1 to 100000",
    ),
    (
        PrometheusServiceArgs,
        "runbook_base_url",
        ["docs/runbooks", "https://example.com/a?b=c&d=%20"],
        ["", "https://example.com/", "https://x/{{ .Labels }}", 'https://x/"', "https://x/$A"],
        (
            "expected a URL such as https://example.com/runbooks, of letters, digits and"
            " . _ ~ : / ? & = % @ + , - without a slash at its end"
        ),
    ),
    (PrometheusServiceArgs, "alertmanager_port", *PORTS),
    (PrometheusServiceArgs, "replicas", [1, 8], [0, 9], "expected a whole number from 1 to 8"),
    (AlertmanagerServiceArgs, "log_retention_days", *LOGS),
    (AlertmanagerServiceArgs, "port", *PORTS),
    (
        AlertmanagerServiceArgs,
        "replicas",
        [1, 8],
        [0, 9],
        "expected a whole number from 1 to 8",
    ),
    (
        AlertmanagerServiceArgs,
        "port",
        [9093, 9095],
        [9094],
        "Alertmanagers talk to each other on this port; expected another one",
    ),
    (
        AlertmanagerServiceArgs,
        "group_wait",
        ["0s", "1h"],
        ["61m"],
        "expected a duration from 0s to 1h",
    ),
    (
        AlertmanagerServiceArgs,
        "group_interval",
        ["1s", "1d"],
        ["0s", "999ms", "25h"],
        "expected a duration from 1s to 1d",
    ),
    (
        AlertmanagerServiceArgs,
        "repeat_interval",
        ["1m", "4d"],
        ["59s", "5d"],
        "expected a duration from 1m to 4d",
    ),
    *[
        (
            AlertmanagerServiceArgs,
            f"{name}_secret_arn",
            ["", SECRET_ARN, SECRET_ARN.replace("aws:", "aws-cn:", 1)],
            ["it", f"{SECRET_ARN}:key::", SECRET_ARN[:-7], f"{SECRET_ARN[:-9]}*-AbCdEf"],
            (
                "expected the whole ARN of a secret in Secrets Manager, such as"
                " arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
            ),
        )
        for name in SECRETS.values()
    ],
    *[
        (
            AlertmanagerServiceArgs,
            key,
            [[]],
            [["mail"], ["sns", "sns"], [""]],
            "expected some of sns, slack, pagerduty, opsgenie, webhook, each once",
        )
        for key in ("page_with", "notify_with")
    ],
    *[
        (GrafanaServiceArgs, key, *PORTS)
        for key in ("port", "prometheus_port", "alertmanager_port")
    ],
    (
        GrafanaServiceArgs,
        "admin_password_rotation",
        [1, 1_000_000],
        [0, 1_000_001],
        "expected a whole number from 1 to 1000000",
    ),
    (
        GrafanaServiceArgs,
        "oidc_scopes",
        [["openid"], ["email", "openid"]],
        [[], ["email"], ["openid", ""], ["openid email"], ["openid", "a,b"]],
        "expected scopes without blanks and commas, openid among them",
    ),
    (ExporterGroupArgs, "node_exporter_port", *PORTS),
    (
        ExporterGroupArgs,
        "ami_id",
        ["", "ami-01234567", "ami-0123456789abcdef0"],
        ["ami-xyz", "ami-0123456", "ami-012345678", "AMI-01234567", "ami-01234567\n"],
        "expected the id of an image, such as ami-0123456789abcdef0",
    ),
    (
        ExporterNodeArgs,
        "root_volume_gib",
        [8, 16384],
        [7, 16385],
        "expected a whole number from 8 to 16384 GiB",
    ),
    *(
        (
            shape,
            key,
            ["", "admin", "k" * 255, "$(id) of me"],
            ["k" * 256, "ключ", "a\nb", "a\n", "a\tb", "a\x00", "\x7f", " a", "a "],
            (
                "expected the name of a key pair, at most 255 printable ASCII characters without"
                " spaces at the ends"
            ),
        )
        for shape, key in ((ExporterNodeArgs, "ssh_key_name"), (BastionArgs, "key_name"))
    ),
    *(
        (BastionArgs, f"{server}_port", *PORTS)
        for server in ("prometheus", "alertmanager", "grafana")
    ),
    (
        ExporterNodeArgs,
        "environment",
        ["", "dev"],
        ["a b", "2prod"],
        "expected a letter, then up to 31 letters, digits, '-' or '_'",
    ),
    (
        ServiceWatchArgs,
        "desired_count",
        [1, 100],
        [0, 101, -1],
        "expected a whole number from 1 to 100",
    ),
    (
        ServiceWatchArgs,
        "runbook_base_url",
        ["docs/runbooks", "https://example.com/a"],
        ["", "https://example.com/", "https://x/<time>", 'https://x/"'],
        (
            "expected a URL such as https://example.com/runbooks, of letters, digits and"
            " . _ ~ : / ? & = % @ + , - without a slash at its end"
        ),
    ),
    (
        NotificationTopicArgs,
        "emails",
        [["o'neil@example.co.uk"]],
        [["me@example.com", "ME@example.com"]],
        "me@example.com is in the list more than once; expected each of them once",
    ),
    *(
        (
            NotificationTopicArgs,
            "emails",
            [["a@b-c.de"]],
            [[bad]],
            f"{bad!r}: expected an e-mail address such as on-call@example.com",
        )
        for bad in ("ops", "a@b", "a b@c.de", "a@b..de", "a@b.de\n", ".a@b.de", "a@-b.de", "ä@b.de")
    ),
    *(
        (
            NotificationTopicArgs,
            "sms",
            [["+4915112345678", "+14155550123"]],
            [[bad]],
            f"{bad!r}: expected a phone number in E.164 format, such as +4915112345678",
        )
        for bad in ("015112345678", "+0151123456", "+49 151 12345678", "+1234567890123456", "+12")
    ),
    *((ClusterDaemonsArgs, key, *PORTS) for key in ("node_exporter_port", "cadvisor_port")),
    (ClusterDaemonsArgs, "log_retention_days", *LOGS),
    (
        ClusterDaemonsArgs,
        "cpu_architecture",
        ["ARM64", "X86_64"],
        ["", "arm64", "x86"],
        "expected one of ARM64, X86_64",
    ),
    *(
        (
            ClusterDaemonsArgs,
            f"{name}_cpu",
            [2, 1024],
            [1, 1025],
            "expected a whole number from 2 to 1024",
        )
        for name in ("node_exporter", "cadvisor")
    ),
    *(
        (
            ClusterDaemonsArgs,
            f"{name}_memory",
            [16, 4096],
            [15, 4097],
            "expected a whole number from 16 to 4096 MiB",
        )
        for name in ("node_exporter", "cadvisor")
    ),
    *(
        (
            ClusterDaemonsArgs,
            f"{name}_version",
            ["0.60.5", "1.12.1-rc.0"],
            ["", "v0.60.5", "latest"],
            "expected a version such as 3.15.0, without a leading v",
        )
        for name in ("node_exporter", "cadvisor")
    ),
    (
        ClusterDaemonsArgs,
        "housekeeping_interval",
        ["1s", "1m"],
        ["0s", "999ms", "61s"],
        "expected a duration from 1s to 1m",
    ),
    (
        ServiceClusterArgs,
        "capacity",
        ["ec2", "fargate"],
        ["", "EC2", "FARGATE"],
        "expected one of ec2, fargate",
    ),
    *(
        (
            ServiceClusterArgs,
            key,
            [least, 100],
            [least - 1, 101],
            f"expected a whole number from {least} to 100",
        )
        for key, least in (("min_size", 0), ("max_size", 1), ("spot_percent", 0))
    ),
    (
        ServiceClusterArgs,
        "root_size_gib",
        [30, 65_536],
        [29, 65_537],
        "expected a whole number from 30 to 65536 GiB",
    ),
    (
        ServiceClusterArgs,
        "instance_types",
        [["t4g.small"], ["m7i.large", "m6a.xlarge"], [f"m7g.{n}xlarge" for n in range(2, 42)]],
        [[]],
        "expected 1 to 40 instance types",
    ),
]


@pytest.mark.parametrize(
    ("shape", "key", "legal", "illegal", "expected"),
    LIMITS,
    ids=[f"{shape.__name__}-{key}" for shape, key, *_ in LIMITS],
)
def test_the_limits_of(
    shape: type, key: str, legal: Sequence[Any], illegal: Sequence[Any], expected: str
) -> None:
    known = {key: declared(shape)[key]}
    assert [examine(known, {key: value}) for value in legal] == [({key: v}, []) for v in legal]
    said = [[p.text(key) for p in examine(known, {key: value})[1]] for value in illegal]
    told = [
        f"'{'k' * 119}... (258 characters)" if v == "k" * 256 else shown(key, v, repr)
        for v in illegal
    ]
    assert said == [[f"{key} is {value}: {expected}"] for value in told]
