"""What the program asks AWS before it makes anything: Pulumi's functions (data sources)."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.resources.base import Account, Inputs

PARTITION = "aws"
DNS_SUFFIX = "amazonaws.com"


def _filters(args: Inputs) -> list[dict[str, Any]]:
    return [{"Name": it["name"], "Values": it["values"]} for it in args.get("filters") or []]


def _availability_zones(account: Account, args: Inputs) -> dict[str, Any]:
    filters = _filters(args)
    if args.get("state"):
        filters.append({"Name": "state", "Values": [args["state"]]})
    zones = account.client("ec2").describe_availability_zones(Filters=filters)
    return {
        "id": account.emulator.region,
        "names": [zone["ZoneName"] for zone in zones["AvailabilityZones"]],
        "zoneIds": [zone["ZoneId"] for zone in zones["AvailabilityZones"]],
        "groupNames": [account.emulator.region],
        "region": account.emulator.region,
    }


def _instance_type_offerings(account: Account, args: Inputs) -> dict[str, Any]:
    pages = account.client("ec2").get_paginator("describe_instance_type_offerings")
    found = pages.paginate(LocationType=args["locationType"], Filters=_filters(args))
    offerings = found.build_full_result()["InstanceTypeOfferings"]
    return {
        "id": account.emulator.region,
        "instanceTypes": [offering["InstanceType"] for offering in offerings],
        "locations": [offering["Location"] for offering in offerings],
        "locationTypes": [args["locationType"] for _ in offerings],
        "region": account.emulator.region,
    }


def _instance_type(account: Account, args: Inputs) -> dict[str, Any]:
    found = account.client("ec2").describe_instance_types(InstanceTypes=[args["instanceType"]])
    kind = found["InstanceTypes"][0]
    return {
        "id": args["instanceType"],
        "instanceType": args["instanceType"],
        "hypervisor": kind.get("Hypervisor", ""),
        "bareMetal": kind["BareMetal"],
        "memorySize": kind["MemoryInfo"]["SizeInMiB"],
        "defaultVcpus": kind["VCpuInfo"]["DefaultVCpus"],
        "supportedArchitectures": kind["ProcessorInfo"]["SupportedArchitectures"],
    }


def _subnet(account: Account, args: Inputs) -> dict[str, Any]:
    subnet = account.client("ec2").describe_subnets(SubnetIds=[args["id"]])["Subnets"][0]
    return {
        "id": args["id"],
        "arn": subnet["SubnetArn"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "cidrBlock": subnet["CidrBlock"],
        "vpcId": subnet["VpcId"],
    }


def _region(account: Account, _args: Inputs) -> dict[str, Any]:
    region = account.emulator.region
    return {
        "id": region,
        "region": region,
        "name": region,
        "description": region,
        "endpoint": f"ec2.{region}.{DNS_SUFFIX}",
    }


def _caller_identity(account: Account, _args: Inputs) -> dict[str, Any]:
    caller = account.client("sts").get_caller_identity()
    return {
        "id": caller["Account"],
        "accountId": caller["Account"],
        "arn": caller["Arn"],
        "userId": caller["UserId"],
    }


def _partition(_account: Account, _args: Inputs) -> dict[str, Any]:
    return {
        "id": PARTITION,
        "partition": PARTITION,
        "dnsSuffix": DNS_SUFFIX,
        "reverseDnsPrefix": ".".join(reversed(DNS_SUFFIX.split("."))),
    }


def _parameter(account: Account, args: Inputs) -> dict[str, Any]:
    found = account.client("ssm").get_parameter(Name=args["name"], WithDecryption=True)
    parameter = found["Parameter"]
    return {
        "id": args["name"],
        "name": args["name"],
        "arn": parameter["ARN"],
        "type": parameter["Type"],
        "value": parameter["Value"],
        "insecureValue": parameter["Value"],
        "version": parameter["Version"],
    }


def _authorization_token(account: Account, args: Inputs) -> dict[str, Any]:
    registries = [args["registryId"]] if args.get("registryId") else []
    data = account.client("ecr").get_authorization_token(registryIds=registries)
    token = data["authorizationData"][0]
    user, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
    return {
        "id": account.emulator.region,
        "authorizationToken": token["authorizationToken"],
        "expiresAt": token["expiresAt"].isoformat(),
        "userName": user,
        "password": password,
        "proxyEndpoint": token["proxyEndpoint"],
    }


def _zone(account: Account, args: Inputs) -> dict[str, Any]:
    zone = account.client("route53").get_hosted_zone(Id=args["zoneId"])["HostedZone"]
    return {
        "id": args["zoneId"],
        "zoneId": args["zoneId"],
        "arn": f"arn:{PARTITION}:route53:::hostedzone/{args['zoneId']}",
        "name": zone["Name"].rstrip("."),
        "privateZone": zone["Config"]["PrivateZone"],
    }


def _secret_version(account: Account, args: Inputs) -> dict[str, Any]:
    found = account.client("secretsmanager").get_secret_value(SecretId=args["secretId"])
    return {
        "id": f"{args['secretId']}|AWSCURRENT",
        "arn": found["ARN"],
        "secretId": args["secretId"],
        "secretString": found["SecretString"],
        "versionId": found["VersionId"],
        "versionStages": found["VersionStages"],
    }


def _cluster(account: Account, args: Inputs) -> dict[str, Any]:
    name = args["clusterName"]
    found = account.client("ecs").describe_clusters(clusters=[name])["clusters"]
    if not found:
        raise ValueError(f"ECS cluster {name} does not exist")
    (cluster,) = found
    return {
        "id": cluster["clusterArn"],
        "arn": cluster["clusterArn"],
        "clusterName": cluster["clusterName"],
        "status": cluster["status"],
        "runningTasksCount": cluster["runningTasksCount"],
        "pendingTasksCount": cluster["pendingTasksCount"],
        "registeredContainerInstancesCount": cluster["registeredContainerInstancesCount"],
        "region": account.emulator.region,
    }


def _service(account: Account, args: Inputs) -> dict[str, Any]:
    cluster, name = args["clusterArn"], args["serviceName"]
    found = account.client("ecs").describe_services(cluster=cluster, services=[name])["services"]
    if not found:
        raise ValueError(f"ECS service {name} does not exist")
    (service,) = found
    return {
        "id": service["serviceArn"],
        "arn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "serviceName": service["serviceName"],
        "status": service["status"],
        "taskDefinition": service["taskDefinition"],
        "desiredCount": service["desiredCount"],
        "region": account.emulator.region,
    }


INVOKES: Mapping[str, Callable[[Account, Inputs], dict[str, Any]]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _instance_type_offerings,
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:route53/getZone:getZone": _zone,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:ecs/getCluster:getCluster": _cluster,
    "aws:ecs/getService:getService": _service,
}
"""Token of a function -> how the emulator answers it, by Pulumi's names."""
