"""What the tests of a server's service look at; Prometheus is the server."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from components import assets
from components.containers.image import ServerImage, content_tag
from mocks.recording import ACCOUNT, REGION, Deployment, deploy
from tests.components.examples import SERVICE

ARN = f"arn:aws:mock:{REGION}:{ACCOUNT}"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ECR_PASSWORD = "the-ecr-password"  # noqa: S105 - the recording's

FOLDER = assets.image_context("prometheus")
VERSION = assets.VERSIONS["prometheus"]
DIGEST = assets.image_digest("prometheus", VERSION)
IMAGE = f"prom-image-{content_tag(FOLDER, 'ARM64', VERSION, DIGEST)}"
PUSH = IMAGE.replace("prom-image-", "prom-image-push-")

ANY_IMAGE = cast("ServerImage", SimpleNamespace(reference="image@sha256:0"))
"""Of a container that is described, and not deployed."""


def service(**args: Any) -> Deployment:  # noqa: ANN401
    return deploy(lambda: SERVICE.component("prom", {**SERVICE.fewest, **args}))


def outputs(deployment: Deployment) -> dict[str, Any]:
    (found,) = [o for urn, o in deployment.outputs.items() if "PrometheusService" in urn]
    return found


def container(deployment: Deployment) -> dict[str, Any]:
    found, *_ = json.loads(deployment.inputs("prom-task")["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def secrets(deployment: Deployment) -> dict[str, str]:
    return {entry["name"]: entry["valueFrom"] for entry in container(deployment)["secrets"]}


def document(deployment: Deployment, name: str, key: str = "policy") -> Mapping[str, Any]:
    found = json.loads(deployment.inputs(name)[key])
    assert isinstance(found, dict)
    return found
