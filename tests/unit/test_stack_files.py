"""`python -m settings`: a stack's file is checked without deploying it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import settings
from stack_files import StackFileError, stack_file_config
from tests.components.examples import OWN

ROOT = Path(__file__).parents[2]
ENCRYPTED = {"secure": "v1:LPfaYLFaMKk=:q83ZpuDQ"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, stack: str = "test") -> None:
    (folder / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")


def stack_file(folder: Path, stack: str = "test", **config: object) -> None:
    content = {"config": {f"prometheus-aws:{key}": value for key, value in config.items()}}
    write(folder, yaml.safe_dump(content), stack)


def python(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python with this project on its path, as a user does."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_our_own_stacks_are_legal() -> None:
    done = python("-m", "settings")
    stacks = sorted(path.name for path in ROOT.glob("Pulumi.*.yaml"))
    lines = done.stdout.splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert [line for line in lines if line not in warnings] == [
        f"{name}: every setting is legal" for name in stacks
    ]
    # As long as this project has no address, it is the user who has to say where runbooks are.
    assert [line for line in warnings if "prometheus.runbookBaseUrl is docs/" not in line] == []
    assert (done.returncode, done.stderr) == (0, "")


def test_what_prod_shows_in_comments_is_legal_as_well(folder: Path) -> None:
    """Put in by taking the signs away: what needs a domain, and an address of the runbooks."""
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    before = stack_file_config(ROOT / "Pulumi.prod.yaml")
    write(folder, re.sub(r"^( *)#: ", r"\1", text, flags=re.MULTILINE))
    assert settings.check_stack_file(Path("Pulumi.test.yaml"), "test") == (
        "Pulumi.test.yaml: every setting is legal"
    )
    config = stack_file_config(folder / "Pulumi.test.yaml")
    assert config.keys() - before.keys() == {"prometheus-aws:ingress"}
    assert config["prometheus-aws:ingress"]["deletionProtection"] is True
    assert config["prometheus-aws:prometheus"]["runbookBaseUrl"].startswith("https://")


def test_a_bad_file_is_told_with_all_its_problems(tmp_path: Path) -> None:
    stack_file(tmp_path, hosts={"count": -1, "conut": 2}, network={"flowLogs": "maybe"})
    done = python("-m", "settings", "test", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the configuration of stack 'test' has 3 problem(s); nothing was changed:\n"
        '  - prometheus-aws:network.flowLogs is "maybe": expected true or false\n'
        "  - prometheus-aws:hosts.conut is unknown: did you mean count?\n"
        "  - prometheus-aws:hosts.count is -1: expected a whole number from 0 to 1000\n"
        "Fix it in Pulumi.test.yaml or with `pulumi config set --path"
        " 'prometheus-aws:<block>.<key>' <value>`; docs/configuration.md has all the keys.\n"
    )


def test_the_large_parts_of_the_aws_sdk_are_not_loaded() -> None:
    """They take most of a second: a check is to be so quick that an editor can run it."""
    done = python(
        "-c",
        "import sys, settings\n"
        "assert settings.main([]) == 0\n"
        "print(*(name for name in sys.modules if name.startswith('pulumi_aws.')))",
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "pulumi_aws.get_availability_zones" in loaded
    assert not [name for name in loaded if name.count(".") > 1 and ".config." not in name]


def test_every_stack_is_checked_unless_some_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stack in ("dev", "prod", "eu.west"):
        stack_file(folder, stack, environment="eu")
    stack_file(folder, "broken", hosts={"count": -1})
    assert settings.main([]) == 1
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "Pulumi.dev.yaml",
        "Pulumi.eu.west.yaml",
        "Pulumi.prod.yaml",
    ]
    assert "the configuration of stack 'broken' has 1 problem(s)" in err
    assert settings.main(["prod", "eu.west"]) == 0


def test_an_unknown_stack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.main([]) == 1
    assert capsys.readouterr().err == (
        "error: there is no Pulumi.<stack>.yaml here; stacks: none\n"
    )
    stack_file(folder, "dev")
    stack_file(folder, "prod")
    assert settings.main(["dev", "pord"]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error: there is no Pulumi.pord.yaml here; stacks: dev, prod\n")


@pytest.mark.parametrize(
    "block",
    [
        ENCRYPTED,
        {"vpcCidr": ENCRYPTED},
        {"vpcCidr": "10.0.0.0/16", "zoneCount": ENCRYPTED},
    ],
    ids=["block", "value", "one of two values"],
)
def test_what_is_encrypted_is_not_checked(folder: Path, block: object) -> None:
    stack_file(folder, network=block, prometheus={"adminCidrs": [ENCRYPTED, "203.0.113.7/32"]})
    assert settings.check_stack_file(Path("Pulumi.test.yaml"), "test") == (
        "Pulumi.test.yaml: every setting is legal, as far as it is not encrypted"
    )


def test_what_is_not_encrypted_is_checked_all_the_same(folder: Path) -> None:
    stack_file(folder, network={"vpcCidr": ENCRYPTED, "zoneCount": 0})
    with pytest.raises(settings.SettingsError, match=r"network\.zoneCount is 0: "):
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("yes", '"yes"'),
        ("on", '"on"'),
        ("1:30", '"1:30"'),
        ("1e3", "1000.0"),
        ("~", "null"),
        ("", "null"),
        ("1.5", "1.5"),
        ("[true, Off]", '[true, "Off"]'),
        ("!!binary aGk=", "\"b'hi'\""),
    ],
)
def test_yaml_means_what_it_means_to_pulumi(folder: Path, value: str, shown: str) -> None:
    """As Pulumi's own command line shows it: words such as `yes` are text."""
    write(folder, f"config:\n  prometheus-aws:network:\n    flowLogs: {value}\n")
    with pytest.raises(settings.SettingsError) as error:
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")
    assert f"network.flowLogs is {shown}: expected true or false" in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        *("1_0", "0x10", "0X1F", "010", "08", "0o10", "0b11", "-1_0", "+5", "5.", ".5", "1_000.5"),
        *(
            "012345678901",
            ".inf",
            "-.INF",
            ".nan",
            "2026-01-01",
            "2026-1-1",
            "2026-01-01T10:00:00Z",
        ),
    ],
)
def test_what_pulumi_takes_for_something_else_is_refused(folder: Path, value: str) -> None:
    """Its command line (3.260.0) makes 10 of 1_0, 8 of 010, and of a date one with a time."""
    write(folder, f"config:\n  prometheus-aws:hosts:\n    count: {value}\n")
    with pytest.raises(StackFileError) as error:
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")
    assert (
        f"cannot be read: Pulumi takes {value} for a number or a date; expected a number in"
        " decimal digits, such as 10, or quotes around text"
    ) in str(error.value)
    assert "line 3, column 12" in str(error.value)
    write(folder, f"config:\n  prometheus-aws:prometheus:\n    retention: '{value}'\n")
    with pytest.raises(settings.SettingsError, match=r"prometheus\.retention is "):
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")


