"""components.containers.url_command: the command runs in a real shell, against a played AWS CLI."""

import subprocess
from pathlib import Path

import pytest

from components.containers.url_command import url_command
from tests.components.shell import shell

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
