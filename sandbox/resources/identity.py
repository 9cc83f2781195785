"""Users, roles, keys and secrets: `aws:iam` and `aws:secretsmanager`."""

from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    Inputs,
    ResourceType,
    inputs,
    pascal,
    tag_list,
)


def _user(account: Account, given: Inputs) -> Created:
    user = account.client("iam").create_user(
        UserName=given["name"], Path=given["path"], Tags=tag_list(given["tags"])
    )["User"]
    return Created(given["name"], {"arn": user["Arn"], "uniqueId": user["UserId"]})


def _user_policy(account: Account, given: Inputs) -> Created:
    account.client("iam").put_user_policy(
        UserName=given["user"], PolicyName=given["name"], PolicyDocument=given["policy"]
    )
    return Created(f"{given['user']}:{given['name']}", {})


def _access_key(account: Account, given: Inputs) -> Created:
    key = account.client("iam").create_access_key(UserName=given["user"])["AccessKey"]
    return Created(key["AccessKeyId"], {"secret": key["SecretAccessKey"], "status": key["Status"]})


def _role(account: Account, given: Inputs) -> Created:
    role = account.client("iam").create_role(
        RoleName=given["name"],
        AssumeRolePolicyDocument=given["assumeRolePolicy"],
        Tags=tag_list(given["tags"]),
        **pascal(given, "path description"),
    )["Role"]
    return Created(given["name"], {"arn": role["Arn"], "uniqueId": role["RoleId"]})


def _role_policy(account: Account, given: Inputs) -> Created:
    account.client("iam").put_role_policy(
        RoleName=given["role"], PolicyName=given["name"], PolicyDocument=given["policy"]
    )
    return Created(f"{given['role']}:{given['name']}", {})


def _role_policy_attachment(account: Account, given: Inputs) -> Created:
    account.client("iam").attach_role_policy(RoleName=given["role"], PolicyArn=given["policyArn"])
    return Created(f"{given['role']}/{given['policyArn']}", {})


def _instance_profile(account: Account, given: Inputs) -> Created:
    iam = account.client("iam")
    profile = iam.create_instance_profile(
        InstanceProfileName=given["name"], Tags=tag_list(given["tags"])
    )["InstanceProfile"]
    iam.add_role_to_instance_profile(InstanceProfileName=given["name"], RoleName=given["role"])
    return Created(given["name"], {"arn": profile["Arn"], "uniqueId": profile["InstanceProfileId"]})


def _secret(account: Account, given: Inputs) -> Created:
    options: dict[str, Any] = pascal(given, "description")
    made = account.client("secretsmanager").create_secret(
        Name=given["name"], Tags=tag_list(given["tags"]), **options
    )
    return Created(made["ARN"], {"arn": made["ARN"]})


def _secret_version(account: Account, given: Inputs) -> Created:
    made = account.client("secretsmanager").put_secret_value(
        SecretId=given["secretId"], SecretString=given["secretString"]
    )
    version = made["VersionId"]
    return Created(f"{given['secretId']}|{version}", {"arn": made["ARN"], "versionId": version})


RESOURCE_TYPES = {
    "aws:iam/user:User": ResourceType(
        _user,
        inputs("name path tags"),
        defaults={"path": "/"},
        name_input="name",
        taggable=True,
    ),
    "aws:iam/userPolicy:UserPolicy": ResourceType(
        _user_policy, inputs("name user policy"), name_input="name"
    ),
    "aws:iam/accessKey:AccessKey": ResourceType(
        _access_key, inputs("user"), secret_outputs=frozenset({"secret"})
    ),
    "aws:iam/role:Role": ResourceType(
        _role,
        inputs("name path description assumeRolePolicy tags"),
        defaults={"path": "/"},
        name_input="name",
        taggable=True,
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        _role_policy, inputs("name role policy"), name_input="name"
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        _role_policy_attachment, inputs("role policyArn")
    ),
    "aws:iam/instanceProfile:InstanceProfile": ResourceType(
        _instance_profile, inputs("name role tags"), name_input="name", taggable=True
    ),
    "aws:secretsmanager/secret:Secret": ResourceType(
        _secret,
        inputs("name description recoveryWindowInDays tags"),  # the window: of a deletion
        name_input="name",
        taggable=True,
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(
        _secret_version, inputs("secretId secretString")
    ),
}
