"""Pulumi's mocks, recording: what was registered, under whom, with which inputs."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import pulumi
import pulumi.runtime
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack

REGION = "eu-central-1"
ACCOUNT = "123456789012"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
AMI = "ami-0123456789abcdef0"

INVOKES: dict[str, dict[str, Any]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": ZONES},
    "aws:index/getRegion:getRegion": {"region": REGION, "id": REGION, "name": REGION},
    "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:ssm/getParameter:getParameter": {"value": AMI},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "userName": "AWS",
        "password": "the-ecr-password",
    },
}

SECRET_KEY = "the-secret-half-of-the-key"  # noqa: S105 - what the tests look for


class Registered(NamedTuple):
    """A resource, as the engine sees it when it is registered."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    """The plain inputs; a secret one is a mapping that carries Pulumi's signature."""
    options: Any
    """The registration request: dependencies, ignored changes, secrets, ..."""


class Recording(Mocks):
    """Answers like an AWS in which everything works, and with unknowns in a preview."""

    def __init__(self, *, preview: bool = False, invokes: Mapping[str, Any] | None = None) -> None:
        self.preview = preview
        self.invokes = {**INVOKES, **(invokes or {})}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return self.invokes[args.token], []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if self.preview and args.custom:
            return "", dict(args.inputs)
        arn = f"arn:aws:mock:{REGION}:{ACCOUNT}:{args.name}"
        outputs: dict[str, Any] = {"name": args.name, "arn": arn, **args.inputs}
        computed: dict[str, dict[str, Any]] = {
            "aws:iam/accessKey:AccessKey": {
                "secret": {pulumi.runtime.rpc._special_sig_key: _SECRET, "value": SECRET_KEY}
            },
            "aws:secretsmanager/secretVersion:SecretVersion": {"versionId": f"{args.name}-id"},
            "aws:ecr/repository:Repository": {
                "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{args.name}",
                "registryId": ACCOUNT,
            },
            "docker:index/image:Image": {"repoDigest": "repository@sha256:" + "0" * 64},
            "random:index/randomId:RandomId": {"hex": "0badcafe"},
            "aws:ec2/instance:Instance": {"privateIp": "10.42.0.10"},
            "aws:ec2/eip:Eip": {"allocationId": f"{args.name}-allocation"},
        }
        return f"{args.name}-id", outputs | computed.get(args.typ, {})


_SECRET = pulumi.runtime.rpc._special_secret_sig


class RecordingMonitor(MockMonitor):
    """Keeps every registration request, and the stack's outputs."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.requests: dict[str, Any] = {}
        self.component_outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - as in the SDK
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if response.urn in self.requests:
            raise ValueError(f"registered twice: {response.urn}")
        self.requests[response.urn] = request
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802 - as in the SDK
        self.component_outputs[request.urn] = pulumi.runtime.rpc.deserialize_properties(
            request.outputs
        )
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class Deployment:
    """What a program registered."""

    def __init__(self, monitor: RecordingMonitor) -> None:
        self.resources = [
            Registered(
                urn,
                request.type,
                request.name,
                request.parent.split("::")[-1],
                pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=True),
                request,
            )
            for urn, request in monitor.requests.items()
            if request.type != "pulumi:pulumi:Stack"
        ]
        self.outputs = monitor.component_outputs

    def of_type(self, suffix: str) -> list[Registered]:
        """Resources whose type ends with this, such as `:Subnet`."""
        return [r for r in self.resources if r.type.endswith(suffix)]

    def one(self, suffix: str) -> Registered:
        """The one resource of a type."""
        (found,) = self.of_type(suffix)
        return found

    def named(self, name: str) -> Registered:
        """The one resource of a name."""
        (found,) = [r for r in self.resources if r.name == name]
        return found

    @property
    def exports(self) -> dict[str, Any]:
        """The stack's exports."""
        (urn,) = [u for u in self.outputs if "::pulumi:pulumi:Stack::" in u]
        return self.outputs[urn]


def deploy(
    program: Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    preview: bool = False,
    invokes: Mapping[str, Any] | None = None,
    stack: str = "test",
) -> Deployment:
    """Evaluate a program to its end; whatever it raises comes out here.

    Args:
        program: registers resources.
        config: full keys with namespace -> text.
        preview: every computed output is unknown.
        invokes: answers of data sources, in place of the usual ones.
        stack: name of the stack.
    """
    monitor = RecordingMonitor(Recording(preview=preview, invokes=invokes))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    pulumi.runtime.set_all_config(dict(config or {}), [])
    # Where there is no root, `set_mocks` makes a stack and closes it; exports want an open one.
    ROOT.set(cast("pulumi.Resource", object()))
    pulumi.runtime.set_mocks(
        monitor.mocks, project="prometheus-aws", stack=stack, preview=preview, monitor=monitor
    )

    ROOT.set(None)

    def run() -> None:
        program()

    loop.run_until_complete(run_in_stack(run))
    return Deployment(monitor)
