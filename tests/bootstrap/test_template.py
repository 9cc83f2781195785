"""The template that prepares an account: what it makes, whom it trusts, and with which rights."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint

from bootstrap import permissions
from bootstrap.policies import ROLES, statements
from bootstrap.template import packed, template
from components.policies import PATH
from docs.generate import program_graph
from sandbox.resources import RESOURCE_TYPES
from sandbox.resources.invokes import INVOKES
from tests.bootstrap.account import PREFIX, PROVIDER, Account, prepared
from tests.bootstrap.matching import allows

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER = "token.actions.githubusercontent.com"

OWN_POLICIES_SIZE, MANAGED_POLICY_SIZE, MANAGED_POLICIES = 10_240, 6_144, 10
"""Characters of a role's own policies together, and of a managed policy, without blanks; managed
policies of a role. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(template())["Resources"]
    return found


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with prepared() as made:
        yield made


def test_aws_would_take_it() -> None:
    """cfn-lint knows AWS's schemas, and the actions of its services."""
    assert [str(problem) for problem in lint(template())] == []
    wrong = template().replace('"ec2:DescribeVpcs"', '"ec2:DescribeVpcz"')
    assert ["describevpcz" in str(problem) for problem in lint(wrong)] == [True] * 2


def test_the_state_is_versioned_encrypted_private_and_outlives_the_stack(
    resources: dict[str, Any],
) -> None:
    bucket = resources["StateBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    blocked = bucket["Properties"]["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())
    (denied,) = resources["StateBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    key = resources["SecretsKey"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["EnableKeyRotation"] is True


def test_an_identity_provider_is_made_only_where_there_is_none(resources: dict[str, Any]) -> None:
    provider = resources["OidcProvider"]
    assert provider["Condition"] == "NewOidcProvider"
    assert provider["DeletionPolicy"] == "Retain"  # another repository may use it
    assert provider["Properties"]["Url"] == f"https://{ISSUER}"
    assert provider["Properties"]["ClientIdList"] == ["sts.amazonaws.com"]


@pytest.mark.parametrize(
    ("role", "claims"),
    [
        ("Preview", {"sub": f"{PREFIX}:environment:preview"}),
        ("Drift", {"sub": f"{PREFIX}:ref:refs/heads/main", "ref": "refs/heads/main"}),
        ("Deploy", {"sub": f"{PREFIX}:environment:production", "ref": "refs/heads/main"}),
    ],
)
def test_a_role_trusts_exactly_one_kind_of_token(
    account: Account, role: str, claims: dict[str, str]
) -> None:
    (trusted,) = account.role(role)["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Federated": PROVIDER}
    assert trusted["Action"] == "sts:AssumeRoleWithWebIdentity"
    expected = {f"{ISSUER}:{claim}": value for claim, value in claims.items()}
    expected[f"{ISSUER}:aud"] = "sts.amazonaws.com"
    assert trusted["Condition"] == {"StringEquals": expected}


@pytest.mark.parametrize("role", ROLES)
def test_the_policies_fit_into_a_role(account: Account, role: str) -> None:
    own = [_size(it) for it in account.own_policies(role)]
    assert 500 < sum(own) <= OWN_POLICIES_SIZE
    managed = [_size(it) for it in account.managed_policies(role)]
    assert 0 < len(managed) <= MANAGED_POLICIES
    assert 500 < max(managed) <= MANAGED_POLICY_SIZE


def test_they_fit_where_the_names_of_accounts_and_regions_are_longest() -> None:
    """Where policies are packed, placeholders stand for what takes their place."""
    longest = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "9" * 12}
    for name, resource in json.loads(template())["Resources"].items():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            policy = resource["Properties"]["PolicyDocument"]
            text = json.dumps(_filled(policy, {**longest, "AWS::Region": "ap-southeast-1"}))
            assert len("".join(text.split())) <= MANAGED_POLICY_SIZE, name
            assert "Fn::Sub" not in text


def _filled(value: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"Fn::Sub"}:
        return {key: _filled(item, names) for key, item in value.items()}
    return re.sub(r"\$\{(.*?)\}", lambda found: names[found[1]], value["Fn::Sub"])


def _size(policy: dict[str, Any]) -> int:
    return len(json.dumps(policy, separators=(",", ":")))


def _statement(sid: str, size: int) -> dict[str, Any]:
    statement = {"Sid": sid, "Action": ""}
    return {**statement, "Action": "a" * (size - _size(statement))}


