"""A server's image: built, named by its content, pushed to a repository of its own."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pulumi_random as random

from components import assets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.containers.server import ServerArgs

DOCKERFILE = "Dockerfile"

UNTAGGED_IMAGE_DAYS = 14
"""Days until the rest of a broken push is removed. Tagged images, which a rollback may need, and
the parts of a tagged image index are never removed. Source:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"""

DOCKER_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


class ServerImage:
    """The repository and the image in it, as children of a server's component."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        parent: pulumi.Resource,
        name: str,
        args: ServerArgs,
        server: str,
        version: str,
        *,
        context: Path | None = None,
        dockerfile: str = DOCKERFILE,
        build_args: Mapping[str, str] | None = None,
        kept: bool = True,
    ) -> None:
        """Register them.

        Args:
            parent: the server's component.
            name: the component's name.
            args: the component's arguments, resolved.
            server: what is served: names the package's own image folder and, in capitals with
                `_VERSION` and `_DIGEST`, the build arguments.
            version: of the server.
            context: folder that the image is built from. Default: the server's.
            dockerfile: the file in it that says how, if it is there; else `Dockerfile` does.
            build_args: the build arguments. Default: the server's version and digest.
            kept: whether `delete_images_on_destroy` says if it may be deleted; otherwise it may,
                as what can be switched off has to go.
        """
        context = context or Path(args["image_context"] or assets.image_context(server))
        self.repository = _repository(
            parent,
            f"{name}-images",
            delete_on_destroy=args["delete_images_on_destroy"] or not kept,
        )
        self.reference = self._pushed(
            parent,
            f"{name}-image",
            context / dockerfile if (context / dockerfile).is_file() else context / DOCKERFILE,
            args["cpu_architecture"],
            build_args
            or {
                f"{server.upper()}_VERSION": version,
                f"{server.upper()}_DIGEST": assets.image_digest(server, version),
            },
        )
        """Reference of the image by digest."""

    def _pushed(
        self,
        parent: pulumi.Resource,
        name: str,
        dockerfile: Path,
        architecture: str,
        build_args: Mapping[str, str],
    ) -> pulumi.Output[str]:
        context = dockerfile.parent
        version, *bases = build_args.values()
        content = content_tag(context, architecture, version, ":".join(bases), dockerfile.name)
        # Tags are immutable, so an image is pushed once: another content is another resource, and
        # one that comes back (a rollback) gets another tag.
        push = random.RandomId(
            f"{name}-push-{content}",
            byte_length=4,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        login = aws.ecr.get_authorization_token_output(
            registry_id=self.repository.registry_id, opts=pulumi.InvokeOptions(parent=parent)
        )
        image = docker.Image(
            f"{name}-{content}",
            image_name=pulumi.Output.concat(
                self.repository.repository_url, ":", content, "-", push.hex
            ),
            build={
                "context": from_project(context),
                "dockerfile": from_project(dockerfile),
                "platform": DOCKER_PLATFORMS[architecture],
                "args": build_args,
            },
            registry={
                "server": login.proxy_endpoint,
                "username": login.user_name,
                "password": pulumi.Output.secret(login.password),
            },
            opts=pulumi.ResourceOptions(parent=parent),
        )
        return image.repo_digest


def content_tag(
    context: Path,
    cpu_architecture: str,
    version: str,
    base: str = "",
    dockerfile: str = DOCKERFILE,
) -> str:
    """Name an image by what is in it, so that tags can be immutable.

    What `.dockerignore` keeps away (a `.DS_Store`, an editor's swap file) is not in the image, and
    of a file's mode only whether it is executable counts: the rest is the user's umask.

    Args:
        context: folder that the image is built from.
        cpu_architecture: `ARM64` or `X86_64`.
        version: of the server, such as `3.15.0`.
        base: digest of the official image. Default: what its tag leads to.
        dockerfile: name of the file in the folder that says how the image is built.

    Returns:
        Version, architecture and 12 hexadecimal digits over the base and every file's path, mode
        and content.
    """
    digest = hashlib.sha256(base.encode())
    for name in shipped_files(context, dockerfile):
        file = context / name
        executable = bool(file.stat().st_mode & stat.S_IXUSR)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{name} {executable} {content}\n".encode())
    return f"{version}-{cpu_architecture.lower()}-{digest.hexdigest()[:12]}"


def from_project(path: Path) -> str:
    """Return a path as seen from the project's folder, where Pulumi runs programs and providers.

    It is the same in every checkout: an absolute one in the state would stop a second machine.
    """
    return Path(os.path.relpath(path, Path.cwd())).as_posix()


def shipped_files(context: Path, dockerfile: str = DOCKERFILE) -> list[str]:
    """Files that decide what an image is: the Dockerfile, and what `.dockerignore` lets through.

    A Dockerfile's own, such as `live.Dockerfile.dockerignore`, counts in the place of that.
    Sources: https://docs.docker.com/build/concepts/context/#filename-and-location;
    `getIgnorePatterns` of Pulumi's Docker provider.

    Args:
        context: folder that the image is built from.
        dockerfile: name of the file in it that says how.

    Returns:
        Paths below the folder, sorted.
    """
    # Only here: it takes as long to load as checking a stack's settings does.
    from docker.utils.build import exclude_paths  # noqa: PLC0415

    own = context / f"{dockerfile}.dockerignore"
    ignore = own if own.is_file() else context / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    kept = exclude_paths(str(context), [p for p in patterns if p and not p.startswith("#")])
    names = (Path(name).as_posix() for name in kept)
    return sorted(n for n in names if not n.endswith(".dockerignore") and (context / n).is_file())


def _repository(
    parent: pulumi.Resource, name: str, *, delete_on_destroy: bool
) -> aws.ecr.Repository:
    repository = aws.ecr.Repository(
        name,
        image_scanning_configuration={"scan_on_push": True},
        image_tag_mutability="IMMUTABLE",
        encryption_configurations=[{"encryption_type": "AES256"}],
        force_delete=delete_on_destroy,
        # Without it, a destroy would take everything else and then stop at the images.
        opts=pulumi.ResourceOptions(parent=parent, protect=not delete_on_destroy),
    )
    rule = {
        "rulePriority": 1,
        "description": "Remove what broken pushes left; keep what has a tag",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_IMAGE_DAYS,
        },
        "action": {"type": "expire"},
    }
    aws.ecr.LifecyclePolicy(
        f"{name}-lifecycle",
        repository=repository.name,
        policy=json.dumps({"rules": [rule]}),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return repository
