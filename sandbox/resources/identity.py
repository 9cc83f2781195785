"""Users, roles, keys and secrets: `aws:iam` and `aws:secretsmanager`."""

from typing import Any

from sandbox.resources import tagging
from sandbox.resources.base import (
    Account,
    Created,
    GoneError,
    Inputs,
    ResourceType,
    as_document,
    inputs,
    only,
    pascal,
    undone_on_failure,
    unless_gone,
)
from sandbox.resources.tagging import tag_list


def _user(account: Account, given: Inputs) -> Created:
    user = account.client("iam").create_user(
        UserName=given["name"], Path=given["path"], Tags=tag_list(given["tags"])
    )["User"]
    return Created(given["name"], {"arn": user["Arn"], "uniqueId": user["UserId"]})


def _read_user(account: Account, name: str, _state: Inputs) -> Inputs:
    user = account.client("iam").get_user(UserName=name)["User"]
    return {"path": user["Path"], "arn": user["Arn"], "uniqueId": user["UserId"]}


def _update_user(account: Account, name: str, state: Inputs, given: Inputs) -> Inputs:
    iam = account.client("iam")
    iam.update_user(UserName=name, NewPath=given["path"])
    iam.tag_user(UserName=name, Tags=tag_list(given["tags"]))  # moto loses them with the old ARN
    return _read_user(account, name, state)


def _delete_user(account: Account, name: str, _state: Inputs) -> None:
    account.client("iam").delete_user(UserName=name)


def _put_user_policy(account: Account, given: Inputs) -> None:
    account.client("iam").put_user_policy(
        UserName=given["user"], PolicyName=given["name"], PolicyDocument=given["policy"]
    )


def _user_policy(account: Account, given: Inputs) -> Created:
    _put_user_policy(account, given)
    return Created(f"{given['user']}:{given['name']}", {})


def _read_user_policy(account: Account, _identifier: str, state: Inputs) -> Inputs:
    found = account.client("iam").get_user_policy(UserName=state["user"], PolicyName=state["name"])
    return {"policy": as_document(found["PolicyDocument"], state["policy"])}


def _update_user_policy(
    account: Account, _identifier: str, _state: Inputs, given: Inputs
) -> Inputs:
    _put_user_policy(account, given)
    return {}


def _delete_user_policy(account: Account, _identifier: str, state: Inputs) -> None:
    account.client("iam").delete_user_policy(UserName=state["user"], PolicyName=state["name"])


def _access_key(account: Account, given: Inputs) -> Created:
    key = account.client("iam").create_access_key(UserName=given["user"])["AccessKey"]
    return Created(key["AccessKeyId"], {"secret": key["SecretAccessKey"], "status": key["Status"]})


def _read_access_key(account: Account, key_id: str, state: Inputs) -> Inputs:
    keys = account.client("iam").list_access_keys(UserName=state["user"])["AccessKeyMetadata"]
    return {"status": only([key for key in keys if key["AccessKeyId"] == key_id])["Status"]}


def _delete_access_key(account: Account, key_id: str, state: Inputs) -> None:
    account.client("iam").delete_access_key(UserName=state["user"], AccessKeyId=key_id)


def _role(account: Account, given: Inputs) -> Created:
    role = account.client("iam").create_role(
        RoleName=given["name"],
        AssumeRolePolicyDocument=given["assumeRolePolicy"],
        Tags=tag_list(given["tags"]),
        **pascal(given, "path description"),
    )["Role"]
    return Created(given["name"], {"arn": role["Arn"], "uniqueId": role["RoleId"]})


def _read_role(account: Account, name: str, state: Inputs) -> Inputs:
    role = account.client("iam").get_role(RoleName=name)["Role"]
    trust = as_document(role["AssumeRolePolicyDocument"], state["assumeRolePolicy"])
    return {
        "path": role["Path"],
        "description": role.get("Description", ""),
        "assumeRolePolicy": trust,
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
    }


def _update_role(account: Account, name: str, _state: Inputs, given: Inputs) -> Inputs:
    iam = account.client("iam")
    iam.update_role(RoleName=name, Description=given.get("description", ""))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=given["assumeRolePolicy"])
    return {}


