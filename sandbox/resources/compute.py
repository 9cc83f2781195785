"""EC2 instances."""

from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    Inputs,
    ResourceType,
    inputs,
    pascal,
    tag_specification,
)


def _instance(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    # An own interface in the request is the only way to say whether there is a public address.
    interface = {
        "DeviceIndex": 0,
        "SubnetId": given["subnetId"],
        "Groups": given["vpcSecurityGroupIds"],
        "AssociatePublicIpAddress": given["associatePublicIpAddress"],
    }
    options: dict[str, Any] = pascal(given, "keyName userData")
    if "metadataOptions" in given:
        options["MetadataOptions"] = pascal(
            given["metadataOptions"], "httpEndpoint httpTokens httpPutResponseHopLimit"
        )
    if "rootBlockDevice" in given:
        image = ec2.describe_images(ImageIds=[given["ami"]])["Images"][0]
        volume = pascal(given["rootBlockDevice"], "encrypted volumeType volumeSize")
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
    return Created(
        identifier,
        {
            "arn": f"arn:aws:ec2:{emulator.region}:{emulator.account_id}:instance/{identifier}",
            "availabilityZone": instance["Placement"]["AvailabilityZone"],
            "instanceState": instance["State"]["Name"],
            "privateIp": instance["PrivateIpAddress"],
            "privateDns": instance["PrivateDnsName"],
            "publicIp": instance.get("PublicIpAddress", ""),
            "publicDns": instance.get("PublicDnsName", ""),
            "primaryNetworkInterfaceId": instance["NetworkInterfaces"][0]["NetworkInterfaceId"],
        },
    )


RESOURCE_TYPES = {
    "aws:ec2/instance:Instance": ResourceType(
        _instance,
        # userDataReplaceOnChange: says what an update does.
        inputs(
            "ami instanceType subnetId vpcSecurityGroupIds associatePublicIpAddress keyName"
            " userData userDataReplaceOnChange metadataOptions rootBlockDevice iamInstanceProfile"
            " tags"
        ),
        defaults={"associatePublicIpAddress": False, "vpcSecurityGroupIds": []},
        taggable=True,
    ),
}
