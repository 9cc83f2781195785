"""What people read: the texts of each integration, rendered by amtool of the deployed version."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from components.alertmanager.configuration import Routing, configuration
from sandbox.binaries import ensure

TEMPLATES = Path(__file__).resolve().parents[2] / "docker" / "alertmanager" / "templates"
GOLDEN = Path(__file__).parent / "golden" / "alertmanager"
GRAFANA_URL = "https://grafana.example.com"
PLACE = {"environment": "prod", "region": "eu-west-1"}


def alert(
    labels: dict[str, str], annotations: dict[str, str], status: str = "firing"
) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {**PLACE, **labels},
        "annotations": annotations,
        "startsAt": "2026-11-21T10:00:00+01:00",
        "endsAt": "2026-11-21T11:00:00+01:00",
        "generatorURL": "http://prometheus:9090/graph",
    }


def notification(alerts: list[dict[str, Any]], group_by: tuple[str, ...]) -> dict[str, Any]:
    """Return what Alertmanager hands to a template."""

    def common(part: str) -> dict[str, str]:
        first, *others = (one[part] for one in alerts)
        return {
            name: value
            for name, value in first.items()
            if all(other.get(name) == value for other in others)
        }

    firing = any(one["status"] == "firing" for one in alerts)
    return {
        "receiver": "page",
        "status": "firing" if firing else "resolved",
        "alerts": alerts,
        "groupLabels": {name: alerts[0]["labels"][name] for name in group_by},
        "commonLabels": common("labels"),
        "commonAnnotations": common("annotations"),
        "externalURL": "https://alertmanager.example.com",
    }


def memory(host: str, status: str = "firing") -> dict[str, Any]:
    return alert(
        {
            "alertname": "NodeMemoryHighUtilization",
            "severity": "critical",
            "job": "node",
            "instance": host,
        },
        {
            "summary": f"{host} is out of memory or nearly so.",
            "description": f"98.2% of the memory of {host} is in use and cannot be reclaimed.",
            "runbook_url": "https://example.com/node.md#nodememoryhighutilization",
            "dashboard": "host",
        },
        status,
    )


GROUP = ("alertname", "environment", "region")
CASES = {
    "one": notification([memory("web-1")], GROUP),
    "some-resolved": notification([memory("web-1"), memory("web-2", "resolved")], GROUP),
    "resolved": notification([memory("web-1", "resolved")], GROUP),
    # A user's rule with the least that there can be, grouped by a label of theirs.
    "bare": notification(
        [
            alert({"alertname": "A", "team": "shop"}, {}),
            alert({"alertname": "B", "team": "shop", "severity": "warning"}, {}),
        ],
        ("team",),
    ),
    # What a label may contain: markup, quotes, other alphabets; a runbook without an address.
    "awkward": notification(
        [
            alert(
                {"alertname": "Größe", "path": 'a"b\\c, {<!channel>} & d', "severity": "warning"},
                {
                    "summary": f"<!here> Zu groß: <{'x' * 100}> & mehr",
                    "runbook_url": "docs/runbooks/node.md",
                    "dashboard": "a b",
                },
            )
        ],
        GROUP,
    ),
    "many": notification([memory(f"web-{number:02}") for number in range(12)], GROUP),
}


def filled_in(directory: Path, grafana_url: str) -> Path:
    """Fill in the templates as the entrypoint does."""
    for path in TEMPLATES.glob("*.tmpl"):
        text = path.read_text(encoding="utf-8").replace("${GRAFANA_URL}", grafana_url)
        (directory / path.name).write_text(text, encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled_in(tmp_path_factory.mktemp("templates"), GRAFANA_URL)


def rendered(text: str, case: str, templates: Path) -> str:
    """Render a text of the configuration."""
    data = templates / f"{case}.json"
    data.write_text(json.dumps(CASES[case]), encoding="utf-8")
    done = subprocess.run(
        [
            *(ensure(["amtool"])["amtool"], "template", "render"),
            f"--template.glob={templates}/*.tmpl",
            f"--template.data={data}",
            f"--template.text={text}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def texts(config: dict[str, Any], key: str = "") -> dict[str, str]:
    """Return the templates of an integration's configuration, by key."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            found |= texts(value, f"{key}{name}.")
        elif isinstance(value, str) and "{{" in value:
            found[f"{key}{name}"] = value
    return found


def integration(name: str) -> dict[str, Any]:
    receivers = configuration(Routing(page_with=[name]))["receivers"]
    [receiver] = [one for one in receivers if one["name"] == name]
    config: dict[str, Any] = receiver[f"{name}_configs"][0]
    return config


REVIEWED = [
    *((name, case) for name in ("sns", "slack") for case in CASES if case != "many"),
    ("pagerduty", "one"),
    ("opsgenie", "one"),
]


@pytest.mark.parametrize(("name", "case"), REVIEWED)
def test_texts_are_as_reviewed(name: str, case: str, templates: Path, tmp_path: Path) -> None:
    """After a change that is meant, copy the file that the failure names to golden/alertmanager."""
    parts = {key: rendered(text, case, templates) for key, text in texts(integration(name)).items()}
    text = "".join(f"--- {key}\n{part}\n" for key, part in parts.items())
    file = tmp_path / f"{name}.{case}.txt"
    file.write_text(text, encoding="utf-8")
    assert text == (GOLDEN / file.name).read_text(encoding="utf-8"), file


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("text", ["text", "slack_text"])
def test_without_grafana_only_its_links_are_missing(
    text: str, case: str, templates: Path, tmp_path: Path
) -> None:
    text = f'{{{{ template "{text}" . }}}}'
    found = rendered(text, case, filled_in(tmp_path, ""))
    lines = rendered(text, case, templates).splitlines(keepends=True)
    assert found == "".join(line for line in lines if GRAFANA_URL not in line)
    assert "Dashboard" not in found


@pytest.mark.parametrize("text", ["text", "slack_text"])
def test_of_very_many_alerts_some_are_shown(text: str, templates: Path) -> None:
    found = rendered(f'{{{{ template "{text}" . }}}}', "many", templates)
    assert found.count("FIRING: ") == found.count("node.md#") == 10
    assert "... 12 in all, of which these are 10\n" in found
    assert "Silence" in found


@pytest.mark.parametrize("case", CASES)
def test_the_subject_is_one_that_sns_takes(case: str, templates: Path) -> None:
    """Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, parameter Subject."""
    subject = rendered(integration("sns")["subject"], case, templates)
    assert 0 < len(subject) <= 100
    assert subject.isascii()
    assert subject.isprintable()
    assert subject[0] == "["


def test_the_link_to_a_silence_names_what_the_alerts_share(templates: Path) -> None:
    url = rendered('{{ template "silence_url" . }}', "awkward", templates)
    fragment = urlsplit(url).fragment
    assert fragment.startswith("/silences/new?filter=")
    matchers = unquote(fragment.partition("filter=")[2])  # in a fragment, + is no blank
    assert matchers == (
        '{alertname="Größe",environment="prod",path="a\\"b\\\\c, {<!channel>} & d"'
        ',region="eu-west-1",severity="warning"}'
    )
