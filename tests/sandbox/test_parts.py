"""The sandbox's parts that need nothing else running."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import ecs, processes, prometheus, runtimes, state
from sandbox.addresses import free_port, reserve_vpc_range
from sandbox.emulator import Emulator, isolate_from_user
from sandbox.resources import RESOURCE_TYPES, Account, ResourceType, api
from sandbox.secret_references import SecretError, SecretReference, json_value
from sandbox.shortening import shortened
from sandbox.workspace import Workspace
from tests.sandbox.command import ROOT, until
from tests.sandbox.command import processes as running_processes

HIDDEN = "hidden"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf"  # noqa: S105 - a name


def test_dockerfile_of_the_image() -> None:
    image = runtimes.parse_dockerfile((ROOT / "docker/prometheus/Dockerfile").read_text())
    assert image.entrypoint == ["/bin/sh", "/etc/prometheus/entrypoint.sh"]
    assert image.command == []
    assert image.copied == {
        "/etc/prometheus": ".",
        "/run/prometheus/prometheus.yml": "prometheus.yml",  # which a volume hides
    }
    assert image.environment["PROMETHEUS_DATA_DIR"] == "/prometheus"
    assert image.environment["DISCOVERY_TAG_KEY"] == "prometheus-scrape"


def test_dockerfile_comments_continuations_and_quotes() -> None:
    image = runtimes.parse_dockerfile(
        'FROM x\nENV A=1 \\\n    # a comment inside\n    B="two words"\nENV C=3\n'
        'ENTRYPOINT ["run"]\nCMD ["--flag", "x y"]\nCOPY one.yml /elsewhere/\n'
        "WORKDIR /app\nCOPY shop.py .\nCOPY static ./static\nCOPY --from=packages /packages /app/\n"
    )
    assert image.environment == {"A": "1", "B": "two words", "C": "3"}
    assert (image.entrypoint, image.command) == (["run"], ["--flag", "x y"])
    assert image.copied == {
        "/elsewhere/one.yml": "one.yml",
        "/app/shop.py": "shop.py",
        "/app/static": "static",
    }
    assert image.directory == "/app"


def test_dockerfile_whose_last_stage_is_the_image() -> None:
    image = runtimes.parse_dockerfile(
        'FROM x AS build\nENV A=1\nWORKDIR /src\nCOPY . .\nCMD ["a"]\nFROM y\nENV B=2\nCOPY . /b\n'
    )
    assert image == runtimes.ImageConfig({"B": "2"}, [], [], {"/b": "."})


@pytest.mark.parametrize("line", ["ENV OLD form", "ENTRYPOINT run this", "CMD run this"])
def test_dockerfile_in_a_form_that_is_not_known(line: str) -> None:
    with pytest.raises(runtimes.ImageError, match=line):
        runtimes.parse_dockerfile(f"FROM x\n{line}\n")


@pytest.mark.parametrize(
    ("inside", "local"),
    [
        ("/prometheus", "/volumes/data"),
        ("/prometheus/wal", "/volumes/data/wal"),
        ("/prometheus-other", "/prometheus-other"),
        ("/etc/prometheus/entrypoint.sh", "/source/entrypoint.sh"),
        ("/etc/prometheus/rules.d/x", "/volumes/rules/x"),
        ("--flag=/prometheus", "--flag=/prometheus"),
        ("9090", "9090"),
    ],
)
def test_paths_of_a_container(inside: str, local: str) -> None:
    paths = {
        "/prometheus": Path("/volumes/data"),
        "/etc/prometheus": Path("/source"),
        "/etc/prometheus/rules.d": Path("/volumes/rules"),
    }
    assert runtimes.to_local(inside, paths) == local


class _Runtime:
    """Starts nothing; the image cannot be had if there is a problem."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem
        self.asked = 0
        self.running: Any = object()

    def start(self, _spec: runtimes.ContainerSpec) -> runtimes.Running:
        self.asked += 1
        if self.problem:
            raise runtimes.ImageError(self.problem)
        return self.running  # type: ignore[no-any-return]


def test_containers_fall_back_once_to_what_can_run_them() -> None:
    spec: Any = object()
    said: list[str] = []
    first, second = _Runtime(), _Runtime()
    fallback = runtimes.Fallback(first, second, said.append)
    assert fallback.start(spec) is first.running
    first.problem = "docker build failed: no such image"
    assert fallback.start(spec) is second.running
    assert fallback.start(spec) is second.running
    assert (first.asked, second.asked, said) == (2, 2, [first.problem])
    second.problem = "its Dockerfile is odd"
    with pytest.raises(runtimes.ImageError, match="odd"):
        fallback.start(spec)


