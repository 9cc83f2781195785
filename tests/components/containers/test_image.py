"""components.containers.image: the tag of an image, and the repository that it is pushed to."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from components.containers.image import content_tag

# --- the image's tag ---


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "rules.d").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (folder / "entrypoint.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "entrypoint.sh").chmod(0o755)
    (folder / "rules.d" / "a.yml").write_text("groups: []\n", encoding="utf-8")
    return folder


def test_the_tag_is_a_legal_one_that_says_what_is_inside(context: Path) -> None:
    assert re.fullmatch(r"3\.15\.0-arm64-[0-9a-f]{12}", content_tag(context, "3.15.0", "ARM64"))


def test_the_tag_stays_where_the_image_does(context: Path, tmp_path: Path) -> None:
    """Another machine, another time of checkout, another umask: the same image."""
    before = content_tag(context, "3.15.0", "ARM64")
    copy = tmp_path / "elsewhere"
    shutil.copytree(context, copy)
    for file in [path for path in copy.rglob("*") if path.is_file()]:
        os.utime(file, (1, 1))
        file.chmod(file.stat().st_mode & 0o700)
    (copy / "empty").mkdir()
    assert content_tag(copy, "3.15.0", "ARM64") == before


def test_the_tag_does_not_depend_on_the_order_of_the_file_system(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_tag(context, "3.15.0", "ARM64")
    files = list(context.rglob("*"))
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(files[::-1]))
    assert content_tag(context, "3.15.0", "ARM64") == before
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(files))
    assert content_tag(context, "3.15.0", "ARM64") == before


@pytest.mark.parametrize(
    ("change", "version", "architecture"),
    [
        ("echo '# more' >> Dockerfile", "3.15.0", "ARM64"),
        ("chmod -x entrypoint.sh", "3.15.0", "ARM64"),
        ("chmod +x Dockerfile", "3.15.0", "ARM64"),
        ("mv rules.d/a.yml rules.d/b.yml", "3.15.0", "ARM64"),
        ("mv rules.d rules.e", "3.15.0", "ARM64"),
        ("mv rules.d/a.yml a.yml", "3.15.0", "ARM64"),
        ("touch new", "3.15.0", "ARM64"),
        ("rm rules.d/a.yml", "3.15.0", "ARM64"),
        ("true", "3.15.1", "ARM64"),
        ("true", "3.15.0", "X86_64"),
    ],
)
def test_the_tag_changes_with(context: Path, change: str, version: str, architecture: str) -> None:
    before = content_tag(context, "3.15.0", "ARM64")
    subprocess.run(["sh", "-c", change], cwd=context, check=True, timeout=30)
    assert content_tag(context, version, architecture) != before
