"""What takes AWS more than one call: code beside the table of resource types."""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

import jmespath  # type: ignore[import-untyped]

from sandbox.resources.api import same
from sandbox.resources.base import Account, GoneError, Inputs, unless_gone

INSTANCE_OUTPUTS = {
    "instanceState": "State.Name",
    "privateIp": "PrivateIpAddress",
    "publicIp": "PublicIpAddress || ''",
    "publicDns": "PublicDnsName || ''",
}
"""Output of an instance -> where it is in EC2's description."""

_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17"}
"""Of protocols, in a network ACL."""


def vpc_outputs(account: Account, vpc: str, _before: Inputs, _after: Inputs) -> dict[str, str]:
    """Find what AWS makes with a VPC."""
    ec2 = account.client("ec2")
    of_vpc: Any = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    table = ec2.describe_route_tables(**of_vpc)["RouteTables"][0]["RouteTableId"]
    return {
        "defaultSecurityGroupId": ec2.describe_security_groups(**of_vpc)["SecurityGroups"][0][
            "GroupId"
        ],
        "defaultNetworkAclId": ec2.describe_network_acls(**of_vpc)["NetworkAcls"][0][
            "NetworkAclId"
        ],
        "defaultRouteTableId": table,
        "mainRouteTableId": table,
    }