@pytest.mark.parametrize(
    ("value_from", "request_", "json_key"),
    [
        (SECRET_ARN, {"SecretId": SECRET_ARN}, ""),
        (f"{SECRET_ARN}:key::", {"SecretId": SECRET_ARN}, "key"),
        (f"{SECRET_ARN}:key::v1", {"SecretId": SECRET_ARN, "VersionId": "v1"}, "key"),
        (
            f"{SECRET_ARN}::AWSPREVIOUS:",
            {"SecretId": SECRET_ARN, "VersionStage": "AWSPREVIOUS"},
            "",
        ),
    ],
)
def test_secret_references(value_from: str, request_: dict[str, str], json_key: str) -> None:
    reference = SecretReference.parse(value_from)
    assert reference.request == request_
    assert reference.json_key == json_key


@pytest.mark.parametrize(
    "value_from",
    [
        "name",
        f"{SECRET_ARN}:key",
        f"{SECRET_ARN}:a:b:c:d",
        SECRET_ARN.replace("secretsmanager", "ssm"),
    ],
)
def test_malformed_secret_references(value_from: str) -> None:
    with pytest.raises(SecretError, match="valueFrom is"):
        SecretReference.parse(value_from)


@pytest.mark.parametrize("content", ['{"other": "hidden"}', "hidden", '["hidden"]'])
def test_secret_without_the_key_is_not_quoted(content: str) -> None:
    with pytest.raises(SecretError, match="with the key 'wanted'") as error:
        json_value(content, "wanted", {"name": "X", "valueFrom": SECRET_ARN})
    assert "hidden" not in str(error.value)


def test_last_error_of_a_running_task(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("level=ERROR err=old\nlevel=ERROR err=denied\nlevel=INFO msg=fine\n")
    account = Account(Emulator("eu-west-1"))
    agent = ecs.Agent(account, runtimes.ProcessRuntime([]), tmp_path, tmp_path)
    services: Any = {
        "running": SimpleNamespace(tasks=[SimpleNamespace(log=log)]),
        "without": SimpleNamespace(tasks=[]),
    }
    agent._services = services
    assert agent.last_errors() == ["level=ERROR err=denied"]


def test_vpc_ranges_differ_and_can_be_used_again() -> None:
    one, two = reserve_vpc_range(), reserve_vpc_range()
    try:
        assert one.cidr != two.cidr
        assert one.cidr.startswith("127.")
        assert one.cidr.endswith(".0.0/16")
        assert not one.cidr.startswith("127.0.")
    finally:
        one.release()
        two.release()


def test_exporter_port_gives_way_to_a_program_on_all_addresses() -> None:
    with socket.create_server(("", 0)) as holder:
        taken = holder.getsockname()[1]
        vpc = reserve_vpc_range(preferred_port=taken)
        vpc.release()
    assert vpc.node_exporter_port != taken


def test_exporter_port_is_the_usual_one_where_it_is_free() -> None:
    wanted = free_port()
    vpc = reserve_vpc_range(preferred_port=wanted)
    vpc.release()
    assert vpc.node_exporter_port == wanted


def test_free_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_table_of_targets() -> None:
    rows = [
        prometheus.Target("node", "exporter-0", "eu-1a", "127.9.0.4:9100", "up", "", {}),
        prometheus.Target("prometheus", "localhost:1", "", "localhost:1", "down", "refused", {}),
    ]
    assert prometheus.table(rows).splitlines() == [
        "JOB         INSTANCE     ZONE   ADDRESS         STATE",
        "node        exporter-0   eu-1a  127.9.0.4:9100  UP",
        "prometheus  localhost:1  -      localhost:1     DOWN",
    ]


def test_why_targets_are_not_up() -> None:
    host = prometheus.Target("node", "a", "eu-1a", "127.9.0.4:9100", "down", "refused", {})
    rows = [
        host,
        host._replace(instance="b", address="127.9.0.5:9100"),
        host._replace(instance="c", health="unknown", error=""),
        host._replace(instance="d", health="up"),
    ]
    assert prometheus.not_up(rows, {"127.9.0.5:9100": "no rule"}) == [
        "node a at 127.9.0.4:9100 is DOWN: refused",
        "node b at 127.9.0.5:9100 is DOWN: no rule",
        "node c at 127.9.0.4:9100 is UNKNOWN: not scraped yet",
    ]


def test_long_lists_are_shortened() -> None:
    hosts = [f"exporter-{number}" for number in range(300)]
    assert shortened(hosts) == ["exporter-0", "exporter-1", "exporter-2", "and 297 more"]
    assert shortened(hosts[:3]) == hosts[:3]
    assert shortened(hosts, most=299)[-1] == "and 1 more"
    assert shortened([]) == []


def test_silent_prometheus_is_an_error_of_its_own() -> None:
    with pytest.raises(prometheus.PrometheusError, match="refused"):
        prometheus.targets(f"http://127.0.0.1:{free_port()}")


def test_environment_of_the_user_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.setenv(name, os.environ[name])  # all of it comes back at the end
    theirs = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "PULUMI_CONFIG", "http_proxy", "HTTPS_PROXY")
    for name in theirs:
        monkeypatch.setenv(name, "theirs")
    isolate_from_user()
    assert not os.environ.keys() & set(theirs)
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)


