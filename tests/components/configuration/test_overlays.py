"""The arguments that lay a user's own files over the package's."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from components.alertmanager.overlay import amtool_on_path
from components.arguments import resolve
from components.configuration import tools
from components.prometheus.prometheus_args import promtool
from mocks.recording import deploy, refuse
from tests.components.configuration.files import alert, tool, write
from tests.components.examples import ALERTS, GRAFANA, OWN, SECRET, SERVICE, Example
from tests.unit.configurations import parse, problems

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING: dict[str, dict[str, Any]] = {
    "prometheus": {"overlay": str(OWN / "prometheus")},
    "alertmanager": {
        "overlay": str(OWN / "alertmanager"),
        "routesFile": str(OWN / "routes.yml"),
        "pageWith": ["webhook", "slack"],
        "webhookUrlSecretArn": f"{SECRET}:webhook-AbCdEf",
        "slackUrlSecretArn": f"{SECRET}:slack-AbCdEf",
    },
    "grafana": {"overlay": str(OWN / "grafana")},
}
"""Settings with all of the example."""


def test_a_tool_is_looked_for_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.on_path("prometheus") is None
    (tmp_path / "promtool").symlink_to("/bin/true")
    assert tools.on_path("prometheus") == tmp_path / "promtool"
    assert tools.on_path("grafana") is None


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
    assert promtool() is None
    assert amtool_on_path() is None
    resolve(SERVICE.shape, "it", {**SERVICE.fewest, "overlay": SERVICE.instead["overlay"]})
    said = [it for it in parse(EVERYTHING).warnings([]) if "on PATH" in it]
    assert [line.partition(":")[2].partition(",")[0] for line in said] == [
        "prometheus.overlay: there is no promtool on PATH",
        "alertmanager.overlay: there is no amtool on PATH",
        "alertmanager.routesFile: there is no amtool on PATH",
    ]
    monkeypatch.setenv(
        "PATH", os.pathsep.join(str(tool(name).parent) for name in ("promtool", "amtool"))
    )
    assert promtool() == tool("promtool")
    assert amtool_on_path() == tool("amtool")
    assert not [it for it in parse(EVERYTHING).warnings([]) if "on PATH" in it]


def test_routes_that_only_amtool_refuses_are_refused_where_it_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "routes.yml", "routes: [{matchers: ['team=~\"(\"'], receiver: page}]\n")
    values = {
        "alertmanager": {**EVERYTHING["alertmanager"], "routesFile": str(file / "routes.yml")}
    }
    monkeypatch.setenv("PATH", "")
    parse(values)
    monkeypatch.setenv("PATH", str(tool("amtool").parent))
    (problem,) = problems(values)
    assert problem.startswith("alertmanager.routesFile is ")
    assert "amtool refuses it: " in problem


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


@pytest.mark.parametrize("example", [SERVICE, ALERTS, GRAFANA])
def test_what_services_bring_along_is_in_the_image_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: Example
) -> None:
    monkeypatch.chdir(tmp_path)

    def context(**args: object) -> str:
        image = deploy(lambda: example.component("it", {**example.fewest, **args})).one(":Image")
        return str(image.inputs["build"]["context"])

    alone = context(overlays=example.instead["overlays"])
    both = {key: example.instead[key] for key in ("overlay", "overlays")}
    assert len({context(), alone, context(**both)}) == 3
    assert list((tmp_path / alone).rglob("*more.*"))


@pytest.mark.parametrize("example", [SERVICE, ALERTS, GRAFANA])
def test_what_services_bring_along_may_not_clash(example: Example) -> None:
    own = example.instead["overlay"]
    args = {**example.fewest, "overlay": own, "overlays": [own]}
    error = refuse(lambda: example.component("it", args))
    assert f"overlays is ['{own}']: {own}/" in str(error)
    assert f"clashes with {own}/" in str(error)


def test_two_services_may_not_bring_the_same_job(tmp_path: Path) -> None:
    job = "scrape_configs: [{job_name: shop, static_configs: [{targets: ['a:1']}]}]\n"
    folders = [str(write(tmp_path / name, f"scrape.d/{name}.yml", job)) for name in ("a", "b")]
    args = {**SERVICE.fewest, "overlays": folders}
    error = refuse(lambda: SERVICE.component("prom", args))
    assert "there is a job 'shop' already: take another name" in str(error)