def attach_gateway(account: Account, gateway: str, _before: Inputs, after: Inputs) -> None:
    """Attach an internet gateway to the VPC that is given, and to no other."""
    ec2 = account.client("ec2")
    found = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]
    for attached in found["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=attached["VpcId"])
    if after.get("vpcId"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=after["vpcId"])


def delete_nat_gateway(account: Account, gateway: str, _before: Inputs, _after: Inputs) -> None:
    """Delete a NAT gateway, and its interface, which moto leaves."""
    ec2 = account.client("ec2")
    found = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    interface = found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    with unless_gone():
        ec2.delete_network_interface(NetworkInterfaceId=interface)


def change_endpoint_routes(account: Account, endpoint: str, before: Inputs, after: Inputs) -> None:
    """Add and remove route tables of a VPC endpoint."""
    old, new = (set(it.get("routeTableIds") or []) for it in (before, after))
    change = {"AddRouteTableIds": sorted(new - old), "RemoveRouteTableIds": sorted(old - new)}
    if before:
        account.client("ec2").modify_vpc_endpoint(
            VpcEndpointId=endpoint, **{name: ids for name, ids in change.items() if ids}
        )


def default_security_group(account: Account, given: Inputs) -> Mapping[str, Any]:
    """Adopt a VPC's default security group."""
    ec2 = account.client("ec2")
    of_vpc = [{"Name": "vpc-id", "Values": [given["vpcId"]]}]
    of_vpc.append({"Name": "group-name", "Values": ["default"]})
    group: Mapping[str, Any] = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"][0]
    tags = [{"Key": key, "Value": value} for key, value in given["tags"].items()]
    if tags:
        ec2.create_tags(Resources=[group["GroupId"]], Tags=tags)
    return group


def revoke_rules(account: Account, group: str, _before: Inputs, after: Inputs) -> None:
    """Take all rules out of a security group: those that AWS gives it, too, as the provider does."""
    if after.get("ingress") or after.get("egress"):
        raise ValueError("the sandbox knows no inline rules: use rules that are their own resource")
    ec2 = account.client("ec2")
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    if found["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=found["IpPermissions"])
    if found["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])


def permission(_account: Account, given: Inputs) -> dict[str, Any]:
    """Return a security-group rule as the creating call takes it."""
    described = {"Description": given["description"]} if given.get("description") else {}
    rule: dict[str, Any] = {"IpProtocol": given["ipProtocol"]}
    rule |= {
        name[0].upper() + name[1:]: given[name] for name in ("fromPort", "toPort") if name in given
    }
    if "cidrIpv4" in given:
        rule["IpRanges"] = [{"CidrIp": given["cidrIpv4"], **described}]
    if "referencedSecurityGroupId" in given:
        rule["UserIdGroupPairs"] = [{"GroupId": given["referencedSecurityGroupId"], **described}]
    return {"IpPermissions": [rule]}


def change_rule(account: Account, rule: str, before: Inputs, after: Inputs) -> None:
    """Change a security-group rule."""
    names = {
        "ipProtocol": "IpProtocol",
        "cidrIpv4": "CidrIpv4",
        "referencedSecurityGroupId": "ReferencedGroupId",
    }
    wanted = {
        "FromPort": after.get("fromPort", -1),
        "ToPort": after.get("toPort", -1),
        "Description": after.get("description", ""),
        **{api: after[name] for name, api in names.items() if name in after},
    }
    if before:
        account.client("ec2").modify_security_group_rules(
            GroupId=after["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": wanted}],
        )


def _acl_entry(rule: Inputs) -> dict[str, Any]:
    """Return a rule of a network ACL as EC2's API has it."""
    entry = {
        "RuleNumber": rule["ruleNo"],
        "Protocol": _NUMBERS.get(rule["protocol"], rule["protocol"]),
        "RuleAction": rule["action"],
        "CidrBlock": rule["cidrBlock"],
    }
    if rule["protocol"] in ("tcp", "6", "udp", "17"):
        entry["PortRange"] = {"From": rule["fromPort"], "To": rule["toPort"]}
    if rule["protocol"] in ("icmp", "1"):
        entry["IcmpTypeCode"] = {"Type": rule["icmpType"], "Code": rule["icmpCode"]}
    return entry


def _acl_rule(entry: Inputs) -> dict[str, Any]:
    """Return an entry of EC2's API as a rule of a network ACL."""
    ports, icmp = entry.get("PortRange", {}), entry.get("IcmpTypeCode", {})
    names = {number: name for name, number in _NUMBERS.items()}
    rule = {
        "ruleNo": entry["RuleNumber"],
        "protocol": names.get(entry["Protocol"], entry["Protocol"]),
        "action": entry["RuleAction"],
        "cidrBlock": entry["CidrBlock"],
        "fromPort": ports.get("From", 0),
        "toPort": ports.get("To", 0),
    }
    return {**rule, "icmpType": icmp["Type"], "icmpCode": icmp["Code"]} if icmp else rule


def _acl(account: Account, acl: str) -> tuple[Any, dict[tuple[str, int], dict[str, Any]]]:
    """Return a network ACL, and its own entries: not the last one, which is AWS's."""
    found = account.client("ec2").describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    entries = {
        ("egress" if entry.pop("Egress") else "ingress", entry["RuleNumber"]): entry
        for entry in found[0]["Entries"]
        if entry["RuleNumber"] <= 32766  # noqa: PLR2004 - AWS's last
    }
    return found[0], entries


def set_acl(account: Account, acl: str, _before: Inputs, after: Inputs) -> None:
    """Give a network ACL exactly the entries and subnets that it should have."""
    ec2 = account.client("ec2")
    found, entries = _acl(account, acl)
    wanted = {
        (direction, rule["ruleNo"]): _acl_entry(rule)
        for direction in ("ingress", "egress")
        for rule in after.get(direction) or []
    }
    # moto drops the ICMP type, so that what AWS has may say less.
    differing = {key for key, entry in entries.items() if not same(entry, wanted.get(key, {}))}
    for direction, number in differing:
        egress = direction == "egress"
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=egress)
    for key in wanted.keys() - (entries.keys() - differing):
        ec2.create_network_acl_entry(NetworkAclId=acl, Egress=key[0] == "egress", **wanted[key])
    of_vpc = [{"Name": "vpc-id", "Values": [found["VpcId"]]}]
    acls = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    default = next(it["NetworkAclId"] for it in acls if it["IsDefault"])
    for association in (association for it in acls for association in it["Associations"]):
        has, wants = (
            association["NetworkAclId"],
            association["SubnetId"] in (after.get("subnetIds") or []),
        )
        if wants != (has == acl):  # a subnet always has an ACL: without one of its own, the default
            ec2.replace_network_acl_association(
                AssociationId=association["NetworkAclAssociationId"],
                NetworkAclId=acl if wants else default,
            )


def read_acl(account: Account, acl: str, state: Inputs) -> Mapping[str, Any]:
    """Describe a network ACL; rules that are as recorded look as recorded."""
    found, entries = _acl(account, acl)
    seen = {}
    for direction in ("ingress", "egress"):
        has = [entry for (which, _), entry in entries.items() if which == direction]
        recorded = state.get(direction) or []
        known = same(has, [_acl_entry(rule) for rule in recorded])
        seen[direction] = recorded if known else [_acl_rule(entry) for entry in has]
    subnets = [association["SubnetId"] for association in found["Associations"]]
    return {**found, "SubnetIds": subnets, **seen}


def launch(account: Account, given: Inputs) -> dict[str, Any]:
    """Return what launches an instance, besides what is given by name."""
    # An interface of its own in the request is the only way to say whether it has a public address.
    interface = {
        "DeviceIndex": 0,
        "DeleteOnTermination": True,
        "SubnetId": given["subnetId"],
        "AssociatePublicIpAddress": given["associatePublicIpAddress"],
    }
    if given.get("vpcSecurityGroupIds"):
        interface["Groups"] = given["vpcSecurityGroupIds"]
    result: dict[str, Any] = {"NetworkInterfaces": [interface]}
    if "rootBlockDevice" in given:
        image = account.client("ec2").describe_images(ImageIds=[given["ami"]])["Images"][0]
        volume = {
            name[0].upper() + name[1:]: value for name, value in given["rootBlockDevice"].items()
        }
        device = {
            "DeviceName": image["RootDeviceName"],
            "Ebs": {**volume, "DeleteOnTermination": True},
        }
        result["BlockDeviceMappings"] = [device]
    if "iamInstanceProfile" in given:
        result["IamInstanceProfile"] = {"Name": given["iamInstanceProfile"]}
    return result


def _profile(account: Account, instance: str) -> Mapping[str, Any]:
    of_instance = [{"Name": "instance-id", "Values": [instance]}]
    found = account.client("ec2").describe_iam_instance_profile_associations(Filters=of_instance)
    return next(iter(found["IamInstanceProfileAssociations"]), {})


def read_instance(account: Account, instance: str, _state: Inputs) -> Mapping[str, Any]:
    """Describe an instance; its profile as its association says: moto's instance is not told."""
    found = account.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    profile = _profile(account, instance).get("IamInstanceProfile", {}).get("Arn", "")
    described: Mapping[str, Any] = found[0]["Instances"][0]
    return {**described, "IamInstanceProfile": profile.rsplit("/", 1)[-1]}


def change_instance(account: Account, instance: str, before: Inputs, after: Inputs) -> Inputs:
    """Change an instance; a new one is waited for, and so is one that was stopped."""
    ec2 = account.client("ec2")
    if not before:
        ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
        return {}
    changed = {name for name in after if before.get(name) != after[name]}
    if "vpcSecurityGroupIds" in changed:
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=after["primaryNetworkInterfaceId"],
            Groups=after["vpcSecurityGroupIds"],
        )
    if "metadataOptions" in changed:
        options = {name[0].upper() + name[1:]: it for name, it in after["metadataOptions"].items()}
        ec2.modify_instance_metadata_options(InstanceId=instance, **options)
    if "rootBlockDevice" in changed:
        described = read_instance(account, instance, after)
        root = next(
            device["Ebs"]["VolumeId"]
            for device in described["BlockDeviceMappings"]
            if device["DeviceName"] == described["RootDeviceName"]
        )
        volume = after["rootBlockDevice"]
        ec2.modify_volume(VolumeId=root, Size=volume["volumeSize"], VolumeType=volume["volumeType"])
    if "iamInstanceProfile" in changed:
        ec2.replace_iam_instance_profile_association(
            AssociationId=_profile(account, instance)["AssociationId"],
            IamInstanceProfile={"Name": after["iamInstanceProfile"]},
        )
    user_data = after.get("userData", "")
    if "instanceType" in changed or before.get("userData", "") != user_data:
        ec2.stop_instances(InstanceIds=[instance])  # AWS takes neither while it runs
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance])
        ec2.modify_instance_attribute(
            InstanceId=instance, InstanceType={"Value": after["instanceType"]}
        )
        # boto3 encodes for AWS; moto wants it encoded once more.
        content = {"Value": base64.b64encode(user_data.encode())}
        ec2.modify_instance_attribute(InstanceId=instance, UserData=content)
        ec2.start_instances(InstanceIds=[instance])
        ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    described = read_instance(account, instance, after)
    return {name: jmespath.search(where, described) for name, where in INSTANCE_OUTPUTS.items()}


