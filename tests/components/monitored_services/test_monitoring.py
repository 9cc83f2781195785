"""components.services.monitoring: a service's own rules and dashboards."""

import json
from pathlib import Path

import pytest

from components.services import monitoring
from components.services.monitoring import legal_monitoring, overlays
from sandbox import binaries
from tests.components.examples import SHOP
from tests.components.refusal import problem

RULES = "groups:\n  - name: shop\n    rules:\n      - record: a:b\n        expr: {expr}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prometheus" / "rules.d").mkdir(parents=True)
    (tmp_path / "grafana" / "dashboards").mkdir(parents=True)
    (tmp_path / "README.md").write_text("Rules of the shop.\n", encoding="utf-8")
    rules = RULES.format(expr="sum(up)")
    (tmp_path / "prometheus" / "rules.d" / "shop.yml").write_text(rules, encoding="utf-8")
    dashboard = json.dumps({"uid": "shop", "title": "Shop"})
    (tmp_path / "grafana" / "dashboards" / "shop.json").write_text(dashboard, encoding="utf-8")
    return tmp_path


def test_a_legal_folder(folder: Path) -> None:
    legal_monitoring(str(folder))
    legal_monitoring(str(SHOP / "monitoring"))
    assert overlays(str(folder)) == {it: folder / it for it in ("prometheus", "grafana")}


def test_none() -> None:
    legal_monitoring("")
    assert overlays("") == {}


def test_rules_alone(folder: Path) -> None:
    (folder / "grafana" / "dashboards" / "shop.json").unlink()
    (folder / "grafana" / "dashboards").rmdir()
    (folder / "grafana").rmdir()
    legal_monitoring(str(folder))
    assert list(overlays(str(folder))) == ["prometheus"]


EXPECTED = "expected folders prometheus and grafana, or one of them"


def test_another_layout(folder: Path, tmp_path: Path) -> None:
    (folder / "alertmanager").mkdir()
    assert problem(legal_monitoring, str(folder)) == f"alertmanager is none of them: {EXPECTED}"
    rules = folder / "prometheus"
    found = problem(legal_monitoring, str(rules))
    assert found == f"rules.d is none of them; it holds none of them: {EXPECTED}"
    assert "there is no such folder" in problem(legal_monitoring, str(tmp_path / "nowhere"))


def test_both_servers_say_what_is_wrong_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "promtool", lambda: None)
    (folder / "prometheus" / "rules.d" / "shop.yml").write_text("groups: 1\n", encoding="utf-8")
    (folder / "grafana" / "dashboards" / "shop.json").write_text("{}", encoding="utf-8")
    found = problem(legal_monitoring, str(folder))
    assert "prometheus: rules.d/shop.yml: expected the key groups with a list" in found
    assert "grafana: dashboards/shop.json has no uid" in found


def test_promtool_looks_where_there_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = binaries.ensure(["promtool"])["promtool"]
    broken = RULES.format(expr="sum(up")
    (folder / "prometheus" / "rules.d" / "shop.yml").write_text(broken, encoding="utf-8")
    monkeypatch.setattr(monitoring, "promtool", lambda: None)
    legal_monitoring(str(folder))
    monkeypatch.setattr(monitoring, "promtool", lambda: real)
    assert "prometheus: promtool refuses it" in problem(legal_monitoring, str(folder))
