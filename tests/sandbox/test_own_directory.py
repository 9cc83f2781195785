"""A sandbox removes its own directory and nothing else, and contacts this machine only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox import state
from sandbox.addresses import AddressError, check_vpc_cidr
from sandbox.options import parse
from tests.sandbox.command import run

TAKES_A_NAME = ("up", "demo", "down", "status", "aws", "pulumi")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the sandboxes' directories are."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sandboxes = tmp_path / "state" / "prometheus-aws" / "sandboxes"
    sandboxes.mkdir(parents=True)
    return sandboxes


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """Return a file, in a folder of the user's."""
    file = tmp_path / "theirs" / "precious"
    file.parent.mkdir()
    file.write_text("of years")
    return file


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../..", "a/../../..", "/", "a/b", "a\\b", "a.b", "a b", "a\n", "a\0"),
        *("-a", "_a", "A", "ä", "a" * 33),
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    for take in (state.check_name, state.Directory.create, state.find):
        with pytest.raises(state.StateError, match="expected a lowercase letter or digit, then"):
            take(name)


@pytest.mark.parametrize("name", ["a", "0", "test-1_B", "a" * 32])
def test_names_that_are_allowed(name: str, root: Path) -> None:
    directory = state.Directory.create(name)
    assert directory.path == root / name
    directory.remove(keep_logs=False)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("command", TAKES_A_NAME)
def test_every_command_refuses_the_path_of_a_folder(
    command: str, precious: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse([command, "--name", str(precious.parent)])
    assert f"a sandbox cannot be named '{precious.parent}': expected" in capsys.readouterr().err


def test_a_folder_given_as_a_name_stays(precious: Path) -> None:
    done = run("up", "--name", str(precious.parent))
    assert done.returncode == 2
    assert precious.read_text() == "of years"


def test_a_folder_that_no_sandbox_has_made_stays(root: Path) -> None:
    file = root / "theirs" / "precious"
    file.parent.mkdir()
    file.write_text("of years")
    with pytest.raises(state.StateError, match="theirs is in the way, and is no sandbox's"):
        state.Directory.create("theirs")
    state.Directory.create("other").remove(keep_logs=False)  # removes what killed ones have left
    for keep_logs in (True, False):
        state.Directory(file.parent).remove(keep_logs=keep_logs)
    assert file.read_text() == "of years"


def test_a_symbolic_link_is_not_followed(root: Path, precious: Path) -> None:
    link = root / "link"
    link.symlink_to(precious.parent)
    (precious.parent / state._MARKER).touch()  # even to what looks like a sandbox's directory
    with pytest.raises(state.StateError, match="link is in the way"):
        state.Directory.create("link")
    state.Directory.create("other").remove(keep_logs=False)
    for keep_logs in (True, False):
        state.Directory(link).remove(keep_logs=keep_logs)
    assert link.is_symlink()
    assert precious.read_text() == "of years"


@pytest.mark.parametrize("keep_logs", [True, False])
def test_a_symbolic_link_inside_is_not_followed(precious: Path, *, keep_logs: bool) -> None:
    directory = state.Directory.create("mine")
    directory.volumes.rmdir()
    directory.volumes.symlink_to(precious.parent)
    (directory.logs / "link").symlink_to(precious.parent)
    directory.remove(keep_logs=keep_logs)
    assert precious.read_text() == "of years"


def test_what_a_killed_sandbox_has_left_is_removed(root: Path) -> None:
    killed = state.Directory.create("killed")
    assert killed._lock is not None
    killed._lock.close()
    state.Directory.create("killed").remove(keep_logs=False)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("range_", ["10.0.0.0/16", "126.0.0.0/7", "128.0.0.0/16", "0.0.0.0/0", "x"])
def test_a_range_outside_this_machine_is_refused(range_: str) -> None:
    with pytest.raises(
        AddressError, match=r"\(network\.vpcCidr\) is .*: expected one inside 127\.0\.0\.0/8"
    ):
        check_vpc_cidr(range_)


@pytest.mark.parametrize(
    ("command", "key"), [("up", "network.vpcCidr"), ("preview", "prometheus-aws:network.vpcCidr")]
)
def test_no_command_takes_a_range_outside_this_machine(command: str, key: str) -> None:
    done = run(command, "--config", f"{key}=10.0.0.0/16")
    assert done.returncode == 1
    assert "(network.vpcCidr) is '10.0.0.0/16': expected one inside 127.0.0.0/8" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_of_another_users_is_named(root: Path) -> None:
    root.parent.chmod(0)
    everybody = 65534
    if os.geteuid() == 0:  # who may do all
        os.seteuid(everybody)
    try:
        for take in (state.Directory.create, state.find):
            with pytest.raises(state.StateError, match=f"{root} .*denied.*set XDG_STATE_HOME to"):
                take("mine")
    finally:
        if os.geteuid() == everybody:
            os.seteuid(0)
        root.parent.chmod(0o700)


def test_state_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("PROMETHEUS_AWS_CACHE", "/everybodys")
    assert state._root() == Path("/state/prometheus-aws/sandboxes")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert state._root() == Path("/home/someone/.local/state/prometheus-aws/sandboxes")
