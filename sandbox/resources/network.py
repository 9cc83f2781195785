"""VPC, subnets, routes, security groups: `aws:ec2` and `aws:vpc`."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    Inputs,
    ResourceType,
    as_recorded_set,
    inputs,
    only,
    pascal,
    tag_specification,
    undone_on_failure,
    unless_gone,
)
from sandbox.resources.tagging import tag_list


def _arn(account: Account, kind: str, identifier: str) -> str:
    emulator = account.emulator
    return f"arn:aws:ec2:{emulator.region}:{emulator.account_id}:{kind}/{identifier}"


def _tags(kind: str, given: Inputs) -> dict[str, Any]:
    return {"TagSpecifications": tag_specification([kind], given["tags"])}


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": [value]}]}


def _delete(operation: str, argument: str) -> Callable[[Account, str, Inputs], None]:
    """Return the deletion of a resource that one call of EC2's removes by its id.

    Args:
        operation: boto3's name of the call.
        argument: the call's argument for the id.
    """

    def delete(account: Account, identifier: str, _state: Inputs) -> None:
        getattr(account.client("ec2"), operation)(**{argument: identifier})

    return delete


_VPC_ATTRIBUTES = ("enableDnsSupport", "enableDnsHostnames")


def _set_vpc_attributes(account: Account, vpc_id: str, given: Inputs) -> None:
    for name in _VPC_ATTRIBUTES:  # one at a time, says the API
        account.client("ec2").modify_vpc_attribute(
            VpcId=vpc_id, **{name[0].upper() + name[1:]: {"Value": given[name]}}
        )


def _vpc(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    vpc_id = ec2.create_vpc(**pascal(given, "cidrBlock"), **_tags("vpc", given))["Vpc"]["VpcId"]
    with undone_on_failure(lambda: ec2.delete_vpc(VpcId=vpc_id)):
        _set_vpc_attributes(account, vpc_id, given)
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


def _read_vpc(account: Account, vpc_id: str, _state: Inputs) -> Inputs:
    ec2 = account.client("ec2")
    seen = {"cidrBlock": only(ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"])["CidrBlock"]}
    for name in _VPC_ATTRIBUTES:
        found = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
        seen[name] = found[name[0].upper() + name[1:]]["Value"]
    return seen


def _update_vpc(account: Account, vpc_id: str, _state: Inputs, given: Inputs) -> Inputs:
    _set_vpc_attributes(account, vpc_id, given)
    return {}


def _set_subnet_attributes(account: Account, subnet_id: str, given: Inputs) -> None:
    account.client("ec2").modify_subnet_attribute(
        SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": given["mapPublicIpOnLaunch"]}
    )


def _subnet(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    subnet = ec2.create_subnet(
        **pascal(given, "vpcId cidrBlock availabilityZone"), **_tags("subnet", given)
    )["Subnet"]
    with undone_on_failure(lambda: ec2.delete_subnet(SubnetId=subnet["SubnetId"])):
        _set_subnet_attributes(account, subnet["SubnetId"], given)
    return Created(
        subnet["SubnetId"],
        {"arn": subnet["SubnetArn"], "availabilityZone": subnet["AvailabilityZone"]},
    )


def _read_subnet(account: Account, subnet_id: str, _state: Inputs) -> Inputs:
    subnet = only(account.client("ec2").describe_subnets(SubnetIds=[subnet_id])["Subnets"])
    return {
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
    }


def _update_subnet(account: Account, subnet_id: str, _state: Inputs, given: Inputs) -> Inputs:
    _set_subnet_attributes(account, subnet_id, given)
    return {}


def _internet_gateway(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    made = ec2.create_internet_gateway(**_tags("internet-gateway", given))
    gateway_id = made["InternetGateway"]["InternetGatewayId"]
    if "vpcId" in given:
        with undone_on_failure(lambda: ec2.delete_internet_gateway(InternetGatewayId=gateway_id)):
            ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=given["vpcId"])
    return Created(gateway_id, {"arn": _arn(account, "internet-gateway", gateway_id)})


def _read_internet_gateway(account: Account, gateway_id: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_internet_gateways(InternetGatewayIds=[gateway_id])
    attached = [to["VpcId"] for to in only(found["InternetGateways"])["Attachments"]]
    return {"vpcId": attached[0] if attached else None}


def _detach(account: Account, gateway_id: str, state: Inputs) -> None:
    vpc_id = _read_internet_gateway(account, gateway_id, state)["vpcId"]
    if vpc_id:
        account.client("ec2").detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


def _update_internet_gateway(
    account: Account, gateway_id: str, state: Inputs, given: Inputs
) -> Inputs:
    _detach(account, gateway_id, state)
    if "vpcId" in given:
        account.client("ec2").attach_internet_gateway(
            InternetGatewayId=gateway_id, VpcId=given["vpcId"]
        )
    return {}


def _delete_internet_gateway(account: Account, gateway_id: str, state: Inputs) -> None:
    _detach(account, gateway_id, state)
    account.client("ec2").delete_internet_gateway(InternetGatewayId=gateway_id)


def _route_table(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").create_route_table(
        **pascal(given, "vpcId"), **_tags("route-table", given)
    )
    table_id = made["RouteTable"]["RouteTableId"]
    return Created(table_id, {"arn": _arn(account, "route-table", table_id)})


def _describe_table(account: Account, table_id: str) -> Mapping[str, Any]:
    found = account.client("ec2").describe_route_tables(RouteTableIds=[table_id])
    return only(found["RouteTables"])


def _read_route_table(account: Account, table_id: str, _state: Inputs) -> Inputs:
    return {"vpcId": _describe_table(account, table_id)["VpcId"]}


_ROUTE_INPUTS = "routeTableId destinationCidrBlock gatewayId natGatewayId"


def _route(account: Account, given: Inputs) -> Created:
    account.client("ec2").create_route(**pascal(given, _ROUTE_INPUTS))
    target = f"{given['routeTableId']}-{given['destinationCidrBlock']}"
    return Created(f"r-{target}", {"state": "active"})


def _read_route(account: Account, _identifier: str, state: Inputs) -> Inputs:
    routes = _describe_table(account, state["routeTableId"])["Routes"]
    destination = state["destinationCidrBlock"]
    route = only([it for it in routes if it.get("DestinationCidrBlock") == destination])
    return {
        "gatewayId": route.get("GatewayId"),
        "natGatewayId": route.get("NatGatewayId"),
        "state": route["State"],
    }


def _update_route(account: Account, _identifier: str, _state: Inputs, given: Inputs) -> Inputs:
    account.client("ec2").replace_route(**pascal(given, _ROUTE_INPUTS))
    return {}


def _delete_route(account: Account, _identifier: str, state: Inputs) -> None:
    account.client("ec2").delete_route(**pascal(state, "routeTableId destinationCidrBlock"))


def _route_table_association(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").associate_route_table(**pascal(given, "routeTableId subnetId"))
    return Created(made["AssociationId"], {})


def _read_route_table_association(account: Account, identifier: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_route_tables(
        **_filter("association.route-table-association-id", identifier)
    )
    association = only(
        [
            association
            for table in found["RouteTables"]
            for association in table["Associations"]
            if association["RouteTableAssociationId"] == identifier
        ]
    )
    return {"routeTableId": association["RouteTableId"], "subnetId": association["SubnetId"]}


def _eip(account: Account, given: Inputs) -> Created:
    made = account.client("ec2").allocate_address(
        **pascal(given, "domain"), **_tags("elastic-ip", given)
    )
    return Created(
        made["AllocationId"], {"allocationId": made["AllocationId"], "publicIp": made["PublicIp"]}
    )


def _read_eip(account: Account, allocation_id: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_addresses(AllocationIds=[allocation_id])
    address = only(found["Addresses"])
    return {"domain": address["Domain"], "publicIp": address["PublicIp"]}


def _nat_gateway(account: Account, given: Inputs) -> Created:
    gateway = account.client("ec2").create_nat_gateway(
        **pascal(given, "allocationId subnetId"), **_tags("natgateway", given)
    )["NatGateway"]
    addresses = gateway["NatGatewayAddresses"][0]
    return Created(
        gateway["NatGatewayId"],
        {"publicIp": addresses["PublicIp"], "privateIp": addresses["PrivateIp"]},
    )


def _read_nat_gateway(account: Account, gateway_id: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_nat_gateways(NatGatewayIds=[gateway_id])
    gateway = only([it for it in found["NatGateways"] if it["State"] != "deleted"])
    address = gateway["NatGatewayAddresses"][0]
    return {
        "subnetId": gateway["SubnetId"],
        "allocationId": address["AllocationId"],
        "publicIp": address["PublicIp"],
        "privateIp": address["PrivateIp"],
    }


def _delete_nat_gateway(account: Account, gateway_id: str, state: Inputs) -> None:
    ec2 = account.client("ec2")
    _read_nat_gateway(account, gateway_id, state)  # moto answers 500 about one that never was
    gateway = ec2.describe_nat_gateways(NatGatewayIds=[gateway_id])["NatGateways"][0]
    ec2.delete_nat_gateway(NatGatewayId=gateway_id)
    with unless_gone():  # it went with the gateway, but moto leaves it
        ec2.delete_network_interface(
            NetworkInterfaceId=gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]
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


def _read_vpc_endpoint(account: Account, endpoint_id: str, state: Inputs) -> Inputs:
    found = account.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])
    endpoint = only([it for it in found["VpcEndpoints"] if it["State"].lower() != "deleted"])
    return {
        "vpcId": endpoint["VpcId"],
        "serviceName": endpoint["ServiceName"],
        "vpcEndpointType": endpoint["VpcEndpointType"],
        "routeTableIds": as_recorded_set(
            endpoint.get("RouteTableIds", []), state.get("routeTableIds")
        ),
        "state": endpoint["State"],
    }


def _update_vpc_endpoint(
    account: Account, endpoint_id: str, state: Inputs, given: Inputs
) -> Inputs:
    before = set(state.get("routeTableIds") or [])
    after = set(given.get("routeTableIds") or [])
    change = {
        "AddRouteTableIds": sorted(after - before),
        "RemoveRouteTableIds": sorted(before - after),
    }
    account.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=endpoint_id, **{name: ids for name, ids in change.items() if ids}
    )
    return {}


def _delete_vpc_endpoint(account: Account, endpoint_id: str, _state: Inputs) -> None:
    account.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])


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
    found = account.client("ec2").describe_security_groups(GroupIds=[group_id])
    return only(found["SecurityGroups"])


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


def _read_default_security_group(account: Account, group_id: str, _state: Inputs) -> Inputs:
    group = _group(account, group_id)
    # It has no rules but those that are given: none. Whatever is there is a change.
    return {
        "vpcId": group["VpcId"],
        "ingress": group["IpPermissions"],
        "egress": group["IpPermissionsEgress"],
    }


def _update_default_security_group(
    account: Account, group_id: str, _state: Inputs, given: Inputs
) -> Inputs:
    _no_inline_rules(given)
    _revoke_all(account, _group(account, group_id))
    return {}


def _read_security_group(account: Account, group_id: str, _state: Inputs) -> Inputs:
    # Its rules are resources of their own.
    group = _group(account, group_id)
    return {
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
    }


def _security_group(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    _no_inline_rules(given)
    group_id = ec2.create_security_group(
        GroupName=given["name"],
        Description=given["description"],
        VpcId=given["vpcId"],
        **_tags("security-group", given),
    )["GroupId"]
    with undone_on_failure(lambda: ec2.delete_security_group(GroupId=group_id)):
        # AWS allows all egress; the provider does not.
        _revoke_all(account, _group(account, group_id))
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


def _read_security_group_rule(account: Account, rule_id: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[rule_id])
    rule = only(found["SecurityGroupRules"])
    everything = rule["IpProtocol"] == "-1"  # such a rule has no ports
    # moto does not return the description of a rule that references a group.
    described = {"description": rule["Description"]} if "Description" in rule else {}
    return {
        **described,
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": None if everything else rule["FromPort"],
        "toPort": None if everything else rule["ToPort"],
        "cidrIpv4": rule.get("CidrIpv4"),
        "referencedSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
    }


def _update_security_group_rule(
    account: Account, rule_id: str, _state: Inputs, given: Inputs
) -> Inputs:
    rule = {
        "FromPort": -1,
        "ToPort": -1,
        "Description": "",
        **pascal(given, "description ipProtocol fromPort toPort cidrIpv4"),
    }
    if "referencedSecurityGroupId" in given:
        rule["ReferencedGroupId"] = given["referencedSecurityGroupId"]
    account.client("ec2").modify_security_group_rules(
        GroupId=given["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": rule}],
    )
    return {}


def _delete_rule(direction: str) -> Callable[[Account, str, Inputs], None]:
    def delete(account: Account, rule_id: str, state: Inputs) -> None:
        # moto revokes by content, and what it cannot find it leaves in silence.
        getattr(account.client("ec2"), f"revoke_security_group_{direction}")(
            GroupId=state["securityGroupId"], SecurityGroupRuleIds=[rule_id]
        )

    return delete


_PROTOCOL_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17"}


def _acl_entry(rule: Inputs, *, egress: bool) -> dict[str, Any]:
    """Return an inline rule as EC2's API has it."""
    protocol = _PROTOCOL_NUMBERS.get(rule["protocol"], rule["protocol"])
    entry = {
        "RuleNumber": rule["ruleNo"],
        "Protocol": protocol,
        "RuleAction": rule["action"],
        "Egress": egress,
        "CidrBlock": rule["cidrBlock"],
    }
    if protocol in (_PROTOCOL_NUMBERS["tcp"], _PROTOCOL_NUMBERS["udp"]):
        entry["PortRange"] = {"From": rule["fromPort"], "To": rule["toPort"]}
    elif protocol == _PROTOCOL_NUMBERS["icmp"]:
        entry["IcmpTypeCode"] = {"Type": rule["icmpType"], "Code": rule["icmpCode"]}
    return entry


