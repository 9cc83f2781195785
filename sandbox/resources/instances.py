"""EC2 instances."""

import base64
from typing import Any

import jmespath  # type: ignore[import-untyped]

from sandbox.resources.base import Client, Inputs, Step, capital
from sandbox.resources.interpreter import ResourceType

_STATE = {
    "instanceState": "State.Name",
    "privateIp": "PrivateIpAddress",
    "publicIp": "PublicIpAddress || ''",
    "publicDns": "PublicDnsName || ''",
}
"""Output -> where it is in EC2's description."""


def _launch(ec2: Client, given: Inputs) -> dict[str, Any]:
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
        image = ec2.describe_images(ImageIds=[given["ami"]])["Images"][0]
        volume = {capital(name): value for name, value in given["rootBlockDevice"].items()}
        volume["DeleteOnTermination"] = True
        device = {"DeviceName": image["RootDeviceName"], "Ebs": volume}
        result["BlockDeviceMappings"] = [device]
    if "iamInstanceProfile" in given:
        result["IamInstanceProfile"] = {"Name": given["iamInstanceProfile"]}
    return result


def _profile(ec2: Client, instance: str) -> Inputs:
    of_instance = [{"Name": "instance-id", "Values": [instance]}]
    found = ec2.describe_iam_instance_profile_associations(Filters=of_instance)
    return next(iter(found["IamInstanceProfileAssociations"]), {})


def _read(ec2: Client, instance: str, _state: Inputs) -> Inputs:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    # moto's instance does not say when its profile has changed; its association does.
    profile = _profile(ec2, instance).get("IamInstanceProfile", {}).get("Arn", "")
    return {**found, "IamInstanceProfile": profile.rpartition("/")[2]}


def _change(ec2: Client, instance: str, before: Inputs, after: Inputs) -> dict[str, Any]:
    if not before:
        return {}
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if "vpcSecurityGroupIds" in changed:
        interface, groups = after["primaryNetworkInterfaceId"], after["vpcSecurityGroupIds"]
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=groups)
    if "metadataOptions" in changed:
        options = {capital(name): value for name, value in after["metadataOptions"].items()}
        ec2.modify_instance_metadata_options(InstanceId=instance, **options)
    if "rootBlockDevice" in changed:
        found = _read(ec2, instance, before)
        devices = {it["DeviceName"]: it["Ebs"]["VolumeId"] for it in found["BlockDeviceMappings"]}
        volume = after["rootBlockDevice"]
        ec2.modify_volume(
            VolumeId=devices[found["RootDeviceName"]],
            Size=volume["volumeSize"],
            VolumeType=volume["volumeType"],
        )
    if "iamInstanceProfile" in changed:
        ec2.replace_iam_instance_profile_association(
            AssociationId=_profile(ec2, instance)["AssociationId"],
            IamInstanceProfile={"Name": after["iamInstanceProfile"]},
        )
    if changed & {"instanceType", "userData"}:
        which = {"InstanceId": instance}
        ec2.stop_instances(InstanceIds=[instance])  # AWS takes neither while it runs
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance])
        ec2.modify_instance_attribute(**which, InstanceType={"Value": after["instanceType"]})
        # boto3 encodes for AWS; moto wants it encoded once more.
        user_data = base64.b64encode(after.get("userData", "").encode())
        ec2.modify_instance_attribute(**which, UserData={"Value": user_data})
        ec2.start_instances(InstanceIds=[instance])
        ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    found = _read(ec2, instance, after)
    return {name: jmespath.search(where, found) for name, where in _STATE.items()}


def _replaces(name: str, before: Inputs, after: Inputs) -> bool:
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


RESOURCE_TYPES = {
    "aws:ec2/instance:Instance": ResourceType(
        "ec2",
        "run_instances",
        "Instances[0].InstanceId",
        kind="instance",
        names={"ami": "ImageId"},
        constants={"minCount": 1, "maxCount": 1},
        arguments=_launch,
        by_code="subnetId vpcSecurityGroupIds associatePublicIpAddress rootBlockDevice"
        " iamInstanceProfile",
        required="ami instanceType subnetId",
        defaults={"associatePublicIpAddress": False},
        outputs={
            "arn": "arn:aws:ec2:{region}:{account}:instance/{id}",
            "availabilityZone": "Instances[0].Placement.AvailabilityZone",
            "privateDns": "Instances[0].PrivateDnsName",
            "primaryNetworkInterfaceId": "Instances[0].NetworkInterfaces[0].NetworkInterfaceId",
            "vpcSecurityGroupIds": "Instances[0].NetworkInterfaces[0].Groups[].GroupId",
            **{name: f"Instances[0].{where}" for name, where in _STATE.items()},
            "instanceState": "'running'",
        },
        read=_read,
        seen={
            **_STATE,
            "vpcSecurityGroupIds": "NetworkInterfaces[0].Groups[].GroupId",
        },
        update=(
            Step(
                _change,
                "instanceType vpcSecurityGroupIds userData userDataReplaceOnChange metadataOptions"
                " rootBlockDevice iamInstanceProfile",
            ),
        ),
        replaces=_replaces,
        delete="terminate_instances",
    ),
}