_ACCOUNT: Any = SimpleNamespace(default_tags={"project": "p", "stack": "s"})


def test_inputs_are_completed_as_the_provider_does() -> None:
    entry = ResourceType(
        "logs",
        "create_log_group",
        "{name}",
        names={"name": "logGroupName"},
        by_code="size note",
        defaults={"size": 1, "note": "default"},
    )
    filled = entry.fill_in(_ACCOUNT, "logical", {"note": "given", "tags": {"stack": "own"}})
    name = filled.pop("name")
    assert name.startswith("logical-")
    assert len(name) == len("logical-") + 7
    assert filled == {"size": 1, "note": "given", "tags": {"project": "p", "stack": "own"}}
    assert entry.fill_in(_ACCOUNT, "logical", {"name": "mine"})["name"] == "mine"


def test_inputs_that_would_be_dropped_are_refused() -> None:
    entry = RESOURCE_TYPES["aws:ec2/vpc:Vpc"]
    with pytest.raises(ValueError, match="does not know its input 'defaultRouteTableId'"):
        entry.fill_in(_ACCOUNT, "x", {"cidrBlock": "10.0.0.0/16", "defaultRouteTableId": "rtb-1"})
    entry.fill_in(_ACCOUNT, "x", {"cidrBlock": "10.0.0.0/16", "defaultRouteTableId": None})


@pytest.mark.parametrize(
    ("name", "pulumi"),
    [
        ("CidrBlock", "cidrBlock"),
        ("enableECSManagedTags", "enableEcsManagedTags"),
        ("sizeInGiB", "sizeInGib"),
        ("AssignIpv6AddressOnCreation", "assignIpv6AddressOnCreation"),
    ],
)
def test_names_of_the_apis(name: str, pulumi: str) -> None:
    assert api.camel(name) == pulumi


def test_arguments_are_spelt_as_the_call_takes_them() -> None:
    names = {"id": "VpcId", "networkConfiguration": "networkConfiguration.awsvpcConfiguration"}
    subnet = api.Call("ec2", "create_subnet", names)
    given = {"cidrBlock": "10.0.0.0/24", "other": 1, "tags": {"k": "v"}}
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "k", "Value": "v"}]}]
    assert subnet.arguments(given, "subnet") == {
        "CidrBlock": "10.0.0.0/24",
        "TagSpecifications": tags,
    }
    assert subnet.arguments({"tags": {}}, "subnet") == {}
    assert api.Call("ec2", "describe_vpcs", names).arguments({"id": "v"}) == {"VpcIds": ["v"]}
    attribute = api.Call("ec2", "modify_vpc_attribute", names)
    assert attribute.arguments({"id": "v", "enableDnsSupport": True}) == {
        "VpcId": "v",
        "EnableDnsSupport": {"Value": True},
    }
    service = api.Call("ecs", "update_service", names)
    network = {"subnets": ["s"], "securityGroups": None, "assignPublicIp": False}
    assert service.arguments({"networkConfiguration": network}) == {
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["s"], "assignPublicIp": "DISABLED"}
        }
    }
    task = api.Call("ecs", "register_task_definition", {})
    document = {"containerDefinitions": '[{"name": "c", "cpu": 1}]', "tags": {"k": "v"}}
    assert task.arguments(document) == {
        "containerDefinitions": [{"name": "c", "cpu": 1}],
        "tags": [{"key": "k", "value": "v"}],
    }


def test_nested_input_that_would_be_dropped_is_refused() -> None:
    call = api.Call("ec2", "run_instances", {})
    with pytest.raises(ValueError, match=r"no 'httpToken': expected some of .*httpTokens"):
        call.arguments({"metadataOptions": {"httpToken": "required"}})


