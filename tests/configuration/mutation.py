"""Changes the rules one small step at a time, and sees whether a unit test notices.

A change is one of a comparison, a number or a duration `for`. One that no test notices is either a
gap in the tests or a condition that means nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from sandbox.binaries import ensure
from tests.configuration.rules_files import Rule, load, metric_of, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

HOUR = 3600.0  # seconds

_OPERATORS = {
    ">": (">=", "<"),
    "<": ("<=", ">"),
    ">=": (">", "<"),
    "<=": ("<", ">"),
    "==": ("!=",),
    "!=": ("==",),
}
_TOKEN = re.compile(
    r"""(?P<skipped>"[^"]*"|\{(?:"[^"]*"|[^"}])*\}|\[[^]]*\]|[a-zA-Z_:][\w:]*|\d+[smhdwy]\w*|\#.*)
    |(?P<operator>[<>=!]=|[<>])
    |(?P<number>\d+(?:\.\d+)?)""",
    re.VERBOSE,
)


@dataclass(frozen=True, eq=False)
class Mutant:
    """A rule with one change."""

    rule: Rule
    change: str
    """Such as `0.9 -> 0.99 in ...`."""
    body: Mapping[str, Any]
    """What stands in the file of rules."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.change}"


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Make every changed form of a rule.

    A number is changed by a tenth, a whole one at least by one. From 0, the step up is 1.5: one
    event counts as a little more than one in `increase`. The value of `vector(1)` means nothing.
    `for` is changed by a minute, from an hour on by 5: the steps of the unit tests.
    """
    text = rule.expression
    for token in _TOKEN.finditer(text) if text != "vector(1)" else ():
        old = token.group()
        for new in _OPERATORS.get(old, ()) if token["operator"] else _numbers(token["number"]):
            changed = text[: token.start()] + new + text[token.end() :]
            yield Mutant(rule, f"{old} -> {new} in {changed}", {**rule.body, "expr": changed})
    if rule.severity is not None:
        step = 60.0 if rule.wait < HOUR else 300.0
        for wait in {rule.wait + step, max(rule.wait - step, 0.0)} - {rule.wait}:
            yield Mutant(rule, f"for: {wait:.0f}s", {**rule.body, "for": f"{wait:.0f}s"})


def _numbers(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    number = float(text)
    if not number:
        return ("1.5", "-1")
    step = number / 10 if "." in text else max(1.0, number / 10)
    return (f"{number + step:.10g}", f"{number - step:.10g}")


def survivors(
    found: Sequence[Mutant], rules: Sequence[Rule], unit_tests: Path, directory: Path
) -> list[Mutant]:
    """Return the mutants that a file of unit tests does not notice.

    Args:
        found: mutants of some of the rules.
        rules: all the rules that the file loads.
        unit_tests: the file.
        directory: an empty one to work in.

    Raises:
        RuntimeError: promtool cannot judge one of them.
    """
    document = load(unit_tests)
    files = {}
    alive = []
    for number, mutant in enumerate(found):
        kept = _concerned(mutant.rule, rules)
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for rule in kept:
            body = mutant.body if rule is mutant.rule else rule.body
            groups.setdefault(rule.group, []).append(body)
        rules_path = directory / f"{number}.rules.json"
        rules_path.write_text(
            json.dumps({"groups": [{"name": name, "rules": groups[name]} for name in groups]}),
            encoding="utf-8",
        )
        tests = list(_tests(document["tests"], kept, mutant.rule))
        if not tests:
            alive.append(mutant)
            continue
        path = directory / f"{number}.test.json"
        reduced = {
            **document,
            "rule_files": [str(rules_path)],
            "group_eval_order": [name for name in document["group_eval_order"] if name in groups],
            "tests": tests,
        }
        path.write_text(json.dumps(reduced), encoding="utf-8")
        files[str(path)] = mutant
    if not files:
        return alive
    report = directory / "report.xml"
    subprocess.run(
        [ensure(["promtool"])["promtool"], "test", "rules", f"--junit={report}", *files],
        capture_output=True,
        check=False,
    )
    for suite in ET.parse(report).getroot():  # noqa: S314 - promtool's own report
        mutant = files[suite.attrib["name"]]
        failures = ["".join(failure.itertext()) for failure in suite.iter("failure")]
        if not failures:
            alive.append(mutant)
        elif "got:" not in "".join(failures):
            raise RuntimeError(f"promtool cannot judge {mutant}: {failures[0]}")
    return alive


def _concerned(changed: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that need the changed one, its namesakes, and the records that they need."""
    names = {changed.name}
    while more := {rule.name for rule in rules if metrics(rule.expression) & names} - names:
        names |= more
    while (
        more := {
            name
            for rule in rules
            if rule.name in names
            for name in metrics(rule.expression) & {other.name for other in rules}
        }
        - names
    ):
        names |= more
    return [rule for rule in rules if rule.name in names]


def _tests(
    tests: Sequence[Mapping[str, Any]], kept: Sequence[Rule], changed: Rule
) -> Iterator[dict[str, Any]]:
    """Yield what the unit tests say about the rules that are kept, with the series these need."""
    names = {rule.name for rule in kept}
    read = set().union(*(metrics(rule.expression) for rule in kept))
    for test in tests:
        alerts = [case for case in test.get("alert_rule_test", []) if case["alertname"] in names]
        queries = [
            case
            for case in test.get("promql_expr_test", [])
            if changed.name in metrics(case["expr"])
        ]
        series = [series for series in test["input_series"] if metric_of(series["series"]) in read]
        if alerts or queries:
            yield {
                **test,
                "input_series": series,
                "alert_rule_test": alerts,
                "promql_expr_test": queries,
            }
