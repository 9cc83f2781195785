"""What is checked of a user's own files, with the servers' tools and without."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from components import assets
from components.alertmanager import overlay as alertmanager
from components.alertmanager.overlay import VARIABLES
from components.arguments import resolve
from components.configuration import tools
from components.configuration.variables import fill_in, needed
from components.grafana import overlay as grafana
from components.prometheus import overlay as prometheus
from components.prometheus import prometheus_service
from components.prometheus.prometheus_service import overlay_variables
from mocks.recording import deploy, refuse
from sandbox.binaries import ensure
from tests.components.examples import ALERTS, GRAFANA, OWN, ROOT, SECRET, SERVICE, Example
from tests.unit.configurations import parse

if TYPE_CHECKING:
    from pathlib import Path

PROMETHEUS = OWN / "prometheus"
TOOLS = ensure(["promtool", "amtool"])
EVERYTHING = {
    "prometheus": {"overlay": str(PROMETHEUS)},
    "alertmanager": {
        "overlay": str(OWN / "alertmanager"),
        "pageWith": ["webhook"],
        "webhookUrlSecretArn": f"{SECRET}:webhook-AbCdEf",
    },
    "grafana": {"overlay": str(OWN / "grafana")},
}
"""Settings with all overlays of the example."""


@pytest.fixture(params=[False, True], ids=["form", "tool"])
def promtool(request: pytest.FixtureRequest) -> Path | None:
    return TOOLS["promtool"] if request.param else None


@pytest.fixture
def amtool() -> Path:
    return TOOLS["amtool"]


def check(folder: Path, promtool: Path | None, scrape_interval: str = "") -> None:
    prometheus.check(folder, *overlay_variables(scrape_interval), promtool)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def job(name: str = "shop", **more: Any) -> str:  # noqa: ANN401
    static = [{"targets": ["127.0.0.1:1"]}]
    return json.dumps({"scrape_configs": [{"job_name": name, "static_configs": static, **more}]})


def alert(**more: Any) -> str:  # noqa: ANN401
    return json.dumps({"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up", **more}]}]})


# --- Prometheus ---


def test_the_example_is_legal(promtool: Path | None) -> None:
    check(PROMETHEUS, promtool)


FORM = [
    ("rules.d/a.yml", "a: [", "rules.d/a.yml is no YAML: while parsing"),
    ("rules.d/a.yml", "", "rules.d/a.yml: expected the key groups with a list"),
    ("rules.d/a.yml", "groups: []", "expected the key groups with a list"),
    ("rules.d/a.yml", job(), "expected the key groups with a list"),
    ("rules.d/a.yml", "groups: [{rules: []}]", "rules.d/a.yml: groups[1] has no name"),
    ("rules.d/a.yml", "groups: [{name: x}]", "rules.d/a.yml: groups[1] has no list of rules"),
    ("scrape.d/a.yml", "scrape_configs: [1]", "scrape.d/a.yml: scrape_configs[1] has no job_name"),
    ("scrape.d/a.yml", job("node"), "there is a job 'node' already: take another name"),
    ("scrape.d/a.yml", job("prometheus"), "there is a job 'prometheus' already"),
    ("scrape.d/a.yml", job("alertmanager"), "there is a job 'alertmanager' already"),
    (
        "scrape.d/a.yml",
        job(basic_auth={"username": "a", "password": "x"}),
        "scrape_configs[1].basic_auth.password is a secret in plain text",
    ),
    (
        "scrape.d/a.yml",
        job(ec2_sd_configs=[{"secret_key": "x"}]),
        "scrape_configs[1].ec2_sd_configs[1].secret_key is a secret in plain text",
    ),
    (
        "rules.d/a.yml",
        "\n# ${NO} and\n   # ${NEITHER}\n" + alert(annotations={"x": "${RUNBOOK_URL}"}),
        "rules.d/a.yml line 4: the variable ${RUNBOOK_URL} is unknown: did you mean RUNBOOK_BASE",
    ),
    ("scrape.d/a.yml", job("${AWS_SECRET_ACCESS_KEY}"), "${AWS_SECRET_ACCESS_KEY} is unknown"),
    ("scrape.d/a.yml", job("${PROMETHEUS_LISTEN_HOST}"), "${PROMETHEUS_LISTEN_HOST} is unknown"),
    ("scrape.d/a.yml", job("${ALERTMANAGER_DNS_NAME}"), "${ALERTMANAGER_DNS_NAME} is unknown"),
    (
        "scrape.d/a.yml",
        "# needs: SHOP\n" + job(),
        "line 1: it would always be left out: # needs: SHOP; expected one of ALERTMANAGER_",
    ),
    ("tests/a.yml", "x: ${NO}", "tests/a.yml line 1: the variable ${NO} is unknown"),
]
"""File, its text, and what is said with and without promtool."""


@pytest.mark.parametrize(("name", "text", "said"), FORM)
def test_the_form_is_checked_without_promtool_too(
    tmp_path: Path, promtool: Path | None, name: str, text: str, said: str
) -> None:
    write(tmp_path, "rules.d/legal.yml", alert())
    with pytest.raises(ValueError, match=r"\w") as error:
        check(write(tmp_path, name, text), promtool)
    assert said in str(error.value)
    assert "; " not in str(error.value).replace("; expected", "")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "rules.d/a.yml",
            alert(expr="up =="),
            'promtool refuses it: rules.d/a.yml: 1:60: group "a',
        ),
        ("rules.d/a.yml", alert(annotation={}), "field annotation not found in type"),
        ("rules.d/a.yml", alert(annotations={"a": "{{ x }}"}), 'function "x" not defined'),
        ("scrape.d/a.yml", job(static_config=[]), "field static_config not found"),
        ("scrape.d/a.yml", job(scrape_timeout="30s"), "scrape timeout greater than scrape interv"),
        ("scrape.d/a.yml", job(relabel_configs=[{"regex": "("}]), "error parsing regexp"),
    ],
)
def test_promtool_tells_what_the_form_does_not(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    check(write(tmp_path, name, text), None)
    with pytest.raises(ValueError, match="promtool refuses it") as error:
        check(tmp_path, TOOLS["promtool"])
    assert said in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert "/tmp" not in str(error.value)  # noqa: S108 - where it was looked at


def test_promtool_tells_of_rules_and_jobs_at_once(tmp_path: Path) -> None:
    write(tmp_path, "rules.d/a.yml", alert(expr="up =="))
    write(tmp_path, "scrape.d/a.yml", job(static_config=[]))
    with pytest.raises(ValueError, match=r"rules\.d/a\.yml.*; promtool.*scrape\.d/a\.yml"):
        check(tmp_path, TOOLS["promtool"])


def test_times_are_checked_against_the_stacks_own(tmp_path: Path) -> None:
    write(tmp_path, "scrape.d/a.yml", job(scrape_timeout="30s"))
    check(tmp_path, TOOLS["promtool"], scrape_interval="1m")


def test_variables_of_an_alertmanager_are_for_files_that_need_one(
    tmp_path: Path, promtool: Path | None
) -> None:
    text = f"# needs: ALERTMANAGER_DNS_NAME\n{job('${ALERTMANAGER_DNS_NAME}')}"
    check(write(tmp_path, "scrape.d/a.yml", text), promtool)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# needs: A", "A"),
        ("# needs:  A B\n", "A"),
        ("# needs:A", ""),
        (" # needs: A", ""),
        ("", ""),
    ],
)
def test_what_a_file_needs_is_read_as_awk_reads_it(text: str, name: str) -> None:
    assert needed(text) == name


def test_a_tool_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "promtool"
    write(tmp_path, "bin/promtool", "no program")
    tool.chmod(0o755)
    with pytest.raises(ValueError, match=f"{tool} cannot be run: "):
        check(PROMETHEUS, tool)


def test_a_tool_is_looked_for_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.on_path("prometheus") is None
    (tmp_path / "promtool").symlink_to("/bin/true")
    assert tools.on_path("prometheus") == tmp_path / "promtool"
    assert tools.on_path("grafana") is None


def test_the_guide_names_every_variable() -> None:
    guide = (ROOT / "docs" / "own-configuration.md").read_text(encoding="utf-8")
    _, _, section = guide.partition("## Variables")
    table, _, rest = section.partition("\n\n- In alerts")
    rows, _, optional = table.partition("With an Alertmanager")
    always, sometimes = overlay_variables()
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", rows)) == always.keys()
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", optional)) == sometimes.keys()
    assert {f"${{{name}}}" for name in VARIABLES} <= set(re.findall(r"\$\{[A-Z_]+\}", rest))


def stand_in(tmp_path: Path, name: str, says: str) -> None:
    """Put a tool on PATH that refuses everything."""
    write(tmp_path, f"bin/{name}", f"#!/bin/sh\necho {says} >&2\nexit 1\n")
    (tmp_path / "bin" / name).chmod(0o755)


def test_an_old_tool_that_refuses_the_packages_own_files_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would refuse whatever a user writes, and nothing could be deployed."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    for name in ("promtool", "amtool"):
        stand_in(tmp_path, name, "field scrape_config_files not found")
    assert prometheus_service.promtool() is None
    assert alertmanager.amtool_on_path() is None
    resolve(SERVICE.shape, "it", {**SERVICE.fewest, **SERVICE.instead})
    said = list(parse(EVERYTHING).warnings([]))
    assert [line.partition(":")[2].partition(",")[0] for line in said] == [
        "prometheus.overlay: there is no promtool on PATH",
        "alertmanager.overlay: there is no amtool on PATH",
    ]
    monkeypatch.setenv("PATH", os.pathsep.join(str(tool.parent) for tool in TOOLS.values()))
    assert prometheus_service.promtool() == TOOLS["promtool"]
    assert alertmanager.amtool_on_path() == TOOLS["amtool"]
    assert list(parse(EVERYTHING).warnings([])) == []


# --- Alertmanager ---


def own_template(tmp_path: Path, text: str, name: str = "z.tmpl") -> Path:
    return write(tmp_path, f"templates/{name}", text)


def test_the_templates_of_the_example_are_legal_and_count(amtool: Path, tmp_path: Path) -> None:
    alertmanager.check(OWN / "alertmanager", amtool)
    for folder in (assets.image_context("alertmanager"), OWN / "alertmanager"):
        for file in (folder / "templates").glob("*.tmpl"):
            text = fill_in(file.read_text(encoding="utf-8"), VARIABLES, comments=True)
            (tmp_path / file.name).write_text(text, encoding="utf-8")
    data = {"status": "firing", "commonLabels": {"team": "shop", "severity": "critical"}}
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
    color = tools.run(
        *(amtool, "template", "render", "--template.glob=*.tmpl", "--template.data=data.json"),
        '--template.text={{ template "slack_color" . }}',
        folder=tmp_path,
    )
    assert color.strip() == "#7b1fa2"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("z.tmpl", '{{ define "x" }}${GRAFANA}{{ end }}', "${GRAFANA} is unknown: did you mean"),
        ("z.tmpl", "hello", "templates/z.tmpl defines no template: expected {{ define"),
        (
            "a.tmpl",
            '{{- define "text" }}x{{ end }}',
            (
                "templates/a.tmpl is read before the package's text.tmpl, whose 'text' would count:"
                " give the file a name that comes later, such as z_a.tmpl"
            ),
        ),
    ],
)
def test_templates_that_are_refused_without_amtool(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        alertmanager.check(own_template(tmp_path, text, name), None)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{{ define "text" }}', "unexpected EOF"),
        ('{{ define "text" }}{{ nope }}{{ end }}', 'function "nope" not defined'),
        ('{{ define "text" }}{{ template "gone" . }}{{ end }}', '"gone" not defined'),
        ('{{ define "slack_color" }}{{ .Lables }}{{ end }}', "can't evaluate field Lables"),
    ],
)
def test_amtool_writes_a_notification(tmp_path: Path, amtool: Path, text: str, said: str) -> None:
    alertmanager.check(own_template(tmp_path, text), None)
    with pytest.raises(ValueError, match="amtool refuses it: ") as error:
        alertmanager.check(tmp_path, amtool)
    assert said in str(error.value)


# --- Grafana ---


def dashboard(**more: Any) -> str:  # noqa: ANN401
    return json.dumps({"uid": "mine", "title": "Mine", **more})


def test_the_dashboard_of_the_example_is_legal() -> None:
    grafana.check(OWN / "grafana")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "dashboards/a.json is no JSON: Expecting property name"),
        ("[]", "dashboards/a.json is no dashboard: expected an object in braces"),
        (dashboard(uid=""), "dashboards/a.json has no uid: expected a dashboard as the classic"),
        (dashboard(title=5), "dashboards/a.json has no title"),
        (dashboard(uid="hosts"), "has the uid 'hosts' of the package's hosts.json: take another"),
        (dashboard(uid="b"), "has the uid 'b'"),
        (dashboard(__inputs=[]), "was exported to be shared with others"),
    ],
)
def test_dashboards_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "dashboards/b.json", dashboard(uid="b", title="B"))
    with pytest.raises(ValueError, match=r"\w") as error:
        grafana.check(write(tmp_path, "dashboards/a.json", text))
    assert said in str(error.value)


def test_variables_of_grafana_are_its_own_affair(tmp_path: Path) -> None:
    grafana.check(write(tmp_path, "dashboards/a.json", dashboard(x="${DS_X} ${RUNBOOK_BASE_URL}")))


# --- as arguments ---


@pytest.mark.parametrize(
    ("example", "server"),
    [(SERVICE, "prometheus"), (ALERTS, "alertmanager"), (GRAFANA, "grafana")],
)
def test_an_overlay_is_in_the_image_and_its_tests_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: Example, server: str
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own"
    shutil.copytree(OWN / server, own)

    def image(**args: str) -> tuple[str, dict[str, str]]:
        found = deploy(lambda: example.component("it", {**example.fewest, **args})).one(":Image")
        return found.name, found.inputs["build"]

    name, build = image(overlay="own")
    assert name != image()[0]
    assert build["context"].startswith(f".build/{server}-")
    assert build["dockerfile"] == f"{build['context']}/Dockerfile"
    (own / "README.md").write_text("x", encoding="utf-8")
    for test in own.glob("tests/*.yml"):
        test.write_text("tests: []\n", encoding="utf-8")
    assert image(overlay="own") == (name, build)
    (file,) = [
        path
        for folder in ("rules.d", "templates", "dashboards")
        for path in own.glob(f"{folder}/*")
    ]
    with file.open("a", encoding="utf-8") as text:
        text.write("\n")
    assert image(overlay="own")[0] != name


def test_the_argument_names_file_and_problem(tmp_path: Path) -> None:
    own = write(tmp_path, "rules.d/targets.yml", alert())
    args = {**SERVICE.fewest, "overlay": str(own)}
    error = refuse(lambda: SERVICE.component("prom", args))
    assert "overlay is '" in str(error)
    assert "rules.d/targets.yml clashes with the package's own targets.yml" in str(error)


@pytest.mark.parametrize("example", [SERVICE, ALERTS, GRAFANA])
def test_there_is_one_way_to_files_of_ones_own(example: Example) -> None:
    args = {**example.all, **example.instead}
    error = refuse(lambda: example.component("it", args))
    assert "which image_context replaces; expected one of the two" in str(error)
