"""What the rules, their unit tests and the runbooks say, read for the tests."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = sorted((ROOT / "docker" / "prometheus" / "rules.d").glob("*.yml"))
UNIT_TESTS = sorted((ROOT / "tests" / "configuration" / "rules").glob("*.test.yml"))
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"}
_WORDS |= {"group_left", "group_right"}


def load(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def seconds(duration: str) -> float:
    """Convert a duration such as 1h30m.

    Raises:
        ValueError: It is not one.
    """
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is not a duration: expected one such as 1h30m")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def metrics(expression: str) -> set[str]:
    """Return the names of the metrics that an expression of PromQL reads."""
    bare = re.sub(r'"[^"]*"|#.*', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    names = re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])", bare)
    return {name for name in names if name not in _WORDS}


def strings(expression: str) -> list[str]:
    """Return the string literals of an expression of PromQL, as they stand there."""
    tokens = re.findall(r"""#.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""", expression)
    return [token for token in tokens if not token.startswith("#")]


def metric_of(series: str) -> str:
    """Return the metric of a series such as `up{job="node"}`."""
    return re.split(r"[{ ]", series)[0]


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule; an alert is told apart from its namesakes by its severity."""

    file: Path
    group: str
    name: str
    severity: str | None
    """None: it records."""
    expression: str
    wait: float
    """Seconds that an alert is pending."""
    annotations: dict[str, str]
    body: dict[str, Any]
    """What stands in the file."""

    def __str__(self) -> str:
        return self.name + (f"[{self.severity}]" if self.severity else "")


@dataclass(frozen=True)
class Check:
    """What a unit test expects of one alert at one time."""

    alert: str
    time: float
    """Seconds."""
    firing: frozenset[str | None]
    """The severities with which it fires."""
    series: frozenset[str]
    """The names of the metrics that are there."""


def rules(files: Iterable[Path]) -> list[Rule]:
    """Return the rules of files of rules."""
    return [
        Rule(
            file=path,
            group=group["name"],
            name=rule["alert"] if "alert" in rule else rule["record"],
            severity=rule.get("labels", {}).get("severity", "") if "alert" in rule else None,
            expression=str(rule["expr"]),
            wait=seconds(rule.get("for", "0s")),
            annotations=rule.get("annotations", {}),
            body=rule,
        )
        for path in files
        for group in load(path)["groups"]
        for rule in group["rules"]
    ]


RULES = rules(RULE_FILES)
ALERTS = [rule for rule in RULES if rule.severity is not None]
RECORDS = [rule for rule in RULES if rule.severity is None]

OF_THE_FUTURE = {"PrometheusClockSetBack": "tests/sandbox/test_storage_faults.py"}
"""Alerts about samples of the future, of which promtool's unit tests load none -> where a real
Prometheus shows them firing.

Source: prometheus, cmd/promtool/unittest.go (`WithSamplesTill`).
"""


def raw_metrics(rule: Rule) -> set[str]:
    """Return the metrics that a rule reads, with those of recorded ones in their place."""
    recorded = {record.name: record for record in RECORDS}
    found: set[str] = set()
    for name in metrics(rule.expression):
        found |= raw_metrics(recorded[name]) if name in recorded else {name}
    return found


@functools.cache
def checks() -> list[Check]:
    return [
        Check(
            alert=check["alertname"],
            time=seconds(check["eval_time"]),
            firing=frozenset(
                expected["exp_labels"]["severity"] for expected in check["exp_alerts"]
            ),
            series=frozenset(metric_of(series["series"]) for series in test["input_series"]),
        )
        for path in UNIT_TESTS
        for test in load(path)["tests"]
        for check in test.get("alert_rule_test", [])
    ]


@functools.cache
def expected_queries() -> list[str]:
    """Return the expressions of which the unit tests expect a result."""
    return [
        query["expr"]
        for path in UNIT_TESTS
        for test in load(path)["tests"]
        for query in test.get("promql_expr_test", [])
        if query["exp_samples"]
    ]


def sections(path: Path) -> dict[str, str]:
    """Return heading -> text of the sections of level 2 of a Markdown file."""
    _, *parts = re.split(r"^## (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def documented(text: str) -> list[str]:
    """Return the queries in a section of Markdown; indented lines go on with a query."""
    return [
        re.sub(r"\s+#.*", "", query)
        for block in re.findall(r"^```promql\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        for query in re.sub(r"\n +", " ", block).splitlines()
    ]


@functools.cache
def documented_queries() -> list[tuple[str, str]]:
    """Return (file and section, query) of the runbooks."""
    return [
        (f"{path.name}#{heading}", query)
        for path in RUNBOOKS
        for heading, text in sections(path).items()
        for query in documented(text)
    ]