def test_a_policy_takes_as_many_statements_as_fit() -> None:
    """The third one, with its comma, would make the first policy one character too long."""
    around = _size({"Version": "2012-10-17", "Statement": []})
    room = MANAGED_POLICY_SIZE - around
    sizes = {"A": 3000, "B": 1000, "C": room - 4001, "D": 1000, "E": room}
    found = packed([_statement(sid, size) for sid, size in sizes.items()])
    assert [[it["Sid"] for it in policy["Statement"]] for policy in found] == [
        ["A", "B"],
        ["C", "D"],
        ["E"],
    ]
    assert _size(found[2]) == MANAGED_POLICY_SIZE
    fits = packed([_statement("A", 3000), _statement("B", room - 3001)])
    assert [_size(policy) for policy in fits] == [MANAGED_POLICY_SIZE]
    with pytest.raises(ValueError, match="statement A is longer than a policy may be: split"):
        packed([_statement("A", room + 1)])


@pytest.mark.parametrize("role", ROLES)
def test_every_action_is_named_and_allowed_once(account: Account, role: str) -> None:
    found = account.statements(role)
    assert all(statement["Effect"] == "Allow" for statement in found)
    assert not [action for statement in found for action in statement["Action"] if "*" in action]
    # A role's own policy is about Pulumi's state only.
    outside = [it for policy in account.managed_policies(role) for it in policy["Statement"]]
    actions = [action for statement in outside for action in statement["Action"]]
    assert len(set(actions)) == len(actions)


@pytest.mark.parametrize("role", ROLES)
def test_what_holds_for_all_resources_holds_in_one_region(account: Account, role: str) -> None:
    for statement in account.statements(role):
        if statement["Sid"] == "Zones":  # Route 53 has no regions
            assert statement["Condition"] == {"Bool": {"aws:ViaAWSService": "true"}}
        elif "*" in statement["Resource"]:
            conditions = statement["Condition"]["StringEquals"]
            assert conditions["aws:RequestedRegion"] == account.emulator.region, statement["Sid"]


def test_only_a_deployment_changes_anything(account: Account) -> None:
    reads = ("Describe", "Get", "List", "BatchGet", "Decrypt")
    for role in ("Preview", "Drift"):
        for statement in account.statements(role):
            writes = [it for it in statement["Action"] if not it.split(":")[1].startswith(reads)]
            assert not writes or statement["Resource"][0].endswith("/.pulumi/locks/*"), statement


