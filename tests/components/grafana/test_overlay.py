"""What is checked of a user's own dashboards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.grafana import overlay
from tests.components.configuration.files import write
from tests.components.examples import OWN

if TYPE_CHECKING:
    from pathlib import Path


def dashboard(**more: Any) -> str:  # noqa: ANN401
    return json.dumps({"uid": "mine", "title": "Mine", **more})


def test_the_dashboard_of_the_example_is_legal() -> None:
    overlay.check([OWN / "grafana"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "dashboards/a.json is no JSON: Expecting property name"),
        ("[]", "dashboards/a.json is no dashboard: expected an object in braces"),
        (dashboard(uid=""), "dashboards/a.json has no uid: expected a dashboard as the classic"),
        (dashboard(title=5), "dashboards/a.json has no title"),
        (dashboard(uid="hosts"), "has the uid 'hosts' of the package's hosts.json: take another"),
        (dashboard(uid="b"), "has the uid 'b'"),
        (dashboard(__inputs=[]), "was exported to be shared with others"),
    ],
)
def test_dashboards_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "dashboards/b.json", dashboard(uid="b", title="B"))
    with pytest.raises(ValueError, match=r"\w") as error:
        overlay.check([write(tmp_path, "dashboards/a.json", text)])
    assert said in str(error.value)


def test_variables_of_grafana_are_its_own_affair(tmp_path: Path) -> None:
    overlay.check(
        [write(tmp_path, "dashboards/a.json", dashboard(x="${DS_X} ${RUNBOOK_BASE_URL}"))]
    )
