"""components.configuration.tree: the package's files with a user's own laid over them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pytest

from components import assets
from components.configuration.tree import (
    READ,
    TESTS,
    all_rule_tests,
    merged,
    overlay_files,
    rule_tests,
)
from components.containers.content import shipped_files
from tests.components.examples import MORE, OWN, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = "groups: []\n"
EXPECTED = "expected rules.d/*.yml, scrape.d/*.yml, tests/*.yml"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the project be an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a legal overlay of Prometheus."""
    folder = tmp_path / "own"
    (folder / "rules.d").mkdir(parents=True)
    (folder / "rules.d" / "shop.yml").write_text(RULES, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return path -> mode and content of every file."""
    return {
        file.relative_to(folder).as_posix(): (file.stat().st_mode & 0o777, file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
    }


def refusal(own: Path, server: str = "prometheus") -> str:
    with pytest.raises(ValueError, match=r"\w") as error:
        merged(server, own)
    return str(error.value)


# --- the merged folder ---


@pytest.mark.parametrize("server", READ)
def test_without_an_overlay_it_is_the_packages_own_folder(server: str, project: Path) -> None:
    assert merged(server) == assets.image_context(server)
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("server", READ)
def test_it_holds_the_packages_files_and_the_users(server: str, project: Path) -> None:
    found = merged(server, OWN / server)
    package = assets.image_context(server)
    files = contents(found)
    assert files.keys() == {
        ".dockerignore",
        *shipped_files(package),
        *overlay_files(server, OWN / server),
    }
    for name, (_, content) in files.items():
        source = package / name if (package / name).is_file() else OWN / server / name
        assert content == source.read_bytes()
    # All of it reaches the image, and nothing of it git.
    assert shipped_files(found) == sorted(files.keys() - {".dockerignore"})
    assert found.parent == project / ".build"
    assert (project / ".build" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert sorted(path.name for path in found.parent.iterdir()) == [".gitignore", found.name]


@pytest.mark.parametrize("server", READ)
def test_what_an_overlay_may_hold_is_what_the_image_takes(server: str) -> None:
    ignore = (assets.image_context(server) / ".dockerignore").read_text(encoding="utf-8")
    assert {f"!{pattern}" for pattern in READ[server]} <= set(ignore.splitlines())
    for pattern in TESTS.get(server, ()):
        assert f"!{pattern}" not in ignore


def test_two_checkouts_agree_whatever_the_umask_the_modes_and_the_rest_is(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; os.umask(int(sys.argv[1], 8));"
        " from components.configuration.tree import merged;"
        " print(merged('grafana', Path('own')).relative_to(Path.cwd()))"
    )
    found = []
    for umask, mode in (("022", 0o644), ("077", 0o700)):
        checkout = tmp_path / umask
        shutil.copytree(OWN / "grafana", checkout / "own")
        dashboard = checkout / "own" / "dashboards" / "shop.json"
        dashboard.chmod(mode)
        os.utime(dashboard, (1, 1))
        (checkout / "own" / "README.md").write_text(umask, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", program, umask],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        folder = checkout / done.stdout.strip()
        modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_dir()}
        assert modes == {0o755}
        found.append((done.stdout, contents(folder)))
    assert found[0] == found[1]
    assert {mode for mode, _ in found[0][1].values()} == {0o644, 0o755}
    assert found[0][1]["dashboards/shop.json"][0] == 0o644


def test_the_same_content_is_the_same_folder_and_another_one_another(own: Path) -> None:
    first = merged("prometheus", own)
    (own / "rules.d" / "shop.yml").write_text(RULES + "# more\n", encoding="utf-8")
    second = merged("prometheus", own)
    assert first.is_dir()
    assert second != first
    (own / "rules.d" / "shop.yml").write_text(RULES, encoding="utf-8")
    assert merged("prometheus", own) == first


def test_what_somebody_changed_in_the_merged_folder_is_put_right(own: Path) -> None:
    found = merged("prometheus", own)
    before = contents(found)
    (found / "rules.d" / "shop.yml").write_text("groups: x\n", encoding="utf-8")
    (found / "rules.d" / "foreign.yml").write_text(RULES, encoding="utf-8")
    assert merged("prometheus", own) == found
    assert contents(found) == before


def test_tests_readme_and_leftovers_are_not_in_it(own: Path) -> None:
    before = merged("prometheus", own)
    for name in ("README.md", "rules.d/README", ".DS_Store", "rules.d/.a.yml.swp", "rules.d/a~"):
        (own / name).write_text("x", encoding="utf-8")
    (own / ".git").mkdir()
    (own / ".git" / "HEAD").touch()
    (own / "tests").mkdir()
    (own / "tests" / "shop.yml").write_text("tests: []\n", encoding="utf-8")
    assert merged("prometheus", own) == before
    assert list(rule_tests("prometheus", own)) == ["tests/shop.yml"]


def test_a_project_that_cannot_be_written_says_so(own: Path, project: Path) -> None:
    (project / ".build").touch()
    with pytest.raises(pulumi.RunError, match="the files of prometheus cannot be put together"):
        merged("prometheus", own)


# --- what is refused ---


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rules.d/shop.yaml", f"prometheus does not read rules.d/shop.yaml: {EXPECTED}"),
        ("shop.yml", "prometheus does not read shop.yml"),
        ("rules.d/team/shop.yml", "prometheus does not read rules.d/team/shop.yml"),
        ("alerts/shop.yml", "prometheus does not read alerts/shop.yml"),
        ("prometheus.yml", "prometheus does not read prometheus.yml"),
        ("Dockerfile", "prometheus does not read Dockerfile"),
        ("tests/data.txt", "prometheus does not read tests/data.txt"),
        ("rules.d/targets.yml", "rules.d/targets.yml clashes with the package's own targets.yml"),
        ("rules.d/Targets.yml", "rules.d/Targets.yml clashes with the package's own targets.yml"),
        ("scrape.d/node.yml", "scrape.d/node.yml clashes with the package's own node.yml"),
        ("rules.d/my shop.yml", "has a name that is not legal: expected letters, digits"),
    ],
)
def test_a_file_that_is_not_legal(own: Path, name: str, said: str) -> None:
    (own / name).parent.mkdir(parents=True, exist_ok=True)
    (own / name).write_text(RULES, encoding="utf-8")
    assert said in refusal(own)


def test_all_problems_are_told_at_once(own: Path) -> None:
    for name in ("a.yml", "rules.d/targets.yml", "rules.d/binary.yml"):
        (own / name).write_bytes(b"\xff\xfe")
    said = refusal(own)
    assert said.count("; ") == 2
    assert "rules.d/binary.yml is no text in UTF-8" in said


def test_a_nul_is_no_text(own: Path) -> None:
    (own / "rules.d" / "shop.yml").write_bytes(b"groups: []\0")
    assert refusal(own) == "rules.d/shop.yml is no text: it holds a NUL"


def test_a_folder_without_anything_for_the_server(own: Path) -> None:
    (own / "rules.d" / "shop.yml").unlink()
    assert refusal(own) == f"it holds nothing that prometheus reads: {EXPECTED}"
    (own / "tests").mkdir()
    (own / "tests" / "shop.yml").write_text("tests: []\n", encoding="utf-8")
    assert refusal(own) == f"it holds nothing that prometheus reads: {EXPECTED}"


def test_a_folder_that_is_not_there(own: Path) -> None:
    missing = "there is no such folder; expected a path from the project's folder"
    assert refusal(own / "gone") == missing
    assert refusal(own / "rules.d" / "shop.yml") == missing
    assert refusal(own / "a\0b") == missing


def test_a_link_inside_the_folder_is_a_file(own: Path) -> None:
    (own / "rules.d" / "other.yml").symlink_to("shop.yml")
    found = merged("prometheus", own) / "rules.d" / "other.yml"
    assert not found.is_symlink()
    assert found.read_text(encoding="utf-8") == RULES


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/hostname", "leads out of the folder"),
        ("../../project", "leads out of the folder"),
        ("gone.yml", "is no file"),
        ("bad.yml", "is no file"),  # itself
        (".", "is no file"),
    ],
)
def test_a_link_that_leads_to_no_file_of_the_folder(own: Path, target: str, said: str) -> None:
    (own / "rules.d" / "bad.yml").symlink_to(target)
    assert f"rules.d/bad.yml {said}" in refusal(own)


def test_a_folder_that_is_a_link_is_not_followed(own: Path, project: Path) -> None:
    (project / "more.yml").write_text(RULES, encoding="utf-8")
    (own / "scrape.d").symlink_to(project)
    assert "prometheus does not read scrape.d" in refusal(own)


def test_a_pipe_is_not_waited_for(own: Path) -> None:
    os.mkfifo(own / "rules.d" / "pipe.yml")
    assert refusal(own) == "rules.d/pipe.yml is no file"


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """Be somebody who may not read everything; return a folder where that is so for root, too."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        (folder / "rules.d").mkdir()
        (folder / "rules.d" / "shop.yml").write_text(RULES, encoding="utf-8")
        root = os.geteuid() == 0
        if root:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, 65534, 65534)
            os.seteuid(65534)
        yield folder
        if root:
            os.seteuid(0)


