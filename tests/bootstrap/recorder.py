"""What is called while something runs, and whether a role may call it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.emulator import SESSION
from tests.bootstrap.matching import allows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bootstrap.account import Account

NEED_NO_PERMISSION = {"sts:GetCallerIdentity"}
# AWS removes a NAT gateway's by itself; the real provider asks for the one bucket.
ONLY_IN_THE_EMULATOR = {"ec2:DeleteNetworkInterface", "s3:ListBuckets"}
OF_OBJECTS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}
PASSED = {
    "RegisterTaskDefinition": ("ecs-tasks.amazonaws.com", ("executionRoleArn", "taskRoleArn")),
    "CreateFlowLogs": ("vpc-flow-logs.amazonaws.com", ("DeliverLogsPermissionArn",)),
    "AddRoleToInstanceProfile": ("ec2.amazonaws.com", ("RoleName",)),
}
"""Call -> to whom it passes a role, and the arguments that name it."""

ACCOUNT = "123456789012"
PLACE = f"eu-central-1:{ACCOUNT}"
ACTIONS = {
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Call -> the right that it takes, where that has another name. Source:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""

IDENTITIES = {"InstanceProfileName": "instance-profile", "RoleName": "role", "UserName": "user"}
NAMED = {
    ("autoscaling", "AutoScalingGroupName"): (
        f"arn:aws:autoscaling:{PLACE}:autoScalingGroup:*:autoScalingGroupName/{{}}"
    ),
    ("ecs", "name"): f"arn:aws:ecs:{PLACE}:capacity-provider/{{}}",
    ("cloudwatch", "AlarmName"): f"arn:aws:cloudwatch:{PLACE}:alarm:{{}}",
    ("cloudwatch", "AlarmNames"): f"arn:aws:cloudwatch:{PLACE}:alarm:{{}}",
    ("ecr", "repositoryName"): f"arn:aws:ecr:{PLACE}:repository/{{}}",
    ("ecr", "repositoryNames"): f"arn:aws:ecr:{PLACE}:repository/{{}}",
    ("events", "Name"): f"arn:aws:events:{PLACE}:rule/{{}}",
    ("events", "Rule"): f"arn:aws:events:{PLACE}:rule/{{}}",
    ("logs", "logGroupName"): f"arn:aws:logs:{PLACE}:log-group:{{}}",
    ("logs", "logGroupNamePrefix"): f"arn:aws:logs:{PLACE}:log-group:{{}}",
    ("route53", "HostedZoneId"): "arn:aws:route53:::hostedzone/{}",
    ("route53", "Id"): "arn:aws:route53:::hostedzone/{}",
    ("s3", "Bucket"): "arn:aws:s3:::{}",
    ("secretsmanager", "Name"): f"arn:aws:secretsmanager:{PLACE}:secret:{{}}",
    ("sns", "Name"): f"arn:aws:sns:{PLACE}:{{}}",
    ("ssm", "Name"): "arn:aws:ssm:eu-central-1::parameter{}",
}
"""Service and argument -> the ARN of what the argument names."""
MADE = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}
"""What is made of which kind, as load balancing's ARNs say it."""

BY_ARN = (
    *("resourceArn", "ResourceArn", "ResourceARN", "TopicArn", "SubscriptionArn", "SecretId"),
    *("services", "service", "clusters", "cluster", "RuleArn", "ListenerArn", "TargetGroupArn"),
    *("LoadBalancerArn", "CertificateArn"),
)
"""Arguments that are the ARN of what a call is about."""


class Call(NamedTuple):
    """What a call needs a right for."""

    action: str
    resource: str
    context: frozenset[tuple[str, str | tuple[str, ...]]] = frozenset()
    """Condition keys, each with its value or values."""


