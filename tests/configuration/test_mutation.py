"""Each comparison, number and duration of the rules matters to a unit test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.configuration.mutation import Mutant, mutants, survivors
from tests.configuration.rules_files import OF_THE_FUTURE, RULE_FILES, RULES, UNIT_TESTS, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EQUIVALENT = {
    # An increase of exactly 2 does not occur: it is extrapolated.
    (
        "NodeSystemdServiceCrashlooping[warning]: > -> >= in"
        ' increase(node_systemd_service_restart_total{job="node"}[5m]) >= 2'
    ),
}
"""Changes that change nothing."""

UNSHOWN = {f"{alert}[critical]: for: 60s" for alert in OF_THE_FUTURE}
"""Changes that promtool cannot notice; the sandbox's test does, as it does not wait so long."""


def runs(rules_file: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield the files of unit tests that load a file of rules, with all that they load."""
    for unit_tests in UNIT_TESTS:
        loaded = [(unit_tests.parent / file).resolve() for file in load(unit_tests)["rule_files"]]
        if rules_file in loaded:
            yield unit_tests, loaded


@pytest.mark.parametrize("rules_file", RULE_FILES, ids=lambda path: path.name)
def test_every_change_of_a_rule_is_noticed(rules_file: Path, tmp_path: Path) -> None:
    own = [rule for rule in RULES if rule.file == rules_file]
    unchanged = [Mutant(rule, "nothing", rule.body) for rule in own]
    alive = [mutant for rule in own for mutant in mutants(rule)]
    assert alive
    for unit_tests, loaded in runs(rules_file):
        directory = tmp_path / unit_tests.name
        directory.mkdir()
        rules = [rule for rule in RULES if rule.file in loaded]
        left = survivors([*unchanged, *alive], rules, unit_tests, directory)
        assert set(unchanged) <= set(left), "the tests fail without any change"
        alive = [mutant for mutant in left if mutant not in unchanged]
    names = tuple(f"{rule}: " for rule in own)
    assert {str(mutant) for mutant in alive} == {
        change for change in EQUIVALENT | UNSHOWN if change.startswith(names)
    }
