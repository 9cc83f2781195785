"""What every EC2 host of an ECS cluster of ours is started from."""

from typing import Any


def launch_template(name: str) -> dict[str, Any]:
    """Return what a component's template says, without its user data.

    Args:
        name: the component's.
    """
    return {
        "imageId": "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64"
        "/recommended/image_id",
        "instanceType": "t4g.small",
        "iamInstanceProfile": {"name": f"{name}-host-profile"},
        "vpcSecurityGroupIds": [f"{name}-host-security-group-id"],
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {
                    "encrypted": "true",
                    "volumeType": "gp3",
                    "volumeSize": 30,
                    "deleteOnTermination": "true",
                },
            }
        ],
        "updateDefaultVersion": True,
    }
