"""Pulumi's mocks, recording: what was registered, under whom, with which inputs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from mocks.evaluation import STACK_TYPE, Monitor, as_secret, evaluate

PROJECT = "prometheus-aws"
REGION = "eu-central-1"
ACCOUNT = "123456789012"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
ZONE_IDS = [f"euc1-az{number}" for number in (2, 3, 1)]
AMI = "ami-0123456789abcdef0"


def undescribed(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs without what is written for people only."""
    return {key: value for key, value in inputs.items() if key != "description"}


def _offered_everywhere(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every instance type that is asked for, in every zone."""
    types = [kind for filter_ in asked["filters"] for kind in filter_["values"]]
    return {
        "locations": [zone for zone in ZONES for _ in types],
        "instanceTypes": [kind for _ in ZONES for kind in types],
    }


_TYPES = {"t4g.micro": (1024, 2), "t4g.small": (2048, 2), "m6g.large": (8192, 2)}
"""Instance type -> its memory in MiB and vCPUs; others have more than any task wants."""


def _instance_type(asked: Mapping[str, Any]) -> dict[str, Any]:
    memory, vcpus = _TYPES.get(asked["instanceType"], (262_144, 64))
    return {
        "hypervisor": "xen" if asked["instanceType"].startswith("m4.") else "nitro",
        "bareMetal": False,
        "memorySize": memory,
        "defaultVcpus": vcpus,
    }


INVOKES: dict[str, dict[str, Any] | Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": ZONES, "zoneIds": ZONE_IDS},
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offered_everywhere,
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:ec2/getSubnet:getSubnet": lambda asked: {"availabilityZone": f"zone-of-{asked['id']}"},
    "aws:index/getRegion:getRegion": {"region": REGION, "id": REGION, "name": REGION},
    "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:route53/getZone:getZone": {"name": "example.com", "privateZone": False},
    # The provider marks no part of it as secret.
    "aws:secretsmanager/getSecretVersion:getSecretVersion": {
        "secretString": "the-client-secret",
    },
    "aws:ecs/getCluster:getCluster": {"status": "ACTIVE"},
    "aws:ecs/getService:getService": {"status": "ACTIVE"},
    # The provider marks every parameter as secret.
    "aws:ssm/getParameter:getParameter": {"value": as_secret(AMI)},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "userName": "AWS",
        "password": "the-ecr-password",
    },
}

SECRET_KEY = "the-secret-half-of-the-key"  # noqa: S105 - what the tests look for
PASSWORD = "the-random-password"  # noqa: S105 - as above


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

    def __init__(
        self,
        *,
        preview: bool = False,
        invokes: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Mapping[str, Any]] | None = None,
        existing: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.preview = preview
        self.outputs = outputs or {}
        self.existing = existing or {}
        self.invokes = {**INVOKES, **(invokes or {})}
        self.calls: list[MockCallArgs] = []

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        self.calls.append(args)
        answer = self.invokes[args.token]
        try:
            return (answer(args.args) if callable(answer) else answer), []
        except LookupError as refusal:  # as the provider says that AWS has no such thing
            return {}, [("", str(refusal))]

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if self.preview and args.custom and args.name not in self.existing:
            return "", dict(args.inputs)
        arn = f"arn:aws:mock:{REGION}:{ACCOUNT}:{args.name}"
        outputs: dict[str, Any] = {"name": args.name, "arn": arn, **args.inputs}
        computed: dict[str, dict[str, Any]] = {
            "aws:ec2/vpc:Vpc": {"ipv6CidrBlock": "2001:db8:1234:1a00::/56"},
            "aws:iam/accessKey:AccessKey": {"secret": as_secret(SECRET_KEY)},
            # Another content is another version.
            "aws:secretsmanager/secretVersion:SecretVersion": {
                "versionId": hashlib.sha256(repr(args.inputs).encode()).hexdigest()
            },
            "aws:ecr/repository:Repository": {
                "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{args.name}",
                "registryId": ACCOUNT,
            },
            "aws:acm/certificate:Certificate": {
                "domainValidationOptions": [
                    {
                        "domainName": "*.monitoring.example.com",
                        "resourceRecordName": "_x.monitoring.example.com.",
                        "resourceRecordType": "CNAME",
                        "resourceRecordValue": "_y.acm-validations.aws.",
                    }
                ]
            },
            "aws:lb/loadBalancer:LoadBalancer": {
                "dnsName": f"{args.name}.elb.amazonaws.com",
                "zoneId": "Z0LOADBALANCERS",
            },
            "aws:route53/record:Record": {"fqdn": str(args.inputs.get("name")).rstrip(".")},
            "docker:index/image:Image": {"repoDigest": "repository@sha256:" + "0" * 64},
            "random:index/randomId:RandomId": {"hex": "0badcafe"},
            "random:index/randomPassword:RandomPassword": {"result": as_secret(PASSWORD)},
            "aws:ec2/instance:Instance": {"privateIp": "10.42.0.10"},
            "aws:ec2/eip:Eip": {"allocationId": f"{args.name}-allocation"},
        }
        outputs |= computed.get(args.typ, {})
        outputs |= self.outputs.get(args.typ, {})
        return f"{args.name}-id", {**outputs, **self.existing.get(args.name, {})}


class RecordingMonitor(Monitor):
    """Keeps every registration request, too."""

    def __init__(self, mocks: Recording) -> None:
        super().__init__(mocks)
        self.calls = mocks.calls
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - as in the SDK
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if response.urn in self.requests:
            raise ValueError(f"registered twice: {response.urn}")
        self.requests[response.urn] = request
        return response


class Deployment:
    """What a program registered."""

    def __init__(self, monitor: RecordingMonitor) -> None:
        self.resources = [
            Registered(
                urn,
                request.type,
                request.name,
                request.parent.split("::")[-1],
                rpc.deserialize_properties(request.object, keep_unknowns=True),
                request,
            )
            for urn, request in sorted(monitor.requests.items())  # They arrive in any order.
            if request.type != STACK_TYPE
        ]
        self.outputs = monitor.component_outputs
        self.exports = monitor.stack_outputs
        """The stack's exports."""
        self.calls = monitor.calls

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

    def inputs(self, name: str) -> Mapping[str, Any]:
        """The inputs of the one resource of a name."""
        return self.named(name).inputs

    def children(self, parent: str) -> set[tuple[str, str]]:
        """Type and name of each resource that is registered under a component."""
        return {(r.type, r.name) for r in self.resources if r.parent == parent}

    def needs(self, name: str) -> set[str]:
        """Names of all resources that must be there before this one, directly or not."""
        by_urn = {r.urn: r for r in self.resources}
        found: set[str] = set()
        waiting = [self.named(name)]
        while waiting:
            for urn in waiting.pop().options.dependencies:
                if urn in by_urn and by_urn[urn].name not in found:
                    found.add(by_urn[urn].name)
                    waiting.append(by_urn[urn])
        return found


def deploy(  # noqa: PLR0913 - each says something
    program: Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    preview: bool = False,
    invokes: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    existing: Mapping[str, Mapping[str, Any]] | None = None,
    stack: str = "test",
) -> Deployment:
    """Evaluate a program to its end; whatever it raises comes out here.

    Args:
        program: registers resources.
        config: full keys with namespace -> text.
        preview: every computed output is unknown.
        invokes: answers of data sources, in place of the usual ones.
        outputs: outputs of resources by type, in place of the usual ones.
        existing: outputs of resources by name, which their inputs do not change; a preview
            knows their ids.
        stack: name of the stack.
    """
    recording = Recording(preview=preview, invokes=invokes, outputs=outputs, existing=existing)
    monitor = RecordingMonitor(recording)
    evaluate(program, monitor, project=PROJECT, stack=stack, config=config or {}, preview=preview)
    return Deployment(monitor)


def refuse(
    program: Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    secret: Sequence[str] = (),
    stack: str = "test",
    invokes: Mapping[str, Any] | None = None,
) -> pulumi.RunError:
    """Evaluate a program that must end with a `RunError` before it registers anything.

    Args:
        program: registers resources.
        config: full keys with namespace -> text.
        secret: keys of it whose values are secret.
        stack: name of the stack.
        invokes: token of a function -> its answer, in place of the usual one.
    """
    monitor = RecordingMonitor(Recording(invokes=invokes))
    try:
        evaluate(program, monitor, project=PROJECT, stack=stack, config=config or {}, secret=secret)
    except pulumi.RunError as error:
        registered = [f"{r.type} {r.name}" for r in Deployment(monitor).resources]
        if registered:
            raise AssertionError(f"registered before the error: {registered}") from error
        return error
    raise AssertionError("expected a RunError; the program ran to its end")