@dataclass
class Recorder:
    """Notes the calls to an account."""

    account: Account
    calls: set[Call] = field(default_factory=set)
    _arns: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Note all calls until the context ends."""
        emulator, event = self.account.emulator, "before-parameter-build.*.*"
        server: Any = emulator._server._server  # type: ignore[union-attr]
        app = server.app

        def recorded(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI
            self._cli(environ)
            return app(environ, start_response)

        SESSION.register(event, self._provider)
        emulator._clients.clear()  # the next ones are recorded
        server.app = recorded
        try:
            yield
        finally:
            server.app = app
            SESSION.unregister(event, self._provider)

    def _provider(self, params: Mapping[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        """Note what the emulated providers call, which are in this process."""
        service, name = model.service_model.signing_name, model.name
        service = "cloudwatch" if service == "monitoring" else service
        action = ACTIONS.get(f"{service}:{name}", f"{service}:{name}")
        resource = self._resource(service, name, params)
        self.calls.add(Call(action, resource, frozenset(_records(params).items())))
        passed_to, arguments = PASSED.get(name, ("", ()))
        for argument in {*arguments} & params.keys():
            role = params[argument]
            context = frozenset({("iam:PassedToService", passed_to)})
            self.calls.add(Call("iam:PassRole", self._arns.get(role, role), context))

    def _cli(self, environ: Mapping[str, Any]) -> None:
        """Note what Pulumi's CLI asks for its state and its secrets; the rest is noted above."""
        if "Botocore" in environ["HTTP_USER_AGENT"]:
            return
        path, target = environ["PATH_INFO"], environ.get("HTTP_X_AMZ_TARGET", "")
        bucket = self.account.resources["StateBucket"]
        key = f"arn:aws:kms:{PLACE}:key/{self.account.resources['SecretsKey']}"
        if target.startswith("TrentService."):
            self.calls.add(Call(f"kms:{target.partition('.')[2]}", key))
        elif path.strip("/") == bucket:
            self.calls.add(Call("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
        elif path.startswith(f"/{bucket}/"):
            verb = OF_OBJECTS[environ["REQUEST_METHOD"]]
            self.calls.add(Call(f"s3:{verb}Object", f"arn:aws:s3:::{path[1:]}"))

    def denied(self, role: str, calls: set[Call]) -> set[Call]:
        """Return which of some calls the role's policies do not allow."""
        policy = self.account.statements(role)
        context = {
            "aws:RequestedRegion": "eu-central-1",
            "aws:ResourceTag/project": "prometheus-aws",  # of all that the program makes
            "iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        }
        return {
            call
            for call in calls
            if call.action not in NEED_NO_PERMISSION | ONLY_IN_THE_EMULATOR
            and not allows(policy, call.action, call.resource, {**context, **dict(call.context)})
        }

    def _resource(self, service: str, call: str, params: Mapping[str, Any]) -> str:
        """ARN of what a call is about; `*` where AWS, or our policy, does not tell."""
        for argument, kind in IDENTITIES.items():
            if argument in params:
                name = params[argument]
                if call.startswith("Create") and "Path" in params:
                    self._arns[name] = f"arn:aws:iam::{ACCOUNT}:{kind}{params['Path']}{name}"
                return self._arns.get(name, f"arn:aws:iam::{ACCOUNT}:{kind}/{name}")
        if call in MADE:
            return f"arn:aws:elasticloadbalancing:{PLACE}:{MADE[call]}/{params['Name']}/1"
        arns = {**dict.fromkeys(((service, it) for it in BY_ARN), "{}"), **NAMED}
        for (of, argument), arn in arns.items():
            if of == service and params.get(argument):
                value = params[argument]
                value = value[0] if isinstance(value, list) else value
                if (service, argument) == ("ecs", "cluster") and not value.startswith("arn:"):
                    return f"arn:aws:ecs:{PLACE}:cluster/{value}"
                return arn.format(value)
        return "*"


def _records(params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What Route 53 tells policies of the records that a call changes."""
    if "ChangeBatch" not in params:
        return {}
    sets = [change["ResourceRecordSet"] for change in params["ChangeBatch"]["Changes"]]
    key = "route53:ChangeResourceRecordSets"
    return {
        f"{key}NormalizedRecordNames": tuple(it["Name"].rstrip(".").lower() for it in sets),
        f"{key}RecordTypes": tuple(it["Type"] for it in sets),
    }