@pytest.mark.parametrize(("value", "count"), [("0", 0), ("10", 10), ("1e1", 10), ("10.0", 10)])
def test_a_number_of_json(folder: Path, value: str, count: int) -> None:
    file = folder / "Pulumi.test.yaml"
    write(folder, f"config:\n  prometheus-aws:hosts:\n    count: {value}\n")
    found = stack_file_config(file)["prometheus-aws:hosts"]["count"]
    assert (found, isinstance(found, str)) == (count, False)
    assert settings.main(["test"]) == 0


@pytest.mark.parametrize(
    "value",
    ["10.0.0.0/16", "3.15.0", "1.2.3", "15d", "1h30m", "v1:0=", "-a", "e3", "_1", "1-2"],
)
def test_text_that_begins_like_a_number(folder: Path, value: str) -> None:
    write(folder, f"config:\n  other:key: {value}\n")
    assert stack_file_config(folder / "Pulumi.test.yaml") == {"other:key": value}


@pytest.mark.parametrize("value", ["true", "True", "FALSE"])
def test_a_boolean_of_yaml(folder: Path, value: str) -> None:
    write(folder, f"config:\n  prometheus-aws:network:\n    flowLogs: {value}\n")
    assert settings.main(["test"]) == 0


@pytest.mark.parametrize("text", ["", "config:\n", "config: {}\n", "encryptionsalt: v1:x\n"])
def test_a_file_without_settings_has_the_defaults(folder: Path, text: str) -> None:
    write(folder, text)
    assert settings.main(["test"]) == 0


