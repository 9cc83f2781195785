"""The dashboards' files: what Grafana reads, and that it leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import units

from dashboards.catalogue import DASHBOARDS, FOLDER, of_alerts
from dashboards.grafana import TAG, encoded
from dashboards.model import ANY, COLUMNS, PLACE, Panel, identifier
from sandbox.binaries import ensure
from tests.configuration.rules_files import ALERTS, ROOT, Rule, metrics
from tests.configuration.test_runbooks import anchors
from tests.dashboards.queries import OF_RULES, expression, filled, queries

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(FOLDER.glob("*"))
OF_GRAFANA = {"datasource", "__all", "__rate_interval", "__range", "__value", "__url_time_range"}
"""Variables that no dashboard defines."""

PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
IDS = [f"{dashboard.uid}-{panel.title}" for dashboard, panel in PANELS]


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def strings(node: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return every text in a JSON document."""
    if isinstance(node, dict):
        return [text for value in node.values() for text in strings(value)]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [node] if isinstance(node, str) else []


def links(document: dict[str, Any]) -> set[str]:
    return {text for text in strings(document) if text.startswith(("/d/", "${RUNBOOK_BASE_URL}"))}


def test_there_is_a_file_for_each_dashboard_and_no_other() -> None:
    assert [path.name for path in FILES] == sorted(f"{d.uid}.json" for d in DASHBOARDS)
    for path in FILES:
        document = load(path)
        assert document["uid"] == path.stem
        assert document["tags"] == [TAG]
        assert document["description"].endswith(".")
    assert len({load(path)["title"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_sdks_own_types_hold_all_of_it(path: Path) -> None:
    """They drop what they do not know in silence: nothing is missing when it is written again."""
    register_default_plugins()
    again = encoded(dm.Dashboard.from_json(load(path)))
    assert again == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_panel_has_a_unit_a_description_and_its_place(path: Path) -> None:
    known = {value for name, value in vars(units).items() if name[0].isupper()}
    document = load(path)
    taken: Counter[tuple[int, int]] = Counter()
    for panel in document["panels"]:
        place = panel["gridPos"]
        taken.update(
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        )
        if panel["type"] == "row":
            continue
        assert panel["id"] == identifier(panel["title"])
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"] in known
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert "value" not in steps[0] or steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values)
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(references) == len(set(references))
        assert references or panel["type"] == "alertlist"
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    rows = max(y for _, y in taken) + 1
    assert taken == {(x, y): 1 for x in range(COLUMNS) for y in range(rows)}, "overlaps or holes"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_variable_is_defined_and_used(path: Path) -> None:
    document = load(path)
    defined = [variable["name"] for variable in document["templating"]["list"]]
    assert defined[:3] == ["datasource", "environment", "region"]
    used = {
        name
        for text in strings(document)
        for name in re.findall(r"\$\{?([a-z_]+)", text)  # those of runbooks are in capitals
    }
    assert used - OF_GRAFANA == set(defined) - {"datasource"}
    assert "datasource" in used


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_variable_depends_on_those_before_it(path: Path) -> None:
    variables = load(path)["templating"]["list"]
    for number, variable in enumerate(variables):
        before = {earlier["name"] for earlier in variables[:number]}
        assert set(re.findall(r"\$(\w+)", str(variable["query"]))) <= before
    environment, region, *others = variables[1:]
    assert "$" not in environment["query"]
    for variable in others:
        assert {"environment", "region"} <= set(re.findall(r"\$(\w+)", variable["query"]))
    assert "$environment" in region["query"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    found = links(load(path))
    assert "${RUNBOOK_BASE_URL}/README.md" in found
    for link in found:
        if link.startswith("/d/"):
            uid = re.split(r"[?/]", link.removeprefix("/d/"))[0]
            assert uid in {dashboard.uid for dashboard in DASHBOARDS}
        else:
            file, _, anchor = link.removeprefix("${RUNBOOK_BASE_URL}/").partition("#")
            assert not anchor or anchor in anchors(ROOT / "docs" / "runbooks" / file)
    assert {"type": "dashboards", "tags": [TAG], "includeVars": True, "keepTime": True}.items() <= (
        load(path)["links"][0].items()
    )


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_an_alert_is_explained_by_one_panel(alert: Rule) -> None:
    explaining = [IDS[number] for number, (_, p) in enumerate(PANELS) if alert.name in p.alerts]
    assert len(explaining) == 1, f"{alert.name}: name it in `alerts` of one panel"
    linked = links(load(FOLDER / f"{of_alerts()[alert.name]}.json"))
    assert alert.annotations["runbook_url"] in linked


def test_panels_explain_no_alert_that_does_not_exist() -> None:
    assert of_alerts().keys() == {alert.name for alert in ALERTS}


@pytest.mark.parametrize(
    "panel",
    [panel for _, panel in PANELS if panel.alerts and panel.alerts != ("Watchdog",)],
    ids=lambda panel: panel.title,
)
def test_limits_are_those_of_the_alerts(panel: Panel) -> None:
    limits = [panel.limits, *(query.limits for query in panel.queries if query.limits)]
    rules = [rule for rule in ALERTS if rule.name in panel.alerts]
    for severity, value in (mark for marks in limits for mark in marks):
        compared = {
            float(number)
            for rule in rules
            if rule.severity == severity
            for number in re.findall(r"(?:[<>]=?|==) *(-?[\d.]+)\b", rule.expression)
        }
        # A share of 1 is where something exceeds what it is compared with.
        shares = {1.0 for rule in rules if re.search(r"> *\(", rule.expression)}
        # Of what there should be one of, two are too many.
        counts = {2.0 for rule in rules if rule.expression.endswith("!= 1")}
        legal = compared | shares | counts
        assert (0 if value == ANY else value) in legal, (severity, value, legal)


def test_every_query_is_valid(tmp_path: Path) -> None:
    expressions = {
        where: filled(
            dashboard.scoped(query), {variable.name: ".*" for variable in dashboard.variables}
        )
        for dashboard in DASHBOARDS
        for where, query in queries(dashboard)
    } | {
        f"{dashboard.uid}: variable {variable.name}": filled(
            expression(variable.query.expression),
            {"environment": ".*", "region": "", "job": "x", "cluster": "x"},
        )
        for dashboard in DASHBOARDS
        for variable in dashboard.variables
    }
    rules = [
        {"record": f"query:{number}", "expr": text, "labels": {"where": where}}
        for number, (where, text) in enumerate(expressions.items())
    ]
    assert len(rules) > 200
    file = tmp_path / "rules.yml"
    file.write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8"
    )
    done = subprocess.run(
        [ensure(["promtool"])["promtool"], "check", "rules", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_a_place_is_that_of_its_series_and_of_those_that_do_not_say(tmp_path: Path) -> None:
    """One server stores its series without these labels; a shared store has them on all."""
    chosen = {"environment": "dev", "region": "(eu-west-1|eu-central-1)"}
    test = {
        "input_series": [
            {"series": "a", "values": "1"},
            {"series": 'b{environment="dev", region="eu-west-1"}', "values": "1"},
            {"series": 'c{environment="prod", region="eu-west-1"}', "values": "1"},
            {"series": 'd{environment="dev", region="us-east-1"}', "values": "1"},
        ],
        "promql_expr_test": [
            {
                "expr": f'count by (__name__) ({{__name__=~".+", {filled(PLACE, chosen)}}})',
                "exp_samples": [{"labels": name, "value": 1} for name in "ab"],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}), encoding="utf-8")
    done = subprocess.run(
        [ensure(["promtool"])["promtool"], "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_queries_that_are_empty_in_a_healthy_system_name_series_that_exist() -> None:
    """Nothing else would notice a wrong name in them."""
    checked = [
        (where, metrics(dashboard.scoped(query)))
        for dashboard in DASHBOARDS
        for where, query in queries(dashboard)
        if query.empty_when_healthy
    ]
    assert checked
    for where, names in checked:
        assert names <= OF_RULES | {"ALERTS"}, where


def test_identifiers_stay() -> None:
    """Links to a panel (`?viewPanel=`) that people keep."""
    assert identifier("CPU in use") == 48_773
