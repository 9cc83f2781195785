"""components.assets: the package's own files are found from anywhere."""

import json
from pathlib import Path

import pytest

from components import assets

ROOT = Path(__file__).parents[2]


def test_the_files_are_those_of_the_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert assets.image_context("prometheus") == ROOT / "docker" / "prometheus"
    script = (ROOT / "userdata" / "node_exporter.sh").read_text(encoding="utf-8")
    assert assets.user_data_script("node_exporter") == script
    assert json.loads((ROOT / "versions.json").read_text(encoding="utf-8")) == assets.VERSIONS
