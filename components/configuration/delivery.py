"""Delivers a server's configuration while it runs: a version in the bucket, and who fetches it.

Each version is one immutable object, `<server>/<sha256>.tar.gz`. The pointer, `<server>/current`,
names the one that is wanted, and is written last. A container beside the server
(docker/configuration) does the rest.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import assets, checks, policies
from components.configuration.archive import pack
from components.containers.content import DOCKERFILE
from components.containers.definition import NOBODY, Container
from components.containers.image import ServerImage
from components.values import is_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from components.configuration.args import ConfiguredServerArgs

MEMORY_MIB = 192
"""Of the container: Python takes 50 MiB, promtool as much again while it checks (measured)."""

OPEN_FILES = 1024

NO_DEFAULT_TAGS: aws.s3.BucketObjectv2OverrideProviderArgsDict = {"default_tags": {"tags": {}}}
"""An object has 10 tags at most, so that those of everything may be too many for it. Source:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html"""

LIVE_DOCKERFILE = "live.Dockerfile"
"""Of a server whose image leaves out what is delivered while it runs, as
`live.Dockerfile.dockerignore` says: another rule is no other image then, and no other task."""


@dataclass(frozen=True)
class Delivery:
    """How a server gets its configuration, besides from its image."""

    beside: Container | None = None
    """What runs beside each of its tasks' servers, but for the environment."""

    statements: Sequence[pulumi.Output[policies.Statement]] = ()
    """What a task may do for it."""

    after: Sequence[pulumi.Resource] = ()
    """What must be there before a task starts."""

    def containers(self, server: Container) -> list[Container]:
        """Return those of a task: the server's, and the one beside it, if there is one.

        What is filled into files comes from the environment, which both have. To the one beside,
        what the server's image sets has to be said.
        """
        if not self.beside:
            return [server]
        of_image = {
            name: value
            for name, value in assets.image_defaults(server.name).items()
            if not name.endswith("_DIR")  # each has its own
        }
        environment = {**of_image, **server.environment, **self.beside.environment}
        return [server, replace(self.beside, environment=environment)]


def is_live(args: ConfiguredServerArgs) -> bool:
    """Say whether configuration is delivered while the server runs."""
    return is_given(args["configuration_bucket"])


def dockerfile(args: ConfiguredServerArgs) -> str:
    """Return the name of the file that says how the server's image is built."""
    return LIVE_DOCKERFILE if is_live(args) else DOCKERFILE


def live_variables(args: ConfiguredServerArgs) -> dict[str, pulumi.Input[str]]:
    """Return the variable by which a server's entrypoint knows that a container is beside it."""
    return {"CONFIGURATION_PORT": str(args["configuration_port"])} if is_live(args) else {}


def read_tree(folder: Path, *patterns: str) -> dict[str, bytes]:
    """Read those files of a folder that a version is made of: path below it -> content."""
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def delivery(
    parent: pulumi.Resource,
    name: str,
    args: ConfiguredServerArgs,
    server: str,
    files: Mapping[str, pulumi.Input[str] | bytes],
) -> Delivery:
    """Register a version of a server's configuration and what the container beside it needs.

    Without a bucket, nothing is registered.

    Args:
        parent: the server's component.
        name: the component's name.
        args: the component's arguments, resolved.
        server: how the keys in the bucket begin: `prometheus` or `alertmanager`.
        files: path below the configuration's folder -> content.
    """
    if not is_live(args):
        return Delivery()
    bucket = args["configuration_bucket"]
    child = pulumi.ResourceOptions(parent=parent)
    archive = pulumi.Output.all(*files.values()).apply(
        lambda contents: pack(
            {
                path: it.encode() if isinstance(it, str) else it
                for path, it in zip(files, contents, strict=True)
            }
        )
    )
    version = archive.apply(lambda it: it.version)
    stored = aws.s3.BucketObjectv2(
        f"{name}-configuration-archive",
        bucket=bucket,
        key=pulumi.Output.format("{0}/{1}.tar.gz", server, version),
        content_base64=archive.apply(lambda it: base64.b64encode(it.content).decode()),
        content_type="application/gzip",
        override_provider=NO_DEFAULT_TAGS,
        # Another version is another object; this one stays in the bucket, to go back to.
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(retain_on_delete=True)),
    )
    pointer = aws.s3.BucketObjectv2(
        f"{name}-configuration-pointer",
        bucket=bucket,
        key=f"{server}/current",
        content=pulumi.Output.concat(version, "\n"),
        content_type="text/plain",
        override_provider=NO_DEFAULT_TAGS,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[stored])),
    )
    beside = Container(
        name="configuration",
        image=_image(parent, f"{name}-configuration", args, server),
        user=NOBODY,
        environment={
            "CONFIGURATION_SERVER": server,
            "CONFIGURATION_BUCKET": bucket,
            # botocore does not read AWS_REGION, and not every host's agent sets this one.
            "AWS_DEFAULT_REGION": aws.get_region_output(
                opts=pulumi.InvokeOptions(parent=parent)
            ).region,
            "CONFIGURATION_REFRESH_SECONDS": str(
                checks.duration_seconds(args["configuration_refresh_interval"])
            ),
        },
        ports=[args["configuration_port"]],
        volumes={"rendered": "/run/configuration"},
        health_path="/metrics",
        open_files=OPEN_FILES,
        memory_mib=MEMORY_MIB,
        essential=False,
    )
    partition = aws.get_partition_output(opts=pulumi.InvokeOptions(parent=parent)).partition
    statement = pulumi.Output.all(partition, bucket).apply(
        lambda its: may_fetch(its[0], its[1], server)
    )
    return Delivery(beside, [statement], [pointer])


def may_fetch(partition: str, bucket: str, server: str) -> policies.Statement:
    """What the task does in the bucket: read its server's part.

    It may list nothing, so that S3 answers "denied" for an object that is not there. Source:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

    Args:
        partition: of AWS, as ARNs have it.
        bucket: name of the bucket.
        server: how the keys begin.
    """
    return policies.allow(["s3:GetObject"], f"arn:{partition}:s3:::{bucket}/{server}/*")


def _image(
    parent: pulumi.Resource, name: str, args: ConfiguredServerArgs, server: str
) -> ServerImage:
    versions = {tool: assets.VERSIONS[tool] for tool in ("python", "prometheus", "alertmanager")}
    # What checks a configuration is of the version that is to load it.
    versions[server] = args["version"]  # type: ignore[typeddict-item] # each server has one
    digests = {
        f"{tool.upper()}_DIGEST": assets.image_digest(tool, version)
        for tool, version in versions.items()
        if tool != "python"
    }
    build_args = {f"{tool.upper()}_VERSION": version for tool, version in versions.items()}
    return ServerImage(
        parent,
        name,
        args,
        "configuration",
        versions["python"],
        context=assets.image_context("configuration"),
        build_args={**build_args, **digests},
        kept=False,
    )
