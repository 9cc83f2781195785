"""VPC, subnets, routes, security groups: `aws:ec2` and `aws:vpc`."""

from typing import Any

from sandbox.resources.base import Client, Inputs, Step, capital, unless_gone
from sandbox.resources.interpreter import ResourceType

_ARN = "arn:aws:ec2:{region}:{account}:{kind}/{id}"


_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17"}
"""Of protocols, in a network ACL."""
_ICMP = (_NUMBERS["icmp"], "58")


def _take_ipv6_range(ec2: Client, vpc: str, before: Inputs, after: Inputs) -> Inputs:
    if not before:
        return {}
    if not after.get("assignGeneratedIpv6CidrBlock"):
        raise ValueError("the sandbox takes no IPv6 range from a VPC: AWS refuses it as a rule")
    made = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    return {"ipv6CidrBlock": made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]}


def _set_ipv6_range(ec2: Client, subnet: str, before: Inputs, after: Inputs) -> None:
    if not before:
        return
    found = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    for association in found["Ipv6CidrBlockAssociationSet"]:
        ec2.disassociate_subnet_cidr_block(AssociationId=association["AssociationId"])
    if after.get("ipv6CidrBlock"):
        ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=after["ipv6CidrBlock"])


def _attach_gateway(ec2: Client, gateway: str, _before: Inputs, after: Inputs) -> None:
    found = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]
    for attached in found["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=attached["VpcId"])
    if after.get("vpcId"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=after["vpcId"])


def _delete_nat_gateway(ec2: Client, gateway: str, _before: Inputs, _after: Inputs) -> None:
    found = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    interface = found["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    with unless_gone():  # it went with the gateway, but moto leaves it
        ec2.delete_network_interface(NetworkInterfaceId=interface)


def _set_endpoint_routes(ec2: Client, endpoint: str, before: Inputs, after: Inputs) -> None:
    old, new = (set(it.get("routeTableIds") or []) for it in (before, after))
    change = {"AddRouteTableIds": sorted(new - old), "RemoveRouteTableIds": sorted(old - new)}
    if before:
        ec2.modify_vpc_endpoint(
            VpcEndpointId=endpoint, **{name: ids for name, ids in change.items() if ids}
        )


def _adopt_default_group(ec2: Client, given: Inputs) -> Inputs:
    of_vpc = [{"Name": "vpc-id", "Values": [given["vpcId"]]}]
    groups = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    group: Inputs = next(it for it in groups if it["GroupName"] == "default")
    tags = [{"Key": key, "Value": value} for key, value in given["tags"].items()]
    if tags:
        ec2.create_tags(Resources=[group["GroupId"]], Tags=tags)
    return group


def _revoke_rules(ec2: Client, group: str, _before: Inputs, after: Inputs) -> None:
    """Leave a group no rule: not those that AWS gives it, either, as the provider does."""
    if after.get("ingress") or after.get("egress"):
        raise ValueError("the sandbox knows no inline rules: use rules that are their own resource")
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    if found["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=found["IpPermissions"])
    if found["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])


def _permission(_ec2: Client, given: Inputs) -> Inputs:
    described = {"Description": given["description"]} if given.get("description") else {}
    rule = {"IpProtocol": given["ipProtocol"]}
    rule |= {capital(name): given[name] for name in ("fromPort", "toPort") if name in given}
    if "cidrIpv6" in given:
        rule["Ipv6Ranges"] = [{"CidrIpv6": given["cidrIpv6"], **described}]
    if "cidrIpv4" in given:
        rule["IpRanges"] = [{"CidrIp": given["cidrIpv4"], **described}]
    if "referencedSecurityGroupId" in given:
        rule["UserIdGroupPairs"] = [{"GroupId": given["referencedSecurityGroupId"], **described}]
    return {"IpPermissions": [rule]}


def _change_rule(ec2: Client, rule: str, before: Inputs, after: Inputs) -> None:
    if not before:
        return
    wanted = {"FromPort": -1, "ToPort": -1, "Description": ""}
    for name in ("description", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6"):
        wanted |= {capital(name): after[name]} if name in after else {}
    if "referencedSecurityGroupId" in after:
        wanted["ReferencedGroupId"] = after["referencedSecurityGroupId"]
    ec2.modify_security_group_rules(
        GroupId=after["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": wanted}],
    )


def _acl_entry(rule: Inputs) -> dict[str, Any]:
    protocol = _NUMBERS.get(rule["protocol"], rule["protocol"])
    entry = {"RuleNumber": rule["ruleNo"], "Protocol": protocol, "RuleAction": rule["action"]}
    ranges = ("cidrBlock", "ipv6CidrBlock")
    entry |= {capital(name): rule[name] for name in ranges if rule.get(name)}
    if protocol in (_NUMBERS["tcp"], _NUMBERS["udp"]):
        entry["PortRange"] = {"From": rule["fromPort"], "To": rule["toPort"]}
    if protocol in _ICMP:
        entry["IcmpTypeCode"] = {"Type": rule["icmpType"], "Code": rule["icmpCode"]}
    return entry


def _set_acl(ec2: Client, acl: str, _before: Inputs, after: Inputs) -> None:
    found = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]
    for entry in found["Entries"]:
        if entry["RuleNumber"] <= 32766:  # noqa: PLR2004 - the last one is AWS's
            which = {"RuleNumber": entry["RuleNumber"], "Egress": entry["Egress"]}
            ec2.delete_network_acl_entry(NetworkAclId=acl, **which)
    for direction in ("ingress", "egress"):
        for rule in after.get(direction) or []:
            egress = direction == "egress"
            ec2.create_network_acl_entry(NetworkAclId=acl, Egress=egress, **_acl_entry(rule))
    of_vpc = [{"Name": "vpc-id", "Values": [found["VpcId"]]}]
    acls = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    default = next(it["NetworkAclId"] for it in acls if it["IsDefault"])
    for association in [association for it in acls for association in it["Associations"]]:
        wanted = association["SubnetId"] in (after.get("subnetIds") or [])
        if wanted != (association["NetworkAclId"] == acl):  # a subnet always has one
            ec2.replace_network_acl_association(
                AssociationId=association["NetworkAclAssociationId"],
                NetworkAclId=acl if wanted else default,
            )


def _rule(direction: str) -> ResourceType:
    return ResourceType(
        "ec2",
        f"authorize_security_group_{direction}",
        "SecurityGroupRules[0].SecurityGroupRuleId",
        kind="security-group-rule",
        names={"securityGroupId": "GroupId"},
        arguments=_permission,
        by_code="description ipProtocol fromPort toPort cidrIpv4 cidrIpv6"
        " referencedSecurityGroupId",
        required="securityGroupId ipProtocol",
        outputs={"arn": _ARN, "securityGroupRuleId": "{id}"},
        read="describe_security_group_rules",
        seen={
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
        },
        # AWS changes the referenced group in place too; moto answers that it did, and did not.
        update=(Step(_change_rule, "description ipProtocol fromPort toPort cidrIpv4"),),
        delete=f"revoke_security_group_{direction}",
    )


RESOURCE_TYPES = {
    "aws:ec2/vpc:Vpc": ResourceType(
        "ec2",
        "create_vpc",
        "Vpc.VpcId",
        names={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"},
        required="cidrBlock",
        defaults={"enableDnsHostnames": False, "enableDnsSupport": True},
        outputs={
            "arn": _ARN,
            "ownerId": "{account}",
            "ipv6CidrBlock": "Vpc.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        },
        seen={"assignGeneratedIpv6CidrBlock": "Ipv6CidrBlockAssociationSet[0] && `true`"},
        update=("modify_vpc_attribute", Step(_take_ipv6_range, "assignGeneratedIpv6CidrBlock")),
    ),
    "aws:ec2/subnet:Subnet": ResourceType(
        "ec2",
        "create_subnet",
        "Subnet.SubnetId",
        required="cidrBlock",
        defaults={"mapPublicIpOnLaunch": False},
        outputs={"arn": "Subnet.SubnetArn", "availabilityZone": "Subnet.AvailabilityZone"},
        seen={"ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock"},
        update=("modify_subnet_attribute", Step(_set_ipv6_range, "ipv6CidrBlock")),
    ),
    "aws:ec2/internetGateway:InternetGateway": ResourceType(
        "ec2",
        "create_internet_gateway",
        "InternetGateway.InternetGatewayId",
        outputs={"arn": _ARN},
        seen={"vpcId": "Attachments[0].VpcId"},
        update=(Step(_attach_gateway, "vpcId", undone=True),),
    ),
    "aws:ec2/routeTable:RouteTable": ResourceType(
        "ec2",
        "create_route_table",
        "RouteTable.RouteTableId",
        outputs={"arn": _ARN},
    ),
    "aws:ec2/route:Route": ResourceType(
        "ec2",
        "create_route",
        "r-{routeTableId}-{destinationCidrBlock}{destinationIpv6CidrBlock}",
        names={"routeTableId": "RouteTableId RouteTableIds"},
        required="routeTableId",
        defaults={"destinationCidrBlock": "", "destinationIpv6CidrBlock": ""},  # one of them
        outputs={"state": "'active'"},
        read="describe_route_tables",
        found="RouteTables[0].Routes[?(DestinationCidrBlock || '')=='{destinationCidrBlock}' &&"
        " (DestinationIpv6CidrBlock || '')=='{destinationIpv6CidrBlock}'] | [0]",
        seen={"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId", "state": "State"},
        update=("replace_route",),
        delete="delete_route",
        delete_before_replace=True,
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceType(
        "ec2",
        "associate_route_table",
        "AssociationId",
        names={"routeTableId": "RouteTableId RouteTableIds"},
        required="subnetId",
        read="describe_route_tables",
        found="RouteTables[0].Associations[?RouteTableAssociationId=='{id}'] | [0]",
        delete="disassociate_route_table",
        delete_before_replace=True,  # a subnet has one table
    ),
    "aws:ec2/eip:Eip": ResourceType(
        "ec2",
        "allocate_address",
        "AllocationId",
        kind="elastic-ip",
        outputs={"allocationId": "AllocationId", "publicIp": "PublicIp", "domain": "Domain"},
        read="describe_addresses",
        delete="release_address",
    ),
    "aws:ec2/natGateway:NatGateway": ResourceType(
        "ec2",
        "create_nat_gateway",
        "NatGateway.NatGatewayId",
        kind="natgateway",
        required="allocationId",
        outputs={
            "publicIp": "NatGateway.NatGatewayAddresses[0].PublicIp",
            "privateIp": "NatGateway.NatGatewayAddresses[0].PrivateIp",
        },
        delete=Step(_delete_nat_gateway),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ResourceType(
        "ec2",
        "create_vpc_endpoint",
        "VpcEndpoint.VpcEndpointId",
        required="serviceName",
        defaults={"vpcEndpointType": "Gateway"},
        outputs={"arn": _ARN, "state": "VpcEndpoint.State"},
        update=(Step(_set_endpoint_routes, "routeTableIds"),),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ResourceType(
        "ec2",
        _adopt_default_group,
        "GroupId",
        kind="security-group",
        by_code="vpcId tags",
        required="vpcId",
        defaults={"ingress": [], "egress": []},
        outputs={"arn": _ARN, "name": "GroupName"},
        read="describe_security_groups",
        seen={"ingress": "IpPermissions", "egress": "IpPermissionsEgress"},
        update=(Step(_revoke_rules, "ingress egress"),),
        # No deletion: it goes with its VPC, as AWS wants it. The provider only lets go of it.
    ),
    "aws:ec2/securityGroup:SecurityGroup": ResourceType(
        "ec2",
        "create_security_group",
        "GroupId",
        kind="security-group",
        names={"name": "GroupName"},
        arguments=lambda _ec2, given: {"GroupName": given["name"]},
        by_code="name",  # moto's deleting call, too, takes it, and fails
        required="vpcId",
        defaults={"description": "Managed by Pulumi"},
        outputs={"arn": _ARN, "ownerId": "{account}"},
        update=(Step(_revoke_rules, "ingress egress"),),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("egress"),
    "aws:ec2/networkAcl:NetworkAcl": ResourceType(
        "ec2",
        "create_network_acl",
        "NetworkAcl.NetworkAclId",
        outputs={"arn": _ARN, "ownerId": "{account}"},
        seen={"subnetIds": "Associations[].SubnetId"},  # its rules are as recorded
        update=(Step(_set_acl, "subnetIds ingress egress", undone=True),),
    ),
    "aws:ec2/flowLog:FlowLog": ResourceType(
        "ec2",
        "create_flow_logs",
        "FlowLogIds[0]",
        kind="vpc-flow-log",
        names={
            "vpcId": "ResourceIds",
            "iamRoleArn": "DeliverLogsPermissionArn",
        },
        constants={"resourceType": "VPC"},
        required="trafficType logDestination iamRoleArn",
        defaults={"logDestinationType": "cloud-watch-logs"},
        outputs={"arn": _ARN},
        seen={"vpcId": "ResourceId"},
    ),
}