def _delete_role(account: Account, name: str, _state: Inputs) -> None:
    account.client("iam").delete_role(RoleName=name)


def _put_role_policy(account: Account, given: Inputs) -> None:
    account.client("iam").put_role_policy(
        RoleName=given["role"], PolicyName=given["name"], PolicyDocument=given["policy"]
    )


def _role_policy(account: Account, given: Inputs) -> Created:
    _put_role_policy(account, given)
    return Created(f"{given['role']}:{given['name']}", {})


def _read_role_policy(account: Account, _identifier: str, state: Inputs) -> Inputs:
    found = account.client("iam").get_role_policy(RoleName=state["role"], PolicyName=state["name"])
    return {"policy": as_document(found["PolicyDocument"], state["policy"])}


def _update_role_policy(
    account: Account, _identifier: str, _state: Inputs, given: Inputs
) -> Inputs:
    _put_role_policy(account, given)
    return {}


def _delete_role_policy(account: Account, _identifier: str, state: Inputs) -> None:
    account.client("iam").delete_role_policy(RoleName=state["role"], PolicyName=state["name"])


def _role_policy_attachment(account: Account, given: Inputs) -> Created:
    account.client("iam").attach_role_policy(RoleName=given["role"], PolicyArn=given["policyArn"])
    return Created(f"{given['role']}/{given['policyArn']}", {})


def _read_role_policy_attachment(account: Account, _identifier: str, state: Inputs) -> Inputs:
    attached = account.client("iam").list_attached_role_policies(RoleName=state["role"])
    arns = [policy["PolicyArn"] for policy in attached["AttachedPolicies"]]
    if state["policyArn"] not in arns:
        raise GoneError
    return {}


def _delete_role_policy_attachment(account: Account, _identifier: str, state: Inputs) -> None:
    account.client("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"])


def _instance_profile(account: Account, given: Inputs) -> Created:
    iam = account.client("iam")
    profile = iam.create_instance_profile(
        InstanceProfileName=given["name"], Tags=tag_list(given["tags"])
    )["InstanceProfile"]
    with undone_on_failure(lambda: iam.delete_instance_profile(InstanceProfileName=given["name"])):
        iam.add_role_to_instance_profile(InstanceProfileName=given["name"], RoleName=given["role"])
    return Created(given["name"], {"arn": profile["Arn"], "uniqueId": profile["InstanceProfileId"]})


def _read_instance_profile(account: Account, name: str, _state: Inputs) -> Inputs:
    iam = account.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    roles = [role["RoleName"] for role in profile["Roles"]]  # one at most, says AWS
    return {
        "role": roles[0] if roles else None,
        "arn": profile["Arn"],
        "uniqueId": profile["InstanceProfileId"],
    }


def _update_instance_profile(account: Account, name: str, state: Inputs, given: Inputs) -> Inputs:
    iam = account.client("iam")
    role = _read_instance_profile(account, name, state)["role"]
    if role:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=given["role"])
    return {}


def _delete_instance_profile(account: Account, name: str, state: Inputs) -> None:
    iam = account.client("iam")
    with unless_gone():
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=state["role"])
    iam.delete_instance_profile(InstanceProfileName=name)


def _secret(account: Account, given: Inputs) -> Created:
    options: dict[str, Any] = pascal(given, "description")
    made = account.client("secretsmanager").create_secret(
        Name=given["name"], Tags=tag_list(given["tags"]), **options
    )
    return Created(made["ARN"], {"arn": made["ARN"]})


def _read_secret(account: Account, arn: str, _state: Inputs) -> Inputs:
    secret = account.client("secretsmanager").describe_secret(SecretId=arn)
    if "DeletedDate" in secret:
        raise GoneError
    return {"description": secret.get("Description", ""), "arn": secret["ARN"]}


def _update_secret(account: Account, arn: str, _state: Inputs, given: Inputs) -> Inputs:
    account.client("secretsmanager").update_secret(
        SecretId=arn, Description=given.get("description", "")
    )
    return {}


def _delete_secret(account: Account, arn: str, state: Inputs) -> None:
    _read_secret(account, arn, state)  # AWS refuses what is on its way out already
    days = state["recoveryWindowInDays"]
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    account.client("secretsmanager").delete_secret(SecretId=arn, **window)