def test_a_preview_reads_no_secret_and_nothing_of_other_people(account: Account) -> None:
    actions = {it for statement in account.statements("Preview") for it in statement["Action"]}
    assert actions == {
        *("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "kms:Decrypt"),
        *("ec2:DescribeAvailabilityZones", "ec2:DescribeInstanceTypeOfferings"),
        *(
            "ec2:DescribeSubnets",
            "ec2:DescribeInstanceTypes",
            "ssm:GetParameter",
            "ecr:GetAuthorizationToken",
        ),
        *("route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource"),
    }


def test_a_deployment_cannot_change_who_it_is(account: Account) -> None:
    """IAM is limited to one path, where the roles of GitHub are not."""
    roles = [account.outputs[f"{name}RoleArn"] for name in ROLES]
    for statement in account.statements("Deploy"):
        actions = [action for action in statement["Action"] if action.startswith("iam:")]
        if not actions:
            continue
        for pattern in statement["Resource"]:
            assert not any(fnmatch.fnmatchcase(role, pattern) for role in roles)
            path = pattern.split(":", 5)[5].partition("/")[2]
            services = (
                *("ecs", "autoscaling", "elasticloadbalancing"),
                "ecs.application-autoscaling",
            )
            own = [f"/aws-service-role/{service}.amazonaws.com/" for service in services]
            assert f"/{path}".startswith((PATH, *own))


def test_what_gives_rights_away_is_limited_further(account: Account) -> None:
    conditions = {
        action: statement.get("Condition", {})
        for statement in account.statements("Deploy")
        for action in statement["Action"]
    }
    (services,) = conditions["iam:PassRole"].values()
    assert services == {
        "iam:PassedToService": [
            "ecs-tasks.amazonaws.com",
            "ec2.amazonaws.com",
            "dlm.amazonaws.com",
            "vpc-flow-logs.amazonaws.com",
        ]
    }
    managed = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert conditions["iam:AttachRolePolicy"] == {"ArnEquals": {"iam:PolicyARN": managed}}
    (own,) = conditions["iam:CreateServiceLinkedRole"].values()
    assert own == {
        "iam:AWSServiceName": [
            "ecs.amazonaws.com",
            "autoscaling.amazonaws.com",
            "ecs.application-autoscaling.amazonaws.com",
            "elasticloadbalancing.amazonaws.com",
        ]
    }
    for action in (
        *("ec2:TerminateInstances", "ec2:DeleteVpc", "ec2:StopInstances", "acm:DeleteCertificate"),
        *("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "servicediscovery:DeleteNamespace"),
        "application-autoscaling:DeregisterScalableTarget",
    ):
        assert conditions[action]["StringEquals"]["aws:ResourceTag/project"] == "prometheus-aws"
    assert not {action for action in conditions if action.startswith(("sts:", "organizations:"))}
    assert not conditions.keys() & {
        *("iam:AttachUserPolicy", "iam:CreateLoginProfile", "iam:CreatePolicyVersion"),
        *("iam:AddUserToGroup", "iam:PutGroupPolicy", "kms:CreateGrant", "kms:Encrypt"),
    }


def test_a_deployment_cannot_make_the_key_of_the_state_its_own(
    account: Account, resources: dict[str, Any]
) -> None:
    """Whoever may tag a key as the project's may change and delete it."""
    (tag,) = resources["SecretsKey"]["Properties"]["Tags"]
    policy = account.statements("Deploy")
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    here = {"aws:RequestedRegion": "eu-central-1"}
    of_state = {**here, f"aws:ResourceTag/{tag['Key']}": tag["Value"]}
    for action in ("kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion"):
        assert not allows(policy, action, key, of_state)
        own = {**here, "aws:ResourceTag/project": "prometheus-aws"}
        assert allows(policy, action, key, own)
    assert allows(policy, "kms:TagResource", "*", here)  # a key that is being made


@pytest.mark.parametrize(
    ("names", "types", "allowed"),
    [
        (["grafana.example.com"], ["A", "AAAA"], True),
        (["_c0ffee.monitoring.example.com"], ["CNAME"], True),
        (["prometheus.monitoring.internal", "www.example.com"], ["A"], False),
        (["example.com"], ["A"], False),
        (["prometheus.example.com"], ["NS"], False),
        (["_dmarc.example.com"], ["TXT"], False),
    ],
)
def test_a_deployment_changes_only_the_records_of_its_servers(
    account: Account, names: list[str], types: list[str], *, allowed: bool
) -> None:
    key = "route53:ChangeResourceRecordSets"
    context = {f"{key}NormalizedRecordNames": names, f"{key}RecordTypes": types}
    zone = "arn:aws:route53:::hostedzone/Z1"
    assert allows(account.statements("Deploy"), key, zone, context) == allowed
    assert not allows(account.statements("Drift"), key, zone, context)


def test_the_host_names_of_services_are_a_parameter() -> None:
    key = "route53:ChangeResourceRecordSets"
    zone = "arn:aws:route53:::hostedzone/Z1"

    def changes(account: Account, role: str, name: str, kind: str) -> bool:
        context = {f"{key}NormalizedRecordNames": [name], f"{key}RecordTypes": [kind]}
        return allows(account.statements(role), key, zone, context)

    with prepared("pizza.example.com,api.shop.example.com") as account:
        for name in ("pizza.example.com", "api.shop.example.com", "grafana.example.com"):
            assert [changes(account, "Deploy", name, kind) for kind in ("A", "AAAA")] == [True] * 2
        assert not changes(account, "Deploy", "shop.example.com", "A")
        assert not changes(account, "Deploy", "pizza.example.com", "CNAME")
        assert not changes(account, "Drift", "pizza.example.com", "A")
        policies = len(account.managed_policies("Deploy"))
    assert policies <= MANAGED_POLICIES


@pytest.mark.parametrize(
    ("names", "legal"),
    [
        ("", True),
        ("pizza.example.com", True),
        ("pizza.example.com,a-b.c", True),
        ("*.example.com", False),
        ("example", False),
        ("Pizza.example.com", False),
        ("a.example.com, b.example.com", False),
        ("a.example.com,", False),
    ],
)
def test_host_names_are_names_in_lower_case_as_aws_compares_them(
    names: str, *, legal: bool
) -> None:
    pattern = json.loads(template())["Parameters"]["ServiceHostNames"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, names)) == legal


def test_the_providers_calls_are_known_for_all_that_the_program_uses() -> None:
    """A new type or function needs an entry in bootstrap/permissions.py."""
    assert not RESOURCE_TYPES.keys() - permissions.RESOURCES.keys()
    assert not INVOKES.keys() - permissions.FUNCTIONS.keys()


def test_all_of_the_programs_identities_are_where_a_deployment_may_make_them() -> None:
    kinds = {"aws:iam/role:Role", "aws:iam/user:User", "aws:iam/instanceProfile:InstanceProfile"}
    found = [it for it in program_graph("prod").resources if it.type in kinds]
    assert {it.type for it in found} == kinds
    assert {it.inputs["path"] for it in found} == {PATH}


def test_an_action_without_a_scope_is_refused() -> None:
    with pytest.raises(ValueError, match="rds:CreateDBInstance has no scope: add one to SCOPES"):
        statements({"rds:CreateDBInstance"})
