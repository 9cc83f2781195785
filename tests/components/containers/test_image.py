"""components.containers.image: the tag of an image, and the repository that it is pushed to."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from components.containers.image import content_tag
from mocks.evaluation import as_secret
from mocks.recording import Deployment
from tests.components.services import (
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
    tag = content_tag(FOLDER, VERSION, architecture)
    assert image["imageName"] == f"{REGISTRY}/prom-images:{tag}-0badcafe"
    assert image["build"] == {
        "context": str(FOLDER),
        "dockerfile": str(FOLDER / "Dockerfile"),
        "platform": platform,
        "args": {"PROMETHEUS_VERSION": VERSION},
    }
    assert image["skipPush"] is False
    assert deployment.inputs("prom-task")["runtimePlatform"] == {
        "operatingSystemFamily": "LINUX",
        "cpuArchitecture": architecture,
    }


def test_an_image_of_a_folder_of_ones_own(context: Path) -> None:
    image = service(image_context=str(context)).one(":Image")
    assert image.name == f"prom-image-{content_tag(context, VERSION, 'ARM64')}"
    assert image.inputs["build"]["context"] == str(context)
    assert image.inputs["build"]["dockerfile"] == str(context / "Dockerfile")


def test_the_image_runs_by_digest(prometheus: Deployment) -> None:
    assert container(prometheus)["image"] == "repository@sha256:" + "0" * 64
    assert IMAGE in prometheus.needs("prom-task")


def test_an_image_is_pushed_once_and_under_a_tag_of_its_own(prometheus: Deployment) -> None:
    """ECR refuses a tag that is there already, even for the same image."""
    assert prometheus.named(IMAGE).options.ignoreChanges == ["build"]  # a checkout elsewhere
    assert PUSH in prometheus.needs(IMAGE)
    other = service(version="3.14.0")
    assert not {IMAGE, PUSH} & {r.name for r in other.resources}  # deleted: made anew on return


def test_the_registrys_password_is_a_secret(prometheus: Deployment) -> None:
    registry = prometheus.inputs(IMAGE)["registry"]
    assert registry == as_secret(
        {"server": f"https://{REGISTRY}", "username": "AWS", "password": ECR_PASSWORD}
    )
