"""The runbooks: a complete section per alert, valid queries, links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from components import assets
from components.notifications.events import NOTIFICATIONS, runbook_url
from components.notifications.service_watch import TOO_FEW_TASKS
from components.runbooks import base_url
from sandbox.binaries import ensure
from tests.configuration.rules_files import (
    ALERTS,
    ROOT,
    RUNBOOKS,
    Rule,
    documented_queries,
    sections,
)

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
README = ROOT / "docs" / "runbooks" / "README.md"
NOTIFICATIONS_PAGE = README.with_name("notifications.md")
SECTIONS = [
    (path, heading, text)
    for path in RUNBOOKS
    if path != README
    for heading, text in sections(path).items()
]


def anchors(path: Path) -> set[str]:
    """Return GitHub's anchors of a file's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_the_alert_points_at_its_section(alert: Rule) -> None:
    base, _, rest = alert.annotations["runbook_url"].partition("/")
    file, _, anchor = rest.partition("#")
    assert base == "${RUNBOOK_BASE_URL}"
    assert README.with_name(file) in RUNBOOKS, f"{file} does not exist"
    assert anchor == alert.name.lower()
    assert anchor in anchors(README.with_name(file))


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ({}, "docs/runbooks"),
        ({"Homepage": "https://example.com"}, "docs/runbooks"),
        (
            {"Repository": "https://example.com/it/"},
            "https://example.com/it/blob/main/docs/runbooks",
        ),
    ],
)
def test_the_projects_metadata_says_where_the_runbooks_are(
    urls: dict[str, str], expected: str
) -> None:
    found = assets.runbooks({"project": {"name": "it", "urls": urls}})
    assert found == expected
    base_url(found)


def test_the_default_is_this_projects() -> None:
    """A path that leads somewhere in a checkout, until the project has an address."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert assets.runbooks(metadata) == assets.RUNBOOKS
    assert (ROOT / assets.RUNBOOKS / README.name) == README or "://" in assets.RUNBOOKS


@pytest.mark.parametrize(
    "value", ["", "/", "https://a.example/", "a b", "a\n", "{{ x }}", "$A", 'a"', "a#b", "ä"]
)
def test_an_address_that_would_break_the_rules_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a URL such as https://example\.com/runbooks"):
        base_url(value)


def test_each_section_belongs_to_an_alert() -> None:
    headings = sorted(heading for path, heading, _ in SECTIONS if path != NOTIFICATIONS_PAGE)
    assert headings == sorted({alert.name for alert in ALERTS})


def test_each_notification_of_aws_has_its_section() -> None:
    told = [it.runbook for it in NOTIFICATIONS.values()] + [TOO_FEW_TASKS]
    assert [heading for path, heading, _ in SECTIONS if path == NOTIFICATIONS_PAGE] == told
    for section in told:
        page, _, anchor = runbook_url("docs/runbooks", section).partition("#")
        assert ROOT / page == NOTIFICATIONS_PAGE
        assert anchor in anchors(NOTIFICATIONS_PAGE)


@pytest.mark.parametrize(
    "text", [text for _, _, text in SECTIONS], ids=[heading for _, heading, _ in SECTIONS]
)
def test_the_section_is_complete(text: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE) == PARTS


@pytest.mark.parametrize("alert", [alert for alert in ALERTS if alert.name != "Watchdog"], ids=str)
def test_the_section_shows_a_query(alert: Rule) -> None:
    assert any(where.endswith(f"#{alert.name}") for where, _ in documented_queries())


def test_the_queries_are_valid(tmp_path: Path) -> None:
    rules = [
        {"record": f"runbook:query:{number}", "expr": query, "labels": {"runbook": where}}
        for number, (where, query) in enumerate(documented_queries())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(
        yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8"
    )
    done = subprocess.run(
        [ensure(["promtool"])["promtool"], "check", "rules", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_the_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
