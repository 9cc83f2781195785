"""A whole sandbox under Pulumi's own engine, through its command line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import yaml

from sandbox.hints import command
from tests.sandbox.command import ROOT, Deployed, run, until

TIMEOUT_S = 60


def test_a_sandbox_is_changed_while_it_runs() -> None:
    """One host more and a new access key: the task is replaced, and discovers with the new key."""
    with Deployed.up("--pulumi", "--runtime", "process", "--hosts", "1") as deployed:

        def pulumi(*arguments: str) -> str:
            done = run("pulumi", "--name", deployed.name, *arguments)
            assert done.returncode == 0, done.stderr
            return done.stdout

        def targets() -> dict[str, str]:
            return {t["instance"]: t["health"] for t in deployed.status()["targets"]}

        before = deployed.status()
        assert len(before["outputs"]["host_ids"]) == 1
        pulumi("config", "set", "--path", "prometheus-aws:hosts.count", "2")
        pulumi("config", "set", "--path", "prometheus-aws:prometheus.accessKeyRotation", "2")
        changed = pulumi("up", "--yes", "--skip-preview")
        assert "+-2 replaced" in changed
        outputs = deployed.status()["outputs"]
        assert outputs["host_ids"][:1] == before["outputs"]["host_ids"]
        assert len(outputs["host_ids"]) == 2
        until(
            "the new host and the new task are UP",
            TIMEOUT_S,
            lambda: targets().get("exporter-1") == "up" and set(targets().values()) == {"up"},
        )
        failed = run("pulumi", "--name", deployed.name, "stack", "output", "nonsense")
        assert failed.returncode != 0
        assert "nonsense" in failed.stderr
        destroyed = pulumi("destroy", "--yes", "--skip-preview")
        assert "deleted" in destroyed
        assert deployed.status()["outputs"] == {}
        until("nothing runs any more", TIMEOUT_S, lambda: not targets())
        shown = run("status", "--name", deployed.name).stdout
        assert "\nPrometheus:    does not answer\n" in shown
        hint = command("pulumi", "--name", deployed.name, "up")
        assert f"\nNothing is deployed. Next: {hint}\n" in shown


def test_an_empty_sandbox_is_left_to_the_user() -> None:
    with Deployed.up("--empty", "--runtime", "process") as deployed:
        status = deployed.status()
        assert (status["phase"], status["outputs"], status["targets"]) == ("up", {}, [])
        assert "Nothing is deployed." in run("status", "--name", deployed.name).stdout
        path = "prometheus-aws:network.vpcCidr"
        config = run("pulumi", "--name", deployed.name, "config", "get", "--path", path)
        assert config.stdout.startswith("127.")


def _of_pulumi(sandbox: str) -> list[str]:
    """Return the command lines of what the CLI runs for a sandbox."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            if f"/{sandbox}/pulumi/home".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text(encoding="utf-8"))
    return found


def test_what_a_killed_cli_leaves_ends_with_the_sandbox() -> None:
    with Deployed.up("--empty", "--runtime", "process") as deployed:
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "pulumi",
            "--name",
            deployed.name,
            "up",
            "--yes",
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as cli:

            def evaluates() -> bool:
                return any("pulumi-language-python-exec" in it for it in _of_pulumi(deployed.name))

            until("the program is evaluated", TIMEOUT_S, evaluates)
            cli.kill()
    until("nothing is left", TIMEOUT_S, lambda: not _of_pulumi(deployed.name))


def _emulated_preview(stack: str, summary: Path) -> subprocess.CompletedProcess[str]:
    """Run the step of the workflow that previews without an AWS account."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/preview.yml").read_text(encoding="utf-8"))
    script = workflow["jobs"]["emulated"]["steps"][-1]["run"]
    python = Path(sys.executable).parent
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
            "STACK": stack,
            "GITHUB_STEP_SUMMARY": str(summary),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pull_request_gets_a_preview_without_an_account(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    done = _emulated_preview("dev", summary)
    assert done.returncode == 0, done.stdout
    text = summary.read_text(encoding="utf-8")
    assert text == f"```\n{done.stdout}```\n"
    assert "aws:ec2:Instance exporter-0-arm64 create" in text
    assert " to create" in text


def test_a_preview_ends_with_the_command_that_deploys_the_same() -> None:
    options = ["--stack", "dev", "--hosts", "1", "--config", "prometheus.retention=30d"]
    done = run("preview", *options)
    assert done.returncode == 0, done.stderr
    expected = command("up", "--pulumi", *options)
    assert done.stderr.splitlines()[-1] == f"Nothing was made. Next: {expected}"


def test_a_preview_that_fails_is_reported(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    assert _emulated_preview("nowhere", summary).returncode == 1
    assert "there is no stack 'nowhere'" in summary.read_text(encoding="utf-8")