def _shows(seen: Inputs, entry: Inputs) -> bool:
    """Say whether an entry that was read is the one that was made; moto drops the ICMP type."""
    return seen.items() <= entry.items()


def _inline_rule(entry: Inputs) -> dict[str, Any]:
    """Return an entry of EC2's API as an inline rule."""
    ports, icmp = entry.get("PortRange", {}), entry.get("IcmpTypeCode", {})
    names = {number: name for name, number in _PROTOCOL_NUMBERS.items()}
    rule = {
        "ruleNo": entry["RuleNumber"],
        "protocol": names.get(entry["Protocol"], entry["Protocol"]),
        "action": entry["RuleAction"],
        "cidrBlock": entry["CidrBlock"],
        "fromPort": ports.get("From", 0),
        "toPort": ports.get("To", 0),
    }
    return {**rule, "icmpType": icmp["Type"], "icmpCode": icmp["Code"]} if icmp else rule


def _describe_acl(account: Account, acl_id: str) -> Mapping[str, Any]:
    found = account.client("ec2").describe_network_acls(NetworkAclIds=[acl_id])
    return only(found["NetworkAcls"])


def _acl_entries(acl: Inputs, *, egress: bool) -> list[Mapping[str, Any]]:
    """Return an ACL's own entries: not the last one, which AWS adds, and which denies all."""
    return [
        entry
        for entry in acl["Entries"]
        if entry["Egress"] == egress and entry["RuleNumber"] <= 32766  # noqa: PLR2004 - AWS's last
    ]


