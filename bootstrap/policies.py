"""The policies of GitHub's roles: the actions of `permissions`, each on no more than it needs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bootstrap import permissions
from components.exporters.exporter_group import SESSION_MANAGER_POLICY
from components.policies import PATH
from settings import PROJECT

IN_REGION = {"StringEquals": {"aws:RequestedRegion": "${AWS::Region}"}}
IN_REGION_AND_PROJECT = {
    "StringEquals": {
        "aws:RequestedRegion": "${AWS::Region}",
        "aws:ResourceTag/project": PROJECT,
    }
}

SERVERS = ("prometheus", "alertmanager", "grafana")
"""The servers' components, whose names begin the names in AWS."""


def _arns(service: str, *resources: str) -> list[str]:
    """ARNs in the account, and in the region where the service has regions."""
    region = "" if service == "iam" else "${AWS::Region}"
    return [
        f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{it}" for it in resources
    ]


class Scope(NamedTuple):
    """On what some actions are allowed."""

    name: str
    actions: str
    """Regular expression."""
    resources: Sequence[str] = ("*",)
    condition: Mapping[str, Any] = {}


# The first whose expression fits an action counts. Names are Pulumi's: those of the program's
# resources, and a random end.
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
                    "vpc-flow-logs.amazonaws.com",
                ]
            }
        },
    ),
    Scope(
        "EcsOwnRole",
        "iam:CreateServiceLinkedRole",
        _arns("iam", "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS*"),
        {"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}},
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
    Scope("RegistryLogin", "ecr:GetAuthorizationToken", condition=IN_REGION),
    Scope("Images", "ecr:", _arns("ecr", *(f"repository/{it}-*" for it in SERVERS))),
    Scope("ListLogs", "logs:DescribeLogGroups", _arns("logs", "log-group:*")),
    Scope(
        "Logs", "logs:", _arns("logs", *(f"log-group:{it}-*" for it in (*SERVERS, "monitoring")))
    ),
    Scope(
        "Secrets",
        "secretsmanager:",
        _arns("secretsmanager", *(f"secret:{it}-*" for it in SERVERS)),
    ),
    # AWS cannot limit these to resources.
    Scope("TaskDefinitions", r"ecs:(\w*TaskDefinition|CreateCluster)", condition=IN_REGION),
    Scope(
        "Services",
        "ecs:",
        _arns(
            "ecs",
            *(
                f"{kind}/{server}-*"
                for kind in ("cluster", "service", "service-deployment", "task-definition")
                for server in SERVERS
            ),
        ),
    ),
    Scope(
        "NewestImage",
        "ssm:GetParameter",
        [
            "arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/ami-amazon-linux-latest/*"
        ],
    ),
    # Names are made of random ids. What is changed or removed must be the project's, as below.
    Scope(
        "ChangeNames",
        "servicediscovery:(Update|Delete|Deregister)",
        condition=IN_REGION_AND_PROJECT,
    ),
    Scope("Names", "servicediscovery:", condition=IN_REGION),
    # Route 53 has no regions, and its zones have random ids: only what Cloud Map does for a caller.
    Scope("Zones", "route53:", condition={"Bool": {"aws:ViaAWSService": "true"}}),
    Scope("ReadEc2", "ec2:Describe", condition=IN_REGION),
    # What is removed or stopped must be the project's, by the tag that everything of it has.
    Scope(
        "RemoveEc2",
        r"ec2:(?!DeleteTags)(Delete|Terminate|Stop|Release)",
        condition=IN_REGION_AND_PROJECT,
    ),
    Scope("Ec2", "ec2:", condition=IN_REGION),
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