def _secret_version(account: Account, given: Inputs) -> Created:
    made = account.client("secretsmanager").put_secret_value(
        SecretId=given["secretId"], SecretString=given["secretString"]
    )
    version = made["VersionId"]
    return Created(f"{given['secretId']}|{version}", {"arn": made["ARN"], "versionId": version})


def _labels(account: Account, state: Inputs) -> list[str]:
    """Return the staging labels of a secret's version; one without is on its way out."""
    found = account.client("secretsmanager").list_secret_version_ids(
        SecretId=state["secretId"], IncludeDeprecated=True
    )
    labels: list[str] = only(
        [version for version in found["Versions"] if version["VersionId"] == state["versionId"]]
    ).get("VersionStages", [])
    return labels


def _read_secret_version(account: Account, _identifier: str, state: Inputs) -> Inputs:
    if not _labels(account, state):
        raise GoneError
    version = account.client("secretsmanager").get_secret_value(
        SecretId=state["secretId"], VersionId=state["versionId"]
    )
    return {"secretString": version["SecretString"]}


def _delete_secret_version(account: Account, _identifier: str, state: Inputs) -> None:
    for label in _labels(account, state):
        if label != "AWSCURRENT":  # AWS: it can only be moved; this version goes with the secret
            account.client("secretsmanager").update_secret_version_stage(
                SecretId=state["secretId"],
                VersionStage=label,
                RemoveFromVersionId=state["versionId"],
            )


RESOURCE_TYPES = {
    "aws:iam/user:User": ResourceType(
        _user,
        inputs("name path tags"),
        _read_user,
        _delete_user,
        updatable=inputs("path"),
        update=_update_user,
        defaults={"path": "/"},
        name_input="name",
        taggable=True,
        tagger=tagging.iam("user", "UserName"),
    ),
    "aws:iam/userPolicy:UserPolicy": ResourceType(
        _user_policy,
        inputs("name user policy"),
        _read_user_policy,
        _delete_user_policy,
        required=inputs("user policy"),
        updatable=inputs("policy"),
        update=_update_user_policy,
        name_input="name",
    ),
    "aws:iam/accessKey:AccessKey": ResourceType(
        _access_key,
        inputs("user"),
        _read_access_key,
        _delete_access_key,
        required=inputs("user"),
        secret_outputs=inputs("secret"),
    ),
    "aws:iam/role:Role": ResourceType(
        _role,
        inputs("name path description assumeRolePolicy tags"),
        _read_role,
        _delete_role,
        required=inputs("assumeRolePolicy"),
        updatable=inputs("description assumeRolePolicy"),
        update=_update_role,
        defaults={"path": "/"},
        name_input="name",
        taggable=True,
        tagger=tagging.iam("role", "RoleName"),
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        _role_policy,
        inputs("name role policy"),
        _read_role_policy,
        _delete_role_policy,
        required=inputs("role policy"),
        updatable=inputs("policy"),
        update=_update_role_policy,
        name_input="name",
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        _role_policy_attachment,
        inputs("role policyArn"),
        _read_role_policy_attachment,
        _delete_role_policy_attachment,
        required=inputs("role policyArn"),
    ),
    "aws:iam/instanceProfile:InstanceProfile": ResourceType(
        _instance_profile,
        inputs("name role tags"),
        _read_instance_profile,
        _delete_instance_profile,
        required=inputs("role"),
        updatable=inputs("role"),
        update=_update_instance_profile,
        name_input="name",
        taggable=True,
        tagger=tagging.iam("instance_profile", "InstanceProfileName"),
    ),
    "aws:secretsmanager/secret:Secret": ResourceType(
        _secret,
        inputs("name description recoveryWindowInDays tags"),
        _read_secret,
        _delete_secret,
        updatable=inputs("description recoveryWindowInDays"),  # the window: of a deletion
        update=_update_secret,
        defaults={"recoveryWindowInDays": 30},
        name_input="name",
        taggable=True,
        tagger=tagging.SECRETS_MANAGER,
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(
        _secret_version,
        inputs("secretId secretString"),
        _read_secret_version,
        _delete_secret_version,
        required=inputs("secretId secretString"),
    ),
}
