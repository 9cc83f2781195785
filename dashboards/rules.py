"""What the dashboards need of the alert rules: where each alert's runbook is."""

import functools
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent.parent / "docker" / "prometheus" / "rules.d"


@functools.cache
def runbooks() -> dict[str, str]:
    """Return alert -> `runbook_url`, as the rules have it: `${RUNBOOK_BASE_URL}/...`."""
    return {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for file in sorted(_FOLDER.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