@pytest.mark.parametrize(
    ("sent", "seen", "same"),
    [
        (["a", "b"], ["b", "a"], True),
        (["a", "b"], ["a", "a"], False),
        ({"a": 1}, {"a": 1, "added": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ('{"a": [1]}', {"a": [1]}, True),
        ('{"a": 1}', '{ "a": 1 }', True),
        ('{"a": 1}', {"a": 2}, False),
        ("text", None, False),
    ],
)
def test_what_aws_has_is_compared_with_what_was_sent(
    sent: object,
    seen: object,
    same: bool,  # noqa: FBT001 - parametrized
) -> None:
    assert api.same(sent, seen) is same


@pytest.fixture
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def _state(name: str, started: float) -> state.State:
    return state.State(
        name, os.getpid(), "dev", started, variables={"AWS_SECRET_ACCESS_KEY": HIDDEN}
    )


@pytest.mark.usefixtures("_state_home")
def test_newest_sandbox_is_found_unless_one_is_named() -> None:
    one, two = state.Directory.create("one"), state.Directory.create("two")
    one.write(_state("one", started=2))
    two.write(_state("two", started=1))
    assert state.find(None).read() == _state("one", started=2)
    assert state.find("two").path == two.path
    with pytest.raises(state.StateError, match="'three' is running \\(running: one, two\\)"):
        state.find("three")
    one.remove(keep_logs=False)
    assert state.find(None).path == two.path
    two.remove(keep_logs=False)
    with pytest.raises(state.StateError, match="no sandbox is running"):
        state.find(None)


@pytest.mark.usefixtures("_state_home")
def test_state_is_for_its_owner_only() -> None:
    directory = state.Directory.create(None)
    directory.write(_state("x", started=1))
    assert (directory.path / "state.json").stat().st_mode & 0o077 == 0
    assert directory.path.stat().st_mode & 0o077 == 0
    assert HIDDEN not in repr(directory.read())
    directory.remove(keep_logs=False)


@pytest.mark.usefixtures("_state_home")
def test_name_of_a_running_sandbox_is_taken() -> None:
    directory = state.Directory.create("mine")
    with pytest.raises(state.StateError, match="'mine' is running"):
        state.Directory.create("mine")
    directory.remove(keep_logs=False)
    state.Directory.create("mine").remove(keep_logs=False)


@pytest.mark.usefixtures("_state_home")
def test_logs_of_a_failed_sandbox_are_kept_for_a_week() -> None:
    kept, old, killed = (state.Directory.create(name) for name in ("kept", "old", "killed"))
    now = time.time()
    for directory, started, phase in (
        (kept, now, "failed"),
        (old, now - 8 * 24 * 3600, "failed"),
        (killed, now, "up"),
    ):
        current = _state(directory.path.name, started)
        current.phase = phase
        directory.write(current)
        (directory.logs / "x.log").write_text("why")
        directory.remove(keep_logs=True)
    state.Directory.create(None).remove(keep_logs=False)
    assert (kept.logs / "x.log").read_text() == "why"
    assert not kept.volumes.exists()
    assert not old.path.exists()
    assert not killed.path.exists()


def test_child_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    mark = f"{time.time_ns()}"
    script = (
        "import sys, pathlib\n"
        "from sandbox import processes\n"
        f"processes.start(['sleep', '1000.{mark}'], log=pathlib.Path(sys.argv[1]),"
        " environment={'PATH': sys.argv[2]})\n"
        "print('started', flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log"), os.environ["PATH"]],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    assert running_processes(f"1000.{mark}")
    parent.kill()
    parent.communicate()
    until("the child has ended", 10, lambda: not running_processes(f"1000.{mark}"))


def test_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = processes.start(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
        log=log,
        environment={"PATH": os.environ["PATH"]},
    )
    until("it has set its trap", 10, lambda: log.read_text() == "ready\n")
    processes.stop([child], timeout_s=0.3)
    assert child.returncode == -9
    assert processes.last_lines(log) == ["ready"]


def test_json_of_the_state_is_complete(tmp_path: Path) -> None:
    directory = state.Directory(tmp_path)
    directory.write(_state("x", started=1))
    assert json.loads((tmp_path / "state.json").read_text())["name"] == "x"


def test_secret_outputs_in_pulumis_state_are_not_shown(tmp_path: Path) -> None:
    secret = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": HIDDEN,
    }
    outputs = {"key": secret, "nested": {"keys": [secret]}, "plain": "text"}
    resources = [{"type": "pulumi:pulumi:Stack", "outputs": outputs}, {"type": "other"}]
    workspace = Workspace(tmp_path, "dev", {})
    assert workspace.outputs() == {}
    workspace.state_file.parent.mkdir(parents=True)
    workspace.state_file.write_text(
        json.dumps({"checkpoint": {"latest": {"resources": resources}}})
    )
    shown = {"key": "[secret]", "nested": {"keys": ["[secret]"]}, "plain": "text"}
    assert workspace.outputs() == shown
    workspace.state_file.write_text(json.dumps({"checkpoint": {"latest": None}}))
    assert workspace.outputs() == {}
