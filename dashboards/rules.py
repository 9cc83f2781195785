"""What the dashboards need of the alert rules: where each alert's runbook is."""

import functools
from pathlib import Path

import yaml

RULES = Path(__file__).parent.parent / "docker" / "prometheus" / "rules.d"
"""The package's."""


def runbook(alert: str, folder: Path) -> str:
    """Return an alert's `runbook_url`, as the rules have it: `${RUNBOOK_BASE_URL}/...`.

    Args:
        alert: its name.
        folder: of the rules.

    Raises:
        ValueError: there is no such alert.
    """
    if alert not in _runbooks(folder):
        raise ValueError(f"a panel names alert {alert!r}: expected one of {folder}")
    return _runbooks(folder)[alert]


@functools.cache
def _runbooks(folder: Path) -> dict[str, str]:
    return {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for file in sorted(folder.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
