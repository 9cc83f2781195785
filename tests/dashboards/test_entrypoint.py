"""What Grafana's container puts together before Grafana starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from components import assets
from dashboards.catalogue import DASHBOARDS
from tests.configuration.rendering import toolboxes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.configuration.rendering import Toolbox

SOURCE = assets.image_context("grafana")
REQUIRED = {"PROMETHEUS_URL": "http://prometheus:9090", "GF_SECURITY_ADMIN_PASSWORD": "$e&c'r et\\"}
ALERTMANAGER = {"ALERTMANAGER_URL": "http://alertmanager:9093"}
GRAFANA = '#!/bin/sh\nprintf "started %s\\n" "$@"\n'


def image_defaults() -> dict[str, str]:
    """Return the variables that the Dockerfile sets."""
    text = (SOURCE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    words = " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE)).split()
    return dict(word.split("=", 1) for word in words)


@dataclass(frozen=True)
class Container:
    """The entrypoint, with a stand-in for Grafana."""

    directory: Path
    toolbox: Toolbox

    @property
    def provisioning(self) -> Path:
        return self.directory / "provisioning"

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        tools = self.directory / "bin"
        tools.mkdir(exist_ok=True)
        for name, program in self.toolbox.tools.items():
            (tools / name).unlink(missing_ok=True)
            (tools / name).symlink_to(program)
        grafana = self.directory / "run.sh"
        grafana.write_text(GRAFANA, encoding="utf-8")
        grafana.chmod(0o755)
        path = str(tools) if self.toolbox.alone else f"{tools}{os.pathsep}{os.environ['PATH']}"
        environment = {
            **image_defaults(),
            **REQUIRED,
            "GRAFANA_CONFIG_DIR": str(SOURCE),
            "GRAFANA_RUN": str(grafana),
            "GF_PATHS_PROVISIONING": str(self.provisioning),
            "PATH": path,
            **variables,
        }
        return subprocess.run(
            [*self.toolbox.shell, str(SOURCE / "entrypoint.sh"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(params=toolboxes(), ids=lambda toolbox: toolbox.name)
def container(request: pytest.FixtureRequest, tmp_path: Path) -> Container:
    return Container(tmp_path, request.param)


def test_data_sources_and_dashboards_are_put_together(container: Container) -> None:
    done = container.run("--flag", "two words", **ALERTMANAGER)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "started --flag\nstarted two words\n"
    found = {
        path.relative_to(container.provisioning).as_posix(): path for path in _files(container)
    }
    assert found.keys() == {
        "datasources/prometheus.yml",
        "datasources/alertmanager.yml",
        "dashboards/files.yml",
        *(f"dashboards/{dashboard.uid}.json" for dashboard in DASHBOARDS),
    }
    for name, path in found.items():
        if path.suffix == ".yml":
            assert path.read_bytes() == (SOURCE / "provisioning" / name).read_bytes()


@pytest.mark.parametrize("base", ["https://example.com/a?b=c&d", "docs/runbooks"])
def test_links_lead_to_the_runbooks(container: Container, base: str) -> None:
    assert container.run(RUNBOOK_BASE_URL=base).returncode == 0
    for dashboard in DASHBOARDS:
        written = (SOURCE / "dashboards" / f"{dashboard.uid}.json").read_text(encoding="utf-8")
        rendered = container.provisioning / "dashboards" / f"{dashboard.uid}.json"
        text = rendered.read_text(encoding="utf-8")
        assert text == written.replace("${RUNBOOK_BASE_URL}", base)
        assert f'"url": "{base}/README.md"' in text
        json.loads(text)


def test_without_an_alertmanager_there_is_no_such_data_source(container: Container) -> None:
    assert container.run(**ALERTMANAGER).returncode == 0
    assert container.run(ALERTMANAGER_URL="").returncode == 0  # a restart with the same volume
    assert [path.name for path in _files(container) if path.parent.name == "datasources"] == [
        "prometheus.yml"
    ]


def test_each_replica_is_a_data_source_of_its_own(container: Container) -> None:
    urls = {f"PROMETHEUS_{it}_URL": f"http://prometheus-{it}.internal:9090" for it in (1, 2)}
    done = container.run(**urls)
    assert done.returncode == 0, done.stderr
    (first,), *others = (
        yaml.safe_load(
            (container.provisioning / "datasources" / f"{name}.yml").read_text(encoding="utf-8")
        )["datasources"]
        for name in ("prometheus", "prometheus-1", "prometheus-2")
    )
    for number, (source,) in enumerate(others, 1):
        assert source == {
            **first,
            "name": f"Prometheus {number}",
            "uid": f"prometheus-{number}",
            "url": f"${{PROMETHEUS_{number}_URL}}",
            "isDefault": False,
            # Rules and alerts are the same everywhere: listed once.
            "jsonData": {**first["jsonData"], "manageAlerts": False},
        }
    refused = container.run(PROMETHEUS_1_URL="http://a b")
    assert "PROMETHEUS_1_URL is 'http://a b'. Set it to a URL" in refused.stderr
    assert refused.returncode == 1


def test_all_problems_are_told_at_once_and_nothing_is_started(container: Container) -> None:
    done = container.run(
        PROMETHEUS_URL="",
        GF_SECURITY_ADMIN_PASSWORD="",
        RUNBOOK_BASE_URL='"quoted"',
        ALERTMANAGER_URL="http://a b/",
    )
    assert done.returncode == 1
    assert not done.stdout
    assert re.findall(r"^  - (\w+) is (.*?)\. Set", done.stderr, re.MULTILINE) == [
        ("PROMETHEUS_URL", "missing or empty"),
        ("RUNBOOK_BASE_URL", "'\"quoted\"'"),
        ("ALERTMANAGER_URL", "'http://a b/'"),
        ("GF_SECURITY_ADMIN_PASSWORD", "missing or empty"),
    ]
    assert not _files(container)


def test_a_folder_that_cannot_be_written_is_named(container: Container) -> None:
    container.provisioning.write_text("a file", encoding="utf-8")
    done = container.run()
    assert done.returncode == 1
    assert f"GF_PATHS_PROVISIONING is '{container.provisioning}', where user" in done.stderr


def test_the_password_is_never_printed_or_written(container: Container) -> None:
    done = container.run(**ALERTMANAGER)
    secret = REQUIRED["GF_SECURITY_ADMIN_PASSWORD"]
    assert secret not in done.stdout + done.stderr
    assert not [path for path in _files(container) if secret in path.read_text(encoding="utf-8")]


def test_every_variable_of_the_data_sources_is_checked_and_set() -> None:
    """Grafana puts nothing in the place of one that is not set."""
    named = {
        variable
        for file in SOURCE.glob("provisioning/*/*.yml")
        for variable in re.findall(r"\$\{?(\w+)", _without_comments(file))
    }
    known = image_defaults().keys() | REQUIRED.keys() | ALERTMANAGER.keys()
    assert named == {
        *("PROMETHEUS_URL", "ALERTMANAGER_URL", "SCRAPE_INTERVAL", "GF_PATHS_PROVISIONING")
    }
    assert named <= known
    checked = (SOURCE / "entrypoint.sh").read_text(encoding="utf-8")
    assert not [variable for variable in named if variable not in checked]


def test_the_data_sources_are_what_the_dashboards_ask() -> None:
    sources = [
        source
        for file in sorted(SOURCE.glob("provisioning/datasources/*.yml"))
        for source in yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    ]
    assert [(source["type"], source["editable"]) for source in sources] == [
        ("alertmanager", False),
        ("prometheus", False),
    ]
    assert [source["uid"] for source in sources if source.get("isDefault")] == ["prometheus"]


def test_grafana_is_closed_by_default() -> None:
    defaults = image_defaults()
    assert defaults["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert defaults["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert defaults["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert defaults["GF_SECURITY_COOKIE_SECURE"] == "true"
    assert not [name for name in defaults if name.endswith(("PASSWORD", "SECRET"))]


def test_grafana_asks_nothing_of_grafana_com_and_raises_no_alerts() -> None:
    defaults = image_defaults()
    assert defaults["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert defaults["GF_UNIFIED_ALERTING_EXECUTE_ALERTS"] == "false"
    assert "GF_UNIFIED_ALERTING_ENABLED" not in defaults  # the alert list needs it
    for name in (*("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES"),):
        assert defaults[f"GF_ANALYTICS_{name}"] == "false"


def _files(container: Container) -> list[Path]:
    return sorted(path for path in container.provisioning.rglob("*") if path.is_file())


def _without_comments(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