def _set_acl(account: Account, acl_id: str, given: Inputs) -> None:
    """Give an ACL exactly the entries and subnets of the inputs."""
    ec2 = account.client("ec2")
    acl = _describe_acl(account, acl_id)
    for direction, egress in (("ingress", False), ("egress", True)):
        wanted = [_acl_entry(rule, egress=egress) for rule in given.get(direction) or []]
        for entry in _acl_entries(acl, egress=egress):
            if not any(_shows(entry, it) for it in wanted):
                ec2.delete_network_acl_entry(
                    NetworkAclId=acl_id, RuleNumber=entry["RuleNumber"], Egress=egress
                )
        for entry in wanted:
            if not any(_shows(it, entry) for it in acl["Entries"]):
                ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry)
    wanted_subnets = given.get("subnetIds") or []
    for subnet_id in wanted_subnets:
        _associate(account, subnet_id, acl_id)
    released = [it["SubnetId"] for it in acl["Associations"]]
    if set(released) - set(wanted_subnets):
        # A subnet always has an ACL: without one of its own, the VPC's default one.
        defaults = _filter("vpc-id", acl["VpcId"])
        defaults["Filters"].append({"Name": "default", "Values": ["true"]})
        default = only(ec2.describe_network_acls(**defaults)["NetworkAcls"])["NetworkAclId"]
        for subnet_id in sorted(set(released) - set(wanted_subnets)):
            _associate(account, subnet_id, default)


