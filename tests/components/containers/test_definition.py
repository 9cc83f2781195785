"""The container, its image's tag, the URL command and the user data: exact text."""

import json
import os
import re
import shutil
import string
import subprocess
from pathlib import Path

import pytest
from components.container_definition import (
    VOLUMES,
    Discovery,
    Secret,
    Storage,
    container_definition,
    environment_variables,
    image_tag,
    url_command,
)
from components.exporter_group import user_data
from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
EC2_USER_DATA_BYTES = 16384

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/prometheus@sha256:" + "0" * 64
SECRET = Secret(
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prometheus-AbCdEf", "version-1"
)
VARIABLES = environment_variables(
    "dev",
    "15s",
    9090,
    Discovery("eu-central-1", "vpc-0123", "prometheus-scrape", "true", "60s", 9100),
    Storage("15d", 21),
)


def shell(*command: str, text: str = "", path: str = "/usr/bin:/bin") -> str:
    """Run a command without the caller's environment; an error shows what it printed."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": path},
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the container ---


@pytest.mark.parametrize(
    ("secret", "file"),
    [(SECRET, "container_iam_user.json"), (None, "container_task_role.json")],
    ids=["iam-user", "task-role"],
)
def test_the_definition(secret: Secret | None, file: str) -> None:
    definition = container_definition(IMAGE, 512, VARIABLES, secret, "prometheus-log")
    assert definition == json.loads((GOLDEN / file).read_text(encoding="utf-8"))


def test_the_secret_is_one_version_of_it() -> None:
    assert SECRET.value_from("access_key_id") == f"{SECRET.arn}:access_key_id::version-1"


def test_the_environment() -> None:
    assert VARIABLES == {
        "AWS_REGION": "eu-central-1",
        "VPC_ID": "vpc-0123",
        "ENVIRONMENT": "dev",
        "DISCOVERY_TAG_KEY": "prometheus-scrape",
        "DISCOVERY_TAG_VALUE": "true",
        "DISCOVERY_REFRESH_INTERVAL": "60s",
        "NODE_EXPORTER_PORT": "9100",
        "SCRAPE_INTERVAL": "15s",
        "RETENTION_TIME": "15d",
        "RETENTION_SIZE": "16GB",
        "PROMETHEUS_PORT": "9090",
    }


def test_every_placeholder_of_the_configuration_is_filled() -> None:
    text = "".join(
        line
        for file in (ROOT / "docker" / "prometheus").rglob("*.yml")
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.lstrip().startswith("#")
    )
    placeholders = set(re.findall(r"\$\{([A-Z0-9_]+)\}", text))
    assert placeholders
    assert placeholders <= VARIABLES.keys()


def test_every_volume_and_path_is_one_of_the_image() -> None:
    dockerfile = (ROOT / "docker" / "prometheus" / "Dockerfile").read_text(encoding="utf-8")
    assert [path for path in VOLUMES.values() if path not in dockerfile] == []


@given(st.integers(21, 200))
def test_blocks_never_fill_the_disk(storage_gib: int) -> None:
    variables = environment_variables(
        "dev", "15s", 9090, Discovery("r", "v", "k", "v", "60s", 9100), Storage("1d", storage_gib)
    )
    size = int(variables["RETENTION_SIZE"].removesuffix("GB"))
    assert 0.7 * storage_gib < size <= 0.8 * storage_gib


# --- the image's tag ---


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "rules.d").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (folder / "entrypoint.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "entrypoint.sh").chmod(0o755)
    (folder / "rules.d" / "a.yml").write_text("groups: []\n", encoding="utf-8")
    return folder


def test_the_tag_is_a_legal_one_that_says_what_is_inside(context: Path) -> None:
    assert re.fullmatch(r"3\.15\.0-arm64-[0-9a-f]{12}", image_tag(context, "3.15.0", "ARM64"))


def test_the_tag_stays_where_the_image_does(context: Path, tmp_path: Path) -> None:
    """Another machine, another time of checkout, another umask: the same image."""
    before = image_tag(context, "3.15.0", "ARM64")
    copy = tmp_path / "elsewhere"
    shutil.copytree(context, copy)
    for file in [path for path in copy.rglob("*") if path.is_file()]:
        os.utime(file, (1, 1))
        file.chmod(file.stat().st_mode & 0o700)
    (copy / "empty").mkdir()
    assert image_tag(copy, "3.15.0", "ARM64") == before


def test_the_tag_does_not_depend_on_the_order_of_the_file_system(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = image_tag(context, "3.15.0", "ARM64")
    files = list(context.rglob("*"))
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(files[::-1]))
    assert image_tag(context, "3.15.0", "ARM64") == before
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(files))
    assert image_tag(context, "3.15.0", "ARM64") == before


@pytest.mark.parametrize(
    ("change", "version", "architecture"),
    [
        ("echo '# more' >> Dockerfile", "3.15.0", "ARM64"),
        ("chmod -x entrypoint.sh", "3.15.0", "ARM64"),
        ("chmod +x Dockerfile", "3.15.0", "ARM64"),
        ("mv rules.d/a.yml rules.d/b.yml", "3.15.0", "ARM64"),
        ("mv rules.d rules.e", "3.15.0", "ARM64"),
        ("mv rules.d/a.yml a.yml", "3.15.0", "ARM64"),
        ("touch new", "3.15.0", "ARM64"),
        ("rm rules.d/a.yml", "3.15.0", "ARM64"),
        ("true", "3.15.1", "ARM64"),
        ("true", "3.15.0", "X86_64"),
    ],
)
def test_the_tag_changes_with(context: Path, change: str, version: str, architecture: str) -> None:
    before = image_tag(context, "3.15.0", "ARM64")
    subprocess.run(["sh", "-c", change], cwd=context, check=True, timeout=30)
    assert image_tag(context, version, architecture) != before


# --- the URL command ---

AWS_STAND_IN = r"""#!/bin/sh
[ "$1 $2 $3 $4" = "--region eu-central-1 --output text" ] || exit 1
shift 4
case "$*" in
"ecs list-tasks --cluster c-1 --service-name s-1 --query taskArns[0]")
    echo arn:aws:ecs:task/1 ;;
