"""A whole sandbox under Pulumi's own engine, through its command line."""

from __future__ import annotations

from tests.sandbox.command import Deployed, run, until

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
        pulumi("config", "set", "hostCount", "2")
        pulumi("config", "set", "accessKeyRotation", "2")
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


def test_an_empty_sandbox_is_left_to_the_user() -> None:
    with Deployed.up("--empty", "--runtime", "process") as deployed:
        status = deployed.status()
        assert (status["outputs"], status["targets"]) == ({}, [])
        preview = run("pulumi", "--name", deployed.name, "preview")
        assert preview.returncode == 0, preview.stderr
        assert " to create" in preview.stdout


def test_a_preview_needs_no_sandbox() -> None:
    done = run("preview", "--hosts", "1")
    assert done.returncode == 0, done.stderr
    assert "aws:ec2:Instance exporter-0-arm64 create" in done.stdout
    assert " to create" in done.stdout
