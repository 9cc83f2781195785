"""components.storage.replace_hosts: the command runs in a real shell, against a played AWS CLI."""

import subprocess
from pathlib import Path

import pytest

from components.storage import replace_hosts_command

COMMAND = replace_hosts_command("eu-central-1", "c-1", ["g-0", "g-1"], ["s-0", "s-1"])
STEPS = [
    step
    for index in (0, 1)
    for step in (
        (
            f"autoscaling describe-auto-scaling-groups --auto-scaling-group-names g-{index}"
            " --query AutoScalingGroups[0].Instances[0].InstanceId"
        ),
        (
            f"autoscaling terminate-instance-in-auto-scaling-group --instance-id i-of-g-{index}"
            " --no-should-decrement-desired-capacity --query Activity.Description"
        ),
        f"ec2 wait instance-terminated --instance-ids i-of-g-{index}",
        f"ecs wait services-stable --cluster c-1 --services s-{index}",
    )
]

# Fails at the step that $FAILS is the beginning of.
AWS_STAND_IN = r"""#!/bin/sh
[ "$1 $2 $3 $4" = "--region eu-central-1 --output text" ] || exit 1
shift 4
echo "$*" >>"$CALLS"
case "$*" in "$FAILS"*) exit 254 ;; esac
[ "$2" != describe-auto-scaling-groups ] || echo "i-of-$4"
"""


def _calls(tmp_path: Path, fails: str = "nothing") -> tuple[int, list[str]]:
    aws, calls = tmp_path / "aws", tmp_path / "calls"
    aws.write_text(AWS_STAND_IN, encoding="utf-8")
    aws.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", COMMAND],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(calls), "FAILS": fails},
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, calls.read_text(encoding="utf-8").splitlines()


def test_each_host_is_ended_when_the_one_before_is_replaced(tmp_path: Path) -> None:
    assert _calls(tmp_path) == (0, STEPS)


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_it_ends_where_aws_refuses_or_a_task_does_not_come_back(tmp_path: Path, step: int) -> None:
    assert _calls(tmp_path, STEPS[step]) == (254, STEPS[: step + 1])
