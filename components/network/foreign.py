"""How to find what others have put into the network: AWS lets nobody delete the network before."""

import json
from collections.abc import Sequence


def foreign_interfaces_command(
    region: str, vpc_id: str, service_group_ids: Sequence[str], host_ids: Sequence[str]
) -> str:
    """Write the shell command that lists the network interfaces in the VPC that are not one's own.

    Each is a line: its id, the id of the instance that it belongs to, and its description. While
    there is one, AWS refuses to delete its security group, its subnet and the VPC.

    Args:
        region: AWS region.
        vpc_id: of the network.
        service_group_ids: of the security groups that only the servers' tasks have.
        host_ids: of the instances that are one's own.
    """
    foreign = (
        f"!contains(`{json.dumps(list(host_ids))}`, Attachment.InstanceId)"
        f" && !(Groups[?contains(`{json.dumps(list(service_group_ids))}`, GroupId)])"
        ' && InterfaceType != `"nat_gateway"`'
    )
    shown = "[NetworkInterfaceId, Attachment.InstanceId, Description]"
    return (
        f"aws --region {region} --output text ec2 describe-network-interfaces"
        f" --filters Name=vpc-id,Values={vpc_id}"
        f" --query 'NetworkInterfaces[?{foreign}].{shown}'"
    )
