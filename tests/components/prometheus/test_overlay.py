"""What is checked of a user's own rules and jobs, with promtool and without."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from components.alertmanager.overlay import VARIABLES
from components.configuration.variables import needed
from components.prometheus import overlay
from components.prometheus.prometheus_args import overlay_variables
from tests.components.configuration.files import alert, tool, write
from tests.components.examples import OWN, ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=[False, True], ids=["form", "tool"])
def promtool(request: pytest.FixtureRequest) -> Path | None:
    return tool("promtool") if request.param else None


def check(folder: Path, promtool: Path | None, scrape_interval: str = "") -> None:
    overlay.check([folder], overlay_variables(scrape_interval), promtool)


def job(name: str = "shop", **more: Any) -> str:  # noqa: ANN401
    static = [{"targets": ["127.0.0.1:1"]}]
    return json.dumps({"scrape_configs": [{"job_name": name, "static_configs": static, **more}]})


def test_the_example_is_legal(promtool: Path | None) -> None:
    check(OWN / "prometheus", promtool)


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
    ("scrape.d/a.yml", job("${PROMETHEUS_EXTERNAL_URL}"), "${PROMETHEUS_EXTERNAL_URL} is unknow"),
    (
        "scrape.d/a.yml",
        f"# needs: PROMETHEUS_EXTERNAL_URL\n{job('${ALERTMANAGER_PORT}')}",
        "scrape.d/a.yml line 2: the variable ${ALERTMANAGER_PORT} is unknown",
    ),
    ("scrape.d/a.yml", job("${ALERTMANAGER_DNS_NAME}"), "${ALERTMANAGER_DNS_NAME} is unknown"),
    (
        "scrape.d/a.yml",
        "# needs: SHOP\n" + job(),
        "line 1: it would always be left out: # needs: SHOP; expected one of PROMETHEUS_NAME",
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
        check(tmp_path, tool("promtool"))
    assert said in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert "/tmp" not in str(error.value)  # noqa: S108 - where it was looked at


def test_promtool_tells_of_rules_and_jobs_at_once(tmp_path: Path) -> None:
    write(tmp_path, "rules.d/a.yml", alert(expr="up =="))
    write(tmp_path, "scrape.d/a.yml", job(static_config=[]))
    with pytest.raises(ValueError, match=r"rules\.d/a\.yml.*; promtool.*scrape\.d/a\.yml"):
        check(tmp_path, tool("promtool"))


def test_times_are_checked_against_the_stacks_own(tmp_path: Path) -> None:
    write(tmp_path, "scrape.d/a.yml", job(scrape_timeout="30s"))
    check(tmp_path, tool("promtool"), scrape_interval="1m")


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
        check(OWN / "prometheus", tool)


def _names(text: str) -> list[str]:
    return re.findall(r"`(?:# needs: )?([A-Z][A-Z_]+)`", text)


def test_the_guide_names_every_variable() -> None:
    guide = (ROOT / "docs" / "own-configuration.md").read_text(encoding="utf-8")
    _, _, section = guide.partition("## Variables")
    table, _, rest = section.partition("\n\n- In alerts")
    rows, _, others = table.partition("Others are there")
    variables = overlay_variables()
    of_the_container = {name for name in variables.always if re.search("_(DIR|HOST)$", name)}
    assert set(_names(rows)) == variables.always.keys() - of_the_container
    assert set(_names(others)) == variables.all_of_them.keys() - variables.always.keys()
    assert {f"${{{name}}}" for name in VARIABLES} <= set(re.findall(r"\$\{[A-Z_]+\}", rest))
