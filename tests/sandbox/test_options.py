"""What the command line takes."""

from __future__ import annotations

import pytest

from sandbox.options import parse


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("pulumi up --yes", None, ["up", "--yes"]),
        ("pulumi --name x up -c a=b", "x", ["up", "-c", "a=b"]),
        ("pulumi --version", None, ["--version"]),
        ("pulumi -C dir up --name theirs", None, ["-C", "dir", "up", "--name", "theirs"]),
        ("pulumi --name x --cwd dir up --stack s", "x", ["--cwd", "dir", "up", "--stack", "s"]),
        ("pulumi up --help", None, ["up", "--help"]),
        ("pulumi", None, []),
    ],
)
def test_what_follows_pulumi_is_pulumis(line: str, name: str | None, arguments: list[str]) -> None:
    parsed = parse(line.split())
    assert (parsed.name, parsed.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("line", "deploy"),
    [
        ("up", "in-process"),
        ("demo", "in-process"),
        ("up --pulumi", "pulumi"),
        ("up --empty", "empty"),
    ],
)
def test_ways_to_deploy(line: str, deploy: str) -> None:
    assert parse(line.split()).deploy == deploy


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("up --pulumi --empty", "not allowed with"),
        ("up --nonsense", "unrecognized arguments: --nonsense"),
        ("up --det", "unrecognized arguments: --det"),
        *(
            (f"{command} --port {text}", f"--port: '{text}': expected a whole number, 1 to 65535")
            for command in ("up", "demo")
            for text in ("0", "65536", "8_0", "x")
        ),
        *(
            (f"up --timeout {text}", f"'{text}': expected a whole number, 1 to 86400")
            for text in ("0", "nan", "inf", "1e9", "86401", "0.5", "9" * 30)
        ),
        ("demo --timeout=-1", "'-1': expected a whole number, 1 to 86400"),
        *(
            (f"{command} --hosts {text}", f"'{text}': expected a whole number, 0 to 1000")
            for command in ("up", "demo", "preview")
            for text in ("-1", "1001", "1_0", "٣")
        ),
        ("up --config x", "'x': expected KEY=VALUE"),
        ("preview --name x", "unrecognized arguments: --name x"),
    ],
)
def test_wrong_lines(line: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())
    assert problem in capsys.readouterr().err