def _associate(account: Account, subnet_id: str, acl_id: str) -> None:
    ec2 = account.client("ec2")
    acls = ec2.describe_network_acls(**_filter("association.subnet-id", subnet_id))
    association = only(
        [
            association
            for acl in acls["NetworkAcls"]
            for association in acl["Associations"]
            if association["SubnetId"] == subnet_id
        ]
    )
    if association["NetworkAclId"] != acl_id:
        ec2.replace_network_acl_association(
            AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
        )


def _network_acl(account: Account, given: Inputs) -> Created:
    ec2 = account.client("ec2")
    acl_id = ec2.create_network_acl(VpcId=given["vpcId"], **_tags("network-acl", given))[
        "NetworkAcl"
    ]["NetworkAclId"]
    with undone_on_failure(lambda: _delete_network_acl(account, acl_id, {})):
        _set_acl(account, acl_id, given)
    return Created(
        acl_id,
        {"arn": _arn(account, "network-acl", acl_id), "ownerId": account.emulator.account_id},
    )


def _read_network_acl(account: Account, acl_id: str, state: Inputs) -> Inputs:
    acl = _describe_acl(account, acl_id)
    seen: dict[str, Any] = {
        "vpcId": acl["VpcId"],
        "subnetIds": as_recorded_set(
            [association["SubnetId"] for association in acl["Associations"]],
            state.get("subnetIds"),
        ),
    }
    for direction, egress in (("ingress", False), ("egress", True)):
        entries = _acl_entries(acl, egress=egress)
        recorded = state.get(direction) or []
        known = [_acl_entry(rule, egress=egress) for rule in recorded]
        same = len(entries) == len(known) and all(
            any(_shows(entry, it) for it in known) for entry in entries
        )
        seen[direction] = recorded if same else [_inline_rule(entry) for entry in entries]
    return seen


