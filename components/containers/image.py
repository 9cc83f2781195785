"""An image: built, named by its content, pushed to a repository of its own; or given."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pulumi_random as random

from components import assets
from components.configuration.tree import every_overlay, merged
from components.containers.content import DOCKERFILE, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.containers.server import ServerArgs

UNTAGGED_IMAGE_DAYS = 14
"""Days until the rest of a broken push is removed. Tagged images, which a rollback may need, and
the parts of a tagged image index are never removed. Source:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"""

DOCKER_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


_IN_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
    r"/(?P<repository>[^:@]+)"
)
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
"""How the names of a partition's regions begin -> the partition."""


@dataclass(frozen=True)
class GivenImage:
    """An image that somebody else has pushed."""

    reference: str
    """As `docker pull` takes it."""

    @property
    def repository_arn(self) -> str:
        """ARN of its repository, if that is one of ECR's; empty otherwise."""
        found = _IN_ECR.match(self.reference)
        if not found:
            return ""
        account, region, repository = found["account"], found["region"], found["repository"]
        begins = (it for start, it in _PARTITIONS.items() if region.startswith(f"{start}-"))
        return f"arn:{next(begins, 'aws')}:ecr:{region}:{account}:repository/{repository}"


class BuiltImage:
    """A repository and the image in it, as children of a component."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        parent: pulumi.Resource,
        name: str,
        dockerfile: Path,
        cpu_architecture: str,
        *,
        version: str = "",
        base: str = "",
        build_args: Mapping[str, str] | None = None,
        delete_on_destroy: bool,
    ) -> None:
        """Register them.

        Args:
            parent: the component that they belong to.
            name: the component's name.
            dockerfile: the file that says how the image is built, in the folder that it is built
                from.
            cpu_architecture: `ARM64` or `X86_64`.
            version: of what is in it: the tag begins with it. Default: it has none.
            base: what else decides what the image is, besides the folder.
            build_args: the build arguments. Default: none.
            delete_on_destroy: whether the repository may be deleted although it holds images.
        """
        self.repository = _repository(parent, f"{name}-images", delete_on_destroy=delete_on_destroy)
        tag = content_tag(dockerfile.parent, cpu_architecture, version, base, dockerfile.name)
        build: docker.DockerBuildArgsDict = {
            "context": from_project(dockerfile.parent),
            "dockerfile": from_project(dockerfile),
            "platform": DOCKER_PLATFORMS[cpu_architecture],
        }
        if build_args:
            build["args"] = build_args
        self.reference = _pushed(parent, f"{name}-image", self.repository, tag, build)
        """Reference of the image by digest."""

    @property
    def repository_arn(self) -> pulumi.Output[str]:
        """ARN of the repository."""
        return self.repository.arn


Image: TypeAlias = BuiltImage | GivenImage
"""What a container runs."""


class ServerImage(BuiltImage):
    """A server's repository and the image in it, as children of its component."""

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
        folder = args["image_context"]
        self.context = context or (
            Path(folder)
            if folder
            else merged(server, *every_overlay(args["overlays"], args["overlay"]))
        )
        """Folder with all of the server's files."""
        built_from = self.context
        if dockerfile != DOCKERFILE and not folder:
            # The user's own files are delivered later: another one must not be another image.
            built_from = assets.image_context(server)
        build_args = build_args or {
            f"{server.upper()}_VERSION": version,
            f"{server.upper()}_DIGEST": assets.image_digest(server, version),
        }
        said, *bases = build_args.values()
        super().__init__(
            parent,
            name,
            next(
                file
                for file in (built_from / dockerfile, built_from / DOCKERFILE)
                if file.is_file()
            ),
            args["cpu_architecture"],
            version=said,
            base=":".join(bases),
            build_args=build_args,
            delete_on_destroy=args["delete_images_on_destroy"] or not kept,
        )


def content_tag(
    context: Path,
    cpu_architecture: str,
    version: str,
    base: str = "",
    dockerfile: str = DOCKERFILE,
) -> str:
    """Name an image by what is in it, so that tags can be immutable.

    Args:
        context: folder that the image is built from.
        cpu_architecture: `ARM64` or `X86_64`.
        version: of what is in it, such as `3.15.0`. Empty: it has none.
        base: what else decides what the image is, such as the digest of the one that it is built
            on. Default: what its tag leads to.
        dockerfile: name of the file in the folder that says how the image is built.

    Returns:
        Version, architecture and the digest of what is inside.
    """
    words = (version, cpu_architecture.lower(), digest(context, base, dockerfile))
    return "-".join(word for word in words if word)


def from_project(path: Path) -> str:
    """Return a path as seen from the project's folder, where Pulumi runs programs and providers.

    It is the same in every checkout: an absolute one in the state would stop a second machine.
    """
    return Path(os.path.relpath(path, Path.cwd())).as_posix()


def _pushed(
    parent: pulumi.Resource,
    name: str,
    repository: aws.ecr.Repository,
    content: str,
    build: docker.DockerBuildArgsDict,
) -> pulumi.Output[str]:
    """Build an image and push it; return its reference by digest."""
    # Tags are immutable, so an image is pushed once: another content is another resource, and one
    # that comes back (a rollback) gets another tag.
    push = random.RandomId(
        f"{name}-push-{content}", byte_length=4, opts=pulumi.ResourceOptions(parent=parent)
    )
    login = aws.ecr.get_authorization_token_output(
        registry_id=repository.registry_id, opts=pulumi.InvokeOptions(parent=parent)
    )
    image = docker.Image(
        f"{name}-{content}",
        image_name=pulumi.Output.concat(repository.repository_url, ":", content, "-", push.hex),
        build=build,
        registry={
            "server": login.proxy_endpoint,
            "username": login.user_name,
            "password": pulumi.Output.secret(login.password),
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return image.repo_digest


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