def test_what_cannot_be_read_is_named(as_nobody: Path) -> None:
    (as_nobody / "rules.d" / "shop.yml").chmod(0)
    (as_nobody / "scrape.d").mkdir(mode=0)
    said = refusal(as_nobody)
    assert "rules.d/shop.yml cannot be read: Permission denied" in said
    assert "the folder scrape.d cannot be read: Permission denied" in said
    (as_nobody / "scrape.d").chmod(0o700)


# --- several overlays ---


def test_several_overlays_are_all_in_it(own: Path) -> None:
    found = merged("prometheus", own, MORE / "prometheus")
    names = {path.name for path in (found / "rules.d").iterdir()}
    assert {"shop.yml", "more.yml", "targets.yml"} <= names
    assert merged("prometheus", own) != found
    assert sorted(all_rule_tests("prometheus", [own, MORE / "prometheus"])) == ["tests/more.yml"]


def test_two_overlays_with_a_file_of_the_same_name(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(own, other)
    (other / "rules.d" / "shop.yml").rename(other / "rules.d" / "Shop.yml")
    (other / "stray.txt").touch()
    third = tmp_path / "third"
    shutil.copytree(own, third)
    with pytest.raises(ValueError, match=r"\w") as error:
        merged("prometheus", own, other, third)
    first, second = str(error.value).split("; ")
    assert first.startswith(f"{other}: prometheus does not read stray.txt: expected ")
    clash = f"{third}/rules.d/shop.yml clashes with {own}/rules.d/shop.yml"
    assert second == f"{clash}: expected another name for one"
