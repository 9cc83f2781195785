"""EC2 instances."""

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    GoneError,
    Inputs,
    ResourceType,
    as_recorded_set,
    inputs,
    only,
    pascal,
    tag_specification,
    undone_on_failure,
)


def _metadata_options(given: Inputs) -> dict[str, Any]:
    return pascal(given, "httpEndpoint httpTokens httpPutResponseHopLimit")


def _instance(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    # An own interface in the request is the only way to say whether there is a public address.
    interface = {
        "DeviceIndex": 0,
        "DeleteOnTermination": True,
        "SubnetId": given["subnetId"],
        **({"Groups": given["vpcSecurityGroupIds"]} if given.get("vpcSecurityGroupIds") else {}),
        "AssociatePublicIpAddress": given["associatePublicIpAddress"],
    }
    options: dict[str, Any] = pascal(given, "keyName userData")
    if "metadataOptions" in given:
        options["MetadataOptions"] = _metadata_options(given["metadataOptions"])
    if "rootBlockDevice" in given:
        image = ec2.describe_images(ImageIds=[given["ami"]])["Images"][0]
        volume = pascal(given["rootBlockDevice"], "encrypted volumeType volumeSize")
        volume["DeleteOnTermination"] = True
        options["BlockDeviceMappings"] = [{"DeviceName": image["RootDeviceName"], "Ebs": volume}]
    if "iamInstanceProfile" in given:
        options["IamInstanceProfile"] = {"Name": given["iamInstanceProfile"]}
    instance = ec2.run_instances(
        MinCount=1,
        MaxCount=1,
        ImageId=given["ami"],
        InstanceType=given["instanceType"],
        NetworkInterfaces=[interface],
        TagSpecifications=tag_specification(["instance"], given["tags"]),
        **options,
    )["Instances"][0]
    emulator = account.emulator
    identifier = instance["InstanceId"]
    with undone_on_failure(lambda: ec2.terminate_instances(InstanceIds=[identifier])):
        ec2.get_waiter("instance_running").wait(InstanceIds=[identifier])
    return Created(
        identifier,
        {
            "arn": f"arn:aws:ec2:{emulator.region}:{emulator.account_id}:instance/{identifier}",
            "availabilityZone": instance["Placement"]["AvailabilityZone"],
            "instanceState": "running",
            "vpcSecurityGroupIds": given.get("vpcSecurityGroupIds")
            or [group["GroupId"] for group in instance["NetworkInterfaces"][0]["Groups"]],
            "privateIp": instance["PrivateIpAddress"],
            "privateDns": instance["PrivateDnsName"],
            "publicIp": instance.get("PublicIpAddress", ""),
            "publicDns": instance.get("PublicDnsName", ""),
            "primaryNetworkInterfaceId": instance["NetworkInterfaces"][0]["NetworkInterfaceId"],
        },
    )


def _describe(account: Account, identifier: str) -> Mapping[str, Any]:
    found = account.client("ec2").describe_instances(InstanceIds=[identifier])["Reservations"]
    instance = only([instance for group in found for instance in group["Instances"]])
    if instance["State"]["Name"] == "terminated":
        raise GoneError
    return instance


def _profile_association(account: Account, identifier: str) -> Mapping[str, Any]:
    of_instance = [{"Name": "instance-id", "Values": [identifier]}]
    found = account.client("ec2").describe_iam_instance_profile_associations(Filters=of_instance)
    associations: list[Mapping[str, Any]] = found["IamInstanceProfileAssociations"]
    return associations[0] if associations else {}


def _read_instance(account: Account, identifier: str, state: Inputs) -> Inputs:
    # Not read: what AWS itself never changes while the instance is there.
    instance = _describe(account, identifier)
    options = instance.get("MetadataOptions", {})
    # moto's instance does not say when its profile has changed; its association does.
    profile = _profile_association(account, identifier).get("IamInstanceProfile", {}).get("Arn", "")
    seen: dict[str, Any] = {
        "ami": instance["ImageId"],
        "instanceType": instance["InstanceType"],
        "subnetId": instance["SubnetId"],
        "vpcSecurityGroupIds": as_recorded_set(
            [group["GroupId"] for group in instance["NetworkInterfaces"][0]["Groups"]],
            state["vpcSecurityGroupIds"],
        ),
        "iamInstanceProfile": profile.rsplit("/", 1)[-1],
        "instanceState": instance["State"]["Name"],
        "privateIp": instance["PrivateIpAddress"],
        "publicIp": instance.get("PublicIpAddress", ""),
        "publicDns": instance.get("PublicDnsName", ""),
    }
    if "metadataOptions" in state:
        seen["metadataOptions"] = {
            name: options[name[0].upper() + name[1:]] for name in state["metadataOptions"]
        }
    return seen


def _update_instance(account: Account, identifier: str, state: Inputs, given: Inputs) -> Inputs:
    ec2 = account.client("ec2")

    def changed(name: str) -> bool:
        return bool(state.get(name) != given.get(name))

    if given.get("vpcSecurityGroupIds") and changed("vpcSecurityGroupIds"):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=state["primaryNetworkInterfaceId"],
            Groups=given["vpcSecurityGroupIds"],
        )
    if changed("metadataOptions"):
        ec2.modify_instance_metadata_options(
            InstanceId=identifier, **_metadata_options(given["metadataOptions"])
        )
    if changed("rootBlockDevice"):
        instance = _describe(account, identifier)
        root = next(
            device["Ebs"]["VolumeId"]
            for device in instance["BlockDeviceMappings"]
            if device["DeviceName"] == instance["RootDeviceName"]
        )
        volume = given["rootBlockDevice"]
        ec2.modify_volume(VolumeId=root, Size=volume["volumeSize"], VolumeType=volume["volumeType"])
    if changed("iamInstanceProfile"):
        ec2.replace_iam_instance_profile_association(
            AssociationId=_profile_association(account, identifier)["AssociationId"],
            IamInstanceProfile={"Name": given["iamInstanceProfile"]},
        )
    if changed("instanceType") or changed("userData"):
        ec2.stop_instances(InstanceIds=[identifier])  # AWS takes neither while it runs
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[identifier])
        if changed("instanceType"):
            ec2.modify_instance_attribute(
                InstanceId=identifier, InstanceType={"Value": given["instanceType"]}
            )
        if changed("userData"):
            # boto3 encodes for AWS; moto wants it encoded once more.
            content = base64.b64encode(given.get("userData", "").encode())
            ec2.modify_instance_attribute(InstanceId=identifier, UserData={"Value": content})
        ec2.start_instances(InstanceIds=[identifier])
        ec2.get_waiter("instance_running").wait(InstanceIds=[identifier])
    return _read_instance(account, identifier, {**state, **given})


