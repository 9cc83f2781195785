"""The command line: what it prints, its exit codes, and that nothing is left running."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import state
from tests.sandbox.command import ROOT, START_TIMEOUT_S, Process, processes, run, start, until


def left_running(output: str) -> list[Process]:
    """Return the processes of a sandbox that printed `output`."""
    (second,) = re.findall(r"VPC 127\.(\d+)\.0\.0/16", output)
    found = processes(f"--web.listen-address=127.{second}.")
    for port in re.findall(r"Prometheus: +http://127\.0\.0\.1:(\d+)", output):
        found += processes(f"--web.listen-address=127.0.0.1:{port}")
    return found


def test_demo_once_without_docker_and_with_all_options_of_the_program() -> None:
    options = [
        "prometheus.credentials=task-role",
        "network.natStrategy=per-az",
        "network.flowLogs=true",
        "network.networkAcl=true",
        'prometheus.adminCidrs=["203.0.113.0/24"]',
        'hosts.sshCidrs=["203.0.113.0/24"]',
    ]
    done = run(
        *("demo", "--once", "--hosts", "1"),
        *(f"--config={option}" for option in options),
        environment={"DOCKER_HOST": "unix:///nowhere/docker.sock", "AWS_PROFILE": "of-the-user"},
    )
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.split("\n\n")[0].splitlines()
    assert header.split() == ["JOB", "INSTANCE", "ZONE", "ADDRESS", "STATE"]
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [
        ("node", "UP"),
        ("prometheus", "UP"),
    ]
    assert "as Docker cannot be used: " in done.stderr
    assert left_running(done.stderr + done.stdout) == []


def test_two_side_by_side_end_by_ctrl_c_and_by_kill() -> None:
    demos = [start("demo", "--hosts", "1", "--runtime", "process") for _ in range(2)]
    try:
        outputs = [_read_until_it_runs(demo) for demo in demos]
        assert all(len(left_running(output)) == 2 for output in outputs)
        interrupted, killed = demos
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.wait(60) == 0
        assert left_running(outputs[0]) == []
        assert len(left_running(outputs[1])) == 2
        killed.kill()
        killed.wait()
        until("all has ended", 10, lambda: not left_running(outputs[1]))
    finally:
        for demo in demos:
            demo.kill()
            demo.wait()
            assert demo.stdout is not None
            demo.stdout.close()


def _read_until_it_runs(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    output = ""
    for line in demo.stdout:
        output += line
        if "runs until Ctrl-C" in line:
            return output
    pytest.fail(f"it ended with {demo.wait(START_TIMEOUT_S)}:\n{output}")


def test_taken_emulator_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = run("up", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_prometheus_that_dies_at_start_is_reported_with_its_own_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = run("demo", "--once", "--runtime", "process", "--config", f"prometheus.port={port}")
    assert done.returncode == 1
    assert "container prometheus ended with 1" in done.stderr
    assert "address already in use" in done.stderr
    (logs,) = re.findall(r"^logs: (.+)$", done.stderr, re.MULTILINE)
    assert any("address already in use" in path.read_text() for path in Path(logs).iterdir())
    shutil.rmtree(Path(logs).parent)  # what a failed sandbox leaves: its logs
    assert left_running(done.stderr) == []


def test_targets_that_do_not_come_up_are_named() -> None:
    options = ("--runtime=process", "--timeout=8", "--config", "prometheus.scrapeInterval=60s")
    done = run("demo", "--once", *options)
    assert done.returncode == 1
    assert re.search(
        r"target node exporter-\d at 127\.\S+ is UNKNOWN: not scraped yet", done.stderr
    )
    (logs,) = re.findall(r"^logs: (.+)$", done.stderr, re.MULTILINE)
    shutil.rmtree(Path(logs).parent)
    assert left_running(done.stderr) == []


def test_bad_settings_are_told_all_at_once() -> None:
    done = run(
        "up",
        *("--config", "hosts.count=-1"),
        *("--config", "hosts.cuont=3"),
        *("--config", 'prometheus.adminCidrs=["0.0.0.0/0"]'),
    )
    assert done.returncode == 1
    for problem in (
        "prometheus-aws:hosts.count is -1",
        "prometheus-aws:hosts.cuont is unknown: did you mean count?",
        "'0.0.0.0/0' is open to the world",
    ):
        assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert "emulated AWS" not in done.stderr  # nothing was started for it


def test_docker_that_is_asked_for_and_does_not_answer_is_told_before_all_else() -> None:
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    done = run("up", "--runtime", "docker", environment=nowhere)
    assert done.returncode == 1
    assert done.stderr.startswith("error: containers cannot run in Docker: ")
    assert "Leave --runtime out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("up", "--config", "aws:region=moon-1"), "aws:region is 'moon-1': expected one of the"),
        (("up", "--stack", "nowhere"), "there is no stack 'nowhere': expected one of dev"),
        (("status", "--name", "nobody"), "no sandbox 'nobody' is running"),
        (("down", "--name", "nobody"), "no sandbox 'nobody' is running"),
        (("aws", "--name", "nobody"), "no sandbox 'nobody' is running"),
    ],
)
def test_what_is_not_there_is_named(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupt_while_starting_leaves_nothing() -> None:
    demo = start("up", "--detach", "--hosts", "1", "--runtime", "process")
    assert demo.stdout is not None
    output = ""
    for line in demo.stdout:
        output += line
        if "resources" in line:
            break
    os.kill(demo.pid, signal.SIGINT)
    output += demo.stdout.read()
    demo.stdout.close()
    assert demo.wait(60) == 130
    assert "Traceback" not in output
    assert left_running(output) == []


def test_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # else argparse ignores the error itself
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asked:
        assert asked.stdout is not None
        assert asked.stderr is not None
        asked.stdout.close()
        assert asked.stderr.read() == ""
    assert asked.returncode == 141


def test_a_reader_that_ends_first_leaves_nothing() -> None:
    """As in `demo 2>&1 | tee log`, where a Ctrl-C ends both."""
    name = f"test-{secrets.token_hex(4)}"
    demo = start("demo", "--hosts", "1", "--runtime", "process", "--name", name)
    output = _read_until_it_runs(demo)
    assert demo.stdout is not None
    demo.stdout.close()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 141
    assert left_running(output) == []
    assert not (state._root() / name).exists()
