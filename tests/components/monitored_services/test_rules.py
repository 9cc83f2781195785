"""components.services.rules: what a service cannot be made from, and what is said about it."""

from typing import Any

import pulumi
import pytest

from components.services import rules
from mocks.recording import refuse
from tests.components.examples import MONITORED
from tests.components.monitored_services.shops import HOST_NAME, problems, shop

ENDPOINT = (
    "expected a port and a path, such as 8000/metrics; the path of letters, digits and + - = . _ :"
    " / @"
)
IMAGE = (
    "expected an image with a digest, or a tag that says the version (not latest, which says none),"
    " such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1.2"
)
ONE_IMAGE = "expected either it or image_context, a folder that the image is built from"
GIVEN = "registry.example.com/shop:1.2"
NO_ARN = (
    "expected the ARN of a secret, which begins with arn:aws:secretsmanager:, then region and"
    " account"
)
FARGATE_CPU = "Fargate offers 256, 512, 1024, 2048, 4096, 8192, 16384 (CPU units)"

# Arguments in place of the legal ones, the key that is to blame, what is said about its value.
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"metrics": []}, "metrics", "expected a list of strings, not empty"),
    (
        {"metrics": [f"800{n}/metrics" for n in range(4)]},
        "metrics",
        (
            "it has 4 endpoints; expected 1 to 3, each a port and a path, such as 8000/metrics:"
            " without one there is nothing to scrape"
        ),
    ),
    ({"metrics": ["8000"]}, "metrics", f"'8000': {ENDPOINT}"),
    ({"metrics": ["/metrics"]}, "metrics", f"'/metrics': {ENDPOINT}"),
    ({"metrics": ["65536/metrics"]}, "metrics", f"'65536/metrics': {ENDPOINT}"),
    ({"metrics": ["8000/a b"]}, "metrics", f"'8000/a b': {ENDPOINT}"),
    ({"metrics": ["8000/a?b"]}, "metrics", f"'8000/a?b': {ENDPOINT}"),
    (
        {"metrics": ["80/metrics"]},
        "metrics",
        "port 80 is for a process with privileges; expected 1024 to 65535",
    ),
    (
        {"metrics": ["8000/metrics", "8000/metrics"]},
        "metrics",
        "8000/metrics is in the list more than once; expected each endpoint once",
    ),
    (
        {"metrics": ["8000/" + "a" * 252]},
        "metrics",
        "together they have more than the 256 characters that a tag takes; expected shorter paths",
    ),
    ({"image": GIVEN}, "image", ONE_IMAGE),
    ({"image_context": ""}, "image", ONE_IMAGE),
    ({"image_context": "", "image": "shop"}, "image", IMAGE),
    ({"image_context": "", "image": "shop:latest"}, "image", IMAGE),
    ({"image_context": "", "image": "shop:1 2"}, "image", IMAGE),
    ({"image_context": "nowhere"}, "image_context", "expected a folder that holds a Dockerfile"),
    ({"cpu": 300}, "cpu", FARGATE_CPU),
    (
        {"cpu": 256, "memory": 4096},
        "memory",
        "with 256 CPU units, Fargate offers 512, 1024, 2048 (MiB of memory)",
    ),
    (
        {"launch_type": "EC2"},
        "launch_type",
        "expected capacity_provider, too: the one that the hosts belong to",
    ),
    (
        {"launch_type": "EC2", "capacity_provider": "FARGATE"},
        "launch_type",
        "it does not go with the capacity provider 'FARGATE'; expected FARGATE",
    ),
    (
        {"capacity_provider": "hosts"},
        "launch_type",
        "it does not go with the capacity provider 'hosts'; expected EC2",
    ),
    (
        {"launch_type": "EC2", "capacity_provider": "hosts", "assign_public_ip": True},
        "assign_public_ip",
        "a task on a host has no public address; expected private subnets with a NAT gateway",
    ),
    (
        {"desired_count": 5, "max_count": 4},
        "max_count",
        "desired_count is 5; expected at least as many, or 0 for no auto-scaling",
    ),
    ({"desired_count": 0}, "desired_count", "expected a whole number from 1 to 5000"),
    (
        {**HOST_NAME, "listener_priority": 50_001},
        "listener_priority",
        "expected a whole number from 0 to 50000",
    ),
    (
        {**HOST_NAME, "listener_priority": 0},
        "listener_priority",
        (
            "the rule for shop.example.com needs one; expected 1 to 50000, which no other rule of"
            " the listener has"
        ),
    ),
    (
        {"listener_priority": 7},
        "listener_priority",
        "it is for a rule that host_name makes; expected host_name, too, or 0",
    ),
    *(
        (
            {**HOST_NAME, "host_name": name},
            "host_name",
            (
                "the load balancer's certificate is for one name before its domain; expected a name"
                " such as shop.example.com"
            ),
        )
        for name in ("shop.example.org", "a.shop.example.com", "example.com")
    ),
    (
        {**HOST_NAME, "host_name": "Shop"},
        "host_name",
        (
            "expected a domain such as monitoring.example.com, in lowercase letters, with at most"
            " 62 characters, without a dot at its end"
        ),
    ),
    (
        {"host_name": "shop.example.com", "listener_priority": 7},
        "host_name",
        "expected a load balancer, too: listener_arn and load_balancer_security_group_id",
    ),
    (
        {"zone_id": "Z1"},
        "zone_id",
        (
            "expected what the host name leads to, too: load_balancer_dns_name and"
            " load_balancer_zone_id"
        ),
    ),
    ({"health_path": "health"}, "health_path", "expected a path that begins with a slash, such as"),
    (
        {"health_path": "/health"},
        "health_path",
        (
            "the load balancer asks there, and without host_name it does not lead to the service;"
            " expected health_command, by which ECS asks, or host_name, too"
        ),
    ),
    ({"user": "root"}, "user", "expected numbers, uid or uid:gid, such as 1000:1000"),
    (
        {"writable_paths": ["tmp"]},
        "writable_paths",
        "'tmp': expected a path from the root, such as /tmp",
    ),
    (
        {"writable_paths": ["/a/../b"]},
        "writable_paths",
        "'/a/../b': expected a path from the root, such as /tmp",
    ),
    (
        {"environment": ["1=2"]},
        "environment",
        "'1': expected a variable, such as LOG_LEVEL=info",
    ),
    (
        {"environment": ["A=1", "A=2"]},
        "environment",
        "A is in the list more than once; expected it once",
    ),
    (
        {"secret_arns": ["A=arn:aws:s3:::a"]},
        "secret_arns",
        f"A: {NO_ARN}",
    ),
    (
        {
            "environment": ["A=1"],
            "secret_arns": ["A=arn:aws:secretsmanager:eu-central-1:123456789012:secret:a"],
        },
        "secret_arns",
        "environment sets A, too; expected each once",
    ),
    ({"job": "a b"}, "job", "expected at most 128 letters, digits and . : / = + - @ _"),
]


