"""Alertmanager's entrypoint writes, refuses and starts, with each shell and awk that is here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.configuration.rendering import Toolbox, image_defaults, toolboxes

SOURCE = Path(__file__).resolve().parents[2] / "docker" / "alertmanager"
TIMEOUT = 60.0  # seconds
CONFIG = (
    '{"receivers": [{"a": {"api_url_file": "secrets/slack_url"}},'
    ' {"b": {"routing_key_file":"secrets/pagerduty_routing_key"}},'
    ' {"c": {"api_url_file": "secrets/slack_url"}}], "x": "${GRAFANA_URL} $(id) \\\\ %s"}'
)
SECRETS = {
    "SLACK_URL": "https://hooks.example.com/SECRET?a=%s&b='\"$HOME`id`\\",
    "PAGERDUTY_ROUTING_KEY": "SECRET-key",
}
# Prints its arguments, and notes where it runs and with which variables.
STAND_IN = '#!/bin/sh\nprintf "%s\\n" "$@"\npwd > "$NOTES/pwd"\nenv > "$NOTES/env"\n'


@dataclass(frozen=True)
class Entrypoint:
    """The entrypoint with all the variables that the image and its user set."""

    directory: Path
    toolbox: Toolbox
    source: Path

    @property
    def rendered(self) -> Path:
        """ALERTMANAGER_RENDERED_DIR."""
        return self.directory / "rendered"

    @property
    def data(self) -> Path:
        """ALERTMANAGER_DATA_DIR."""
        return self.directory / "data"

    def run(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """Run it to its end; None removes a variable."""
        variables: dict[str, str | None] = {
            **image_defaults(SOURCE),
            **SECRETS,
            "ALERTMANAGER_CONFIG": CONFIG,
            "ALERTMANAGER_CONFIG_DIR": str(self.source),
            "ALERTMANAGER_RENDERED_DIR": str(self.rendered),
            "ALERTMANAGER_DATA_DIR": str(self.data),
            "NOTES": str(self.directory),
            "PATH": self.toolbox.path(self.directory / "bin", "alertmanager", STAND_IN),
            **changes,
        }
        done = subprocess.run(
            [*self.toolbox.shell, str(SOURCE / "entrypoint.sh"), *arguments],
            env={name: value for name, value in variables.items() if value is not None},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert "SECRET" not in done.stdout + done.stderr
        return done

    def refused(self, **changes: str | None) -> list[str]:
        """Run it, see that nothing is started or written, and return what it complains about."""
        done = self.run(**changes)
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert not (self.rendered / "alertmanager.yml").exists()
        assert not (self.rendered / "secrets").exists()
        first, *problems = done.stderr.splitlines()
        assert first == "entrypoint: Alertmanager is not started:"
        return [problem.removeprefix("  - ") for problem in problems]


@pytest.fixture(params=toolboxes(), ids=lambda toolbox: toolbox.name)
def entrypoint(request: pytest.FixtureRequest, tmp_path: Path) -> Entrypoint:
    """Return the entrypoint on small templates of its own."""
    source = tmp_path / "source"
    (source / "templates").mkdir(parents=True)
    (source / "templates" / "a.tmpl").write_text("x ${GRAFANA_URL} {{ $a }}\n", encoding="utf-8")
    return Entrypoint(tmp_path, request.param, source)


@pytest.mark.parametrize("script", ["entrypoint.sh", "render.sh"])
def test_shellcheck_finds_nothing(script: str) -> None:
    shellcheck = shutil.which("shellcheck", path=sysconfig.get_path("scripts")) or "shellcheck"
    done = subprocess.run(
        [shellcheck, "--enable=quote-safe-variables", str(SOURCE / script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_it_becomes_one_of_a_cluster(entrypoint: Entrypoint) -> None:
    done = entrypoint.run(
        "--log.level=debug",
        ALERTMANAGER_LISTEN_HOST="127.0.0.2",
        ALERTMANAGER_PEER="alertmanager.internal",
        ALERTMANAGER_CLUSTER_LABEL="dev-1",
        ALERTMANAGER_EXTERNAL_URL="https://alertmanager.example.com",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"--config.file={entrypoint.rendered}/alertmanager.yml",
        f"--storage.path={entrypoint.data}",
        "--web.listen-address=127.0.0.2:9093",
        "--enable-feature=utf8-strict-mode",
        "--web.external-url=https://alertmanager.example.com",
        "--cluster.listen-address=127.0.0.2:9094",
        "--cluster.peer=alertmanager.internal:9094",
        "--cluster.label=dev-1",
        "--cluster.reconnect-timeout=10m",
        "--log.level=debug",
    ]
    assert (
        done.stderr == f"entrypoint: configuration in {entrypoint.rendered};"
        " peer alertmanager.internal\n"
    )


def test_it_follows_the_link_where_configuration_is_delivered(entrypoint: Entrypoint) -> None:
    entrypoint.rendered.mkdir()
    (entrypoint.rendered / "attempted").touch()
    for _ in range(2):
        done = entrypoint.run(CONFIGURATION_PORT="9533")
        assert done.returncode == 0, done.stderr
    config = entrypoint.rendered / "current" / "alertmanager.yml"
    assert done.stdout.splitlines()[0] == f"--config.file={config}"
    assert config.read_text(encoding="utf-8") == f"{CONFIG}\n"
    assert str(config.parent.readlink()) == "first"
    assert (config.parent / "templates" / "a.tmpl").exists()
    # Where it runs, so that every version finds them.
    assert len(list((entrypoint.rendered / "secrets").iterdir())) == len(SECRETS)
    assert (entrypoint.rendered / "render.sh").exists()


def test_alone_it_waits_for_nobody(entrypoint: Entrypoint) -> None:
    done = entrypoint.run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2:] == [
        "--web.listen-address=0.0.0.0:9093",
        "--enable-feature=utf8-strict-mode",
        "--cluster.listen-address=",
    ]


def test_configuration_and_secrets_are_written_as_they_are(entrypoint: Entrypoint) -> None:
    for _ in range(2):  # a container that restarts in its task finds what it wrote
        assert entrypoint.run().returncode == 0
    configuration = entrypoint.rendered / "alertmanager.yml"
    assert configuration.read_text(encoding="utf-8") == f"{CONFIG}\n"
    files = {path.name: path for path in (entrypoint.rendered / "secrets").iterdir()}
    assert {name.upper(): path.read_text(encoding="utf-8") for name, path in files.items()} == (
        SECRETS
    )
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o400}
    assert configuration.stat().st_mode & 0o077 == 0


def test_alertmanager_runs_beside_its_files_and_without_secrets(entrypoint: Entrypoint) -> None:
    assert entrypoint.run(AWS_REGION="eu-west-1").returncode == 0
    assert (entrypoint.directory / "pwd").read_text(encoding="utf-8").strip() == str(
        entrypoint.rendered
    )
    environment = (entrypoint.directory / "env").read_text(encoding="utf-8")
    assert "AWS_REGION=eu-west-1" in environment
    assert "SECRET" not in environment
    assert "ALERTMANAGER_CONFIG=" not in environment


def test_secrets_that_are_not_used_any_more_are_removed(entrypoint: Entrypoint) -> None:
    assert entrypoint.run().returncode == 0
    assert entrypoint.run(ALERTMANAGER_CONFIG="{}").returncode == 0
    assert not list((entrypoint.rendered / "secrets").iterdir())


@pytest.mark.parametrize(
    ("url", "expected"),
    [(None, "x  {{ $a }}\n"), ("https://g.example", "x https://g.example {{ $a }}\n")],
)
def test_templates_learn_where_grafana_is(
    entrypoint: Entrypoint, url: str | None, expected: str
) -> None:
    (entrypoint.source / "templates" / "notes.txt").write_text("x", encoding="utf-8")
    assert entrypoint.run(GRAFANA_URL=url).returncode == 0
    written = {path.name: path for path in (entrypoint.rendered / "templates").iterdir()}
    assert {name: path.read_text(encoding="utf-8") for name, path in written.items()} == {
        "a.tmpl": expected
    }


def test_the_templates_ask_for_nothing_else() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (SOURCE / "templates").glob("*.tmpl")]
    assert {name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)} == {"GRAFANA_URL"}


def test_all_that_is_missing_is_named_at_once(entrypoint: Entrypoint) -> None:
    assert entrypoint.refused(
        ALERTMANAGER_PORT="", SLACK_URL=None, PAGERDUTY_ROUTING_KEY="", GRAFANA_URL="x"
    ) == [
        (
            "Missing or empty: ALERTMANAGER_PORT, SLACK_URL, PAGERDUTY_ROUTING_KEY."
            " Set these environment variables."
        ),
        (
            "GRAFANA_URL is 'x'. Set it to a URL of letters, digits and . _ ~ : / ? & = % @ + , -"
            " without a slash at its end."
        ),
    ]


def test_it_insists_on_a_configuration(entrypoint: Entrypoint) -> None:
    assert entrypoint.refused(ALERTMANAGER_CONFIG=None) == [
        "Missing or empty: ALERTMANAGER_CONFIG. Set these environment variables."
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SLACK_URL", "SECRET", "SLACK_URL is no URL (its value is a secret and not shown)"),
        ("SLACK_URL", '{"url": "https://SECRET"}', "SLACK_URL contains a space or a line break"),
        ("SLACK_URL", "https://SECRET\n", "SLACK_URL contains a space or a line break"),
        ("PAGERDUTY_ROUTING_KEY", "SECRET\tx", "PAGERDUTY_ROUTING_KEY contains a space"),
    ],
)
def test_a_secret_that_cannot_be_right_is_told_without_it(
    entrypoint: Entrypoint, name: str, value: str, expected: str
) -> None:
    [problem] = entrypoint.refused(**{name: value})
    assert problem.startswith(expected)


@pytest.mark.parametrize("path", ["/nowhere/key", "key", "secrets/../key", "secrets/a-b"])
def test_another_file_has_to_be_there(entrypoint: Entrypoint, path: str) -> None:
    configuration = f'{{"routing_key_file": "{path}"}}'
    [problem] = entrypoint.refused(ALERTMANAGER_CONFIG=configuration)
    assert problem == (
        f"ALERTMANAGER_CONFIG names the file '{path}', which cannot be read. Mount it there, or"
        " name secrets/NAME and set NAME in upper case."
    )


def test_another_file_that_is_there_is_left_alone(entrypoint: Entrypoint) -> None:
    key = entrypoint.directory / "my key"
    key.write_text("x", encoding="utf-8")
    configuration = f'{{"routing_key_file": "{key}"}}'
    assert entrypoint.run(ALERTMANAGER_CONFIG=configuration).returncode == 0
    assert not list((entrypoint.rendered / "secrets").iterdir())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ALERTMANAGER_PORT", "0", "Set it to a port, 1 to 65535."),
        ("ALERTMANAGER_PORT", "65536", "Set it to a port, 1 to 65535."),
        ("ALERTMANAGER_CLUSTER_PORT", "x", "Set it to a port, 1 to 65535."),
        ("ALERTMANAGER_EXTERNAL_URL", "alertmanager", "Set it to a URL of letters"),
        ("GRAFANA_URL", "https://a/{{ x }}", "Set it to a URL of letters"),
        ("GRAFANA_URL", "https://a/", "Set it to a URL of letters"),
        ("ALERTMANAGER_PEER", 'a"b', "Set it to a value without."),
        ("ALERTMANAGER_CLUSTER_LABEL", "a\nb", "Set it to a value without."),
        ("ALERTMANAGER_CONFIG_DIR", "/nowhere", "where there are no templates"),
        ("ALERTMANAGER_DATA_DIR", "/proc/x", "cannot write. Mount a volume there"),
        ("ALERTMANAGER_RENDERED_DIR", "/proc/x", "cannot write. Mount a volume there"),
    ],
)
def test_a_bad_value_is_named(entrypoint: Entrypoint, name: str, value: str, expected: str) -> None:
    [problem] = entrypoint.refused(**{name: value})
    assert problem.startswith(name)
    assert expected in problem


@pytest.mark.parametrize("inside", ["", "/below"])
def test_the_source_is_not_overwritten(entrypoint: Entrypoint, inside: str) -> None:
    [problem] = entrypoint.refused(ALERTMANAGER_RENDERED_DIR=f"{entrypoint.source}{inside}")
    assert "Set it to a directory of its own" in problem
    assert (entrypoint.source / "templates" / "a.tmpl").exists()
