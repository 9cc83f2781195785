"""Container images in the emulated registry: a manifest that says what the image is built from.

The registry has no layers: whoever runs an image builds it from its source, or runs that.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.configuration import ROOT
from sandbox.resources.base import Account, Client, GoneError, Inputs

_CONTEXT, _DOCKERFILE, _ARGS = (
    f"prometheus-aws.sandbox/{name}" for name in ("context", "dockerfile", "build-args")
)
"""Annotations of a manifest."""


@dataclass(frozen=True)
class ImageSource:
    """What a container image is built from."""

    context: Path
    dockerfile: Path
    build_args: Mapping[str, str]


def push(ecr: Client, given: Inputs) -> dict[str, str]:
    """Enter an image in the registry, by its name, and return its reference by digest."""
    url, tag = given["imageName"].rsplit(":", 1)
    build = given["build"]
    config = hashlib.sha256(given["imageName"].encode()).hexdigest()
    media_type = "application/vnd.oci.image.{}.v1+json".format
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_type("manifest"),
            "config": {"mediaType": media_type("config"), "digest": f"sha256:{config}", "size": 0},
            "layers": [],
            "annotations": {
                # Relative to the project, as Pulumi has it.
                _CONTEXT: str(ROOT / build["context"]),
                _DOCKERFILE: str(ROOT / build["dockerfile"]),
                _ARGS: json.dumps(build.get("args") or {}),
            },
        }
    )
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    ecr.put_image(
        repositoryName=_repository(url), imageTag=tag, imageDigest=digest, imageManifest=manifest
    )
    return {"repoDigest": f"{url}@{digest}", "baseImageName": given["imageName"]}


def push_again(ecr: Client, _id: str, before: Inputs, after: Inputs) -> dict[str, str]:
    """Push under a new name, or from a new source."""
    return push(ecr, after) if before else {}


def read(ecr: Client, _id: str, state: Inputs) -> Inputs:
    """Return an image as the registry has it; nothing if it does not."""
    return _get(ecr, state["repoDigest"])


def source(account: Account, reference: str) -> ImageSource:
    """Return what an image is built from.

    Args:
        account: whose registry to ask.
        reference: the image's, by digest.

    Raises:
        GoneError: the registry does not have it.
    """
    found = _get(account.client("ecr"), reference)
    if not found:
        raise GoneError
    return _source(found)


def sources(account: Account) -> list[ImageSource]:
    """Return what each image of the registry is built from."""
    ecr = account.client("ecr")
    found = []
    for repository in ecr.describe_repositories()["repositories"]:
        name = repository["repositoryName"]
        ids = ecr.list_images(repositoryName=name)["imageIds"]
        if ids:
            found += ecr.batch_get_image(repositoryName=name, imageIds=ids)["images"]
    return [_source(image) for image in found]


def _get(ecr: Client, reference: str) -> Mapping[str, Any]:
    url, _, digest = reference.partition("@")
    which = {"repositoryName": _repository(url), "imageIds": [{"imageDigest": digest}]}
    return next(iter(ecr.batch_get_image(**which)["images"]), {})


def _source(image: Mapping[str, Any]) -> ImageSource:
    notes = json.loads(image["imageManifest"])["annotations"]
    return ImageSource(Path(notes[_CONTEXT]), Path(notes[_DOCKERFILE]), json.loads(notes[_ARGS]))


def _repository(url: str) -> str:
    return url.partition("/")[2]
