"""What is checked of users' files is what runs: the entrypoints make the same of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from components.configuration.tree import merged
from components.prometheus.overlay import render
from components.prometheus.prometheus_args import overlay_variables
from sandbox.binaries import ensure
from tests.components.examples import OWN
from tests.configuration.rendering import REQUIRED, Entrypoint, Toolbox, image_defaults, toolboxes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AWKWARD = """\
# ${NOT_FILLED_IN}
groups:
  - name: awkward-${ENVIRONMENT}-${ENVIRONMENT}
    rules:
      # ${NEITHER}
      # each ECS_CLUSTER_MAP: - {record: "a:${KEY}:b", expr: "vector(1)", labels: {to: "${VALUE}"}}
      # each NOT_A_VARIABLE of these
      - alert: A
        expr: vector(1) # a mark: ${AWS_REGION}
        annotations:
          lower: "${lower} $${ENVIRONMENT} ${} $ENVIRONMENT {{ $value }}"
          link: "${RUNBOOK_BASE_URL}/a.md"
"""
NEEDS = """\
# needs: ALERTMANAGER_DNS_NAME
groups:
  - name: needs
    rules:
      - record: a:b
        expr: vector(${ALERTMANAGER_PORT})
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    (folder / "rules.d").mkdir(parents=True)
    (folder / "rules.d" / "awkward.yml").write_text(AWKWARD, encoding="utf-8")
    (folder / "rules.d" / "needs.yml").write_text(NEEDS, encoding="utf-8")
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in folder.rglob("*.yml")
    }


@pytest.mark.parametrize("toolbox", toolboxes(), ids=lambda toolbox: toolbox.name)
def test_prometheus_gets_what_was_checked(
    tmp_path: Path, own: Path, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = overlay_variables()
    # With it, the entrypoint waits for a container beside it.
    alone = [group for group in known.optional if "CONFIGURATION_PORT" not in group]
    variables = known._replace(optional=alone)
    checked = tmp_path / "checked"
    checked.mkdir()
    render([own], variables, checked)
    entrypoint = Entrypoint(tmp_path, toolbox, merged("prometheus", own))
    here = image_defaults().keys() - REQUIRED.keys()  # with paths of this machine
    values = {name: it for name, it in variables.all_of_them.items() if name not in here}
    listen = {"PROMETHEUS_LISTEN_HOST": variables.always["PROMETHEUS_LISTEN_HOST"]}
    done = entrypoint.run(**values, **listen)
    assert done.returncode == 0, done.stderr
    assert texts(entrypoint.rendered) == texts(checked)


def test_what_needs_an_alertmanager_is_left_out_without_one(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entrypoint = Entrypoint(tmp_path, source=merged("prometheus", own))
    assert entrypoint.run().returncode == 0
    names = {file.name for file in (entrypoint.rendered / "rules.d").iterdir()}
    assert "awkward.yml" in names
    assert "needs.yml" not in names


def test_the_example_loads_the_packages_rules_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container: the merged folder, rendered by the entrypoint, accepted by promtool."""
    monkeypatch.chdir(tmp_path)
    entrypoint = Entrypoint(tmp_path, source=merged("prometheus", OWN / "prometheus"))
    assert entrypoint.run().returncode == 0
    done = subprocess.run(
        [
            *(ensure(["promtool"])["promtool"], "check", "config", "--lint=all", "--lint-fatal"),
            entrypoint.rendered / "prometheus.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs: list[Mapping[str, str]] = yaml.safe_load(
        (entrypoint.rendered / "scrape.d" / "shop.yml").read_text(encoding="utf-8")
    )["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["shop"]
