"""components.containers.image: the tag of an image, and the repository that it is pushed to."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.containers.content import shipped_files
from components.containers.image import content_tag
from mocks.evaluation import as_secret
from mocks.recording import Deployment
from tests.components.services import (
    DIGEST,
    ECR_PASSWORD,
    FOLDER,
    IMAGE,
    PUSH,
    REGISTRY,
    VERSION,
    container,
    service,
)

# --- the image's tag ---
# --- the tag ---


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
    assert re.fullmatch(r"3\.15\.0-arm64-[0-9a-f]{12}", content_tag(context, "ARM64", "3.15.0"))


def test_the_tag_stays_where_the_image_does(context: Path, tmp_path: Path) -> None:
    """Another machine, another time of checkout, another umask: the same image."""
    before = content_tag(context, "ARM64", "3.15.0")
    copy = tmp_path / "elsewhere"
    shutil.copytree(context, copy)
    for file in [path for path in copy.rglob("*") if path.is_file()]:
        os.utime(file, (1, 1))
        file.chmod(file.stat().st_mode & 0o700)
    (copy / "empty").mkdir()
    assert content_tag(copy, "ARM64", "3.15.0") == before


def test_the_tag_does_not_depend_on_the_order_of_the_file_system(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_tag(context, "ARM64", "3.15.0")
    walk = os.walk

    def backwards(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        for folder, folders, files in walk(*args, **options):
            folders.reverse()
            yield folder, folders, files[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    monkeypatch.setattr(os, "listdir", lambda path, listdir=os.listdir: listdir(path)[::-1])
    assert content_tag(context, "ARM64", "3.15.0") == before


@pytest.mark.parametrize("name", [".DS_Store", "rules.d/.a.yml.swp", "rules.d/a.yml~", "notes.txt"])
def test_what_does_not_reach_the_image_does_not_change_the_tag(context: Path, name: str) -> None:
    ignore = "# what counts\n*\n!entrypoint.sh\n!rules.d/*.yml\n"
    (context / ".dockerignore").write_text(ignore, encoding="utf-8")
    before = content_tag(context, "ARM64", "3.15.0")
    (context / name).write_text("x", encoding="utf-8")
    assert content_tag(context, "ARM64", "3.15.0") == before
    (context / ".dockerignore").write_text(f"{ignore}!{name}\n", encoding="utf-8")
    assert content_tag(context, "ARM64", "3.15.0") != before


def test_exactly_what_prometheus_reads_is_in_its_image() -> None:
    """With what makes it: the Dockerfile."""
    names = {Path(name).parts[0] for name in shipped_files(FOLDER)}
    assert names == {
        "Dockerfile",
        "entrypoint.sh",
        "render.sh",
        "alerting.yml",
        "prometheus.yml",
        "rules.d",
        "scrape.d",
    }
    assert all(
        Path(name).suffix == ".yml" for name in shipped_files(FOLDER) if len(Path(name).parts) > 1
    )


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
    before = content_tag(context, "ARM64", "3.15.0")
    subprocess.run(["sh", "-c", change], cwd=context, check=True, timeout=30)
    assert content_tag(context, architecture, version) != before


def test_the_tag_changes_with_the_base_image(context: Path) -> None:
    pinned = content_tag(context, "ARM64", "3.15.0", "sha256:0")
    assert pinned not in {
        content_tag(context, "ARM64", "3.15.0"),
        content_tag(context, "ARM64", "3.15.0", "sha256:1"),
    }


def test_only_a_version_whose_digest_is_known_is_pinned() -> None:
    other = service(version="3.99.0").one(":Image").inputs
    assert other["build"]["args"] == {"PROMETHEUS_VERSION": "3.99.0", "PROMETHEUS_DIGEST": ""}


# --- the repository and the image in it ---


def test_the_repository(prometheus: Deployment) -> None:
    assert prometheus.inputs("prom-images") == {
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "forceDelete": False,
    }
    assert service(delete_images_on_destroy=True).inputs("prom-images")["forceDelete"] is True


def test_only_untagged_images_are_ever_removed(prometheus: Deployment) -> None:
    inputs = prometheus.inputs("prom-images-lifecycle")
    assert inputs["repository"] == "prom-images"
    (rule,) = json.loads(inputs["policy"])["rules"]
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert rule["action"] == {"type": "expire"}


@pytest.mark.parametrize(
    ("architecture", "platform"), [("ARM64", "linux/arm64"), ("X86_64", "linux/amd64")]
)
def test_the_image_is_built_for_the_tasks_architecture(architecture: str, platform: str) -> None:
    deployment = service(cpu_architecture=architecture)
    image = deployment.one(":Image").inputs
    tag = content_tag(FOLDER, architecture, VERSION, DIGEST)
    assert image["imageName"] == f"{REGISTRY}/prom-images:{tag}-0badcafe"
    assert image["build"] == {
        "context": "docker/prometheus",
        "dockerfile": "docker/prometheus/Dockerfile",
        "platform": platform,
        "args": {"PROMETHEUS_VERSION": VERSION, "PROMETHEUS_DIGEST": DIGEST},
    }
    assert image["skipPush"] is False
    assert deployment.inputs("prom-task")["runtimePlatform"] == {
        "operatingSystemFamily": "LINUX",
        "cpuArchitecture": architecture,
    }


def test_an_image_of_a_folder_of_ones_own(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as seen from the project, which is the same on every machine."""
    monkeypatch.chdir(context.parent)
    image = service(image_context=str(context)).one(":Image")
    assert image.name == f"prom-image-{content_tag(context, 'ARM64', VERSION, DIGEST)}"
    assert image.inputs["build"]["context"] == "context"
    assert image.inputs["build"]["dockerfile"] == "context/Dockerfile"


def test_the_image_runs_by_digest(prometheus: Deployment) -> None:
    assert container(prometheus)["image"] == "repository@sha256:" + "0" * 64
    assert IMAGE in prometheus.needs("prom-task")


def test_an_image_is_pushed_once_and_under_a_tag_of_its_own(prometheus: Deployment) -> None:
    """ECR refuses a tag that is there already, even for the same image."""
    assert prometheus.named(IMAGE).options.ignoreChanges == []  # another build is another image
    assert PUSH in prometheus.needs(IMAGE)
    other = service(version="3.14.0")
    assert not {IMAGE, PUSH} & {r.name for r in other.resources}  # deleted: made anew on return


def test_the_registrys_password_is_a_secret(prometheus: Deployment) -> None:
    registry = prometheus.inputs(IMAGE)["registry"]
    assert registry == as_secret(
        {"server": f"https://{REGISTRY}", "username": "AWS", "password": ECR_PASSWORD}
    )
