"""`make check CONFIG=folder`: a user's own files, checked and tested by the pinned tools."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from configuration_check import CheckError, main, overlays
from tests.components.examples import OWN, ROOT


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a copy of the example, to be changed."""
    return Path(shutil.copytree(OWN, tmp_path / "own"))


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_it_says_what_it_did_and_what_to_do_next(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(own)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        (
            f"{own}/prometheus: rules.d/shop.yml, scrape.d/shop.yml: promtool accepts them within"
            " the whole configuration"
        ),
        f"{own}/prometheus: tests/shop.test.yml: the rule tests pass",
        f"{own}/alertmanager: templates/z_shop.tmpl: amtool writes a notification with them",
        f"{own}/grafana: dashboards/shop.json: Grafana can provision them, by their form",
        f"{own}/routes.yml: amtool accepts it within the whole configuration",
        f"{own}/routes.test.yml: alerts reach whom they should: all 6",
        (
            f"Next: prometheus.overlay: {own}/prometheus; alertmanager.overlay: {own}/alertmanager;"
            f" grafana.overlay: {own}/grafana; alertmanager.routesFile: {own}/routes.yml in"
            " Pulumi.<stack>.yaml, then .venv/bin/python -m settings, pulumi up"
        ),
    ]


def test_a_rule_test_that_fails_is_shown(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(own / "prometheus" / "rules.d" / "shop.yml", "> 0.05", "> 0.5")
    assert main([str(own)]) == 1
    out, err = capsys.readouterr()
    assert "promtool accepts them" in out
    assert "rule tests pass" not in out
    assert "Next:" not in out
    assert f"error: {own}/prometheus: a rule test fails:\n" in err
    assert "  name: ShopOrdersFail fires when one order in four fails" in err
    assert f"{own}/grafana: dashboards/shop.json" in out  # the others are checked all the same


def test_rules_are_tested_with_the_packages_rules_and_variables_filled_in(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own / "prometheus"
    url = "https://example.com/runbooks/shop.md"
    change(folder / "rules.d" / "shop.yml", url, "${RUNBOOK_BASE_URL}/shop.md")
    change(folder / "tests" / "shop.test.yml", url, "${RUNBOOK_BASE_URL}/shop.md")
    loaded = "../rules.d/shop.yml\n  - ../rules.d/node_*.yml"
    change(folder / "tests" / "shop.test.yml", "../rules.d/shop.yml", loaded)
    assert main([str(folder)]) == 0, capsys.readouterr().err


def test_lint_is_fatal_as_for_the_packages_rules(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = own / "prometheus" / "rules.d" / "shop.yml"
    record = re.search(r" +- record:.*?\n\n", rules.read_text(encoding="utf-8"), re.DOTALL)
    assert record
    change(rules, record[0], record[0] * 2)
    assert main([str(own / "prometheus")]) == 1
    assert "duplicate rule(s) found" in capsys.readouterr().err


def test_rules_without_a_test_are_named(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own / "prometheus"
    shutil.rmtree(folder / "tests")
    assert main([str(folder)]) == 0
    out, _ = capsys.readouterr()
    assert f"{folder}: note: no rule test loads rules.d/shop.yml; tests/*.yml is where" in out
    (folder / "tests").mkdir()
    (folder / "tests" / "a.yml").write_text("tests: []\n", encoding="utf-8")
    assert main([str(folder)]) == 0
    assert "no rule test loads rules.d/shop.yml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("prometheus/scrape.d/shop.yml", "filters", "filterz", "field filterz not found"),
        ("alertmanager/templates/z_shop.tmpl", "eq .Status", "e .Status", 'function "e" not def'),
        ("grafana/dashboards/shop.json", '"Shop"', '""', "dashboards/shop.json has no title"),
    ],
)
def test_what_is_wrong_is_told(
    own: Path, capsys: pytest.CaptureFixture[str], file: str, before: str, after: str, said: str
) -> None:
    change(own / file, before, after)
    assert main([str(own)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {own}/{file.partition('/')[0]}: ")
    assert said in err


def test_a_file_of_routes_is_checked_alone(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = (own / "routes.yml").rename(own / "ours.yml")
    assert main([str(file)]) == 0
    out, _ = capsys.readouterr()
    assert f"{file}: amtool accepts it" in out
    assert (
        f"{file}: note: no table says who is to be told of what; it would be ours.test.yml" in out
    )
    assert f"Next: alertmanager.routesFile: {file} in Pulumi.<stack>.yaml" in out


def test_whoever_is_not_told_as_expected_is_named(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own / "routes.yml", "    continue: true\n", "")
    assert main([str(own)]) == 1
    out, err = capsys.readouterr()
    assert err == (
        f"error: {own}/routes.yml: routes.test.yml: 1 of 6 alerts do not reach whom they should:\n"
        '  {"alertname"="ShopOrdersFail", "severity"="critical", "team"="shop"}:'
        " expected slack, page; found slack\n"
    )
    assert "the rule tests pass" in out  # the others are checked all the same
    assert "Next:" not in out


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("routes.yml", 'team="shop"\'', 'team=~"("\'', "amtool refuses it: "),
        ("routes.yml", "receiver: slack", "receiver: sluck", "sluck"),
        ("routes.test.yml", "team: shop}", "team: [shop]}", "entry 1 has labels {"),
        (
            "routes.test.yml",
            "receivers: [slack]",
            "receiver: slack",
            "expected the keys labels and",
        ),
        ("routes.test.yml", "[none]", "[]", "entry 5 has receivers []: expected a list of names"),
        ("routes.test.yml", "- labels: {alertname: ShopOrdersFail, severity: w", "- {", "no YAML"),
    ],
)
def test_what_is_wrong_with_routes_or_their_table_is_told(
    own: Path, capsys: pytest.CaptureFixture[str], file: str, before: str, after: str, said: str
) -> None:
    change(own / file, before, after)
    assert main([str(own / "routes.yml")]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {own}/routes.yml: ")
    assert said in err


@pytest.mark.parametrize("server", ["prometheus", "alertmanager", "grafana"])
def test_one_servers_folder_is_known_by_what_is_in_it(server: str) -> None:
    assert overlays(OWN / server) == {server: OWN / server}


def test_a_folder_of_nobody_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckError, match=r"holds nothing that a server reads: .*templates/\*"):
        overlays(tmp_path)
    assert main([str(tmp_path / "gone")]) == 1
    assert "expected make check CONFIG=path/to/folder" in capsys.readouterr().err


def test_make_hands_the_folder_over() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ncheck: setup")[2]
    assert "-m configuration_check $(if $(CONFIG),'$(CONFIG)')" in recipe.partition("\n\n")[0]