def instance_replaces(name: str, before: Inputs, after: Inputs) -> bool:
    """Say which changes of an instance are none in place."""
    old, new = before.get(name) or {}, after.get(name) or {}
    match name:
        case "userData":
            return bool(after.get("userDataReplaceOnChange"))
        case "rootBlockDevice":  # size and type change in place; encryption does not
            return not new or old.get("encrypted") != new.get("encrypted")
        case "iamInstanceProfile":  # the sandbox only changes one for another
            return not (old and new)
        case _:
            return False


def terminate(account: Account, instance: str, _before: Inputs, _after: Inputs) -> None:
    """Terminate an instance, and wait for its end."""
    ec2 = account.client("ec2")
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance])


def move_user(account: Account, user: str, before: Inputs, after: Inputs) -> dict[str, Any]:
    """Change a user's path; moto loses the tags with the old ARN."""
    iam = account.client("iam")
    if not before:
        return {}
    iam.update_user(UserName=user, NewPath=after["path"])
    tags = [{"Key": key, "Value": value} for key, value in after["tags"].items()]
    iam.tag_user(UserName=user, Tags=tags)
    return {"arn": iam.get_user(UserName=user)["User"]["Arn"]}


def set_profile_role(account: Account, profile: str, _before: Inputs, after: Inputs) -> None:
    """Give an instance profile the role that it should have, and no other."""
    iam = account.client("iam")
    found = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    for role in found["Roles"]:
        iam.remove_role_from_instance_profile(
            InstanceProfileName=profile, RoleName=role["RoleName"]
        )
    if after:
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=after["role"])


