"""Illegal arguments of every component: what is said, and that nothing is registered."""

from collections.abc import Mapping
from typing import Any, get_origin

import pytest

from components.arguments import ArgumentError, declared
from mocks.recording import refuse
from tests.components.examples import EXAMPLES

each = pytest.mark.parametrize("name", EXAMPLES)

# Component, arguments in place of the legal ones, the problems.
BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "MonitoringNetwork",
        {"vpc_cidr": "10.42.0.1/16"},
        [
            (
                "vpc_cidr is '10.42.0.1/16': it has host bits set; expected the network's address:"
                " 10.42.0.0/16"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"vpc_cidr": "127.42.0.0/16"},
        [
            (
                "vpc_cidr is '127.42.0.0/16': expected a private range, inside one of 10.0.0.0/8,"
                " 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"zone_count": 4},
        [
            (
                "zone_count is 4: the region has 3 usable availability zones (eu-central-1a,"
                " eu-central-1b, eu-central-1c); expected at most 3"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"network_acl_ingress": ["tcp 80 0.0.0.0/0"]},
        [
            (
                "network_acl_ingress is ['tcp 80 0.0.0.0/0']: without a network ACL of its own, the"
                " network lets everything through; expected no rules, or the network ACL switched"
                " on"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"network_acl": True, "network_acl_ingress": ["tcp 443 ::/0"]},
        [
            (
                "network_acl_ingress is ['tcp 443 ::/0']: 'tcp 443 ::/0' is about IPv6, which the"
                " VPC does not have; expected IPv4 networks only, or the network's ipv6 switched on"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {
            "network_acl": True,
            "ipv6": True,
            "network_acl_ingress": [f"tcp {n} ::/0" for n in range(80, 97)],
            "network_acl_egress": ["tcp 80 0.0.0.0/0"],
        },
        [
            (
                "network_acl_ingress is ['tcp 80 ::/0', 'tcp 81 ::/0', 'tcp 82 ::/0', 'tcp 83"
                " ::/0', 'tcp 84 ::/0', 'tcp 85 ::/0', 'tcp 86 ::/0', 'tcp 87 ::/0',... (255"
                " characters): the network ACL would have 20 rules for IPv6 in this direction, with"
                " those that are always there and those for answers to UDP; AWS takes 19: expected"
                " 1 fewer, by wider networks or ranges of ports"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"network_acl": True, "network_acl_egress": ["tcp 80 10.9.0.0/16"] * 2},
        [
            (
                "network_acl_egress is ['tcp 80 10.9.0.0/16', 'tcp 80 10.9.0.0/16']: 'tcp 80"
                " 10.9.0.0/16' is in the list more than once; expected each rule once"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {
            "network_acl": True,
            "ssh_cidrs": [f"203.0.113.{n}/32" for n in range(10)],
            "network_acl_ingress": ["tcp 80 0.0.0.0/0", "tcp 25 0.0.0.0/0"],
            "network_acl_egress": [f"udp 53 198.51.{n}.0/24" for n in range(5)],
        },
        [
            (
                "network_acl_ingress is ['tcp 80 0.0.0.0/0', 'tcp 25 0.0.0.0/0']: the network ACL"
                " would have 20 rules in this direction, with those that are always there and"
                " those for answers to UDP; AWS takes 19: expected 1 fewer, by wider networks or"
                " ranges of ports"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"network_acl": True, "network_acl_egress": [f"tcp {n} 0.0.0.0/0" for n in range(20, 36)]},
        [
            (
                "network_acl_egress is ['tcp 20 0.0.0.0/0', 'tcp 21 0.0.0.0/0', 'tcp 22 0.0.0.0/0',"
                " 'tcp 23 0.0.0.0/0', 'tcp 24 0.0.0.0/0', 'tcp 25 0.0.0.0/0',... (320 characters):"
                " the network ACL would have 20 rules in this direction, with those that are always"
                " there and those for answers to UDP; AWS takes 19: expected 1 fewer, by wider"
                " networks or ranges of ports"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"vpc_cidr": "10.0.0.0/27"},
        [
            (
                "zone_count is 2: the VPC 10.0.0.0/27 has room for 1 zone(s) of 2 subnets;"
                " expected at most 1, or a VPC of /26 or larger"
            )
        ],
    ),
    (
        "MonitoringNetwork",
        {"nat_strategy": "double", "log_retention_days": 2, "zone_count": 0},
        [
            "zone_count is 0: expected a whole number from 1 to 8",
            "nat_strategy is 'double': expected one of none, single, per-az",
            (
                "log_retention_days is 2: expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150,"
                " 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"
            ),
        ],
    ),
    (
        "PrometheusService",
        {"image_context": "no-such-folder", "version": "v3"},
        [
            "image_context is 'no-such-folder': expected a folder that holds a Dockerfile",
            "version is 'v3': expected a version such as 3.15.0, without a leading v",
        ],
    ),
    (
        "PrometheusService",
        {"task_cpu": 1024},
        [
            (
                "task_memory is 512: with 1024 CPU units, Fargate offers 2048, 3072, 4096, 5120,"
                " 6144, 7168, 8192 (MiB of memory)"
            )
        ],
    ),
    (
        "PrometheusService",
        {"task_cpu": 300},
        ["task_cpu is 300: expected one of 256, 512, 1024, 2048, 4096, 8192, 16384"],
    ),
    (
        "PrometheusService",
        {"port": 80, "retention": "forever", "credentials": "root", "storage_gib": 20},
        [
            "storage_gib is 20: expected a whole number from 21 to 200 GiB",
            "port is 80: expected a whole number from 1024 to 65535",
            (
                "retention is 'forever': expected a duration as Prometheus writes it, such as 15s,"
                " 1h30m or 15d (units y, w, d, h, m, s, ms)"
            ),
            "credentials is 'root': expected one of iam-user, task-role",
        ],
    ),
    (
        "PrometheusService",
        {"admin_cidrs": ["0.0.0.0/0"]},
        [
            (
                "admin_cidrs is ['0.0.0.0/0']: '0.0.0.0/0' is open to the world. Name the networks"
                " that people come from, such as '203.0.113.7/32' for one address; where nobody can"
                " be named, leave the list empty and go through a VPN or AWS Systems Manager"
            )
        ],
    ),
    (
        "ExporterGroup",
        {"ami_id": "ami-xyz", "node_exporter_version": "latest"},
        [
            (
                "node_exporter_version is 'latest': expected a version such as 3.15.0, without a"
                " leading v"
            ),
            "ami_id is 'ami-xyz': expected the id of an image, such as ami-0123456789abcdef0",
        ],
    ),
    (
        "ExporterGroup",
        {"instance_type": "mac2.metal", "node_exporter_port": 70000},
        [
            "node_exporter_port is 70000: expected a whole number from 1024 to 65535",
            (
                "instance_type is 'mac2.metal': no EC2 instance type that runs Linux is called so;"
                " expected one such as t4g.nano (arm64) or t3.micro (x86_64)"
            ),
        ],
    ),
    (
        "ExporterNode",
        {
            "root_volume_gib": 1,
            "discovery_tag_key": "aws:x",
            "environment": "a b",
            "ssh_key_name": "k" * 256,
        },
        [
            "root_volume_gib is 1: expected a whole number from 8 to 16384 GiB",
            (
                f"ssh_key_name is '{'k' * 119}... (258 characters): expected the name of a key"
                " pair, at most 255 printable ASCII characters without spaces at the ends"
            ),
            (
                "discovery_tag_key is 'aws:x': expected 1 to 128 letters, digits, spaces (not at"
                " its ends) or . : / = + - @ _, not starting with aws:"
            ),
            "environment is 'a b': expected a letter, then up to 31 letters, digits, '-' or '_'",
        ],
    ),
    (
        "Bastion",
        {"ssh_cidrs": ["0.0.0.0/0"], "key_name": "admin"},
        [
            (
                "ssh_cidrs is ['0.0.0.0/0']: '0.0.0.0/0' is open to the world. Name the networks"
                " that people come from, such as '203.0.113.7/32' for one address; where nobody can"
                " be named, leave the list empty and go through a VPN or AWS Systems Manager"
            )
        ],
    ),
    (
        "Bastion",
        {"ssh_cidrs": ["::/0"], "key_name": "admin", "instance_type": "t1.micro"},
        [
            (
                "instance_type is 't1.micro': Amazon Linux 2023 is not made for a1, c1, m1, m2, t1;"
                " expected a newer type, such as t4g.nano (arm64) or t3.micro (x86_64)"
            ),
            "ssh_cidrs is ['::/0']: '::/0': expected an IPv4 network such as 10.42.0.0/16",
        ],
    ),
    (
        "Bastion",
        {"ssh_cidrs": ["203.0.113.9/32"]},
        [
            (
                "ssh_cidrs is ['203.0.113.9/32']: nobody could log in by SSH without a key;"
                " expected the name of an EC2 key pair as well, or no networks: Session Manager"
                " needs neither"
            )
        ],
    ),
    # Types.
    (
        "MonitoringNetwork",
        {"flow_logs": "false"},
        ["flow_logs is 'false': expected true or false: leave out the quotes"],
    ),
    (
        "PrometheusService",
        {"delete_images_on_destroy": "no"},
        ["delete_images_on_destroy is 'no': expected true or false"],
    ),
    (
        "PrometheusService",
        {"subnet_ids": "subnet-1", "vpc_id": None},
        [
            "vpc_id is None: expected a string, not empty",
            "subnet_ids is 'subnet-1': expected a list of strings: put it in brackets",
        ],
    ),
    (
        "PrometheusService",
        {"subnet_ids": [], "vpc_id": ""},
        [
            "vpc_id is '': expected a string, not empty",
            "subnet_ids is []: expected a list of strings, not empty",
        ],
    ),
    (
        "ExporterNode",
        {"user_data": "#" * 20_000},
        [
            (
                f"user_data is '{'#' * 119}... (20002 characters): it has 20000 bytes; expected at"
                " most 16384, which is what EC2 takes. Let a short script download the rest"
            )
        ],
    ),
    (
        "ServiceCluster",
        {"instance_types": ["t4g.small", "t3.small"]},
        [
            (
                "instance_types is ['t4g.small', 't3.small']: t3.small is x86_64, and t4g.small"
                " arm64; expected one architecture, as an image is built for one"
            )
        ],
    ),
    (
        "ServiceCluster",
        {"instance_types": ["t3.small", "t3.small"]},
        [
            (
                "instance_types is ['t3.small', 't3.small']: t3.small is in the list more than"
                " once; expected each once"
            )
        ],
    ),
    (
        "ServiceCluster",
        {"instance_types": ["t3.smal"]},
        [
            (
                "instance_types is ['t3.smal']: 't3.smal': no EC2 instance type that runs Linux is"
                " called so; expected one such as t4g.nano (arm64) or t3.micro (x86_64)"
            )
        ],
    ),
    (
        "ClusterDaemons",
        {"cadvisor_port": 9100},
        [
            (
                "cadvisor_port is 9100: node_exporter listens there; expected another port than"
                " node_exporter's"
            )
        ],
    ),
    (
        "ClusterDaemons",
        {"node_exporter_port": 9101},
        [
            (
                "cadvisor_port is 9101: node_exporter listens there; expected another port than"
                " node_exporter's"
            )
        ],
    ),
    (
        "ServiceCluster",
        {"desired_size": 4},
        ["desired_size is 4: expected from min_size 1 to max_size 3"],
    ),
    (
        "ServiceCluster",
        {"min_size": 4},
        ["desired_size is 3: min_size is 4, above max_size 3; expected at most that"],
    ),
    (
        "ServiceCluster",
        {"capacity": "fargate", "spot_percent": 10},
        ["spot_percent is 10: it is about EC2 hosts, and capacity is fargate; expected 0"],
    ),
]


@pytest.mark.parametrize(
    ("name", "bad", "problems"), BAD, ids=[f"{name}-{'-'.join(bad)}" for name, bad, _ in BAD]
)
def test_bad_arguments_register_nothing(
    name: str, bad: dict[str, Any], problems: list[str]
) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {**example.fewest, **bad}))
    assert isinstance(error, ArgumentError)
    lines = "".join(f"\n  - {problem}" for problem in problems)
    assert str(error) == f"{name} 'thing' cannot be made:{lines}"


@each
def test_every_required_argument_is_missed(name: str) -> None:
    example = EXAMPLES[name]
    required = [key for key, argument in declared(example.shape).items() if argument.required]
    missing = "".join(f"\n  - {key} is missing" for key in required)
    # One more mistake, as the network has no required argument.
    error = refuse(lambda: example.component("thing", {"zzz": 1}))
    assert f"{missing}\n" in f"{error}\n"
    assert str(error).count(" is missing") == len(required)


@each
def test_no_arguments_at_all(name: str) -> None:
    error = refuse(lambda: EXAMPLES[name].component("thing", None))
    assert "\n  - args is None: expected keys with values; the keys are " in str(error)


@each
def test_a_misspelt_argument(name: str) -> None:
    example = EXAMPLES[name]
    error = refuse(lambda: example.component("thing", {**example.fewest, "vpcid": 1}))
    assert "\n  - vpcid is unknown: " in str(error)


@pytest.mark.parametrize("value", [object(), None, {}], ids=["object", "None", "dict"])
@each
def test_no_argument_takes_a_value_of_another_type(name: str, value: object) -> None:
    example = EXAMPLES[name]
    args = dict.fromkeys(declared(example.shape), value)
    if not args:
        return  # it takes none
    error = refuse(lambda: example.component("thing", args))
    lines = str(error).splitlines()[1:]
    known = declared(example.shape)
    empty = [key for key in args if value == {} and get_origin(known[key].kind) is Mapping]
    expected = [f"  - {key} is {value!r}: expected " for key in args if key not in empty]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected


@pytest.mark.parametrize("key", ["Name", "role", "environment"])
def test_the_discovery_tag_is_none_of_the_hosts_own(key: str) -> None:
    """One of the two would be lost: the host would not be found, or all had the same name."""
    example = EXAMPLES["ExporterNode"]
    error = refuse(lambda: example.component("thing", {**example.all, "discovery_tag_key": key}))
    expected = f"hosts have a tag {key!r} of their own; expected another key"
    assert str(error).endswith(f"\n  - discovery_tag_key is {key!r}: {expected}")
