"""What is checked of a user's own templates, with amtool and without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from components import assets
from components.alertmanager import overlay
from components.alertmanager.overlay import VARIABLES
from components.configuration import tools
from components.configuration.variables import fill_in
from tests.components.configuration.files import tool, write
from tests.components.examples import OWN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def amtool() -> Path:
    return tool("amtool")


def own_template(tmp_path: Path, text: str, name: str = "z.tmpl") -> Path:
    return write(tmp_path, f"templates/{name}", text)


def test_the_templates_of_the_example_are_legal_and_count(amtool: Path, tmp_path: Path) -> None:
    overlay.check([OWN / "alertmanager"], amtool)
    for folder in (assets.image_context("alertmanager"), OWN / "alertmanager"):
        for file in (folder / "templates").glob("*.tmpl"):
            text = fill_in(file.read_text(encoding="utf-8"), VARIABLES, comments=True)
            (tmp_path / file.name).write_text(text, encoding="utf-8")
    data = {"status": "firing", "commonLabels": {"team": "shop", "severity": "critical"}}
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
    color = tools.run(
        *(amtool, "template", "render", "--template.glob=*.tmpl", "--template.data=data.json"),
        '--template.text={{ template "slack_color" . }}',
        folder=tmp_path,
    )
    assert color.strip() == "#7b1fa2"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("z.tmpl", '{{ define "x" }}${GRAFANA}{{ end }}', "${GRAFANA} is unknown: did you mean"),
        ("z.tmpl", "hello", "templates/z.tmpl defines no template: expected {{ define"),
        (
            "a.tmpl",
            '{{- define "text" }}x{{ end }}',
            (
                "templates/a.tmpl is read before the package's text.tmpl, whose 'text' would count:"
                " give the file a name that comes later, such as z_a.tmpl"
            ),
        ),
    ],
)
def test_templates_that_are_refused_without_amtool(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        overlay.check([own_template(tmp_path, text, name)], None)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{{ define "text" }}', "unexpected EOF"),
        ('{{ define "text" }}{{ nope }}{{ end }}', 'function "nope" not defined'),
        ('{{ define "text" }}{{ template "gone" . }}{{ end }}', '"gone" not defined'),
        ('{{ define "slack_color" }}{{ .Lables }}{{ end }}', "can't evaluate field Lables"),
    ],
)
def test_amtool_writes_a_notification(tmp_path: Path, amtool: Path, text: str, said: str) -> None:
    overlay.check([own_template(tmp_path, text)], None)
    with pytest.raises(ValueError, match="amtool refuses it: ") as error:
        overlay.check([tmp_path], amtool)
    assert said in str(error.value)