def _update_network_acl(account: Account, acl_id: str, _state: Inputs, given: Inputs) -> Inputs:
    _set_acl(account, acl_id, given)
    return {}


def _delete_network_acl(account: Account, acl_id: str, _state: Inputs) -> None:
    _set_acl(account, acl_id, {})  # the subnets go back to the default one
    account.client("ec2").delete_network_acl(NetworkAclId=acl_id)


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


def _read_flow_log(account: Account, log_id: str, _state: Inputs) -> Inputs:
    found = account.client("ec2").describe_flow_logs(FlowLogIds=[log_id])
    log = only(found["FlowLogs"])
    return {"vpcId": log["ResourceId"], "trafficType": log["TrafficType"]}


def _delete_flow_log(account: Account, log_id: str, _state: Inputs) -> None:
    account.client("ec2").delete_flow_logs(FlowLogIds=[log_id])


def _rule_type(
    create: Callable[[Account, Inputs], Created], delete: Callable[[Account, str, Inputs], None]
) -> ResourceType:
    return ResourceType(
        create,
        inputs(
            "securityGroupId description ipProtocol fromPort toPort cidrIpv4"
            " referencedSecurityGroupId tags"
        ),
        _read_security_group_rule,
        delete,
        required=inputs("securityGroupId ipProtocol"),
        # AWS changes the referenced group in place too; moto answers that it did, and did not.
        updatable=inputs("description ipProtocol fromPort toPort cidrIpv4"),
        update=_update_security_group_rule,
        taggable=True,
    )


