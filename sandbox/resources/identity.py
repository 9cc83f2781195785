"""Users, roles, keys and secrets: `aws:iam` and `aws:secretsmanager`."""

from sandbox.resources.base import Client, Inputs, Step
from sandbox.resources.interpreter import ResourceType


def _move_user(iam: Client, user: str, before: Inputs, after: Inputs) -> Inputs:
    if not before:
        return {}
    iam.update_user(UserName=user, NewPath=after["path"])
    tags = [{"Key": key, "Value": value} for key, value in after["tags"].items()]
    iam.tag_user(UserName=user, Tags=tags)  # moto loses them with the old ARN
    return {"arn": iam.get_user(UserName=user)["User"]["Arn"]}


def _set_role(iam: Client, profile: str, _before: Inputs, after: Inputs) -> None:
    which = {"InstanceProfileName": profile}
    for role in iam.get_instance_profile(**which)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(**which, RoleName=role["RoleName"])
    if after:
        iam.add_role_to_instance_profile(**which, RoleName=after["role"])


def _delete_secret(client: Client, arn: str, before: Inputs, _after: Inputs) -> None:
    days = before["recoveryWindowInDays"]
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    client.delete_secret(SecretId=arn, **window)


def _delete_version(client: Client, _id: str, before: Inputs, _after: Inputs) -> None:
    secret, version = before["secretId"], before["versionId"]
    labels = client.describe_secret(SecretId=secret)["VersionIdsToStages"].get(version, [])
    for label in set(labels) - {"AWSCURRENT"}:  # it can only be moved, or goes with the secret
        client.update_secret_version_stage(
            SecretId=secret, VersionStage=label, RemoveFromVersionId=version
        )


RESOURCE_TYPES = {
    "aws:iam/user:User": ResourceType(
        "iam",
        "create_user",
        "{name}",
        names={"name": "UserName"},
        defaults={"path": "/"},
        outputs={"arn": "User.Arn", "uniqueId": "User.UserId"},
        seen={"arn": "Arn"},
        update=(Step(_move_user, "path"),),
    ),
    "aws:iam/userPolicy:UserPolicy": ResourceType(
        "iam",
        "put_user_policy",
        "{user}:{name}",
        names={"user": "UserName", "name": "PolicyName", "policy": "PolicyDocument"},
        update=("put_user_policy",),
    ),
    "aws:iam/accessKey:AccessKey": ResourceType(
        "iam",
        "create_access_key",
        "AccessKey.AccessKeyId",
        names={"user": "UserName"},
        required="user",
        outputs={"secret": "AccessKey.SecretAccessKey", "status": "AccessKey.Status"},
        secret_outputs=frozenset({"secret"}),
        found="AccessKeyMetadata[?AccessKeyId=='{id}'] | [0]",
        seen={"status": "Status"},
    ),
    "aws:iam/role:Role": ResourceType(
        "iam",
        "create_role",
        "{name}",
        names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument PolicyDocument"},
        defaults={"path": "/"},
        outputs={"arn": "Role.Arn", "uniqueId": "Role.RoleId"},
        update=("update_role", "update_assume_role_policy"),
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        "iam",
        "put_role_policy",
        "{role}:{name}",
        names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
        update=("put_role_policy",),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        "iam",
        "attach_role_policy",
        "{role}/{policyArn}",
        names={"role": "RoleName"},
        read="list_attached_role_policies",
        found="AttachedPolicies[?PolicyArn=='{policyArn}'] | [0]",
        delete="detach_role_policy",
    ),
    "aws:iam/instanceProfile:InstanceProfile": ResourceType(
        "iam",
        "create_instance_profile",
        "{name}",
        names={"name": "InstanceProfileName"},
        required="role",
        outputs={"arn": "InstanceProfile.Arn", "uniqueId": "InstanceProfile.InstanceProfileId"},
        seen={"role": "Roles[0].RoleName"},
        update=(Step(_set_role, "role", undone=True),),
    ),
    "aws:secretsmanager/secret:Secret": ResourceType(
        "secretsmanager",
        "create_secret",
        "ARN",
        names={"id": "SecretId"},
        defaults={"recoveryWindowInDays": 30},
        outputs={"arn": "ARN"},
        update=("update_secret",),
        delete=Step(_delete_secret, "recoveryWindowInDays"),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(
        "secretsmanager",
        "put_secret_value",
        "{secretId}|{VersionId}",
        required="secretString",
        outputs={"arn": "ARN", "versionId": "VersionId"},
        names={"versionId": "VersionId"},
        found="[@][?VersionStages] | [0]",  # AWS deletes one without a label
        delete=Step(_delete_version),
    ),
}