"ecs describe-tasks --cluster c-1 --tasks arn:aws:ecs:task/1 --query tasks[0].attachments[0]"\
".details[?name=='networkInterfaceId'].value")
    echo eni-1 ;;
"ec2 describe-network-interfaces --network-interface-ids eni-1"\
" --query NetworkInterfaces[0].Association.PublicIp")
    echo 198.51.100.7 ;;
"ec2 describe-network-interfaces --network-interface-ids eni-1"\
" --query NetworkInterfaces[0].PrivateIpAddress")
    echo 10.42.0.7 ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("public", "url"), [(True, "http://198.51.100.7:9091"), (False, "http://10.42.0.7:9091")]
)
def test_the_url_command_prints_the_url(tmp_path: Path, url: str, *, public: bool) -> None:
    aws = tmp_path / "aws"
    aws.write_text(AWS_STAND_IN, encoding="utf-8")
    aws.chmod(0o755)
    command = url_command("eu-central-1", "c-1", "s-1", 9091, public=public)
    shell("sh", "-n", text=command)
    assert shell("sh", "-c", command, path=f"{tmp_path}:/usr/bin:/bin") == f"{url}\n"


@pytest.mark.parametrize(
    "step", ["ecs list-tasks", "ecs describe-tasks", "ec2 describe-network-interfaces"]
)
def test_the_url_command_fails_when_aws_does(tmp_path: Path, step: str) -> None:
    aws = tmp_path / "aws"
    aws.write_text(
        f'#!/bin/sh\ncase "$*" in *"{step}"*) exit 254 ;; esac\necho answer\n', encoding="utf-8"
    )
    aws.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", url_command("eu-central-1", "c-1", "s-1", 9090, public=True)],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (254, "")


# --- user data ---


def test_the_user_data() -> None:
    script = 'set -eu\necho "node_exporter $NODE_EXPORTER_VERSION"\n'
    variables = {"NODE_EXPORTER_VERSION": "1.12.1", "NODE_EXPORTER_PORT": "9100", "ODD": "a 'b' $c"}
    expected = (GOLDEN / "user_data.sh").read_text(encoding="utf-8")
    assert user_data(script, variables) == expected


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=string.printable + "äß$`'\"\\"))
@example("$(touch /tmp/x)`id`'\"\\\n; exit 1")
def test_any_value_reaches_the_script_unchanged(value: str) -> None:
    value = value.replace("\r", "")  # which `text=True` would translate
    script = user_data('printf "%s." "$ODD"\n', {"ODD": value})
    assert shell("bash", "-s", text=script) == f"{value}."


def test_the_real_user_data_is_legal() -> None:
    script = (ROOT / "userdata" / "node_exporter.sh").read_text(encoding="utf-8")
    versions = json.loads((ROOT / "versions.json").read_text(encoding="utf-8"))
    text = user_data(
        script,
        {"NODE_EXPORTER_VERSION": versions["node_exporter"], "NODE_EXPORTER_PORT": "65535"},
    )
    shell("bash", "-n", text=text)
    assert text.startswith("#!")
    assert "NODE_EXPORTER_VERSION" in script
    assert len(text.encode()) <= EC2_USER_DATA_BYTES