RESOURCE_TYPES = {
    "aws:ec2/vpc:Vpc": ResourceType(
        _vpc,
        inputs("cidrBlock enableDnsHostnames enableDnsSupport tags"),
        _read_vpc,
        _delete("delete_vpc", "VpcId"),
        required=inputs("cidrBlock"),
        updatable=inputs("enableDnsHostnames enableDnsSupport"),
        update=_update_vpc,
        defaults={"enableDnsHostnames": False, "enableDnsSupport": True},
        taggable=True,
    ),
    "aws:ec2/subnet:Subnet": ResourceType(
        _subnet,
        inputs("vpcId cidrBlock availabilityZone mapPublicIpOnLaunch tags"),
        _read_subnet,
        _delete("delete_subnet", "SubnetId"),
        required=inputs("vpcId cidrBlock"),
        updatable=inputs("mapPublicIpOnLaunch"),
        update=_update_subnet,
        computed=inputs("availabilityZone"),
        defaults={"mapPublicIpOnLaunch": False},
        taggable=True,
    ),
    "aws:ec2/internetGateway:InternetGateway": ResourceType(
        _internet_gateway,
        inputs("vpcId tags"),
        _read_internet_gateway,
        _delete_internet_gateway,
        updatable=inputs("vpcId"),
        update=_update_internet_gateway,
        taggable=True,
    ),
    "aws:ec2/routeTable:RouteTable": ResourceType(
        _route_table,
        inputs("vpcId tags"),
        _read_route_table,
        _delete("delete_route_table", "RouteTableId"),
        required=inputs("vpcId"),
        taggable=True,
    ),
    "aws:ec2/route:Route": ResourceType(
        _route,
        inputs(_ROUTE_INPUTS),
        _read_route,
        _delete_route,
        required=inputs("routeTableId destinationCidrBlock"),
        updatable=inputs("gatewayId natGatewayId"),
        update=_update_route,
        delete_before_replace=True,
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceType(
        _route_table_association,
        inputs("routeTableId subnetId"),
        _read_route_table_association,
        _delete("disassociate_route_table", "AssociationId"),
        required=inputs("routeTableId subnetId"),
        delete_before_replace=True,  # a subnet has one table
    ),
    "aws:ec2/eip:Eip": ResourceType(
        _eip,
        inputs("domain tags"),
        _read_eip,
        _delete("release_address", "AllocationId"),
        computed=inputs("domain"),
        taggable=True,
    ),
    "aws:ec2/natGateway:NatGateway": ResourceType(
        _nat_gateway,
        inputs("allocationId subnetId tags"),
        _read_nat_gateway,
        _delete_nat_gateway,
        required=inputs("allocationId subnetId"),
        taggable=True,
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ResourceType(
        _vpc_endpoint,
        inputs("vpcId serviceName vpcEndpointType routeTableIds tags"),
        _read_vpc_endpoint,
        _delete_vpc_endpoint,
        required=inputs("vpcId serviceName"),
        updatable=inputs("routeTableIds"),
        update=_update_vpc_endpoint,
        defaults={"vpcEndpointType": "Gateway"},
        taggable=True,
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ResourceType(
        _default_security_group,
        inputs("vpcId ingress egress tags"),
        _read_default_security_group,
        # No deletion: it goes with its VPC, as AWS wants it. The provider only lets go of it.
        required=inputs("vpcId"),
        updatable=inputs("ingress egress"),
        update=_update_default_security_group,
        defaults={"ingress": [], "egress": []},
        taggable=True,
    ),
    "aws:ec2/securityGroup:SecurityGroup": ResourceType(
        _security_group,
        inputs("name description vpcId ingress egress tags"),
        _read_security_group,
        _delete("delete_security_group", "GroupId"),
        required=inputs("vpcId"),
        defaults={"description": "Managed by Pulumi"},
        name_input="name",
        taggable=True,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule_type(
        _ingress_rule, _delete_rule("ingress")
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule_type(
        _egress_rule, _delete_rule("egress")
    ),
    "aws:ec2/networkAcl:NetworkAcl": ResourceType(
        _network_acl,
        inputs("vpcId subnetIds ingress egress tags"),
        _read_network_acl,
        _delete_network_acl,
        required=inputs("vpcId"),
        updatable=inputs("subnetIds ingress egress"),
        update=_update_network_acl,
        taggable=True,
    ),
    "aws:ec2/flowLog:FlowLog": ResourceType(
        _flow_log,
        inputs("vpcId trafficType logDestinationType logDestination iamRoleArn tags"),
        _read_flow_log,
        _delete_flow_log,
        required=inputs("vpcId trafficType logDestination iamRoleArn"),
        defaults={"logDestinationType": "cloud-watch-logs"},
        taggable=True,
    ),
}
