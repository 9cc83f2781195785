"""VPC, subnets, routes, security groups: `aws:ec2` and `aws:vpc`."""

from collections.abc import Mapping
from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    Inputs,
    ResourceType,
    inputs,
    pascal,
    tag_list,
    tag_specification,
)


def _arn(account: Account, kind: str, identifier: str) -> str:
    emulator = account.emulator
    return f"arn:aws:ec2:{emulator.region}:{emulator.account_id}:{kind}/{identifier}"


def _tags(kind: str, given: Inputs) -> dict[str, Any]:
    return {"TagSpecifications": tag_specification([kind], given["tags"])}


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": [value]}]}


def _vpc(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    vpc_id = ec2.create_vpc(**pascal(given, "cidrBlock"), **_tags("vpc", given))["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):  # one at a time, says the API
        value = given[attribute[0].lower() + attribute[1:]]
        ec2.modify_vpc_attribute(VpcId=vpc_id, **{attribute: {"Value": value}})
    of_vpc = _filter("vpc-id", vpc_id)
    group = ec2.describe_security_groups(**of_vpc)["SecurityGroups"][0]["GroupId"]
    acl = ec2.describe_network_acls(**of_vpc)["NetworkAcls"][0]["NetworkAclId"]
    table = ec2.describe_route_tables(**of_vpc)["RouteTables"][0]["RouteTableId"]
    return Created(
        vpc_id,
        {
            "arn": _arn(account, "vpc", vpc_id),
            "defaultSecurityGroupId": group,
            "defaultNetworkAclId": acl,
            "defaultRouteTableId": table,
            "mainRouteTableId": table,
            "ownerId": account.emulator.account_id,
        },
    )


def _subnet(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    subnet = ec2.create_subnet(
        **pascal(given, "vpcId cidrBlock availabilityZone"), **_tags("subnet", given)
    )["Subnet"]
    ec2.modify_subnet_attribute(
        SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": given["mapPublicIpOnLaunch"]}
    )
    return Created(
        subnet["SubnetId"],
        {"arn": subnet["SubnetArn"], "availabilityZone": subnet["AvailabilityZone"]},
    )


def _internet_gateway(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    made = ec2.create_internet_gateway(**_tags("internet-gateway", given))
    gateway_id = made["InternetGateway"]["InternetGatewayId"]
    if "vpcId" in given:
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=given["vpcId"])
    return Created(gateway_id, {"arn": _arn(account, "internet-gateway", gateway_id)})


def _route_table(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").create_route_table(
        **pascal(given, "vpcId"), **_tags("route-table", given)
    )
    table_id = made["RouteTable"]["RouteTableId"]
    return Created(table_id, {"arn": _arn(account, "route-table", table_id)})


def _route(account: Account, given: Inputs) -> Created:
    account.client("ec2").create_route(
        **pascal(given, "routeTableId destinationCidrBlock gatewayId natGatewayId")
    )
    target = f"{given['routeTableId']}-{given['destinationCidrBlock']}"
    return Created(f"r-{target}", {"state": "active"})


def _route_table_association(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").associate_route_table(**pascal(given, "routeTableId subnetId"))
    return Created(made["AssociationId"], {})


def _eip(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").allocate_address(
        **pascal(given, "domain"), **_tags("elastic-ip", given)
    )
    return Created(
        made["AllocationId"], {"allocationId": made["AllocationId"], "publicIp": made["PublicIp"]}
    )


def _nat_gateway(account: Account, given: Inputs) -> Created:
    gateway = account.client("ec2").create_nat_gateway(
        **pascal(given, "allocationId subnetId"), **_tags("natgateway", given)
    )["NatGateway"]
    addresses = gateway["NatGatewayAddresses"][0]
    return Created(
        gateway["NatGatewayId"],
        {"publicIp": addresses["PublicIp"], "privateIp": addresses["PrivateIp"]},
    )


def _vpc_endpoint(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").create_vpc_endpoint(
        **pascal(given, "vpcId serviceName vpcEndpointType routeTableIds"),
        **_tags("vpc-endpoint", given),
    )["VpcEndpoint"]
    endpoint_id = made["VpcEndpointId"]
    return Created(
        endpoint_id, {"arn": _arn(account, "vpc-endpoint", endpoint_id), "state": made["State"]}
    )


def _revoke_all(account: Account, group: Mapping[str, Any]) -> None:
    ec2 = account.client("ec2")
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(
            GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
        )
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(
            GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
        )


def _group(account: Account, group_id: str) -> Mapping[str, Any]:
    groups = account.client("ec2").describe_security_groups(GroupIds=[group_id])
    found: Mapping[str, Any] = groups["SecurityGroups"][0]
    return found


def _no_inline_rules(given: Inputs) -> None:
    if given.get("ingress") or given.get("egress"):
        raise ValueError("the sandbox knows no inline rules: use rules that are their own resource")


def _default_security_group(account: Account, given: Inputs) -> Created:
    _no_inline_rules(given)
    ec2 = account.client("ec2")
    groups = ec2.describe_security_groups(**_filter("vpc-id", given["vpcId"]))["SecurityGroups"]
    group = next(group for group in groups if group["GroupName"] == "default")
    # The provider adopts the group and makes its rules exactly those that are given.
    _revoke_all(account, group)
    if given["tags"]:
        ec2.create_tags(Resources=[group["GroupId"]], Tags=tag_list(given["tags"]))
    group_id = group["GroupId"]
    return Created(
        group_id, {"arn": _arn(account, "security-group", group_id), "name": group["GroupName"]}
    )


def _security_group(account: Account, given: Inputs) -> Created:
    _no_inline_rules(given)
    group_id = account.client("ec2").create_security_group(
        GroupName=given["name"],
        Description=given["description"],
        VpcId=given["vpcId"],
        **_tags("security-group", given),
    )["GroupId"]
    _revoke_all(account, _group(account, group_id))  # AWS allows all egress; the provider does not
    return Created(
        group_id,
        {
            "arn": _arn(account, "security-group", group_id),
            "ownerId": account.emulator.account_id,
        },
    )


def _permission(given: Inputs) -> dict[str, Any]:
    permission = pascal(given, "ipProtocol fromPort toPort")
    described = {"Description": given["description"]} if "description" in given else {}
    if "cidrIpv4" in given:
        permission["IpRanges"] = [{"CidrIp": given["cidrIpv4"], **described}]
    if "referencedSecurityGroupId" in given:
        permission["UserIdGroupPairs"] = [
            {"GroupId": given["referencedSecurityGroupId"], **described}
        ]
    return permission


def _security_group_rule(account: Account, given: Inputs, direction: str) -> Created:
    authorize = getattr(account.client("ec2"), f"authorize_security_group_{direction}")
    made = authorize(
        GroupId=given["securityGroupId"],
        IpPermissions=[_permission(given)],
        **_tags("security-group-rule", given),
    )
    rule_id = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Created(
        rule_id,
        {"arn": _arn(account, "security-group-rule", rule_id), "securityGroupRuleId": rule_id},
    )


def _ingress_rule(account: Account, given: Inputs) -> Created:
    return _security_group_rule(account, given, "ingress")


def _egress_rule(account: Account, given: Inputs) -> Created:
    return _security_group_rule(account, given, "egress")


_PROTOCOL_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17"}


def _network_acl(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    acl_id = ec2.create_network_acl(VpcId=given["vpcId"], **_tags("network-acl", given))[
        "NetworkAcl"
    ]["NetworkAclId"]
    for direction in ("ingress", "egress"):
        for rule in given.get(direction, []):
            protocol = _PROTOCOL_NUMBERS.get(rule["protocol"], rule["protocol"])
            details: dict[str, Any] = {}
            if protocol in (_PROTOCOL_NUMBERS["tcp"], _PROTOCOL_NUMBERS["udp"]):
                details["PortRange"] = {"From": rule["fromPort"], "To": rule["toPort"]}
            elif protocol == _PROTOCOL_NUMBERS["icmp"]:
                details["IcmpTypeCode"] = {"Type": rule["icmpType"], "Code": rule["icmpCode"]}
            ec2.create_network_acl_entry(
                NetworkAclId=acl_id,
                RuleNumber=rule["ruleNo"],
                Protocol=protocol,
                RuleAction=rule["action"],
                Egress=direction == "egress",
                CidrBlock=rule["cidrBlock"],
                **details,
            )
    for subnet_id in given.get("subnetIds", []):
        acls = ec2.describe_network_acls(**_filter("association.subnet-id", subnet_id))
        association = next(
            association["NetworkAclAssociationId"]
            for acl in acls["NetworkAcls"]
            for association in acl["Associations"]
            if association["SubnetId"] == subnet_id
        )
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl_id)
    return Created(
        acl_id,
        {"arn": _arn(account, "network-acl", acl_id), "ownerId": account.emulator.account_id},
    )


def _flow_log(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[given["vpcId"]],
        DeliverLogsPermissionArn=given["iamRoleArn"],
        **pascal(given, "trafficType logDestinationType logDestination"),
        **_tags("vpc-flow-log", given),
    )
    if made["Unsuccessful"]:
        raise ValueError(made["Unsuccessful"][0]["Error"]["Message"])
    log_id = made["FlowLogIds"][0]
    return Created(log_id, {"arn": _arn(account, "vpc-flow-log", log_id)})


_RULE_INPUTS = inputs(
    "securityGroupId description ipProtocol fromPort toPort cidrIpv4 referencedSecurityGroupId tags"
)

RESOURCE_TYPES = {
    "aws:ec2/vpc:Vpc": ResourceType(
        _vpc,
        inputs("cidrBlock enableDnsHostnames enableDnsSupport tags"),
        defaults={"enableDnsHostnames": False, "enableDnsSupport": True},
        taggable=True,
    ),
    "aws:ec2/subnet:Subnet": ResourceType(
        _subnet,
        inputs("vpcId cidrBlock availabilityZone mapPublicIpOnLaunch tags"),
        defaults={"mapPublicIpOnLaunch": False},
        taggable=True,
    ),
    "aws:ec2/internetGateway:InternetGateway": ResourceType(
        _internet_gateway, inputs("vpcId tags"), taggable=True
    ),
    "aws:ec2/routeTable:RouteTable": ResourceType(
        _route_table, inputs("vpcId tags"), taggable=True
    ),
    "aws:ec2/route:Route": ResourceType(
        _route, inputs("routeTableId destinationCidrBlock gatewayId natGatewayId")
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceType(
        _route_table_association, inputs("routeTableId subnetId")
    ),
    "aws:ec2/eip:Eip": ResourceType(_eip, inputs("domain tags"), taggable=True),
    "aws:ec2/natGateway:NatGateway": ResourceType(
        _nat_gateway, inputs("allocationId subnetId tags"), taggable=True
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ResourceType(
        _vpc_endpoint,
        inputs("vpcId serviceName vpcEndpointType routeTableIds tags"),
        taggable=True,
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ResourceType(
        _default_security_group, inputs("vpcId ingress egress tags"), taggable=True
    ),
    "aws:ec2/securityGroup:SecurityGroup": ResourceType(
        _security_group,
        inputs("name description vpcId ingress egress tags"),
        defaults={"description": "Managed by Pulumi"},
        name_input="name",
        taggable=True,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ResourceType(
        _ingress_rule, _RULE_INPUTS, taggable=True
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ResourceType(
        _egress_rule, _RULE_INPUTS, taggable=True
    ),
    "aws:ec2/networkAcl:NetworkAcl": ResourceType(
        _network_acl, inputs("vpcId subnetIds ingress egress tags"), taggable=True
    ),
    "aws:ec2/flowLog:FlowLog": ResourceType(
        _flow_log,
        inputs("vpcId trafficType logDestinationType logDestination iamRoleArn tags"),
        taggable=True,
    ),
}