def delete_secret(account: Account, arn: str, before: Inputs, _after: Inputs) -> None:
    """Delete a secret: at once, without a recovery window."""
    days = before["recoveryWindowInDays"]
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    account.client("secretsmanager").delete_secret(SecretId=arn, **window)


def _labels(account: Account, state: Inputs) -> list[str]:
    """Return the staging labels of a secret's version; one without is on its way out."""
    found = account.client("secretsmanager").list_secret_version_ids(
        SecretId=state["secretId"], IncludeDeprecated=True
    )
    return next(
        (
            version.get("VersionStages", [])
            for version in found["Versions"]
            if version["VersionId"] == state["versionId"]
        ),
        [],
    )


def read_secret_version(account: Account, _id: str, state: Inputs) -> Mapping[str, Any]:
    """Return a version of a secret, unless it is on its way out."""
    if not _labels(account, state):
        raise GoneError
    version: Mapping[str, Any] = account.client("secretsmanager").get_secret_value(
        SecretId=state["secretId"], VersionId=state["versionId"]
    )
    return version


def delete_secret_version(account: Account, _id: str, before: Inputs, _after: Inputs) -> None:
    """Take a version's labels away, so that AWS deletes it; the current one goes with the secret."""
    for label in set(_labels(account, before)) - {"AWSCURRENT"}:
        account.client("secretsmanager").update_secret_version_stage(
            SecretId=before["secretId"], VersionStage=label, RemoveFromVersionId=before["versionId"]
        )


def set_retention(account: Account, group: str, _before: Inputs, after: Inputs) -> None:
    """Say how long a log group keeps its events."""
    logs = account.client("logs")
    if after.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=after["retentionInDays"])
    else:
        logs.delete_retention_policy(logGroupName=group)


def random_id(_account: Account, given: Inputs) -> dict[str, str]:
    """Make a random id, in all the forms of it."""
    content = secrets.token_bytes(given["byteLength"])
    return {
        "hex": content.hex(),
        "dec": str(int.from_bytes(content, "big")),
        "b64Url": base64.urlsafe_b64encode(content).decode().rstrip("="),
        "b64Std": base64.b64encode(content).decode(),
    }
