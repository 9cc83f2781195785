"""The pizza service's rules, runbooks and dashboard: held to what the package's own are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import configuration_check
from examples.pizza_service.dashboard import DASHBOARD, FILE
from tests.configuration.mutation import Mutant, mutants, survivors
from tests.configuration.rules_files import ROOT, Rule, documented, rules, sections
from tests.configuration.test_runbooks import PARTS, anchors
from tests.dashboards import test_files as form
from tests.examples.shop import EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path

MONITORING = EXAMPLE / "monitoring"
README = EXAMPLE / "README.md"
RULES = rules([MONITORING / "prometheus" / "rules.d" / "pizza.yml"])
ALERTS = [rule for rule in RULES if rule.severity is not None]
NAMES = sorted({alert.name for alert in ALERTS})
UNIT_TESTS = sorted((MONITORING / "prometheus" / "tests").glob("*.yml"))


def test_a_user_may_have_it_for_an_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    """With the rule tests, by the check that users make."""
    assert configuration_check.main([str(MONITORING)]) == 0
    said = capsys.readouterr().out
    assert "the rule tests pass" in said
    assert "Grafana can provision them" in said
    assert "note:" not in said


def test_every_change_of_a_rule_is_noticed(tmp_path: Path) -> None:
    unchanged = [Mutant(rule, "nothing", rule.body) for rule in RULES]
    alive = [mutant for rule in RULES for mutant in mutants(rule)]
    assert len(alive) > 60
    for unit_tests in UNIT_TESTS:
        directory = tmp_path / unit_tests.stem
        directory.mkdir()
        left = survivors([*unchanged, *alive], RULES, unit_tests, directory)
        alive = [mutant for mutant in left if mutant not in unchanged]
    # A share of exactly so much does not occur: it is rounded.
    assert {str(mutant).partition(" in ")[0] for mutant in alive} <= {
        f"PizzaErrorBudgetBurn[{severity}]: > -> >=" for severity in ("critical", "warning")
    }


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.severity is None], ids=str)
def test_a_record_is_called_by_its_window(rule: Rule) -> None:
    (window,) = re.findall(r"_?(?:rate|increase)(\d+[mhd])$", rule.name)
    assert set(re.findall(r"\[(\w+)\]", rule.expression)) == {window}


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_an_alert_leads_to_its_section(alert: Rule) -> None:
    link = alert.annotations["runbook_url"].replace("${RUNBOOK_BASE_URL}", "docs/runbooks")
    path, _, anchor = link.partition("#")
    assert (ROOT / path).resolve() == README
    assert anchor == alert.name.lower()
    assert anchor in anchors(README)
    assert alert.annotations["dashboard"] == DASHBOARD.uid


@pytest.mark.parametrize("name", NAMES)
def test_a_section_is_complete(name: str) -> None:
    text = sections(README)[name]
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE) == PARTS
    assert documented(text)


def test_the_readme_names_what_is_counted_and_decided() -> None:
    text = README.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(pizza_\w+)", text, re.MULTILINE)) == {
        "pizza_orders_total",
        "pizza_revenue_euros_total",
        "pizza_http_request_duration_seconds",
    }
    for link in re.findall(r"\]\(#([^)]+)\)", text):
        assert link in anchors(README)


@pytest.mark.parametrize(
    "check",
    [
        form.test_the_sdks_own_types_hold_all_of_it,
        form.test_every_panel_has_a_unit_a_description_and_its_place,
        form.test_every_variable_is_defined_and_used,
        form.test_a_variable_depends_on_those_before_it,
    ],
)
def test_the_dashboard_has_the_form_of_the_others(check: object) -> None:
    assert callable(check)
    check(FILE)


def test_an_alert_is_explained_by_one_panel_with_its_limits() -> None:
    explained = [name for panel in DASHBOARD.panels for name in panel.alerts]
    assert sorted(explained) == NAMES
    links = form.links(form.load(FILE))
    assert {alert.annotations["runbook_url"] for alert in ALERTS} <= links
    for panel in (panel for panel in DASHBOARD.panels if panel.alerts):
        for severity, limit in panel.limits:
            compared = {
                float(number)
                for alert in ALERTS
                if alert.name in panel.alerts and alert.severity == severity
                for number in re.findall(r">=? ([\d.]+)", alert.expression)
            }
            assert limit in compared, (panel.title, severity)
