"""userdata/cluster_host.sh, executed for real in a throw-away root; AWS is stand-ins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "userdata" / "cluster_host.sh"

STAND_INS = {
    # The cluster knows another provider at first, whose name begins alike.
    "aws": r"""
echo "$*" >>"$STATE/calls"
[ -z "$REFUSED" ] || { echo "AccessDenied: no" >&2; exit 254; }
asked=$(wc -l <"$STATE/calls")
[ "$asked" -le "${UNKNOWN:-0}" ] && echo hosts-of-apps-11 && exit
printf 'hosts-of-apps-11\thosts-of-apps-1\n'
""",
    "curl": r"""
[ -z "$NO_METADATA" ] || exit 28
case $* in
    *"--request PUT"*"ttl-seconds: 300"*"/latest/api/token") printf secret ;;
    *"-token: secret"*/latest/meta-data/placement/region) printf eu-central-1 ;;
    *) exit 22 ;;
esac
""",
    "logger": "",
    "sleep": "PATH=/usr/bin:/bin; exec sleep 0.05",
}
VARIABLES = {"ECS_CLUSTER": "apps-1", "CAPACITY_PROVIDER": "hosts-of-apps-1", "TIMEOUT": "20"}


def _run(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    for name, text in STAND_INS.items():
        path = directory / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    environment = {
        "PATH": f"{directory / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
        "ROOT": str(directory / "root"),
        "STATE": str(directory),
        **VARIABLES,
        **variables,
    }
    return subprocess.run(
        ["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )


def _config(directory: Path) -> Path:
    return directory / "root" / "etc" / "ecs" / "ecs.config"


def test_the_host_joins_when_the_cluster_knows_its_provider(tmp_path: Path) -> None:
    done = _run(tmp_path, UNKNOWN="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("waiting for apps-1 to know hosts-of-apps-1") == 2
    assert _config(tmp_path).read_text() == (
        "ECS_CLUSTER=apps-1\nECS_AWSVPC_BLOCK_IMDS=true\nECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n"
    )
    asked = "ecs describe-clusters --region eu-central-1 --clusters apps-1"
    assert (tmp_path / "calls").read_text().splitlines()[0].startswith(asked)
    assert _run(tmp_path).returncode == 0  # it may run again


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ECS_CLUSTER": ""}, "the environment variable ECS_CLUSTER is missing or empty"),
        ({"CAPACITY_PROVIDER": ""}, "the environment variable CAPACITY_PROVIDER is missing"),
        ({"NO_METADATA": "1"}, "no answer from the host's metadata service"),
        ({"UNKNOWN": "99", "TIMEOUT": "0"}, "hosts-of-apps-1 is none of apps-1: hosts-of-apps-11"),
        ({"REFUSED": "1", "TIMEOUT": "0"}, "hosts-of-apps-1 is none of apps-1: AccessDenied: no"),
    ],
)
def test_a_host_that_cannot_join_says_why(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    done = _run(tmp_path, **variables)
    assert done.returncode == 1
    assert f"cluster host set-up failed: {said}" in done.stderr
    assert not _config(tmp_path).exists()
