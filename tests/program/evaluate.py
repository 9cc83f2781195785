"""`__main__.py`, evaluated with a stack's own configuration."""

import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mocks.recording import Deployment, deploy

ROOT = Path(__file__).parents[2]
PROJECT = "prometheus-aws"


def program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def cli_config(changes: Mapping[str, Any] | None = None, stack: str = "dev") -> dict[str, str]:
    """A stack's configuration as Pulumi's CLI hands it over: text, with JSON for what is not.

    Args:
        changes: the environment, or keys of blocks, in place of what the stack's file says.
        stack: whose file it is.
    """
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    file = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    defaults = {
        key if ":" in key else f"{PROJECT}:{key}": entry.get("default", entry.get("value"))
        for key, entry in project["config"].items()
    }
    values = defaults | file["config"]
    for name, change in (changes or {}).items():
        key = f"{PROJECT}:{name}"
        values[key] = change if isinstance(change, str) else {**values.get(key, {}), **change}
    return {key: v if isinstance(v, str) else json.dumps(v) for key, v in values.items()}


def evaluate(
    changes: Mapping[str, Any] | None = None, *, stack: str = "dev", preview: bool = False
) -> Deployment:
    """What a stack registers, with changes of its configuration."""
    return deploy(program, config=cli_config(changes, stack), preview=preview, stack=stack)


def variables(deployment: Deployment) -> Mapping[str, str]:
    """Environment of the Prometheus container."""
    container, *_ = json.loads(deployment.inputs("prometheus-task")["containerDefinitions"])
    return {entry["name"]: entry["value"] for entry in container["environment"]}
