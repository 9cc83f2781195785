"""The policies of GitHub's roles: the actions of `permissions`, each on no more than it needs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from blocks import CLUSTER, DAEMONS, SERVICE
from bootstrap import permissions
from components.host_profile import SESSION_MANAGER_POLICY
from components.ingress.servers import SERVERS
from components.policies import PATH
from settings import PROJECT

IN_REGION = {"aws:RequestedRegion": "${AWS::Region}"}
CHANGE_RECORDS = "route53:ChangeResourceRecordSets"
ZONES = "arn:${AWS::Partition}:route53:::hostedzone/*"
OF_PROJECT = {"aws:ResourceTag/project": PROJECT}


def _arns(service: str, *resources: str) -> list[str]:
    """ARNs in the account, and in the region where the service has regions."""
    region = "" if service == "iam" else "${AWS::Region}"
    return [
        f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{it}" for it in resources
    ]


def _named(service: str, *kinds: str) -> list[str]:
    """ARNs of what has one of the program's names; a kind is what an ARN has before the name."""
    names = (*SERVERS, CLUSTER, DAEMONS, SERVICE)
    return _arns(service, *(f"{kind}{name}-*" for kind in kinds for name in names))


def of_records(names: Any, types: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the condition that only these records are changed.

    Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html

    Args:
        names: patterns, in lower case; or what CloudFormation makes of a parameter.
        types: such as `A`.
    """
    key = f"{CHANGE_RECORDS}NormalizedRecordNames"
    return {
        "ForAllValues:StringLike": {key: names},
        "ForAllValues:StringEquals": {f"{CHANGE_RECORDS}RecordTypes": list(types)},
    }


class Scope(NamedTuple):
    """On what some actions are allowed."""

    name: str
    actions: str
    """Regular expression."""
    resources: Sequence[str] = ("*",)
    condition: Mapping[str, Any] = {}


# The first whose expression fits an action counts. Names are Pulumi's: those of the program's
# resources, and a random end. What AWS can limit, and by what, is in the service authorization
# reference: https://docs.aws.amazon.com/service-authorization/latest/reference/
SCOPES = (
    Scope(
        "PassToServices",
        "iam:PassRole",
        _arns("iam", f"role{PATH}*"),
        {
            "StringEquals": {
                "iam:PassedToService": [
                    "ecs-tasks.amazonaws.com",
                    "ec2.amazonaws.com",
                    "dlm.amazonaws.com",
                    "vpc-flow-logs.amazonaws.com",
                ]
            }
        },
    ),
    Scope(
        "ServicesOwnRoles",
        "iam:CreateServiceLinkedRole",
        _arns(
            "iam",
            "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS*",
            "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*",
            "role/aws-service-role/ecs.application-autoscaling.amazonaws.com"
            "/AWSServiceRoleForApplicationAutoScaling_ECSService*",
            "role/aws-service-role/elasticloadbalancing.amazonaws.com"
            "/AWSServiceRoleForElasticLoadBalancing*",
        ),
        {
            "StringEquals": {
                "iam:AWSServiceName": [
                    "ecs.amazonaws.com",
                    "autoscaling.amazonaws.com",
                    "ecs.application-autoscaling.amazonaws.com",
                    "elasticloadbalancing.amazonaws.com",
                ]
            }
        },
    ),
    Scope(
        "SessionManager",
        "iam:(Attach|Detach)RolePolicy",
        _arns("iam", f"role{PATH}*"),
        {
            "ArnEquals": {
                "iam:PolicyARN": f"arn:${{AWS::Partition}}:iam::aws:policy/{SESSION_MANAGER_POLICY}"
            }
        },
    ),
    Scope(
        "Profiles",
        r"iam:(?!ListInstanceProfilesForRole)\w*InstanceProfile",
        _arns("iam", f"instance-profile{PATH}*"),
    ),
    Scope("Roles", r"iam:\w*(Role|AssumeRolePolicy)", _arns("iam", f"role{PATH}*")),
    Scope("Users", r"iam:\w*(User|AccessKey)", _arns("iam", f"user{PATH}*")),
    Scope("Images", "ecr:(?!GetAuthorizationToken)", _named("ecr", "repository/")),
    Scope("ListLogs", "logs:DescribeLogGroups", _arns("logs", "log-group:*")),
    Scope(
        "Logs",
        "logs:",
        [*_named("logs", "log-group:"), *_arns("logs", "log-group:monitoring-*")],
    ),
    Scope("Secrets", "secretsmanager:", _named("secretsmanager", "secret:")),
    Scope(
        "Services",
        r"ecs:(?!\w*TaskDefinition|CreateCluster)",
        [
            *_named(
                "ecs",
                *("cluster/", "service/", "service-deployment/", "task-definition/"),
                "capacity-provider/",
            ),
            # Its name may not begin as a cluster's may.
            *_arns("ecs", f"capacity-provider/hosts-of-{CLUSTER}-*"),
        ],
    ),
    Scope(
        "Hosts",
        "autoscaling:(?!Describe)",
        _named("autoscaling", "autoScalingGroup:*:autoScalingGroupName/"),
    ),
    Scope(
        "NewestImage",
        "ssm:GetParameter",
        [
            f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}::parameter/aws/service/{images}/*"
            for images in ("ami-amazon-linux-latest", "ecs/optimized-ami/amazon-linux-2023")
        ],
    ),
    Scope("Topics", "sns:", _arns("sns", "notifications-*")),
    Scope("EventRules", "events:", _named("events", "rule/")),
    # Auto-scaling names its alarms itself.
    Scope(
        "Alarms",
        "cloudwatch:(?!DescribeAlarms)",
        [
            *_named("cloudwatch", "alarm:"),
            *_arns("cloudwatch", "alarm:TargetTracking-service/*"),
        ],
    ),
    Scope(
        "LoadBalancers",
        "elasticloadbalancing:(?!Describe|SetWebACL)",
        _arns(
            "elasticloadbalancing",
            *(f"{kind}/app/ingress-*" for kind in ("loadbalancer", "listener", "listener-rule")),
            "targetgroup/ingress-*",
            f"targetgroup/{SERVICE}-*",
        ),
    ),
    # These two are not the program's, and may have any name.
    Scope("UserPools", "cognito-idp:", _arns("cognito-idp", "userpool/*")),
    Scope(
        "WebAcls",
        "wafv2:",
        [
            *_arns("wafv2", "regional/webacl/*"),
            *_arns("elasticloadbalancing", "loadbalancer/app/ingress-*"),
        ],
    ),
    # Nobody reads the access logs.
    Scope(
        "Versions",
        "s3:(Get|Put)Object",
        ["arn:${AWS::Partition}:s3:::configuration-bucket-*"],
    ),
    Scope(
        "Buckets",
        "s3:",
        [
            "arn:${AWS::Partition}:s3:::ingress-access-logs-*",
            "arn:${AWS::Partition}:s3:::configuration-bucket-*",
        ],
    ),
    # In any zone, but only host names of ours, and what proves a domain to ACM.
    Scope(
        "Records",
        CHANGE_RECORDS,
        [ZONES],
        of_records([*(f"{server}.*" for server in SERVERS), "_*"], ["A", "AAAA", "CNAME"]),
    ),
    # The zone of a Cloud Map namespace, which Cloud Map makes for its caller.
    Scope(
        "Zones",
        "route53:(Create|Delete|Associate|ListHostedZonesByName)",
        condition={"Bool": {"aws:ViaAWSService": "true"}},
    ),
    Scope(
        "ReadRecords",
        "route53:",
        [
            ZONES,
            "arn:${AWS::Partition}:route53:::change/*",
        ],
    ),
    # These have random ids. What is removed or stopped must be the project's, by the tag that
    # everything of it has. Not what is done right after a key is made: KMS may take 5 minutes to
    # see a tag, see https://docs.aws.amazon.com/kms/latest/developerguide/abac.html
    Scope(
        "OfProject",
        r"ec2:(?!DeleteTags)(Delete|Terminate|Stop|Release)|acm:(Delete|Update|Remove)"
        r"|kms:(DisableKey|EnableKey$|Put|Schedule|Untag|Update)"
        r"|servicediscovery:(Update|Delete|Deregister)|dlm:(Update|Delete|Untag)"
        r"|application-autoscaling:(Delete|Deregister|Untag)",
        condition={"StringEquals": {**IN_REGION, **OF_PROJECT}},
    ),
    # A tag makes a key the project's, but not one that is another project's by its tag, as that of
    # Pulumi's state is. A key that is being made has none yet.
    Scope(
        "NewKeys",
        "kms:(CreateKey|TagResource)",
        condition={"StringEquals": IN_REGION, "StringEqualsIfExists": OF_PROJECT},
    ),
    # AWS cannot limit these to resources, or not to the program's.
    Scope(
        "InRegion",
        "(acm|(application-)?autoscaling|cloudwatch|dlm|ec2|ecr|ecs|elasticloadbalancing|kms"
        "|servicediscovery):",
        condition={"StringEquals": IN_REGION},
    ),
)


def statements(actions: set[str]) -> list[dict[str, Any]]:
    """Return the statements that allow some actions, and no others.

    Raises:
        ValueError: an action has no scope.
    """
    of_scope: dict[str, list[str]] = {}
    for action in sorted(actions):
        found = [scope.name for scope in SCOPES if re.match(scope.actions, action)]
        if not found:
            raise ValueError(f"{action} has no scope: add one to SCOPES in bootstrap/policies.py")
        of_scope.setdefault(found[0], []).append(action)
    return [
        {
            "Sid": scope.name,
            "Effect": "Allow",
            "Action": of_scope[scope.name],
            "Resource": list(scope.resources),
            **({"Condition": scope.condition} if scope.condition else {}),
        }
        for scope in SCOPES
        if scope.name in of_scope
    ]


ROLES: Mapping[str, set[str]] = {
    "Preview": permissions.preview(),
    "Drift": permissions.drift(),
    "Deploy": permissions.deploy(),
}
"""Name of a role -> what it may do in the account."""