def _instance_replaces(name: str, state: Inputs, given: Inputs) -> bool:
    before, after = state.get(name) or {}, given.get(name) or {}
    match name:
        case "userData":
            return bool(given.get("userDataReplaceOnChange"))
        case "rootBlockDevice":  # size and type change in place; encryption does not
            return not after or before.get("encrypted") != after.get("encrypted")
        case "iamInstanceProfile":  # the sandbox only changes one for another
            return not (before and after)
        case _:
            return False


def _delete_instance(account: Account, identifier: str, _state: Inputs) -> None:
    ec2 = account.client("ec2")
    ec2.terminate_instances(InstanceIds=[identifier])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[identifier])


RESOURCE_TYPES = {
    "aws:ec2/instance:Instance": ResourceType(
        _instance,
        # userDataReplaceOnChange: says what an update does.
        inputs(
            "ami instanceType subnetId vpcSecurityGroupIds associatePublicIpAddress keyName"
            " userData userDataReplaceOnChange metadataOptions rootBlockDevice iamInstanceProfile"
            " tags"
        ),
        _read_instance,
        _delete_instance,
        required=inputs("ami instanceType subnetId"),
        updatable=inputs(
            "instanceType vpcSecurityGroupIds userData userDataReplaceOnChange metadataOptions"
            " rootBlockDevice iamInstanceProfile"
        ),
        update=_update_instance,
        replaces=_instance_replaces,
        computed=inputs("vpcSecurityGroupIds"),
        defaults={"associatePublicIpAddress": False},
        taggable=True,
    ),
}
