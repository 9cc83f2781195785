"""What the dashboards need of the alert rules: where each alert's runbook is."""

import functools
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent.parent / "docker" / "prometheus" / "rules.d"


def runbook(alert: str) -> str:
    """Return an alert's `runbook_url`, as the rules have it: `${RUNBOOK_BASE_URL}/...`.

    Raises:
        ValueError: there is no such alert.
    """
    if alert not in _runbooks():
        raise ValueError(f"a panel names alert {alert!r}: expected one of {_FOLDER}")
    return _runbooks()[alert]


@functools.cache
def _runbooks() -> dict[str, str]:
    return {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for file in sorted(_FOLDER.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