def test_a_block_without_keys_is_told(folder: Path) -> None:
    """Pulumi takes it for empty text."""
    write(folder, "config:\n  prometheus-aws:hosts:\n")
    with pytest.raises(settings.SettingsError, match='prometheus-aws:hosts is "": expected keys'):
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"config: [", "Pulumi.test.yaml cannot be read: while parsing a flow node"),
        (b"\xff\xfe\x00", "Pulumi.test.yaml cannot be read: "),
        (b"config: 5\n", "Pulumi.test.yaml: expected `config:`, and below it all keys"),
        (b"- config\n", "Pulumi.test.yaml: expected `config:`, and below it all keys"),
        (b"prometheus-aws:hosts: {}\n", "Pulumi.test.yaml: expected `config:`, and below it"),
        (b"confg: {}\n", "Pulumi.test.yaml: confg is unknown: did you mean config?"),
        (b"config: {hosts: {}}\n", "Pulumi.test.yaml: hosts has no namespace: expected <name of"),
        (b"a: {b: 1, b: 2}\n", "Pulumi.test.yaml cannot be read: the key 'b' is there twice"),
        (b"a: &a {b: *a}\n", "Pulumi.test.yaml cannot be read: Circular reference"),
        (b"a: " + b"9" * 5000, "Pulumi.test.yaml cannot be read: Exceeds the limit"),
        (b"a: " + b"[" * 5000 + b"]" * 5000, "Pulumi.test.yaml cannot be read: maximum recursion"),
    ],
    ids=[
        *("no YAML", "no text", "no mapping below config", "no mapping", "no config"),
        *("misspelt config", "no namespace", "a key twice", "within itself", "huge", "deep"),
    ],
)
def test_a_file_that_is_no_stacks_file(
    folder: Path, capsys: pytest.CaptureFixture[str], text: bytes, expected: str
) -> None:
    (folder / "Pulumi.test.yaml").write_bytes(text)
    assert settings.main(["test"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {expected}")


def test_a_file_that_cannot_be_opened(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Pulumi.test.yaml").mkdir()
    assert settings.main(["test"]) == 1
    assert capsys.readouterr().err.startswith("error: Pulumi.test.yaml cannot be read: ")


def test_a_merged_mapping_may_be_overridden(folder: Path) -> None:
    """The key is there twice then, but Pulumi takes it."""
    write(folder, "config:\n  prometheus-aws:hosts: {<<: {count: -1}, count: 2}\n")
    assert settings.main(["test"]) == 0


def test_a_misspelt_namespace_is_told(folder: Path) -> None:
    write(folder, "config:\n  prometheus:hosts: {}\n  aws:region: eu-west-1\n")
    with pytest.raises(settings.SettingsError) as error:
        settings.check_stack_file(Path("Pulumi.test.yaml"), "test")
    _, *lines, _ = str(error.value).splitlines()
    assert lines == ["  - prometheus:hosts is unknown: did you mean prometheus-aws:hosts?"]


def test_a_stack_of_an_emulator_may_lie_in_loopback(folder: Path) -> None:
    config = {"prometheus-aws:network": {"vpcCidr": "127.42.0.0/16"}}
    write(folder, json.dumps({"config": config}))
    assert settings.main(["test"]) == 1
    endpoints = [{"ec2": "http://127.0.0.1:5000"}]
    write(folder, json.dumps({"config": {**config, "aws:endpoints": endpoints}}))
    assert settings.main(["test"]) == 0


def test_what_is_probably_not_meant_is_told_below(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = {"count": 100, "instanceType": "m7i.24xlarge"}
    config = {"prometheus-aws:hosts": hosts, "awz:region": "eu-west-1"}
    write(folder, json.dumps({"config": config}))
    assert settings.main(["test"]) == 0
    first, *warnings = capsys.readouterr().out.splitlines()
    assert first == "Pulumi.test.yaml: every setting is legal"
    assert [line[:30] for line in warnings] == [
        "warning: awz:region configures",
        "warning: prometheus-aws:hosts:",
    ]


@pytest.mark.parametrize(
    ("project", "key", "legal"),
    [
        ({"aws:defaultTags": {"value": {"tags": {"owner": "me"}}}}, "owner", False),
        ({"aws:defaultTags": {"value": {"tags": {"owner": "me"}}}}, "scraped", True),
        ({"hosts": {"type": "object", "default": {}}}, "owner", True),
        ("nothing", "owner", True),
    ],
    ids=str,
)
def test_what_the_projects_file_configures_counts(
    folder: Path, project: object, key: str, *, legal: bool
) -> None:
    (folder / "Pulumi.yaml").write_text(json.dumps({"config": project}), encoding="utf-8")
    stack_file(folder, hosts={"discoveryTagKey": key})
    assert settings.main(["test"]) == (not legal)


def test_the_stacks_default_tags_come_before_the_projects(folder: Path) -> None:
    project = {"aws:defaultTags": {"value": {"tags": {"owner": "me"}}}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"config": project}), encoding="utf-8")
    hosts = {"prometheus-aws:hosts": {"discoveryTagKey": "owner"}}
    write(folder, json.dumps({"config": {**hosts, "aws:defaultTags": {"tags": {}}}}))
    assert settings.main(["test"]) == 0


def test_the_folder_of_an_overlay_is_checked_from_the_stacks_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # without promtool
    shutil.copytree(OWN / "prometheus", folder / "monitoring")
    stack_file(folder, prometheus={"overlay": "monitoring"})
    assert settings.main(["test"]) == 0
    assert "warning: prometheus-aws:prometheus.overlay: there is no promtool on PATH" in (
        capsys.readouterr().out
    )
    (folder / "monitoring" / "rules.d" / "targets.yml").write_text("groups: []", encoding="utf-8")
    assert settings.main(["test"]) == 1
    said = 'prometheus-aws:prometheus.overlay is "monitoring": rules.d/targets.yml clashes with'
    assert said in capsys.readouterr().err