@pytest.mark.parametrize(
    ("bad", "key", "expected"), BAD, ids=[f"{key}-{n}" for n, (_, key, _) in enumerate(BAD)]
)
def test_what_is_refused(bad: dict[str, Any], key: str, expected: str) -> None:
    (line,) = problems(**bad)
    assert line.startswith(f"{key} is ")
    assert f": {expected}" in line


def test_the_projects_own_folder_is_not_a_services(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "tests/components/monitored_services/shop"
    rules.legal_folder(folder)
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match="whose every change would be another image"):
        rules.legal_folder(".")


def test_a_secret_where_its_arn_belongs_is_not_shown() -> None:
    (line,) = problems(secret_arns=["PASSWORD=hunter2"])
    assert line == f"secret_arns is not shown, as it may be the secret itself: PASSWORD: {NO_ARN}"


def test_a_task_on_hosts_may_have_any_size() -> None:
    sized = shop(launch_type="EC2", capacity_provider="hosts", cpu=300, memory=100)
    assert (sized.inputs("shop-task")["cpu"], sized.inputs("shop-task")["memory"]) == ("300", "100")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("listener_arn", "host_name is 'shop.example.com': expected a load balancer, too"),
        ("zone_id", "zone_id is an output: expected what the host name leads to"),
    ],
)
def test_what_nobody_knows_yet_is_given(key: str, line: str) -> None:
    def program() -> None:
        unknown = {key: pulumi.Output.from_input("it")}
        named = {"host_name": "shop.example.com", "listener_priority": 7, **unknown}
        MONITORED.component("shop", {**MONITORED.fewest, **named})

    assert f"  - {line}" in str(refuse(program))


def test_everything_is_told_at_once() -> None:
    keys = ["metrics", "cpu", "health_path", "max_count"]
    found = problems(metrics=["x"], cpu=300, health_path="x", max_count=1)
    assert sorted(line.partition(" is ")[0] for line in found) == sorted(keys)
