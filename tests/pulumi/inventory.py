"""What is in an emulated account, by kind: what a deployment has made, and a destruction left."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.emulator import ADMIN, Emulator


def inventory(emulator: Emulator) -> dict[str, set[str]]:
    """Return the identifiers of what there is, by kind."""
    return {kind: set(look(emulator.client)) for kind, look in _KINDS.items()}


def _ec2(call: str, kind: str, identifier: str, **arguments: Any) -> Callable[..., list[str]]:  # noqa: ANN401
    def look(client: Callable[[str], Any]) -> list[str]:
        answer: Mapping[str, Any] = getattr(client("ec2"), call)(**arguments)
        return [item[identifier] for item in answer[kind]]

    return look


def _instances(client: Callable[[str], Any]) -> list[str]:
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    reservations = client("ec2").describe_instances(Filters=alive)["Reservations"]
    return [instance["InstanceId"] for item in reservations for instance in item["Instances"]]


def _interfaces(client: Callable[[str], Any]) -> list[str]:
    found = client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    alive = {None, *_instances(client)}  # the emulator's auto-scaling leaves those of the others
    return [
        it["NetworkInterfaceId"]
        for it in found
        if it.get("Attachment", {}).get("InstanceId") in alive
    ]


def _active_clusters(client: Callable[[str], Any]) -> list[str]:
    arns = client("ecs").list_clusters()["clusterArns"]
    clusters = client("ecs").describe_clusters(clusters=arns)["clusters"] if arns else []
    return [cluster["clusterArn"] for cluster in clusters if cluster["status"] == "ACTIVE"]


def _services(client: Callable[[str], Any]) -> list[str]:
    found = []
    for cluster in _active_clusters(client):
        arns = client("ecs").list_services(cluster=cluster)["serviceArns"]
        answer = client("ecs").describe_services(cluster=cluster, services=arns) if arns else {}
        found += [item for item in answer.get("services", []) if item["status"] != "INACTIVE"]
    return [service["serviceArn"] for service in found]


def _keys(client: Callable[[str], Any]) -> list[str]:
    kms = client("kms")
    aliases = kms.list_aliases()["Aliases"]  # `alias/aws/ebs` ...: AWS's own, made when first used
    keys = {key["KeyId"] for key in kms.list_keys()["Keys"]} - {
        alias.get("TargetKeyId") for alias in aliases if alias["AliasName"].startswith("alias/aws/")
    }
    states = {key: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys}
    return [key for key, state in states.items() if state == "Enabled"]


def _records(client: Callable[[str], Any]) -> list[str]:
    zones = [
        zone
        for zone in client("route53").list_hosted_zones()["HostedZones"]
        # Cloud Map's own: AWS removes it with its namespace, the emulator does not.
        if not zone["Name"].rstrip(".").endswith("-hz")
    ]
    listed = [
        client("route53").list_resource_record_sets(HostedZoneId=zone["Id"]) for zone in zones
    ]
    return [f"{it['Name']} {it['Type']}" for one in listed for it in one["ResourceRecordSets"]]


_KINDS: dict[str, Callable[[Callable[[str], Any]], list[str]]] = {
    "vpc": _ec2("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": _ec2("describe_subnets", "Subnets", "SubnetId"),
    "security group": _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "route table": _ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    # A VPC's own ACL goes with the VPC in AWS, not in moto.
    "network ACL": _ec2(
        "describe_network_acls",
        "NetworkAcls",
        "NetworkAclId",
        Filters=[{"Name": "default", "Values": ["false"]}],
    ),
    "gateway": _ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "endpoint": lambda client: [
        endpoint["VpcEndpointId"]
        for endpoint in client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        if endpoint["State"] != "deleted"  # AWS, too, lists it for a while
    ],
    "NAT gateway": lambda client: [
        gateway["NatGatewayId"]
        for gateway in client("ec2").describe_nat_gateways()["NatGateways"]
        if gateway["State"] != "deleted"  # AWS, too, lists it for a while
    ],
    "flow log": _ec2("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "address": _ec2("describe_addresses", "Addresses", "AllocationId"),
    "volume": _ec2("describe_volumes", "Volumes", "VolumeId"),
    "interface": _interfaces,
    "instance": _instances,
    "user": lambda client: [
        user["UserName"]
        for user in client("iam").list_users()["Users"]
        if user["UserName"] != ADMIN
    ],
    "role": lambda client: [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
    "instance profile": lambda client: [
        profile["Arn"] for profile in client("iam").list_instance_profiles()["InstanceProfiles"]
    ],
    "secret": lambda client: [
        secret["Name"] for secret in client("secretsmanager").list_secrets()["SecretList"]
    ],
    "repository": lambda client: [
        repository["repositoryName"]
        for repository in client("ecr").describe_repositories()["repositories"]
    ],
    "load balancer": lambda client: [
        balancer["LoadBalancerArn"]
        for balancer in client("elbv2").describe_load_balancers()["LoadBalancers"]
    ],
    "target group": lambda client: [
        group["TargetGroupArn"]
        for group in client("elbv2").describe_target_groups()["TargetGroups"]
    ],
    "certificate": lambda client: [
        certificate["CertificateArn"]
        for certificate in client("acm").list_certificates()["CertificateSummaryList"]
    ],
    "record": _records,
    "bucket": lambda client: [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
    "launch template": _ec2("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "auto-scaling group": lambda client: [
        group["AutoScalingGroupName"]
        for group in client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    ],
    "cluster": _active_clusters,
    "service": _services,
    "task definition": lambda client: client("ecs").list_task_definitions()["taskDefinitionArns"],
    "log group": lambda client: [
        group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]
    ],
    "key": _keys,
    "topic": lambda client: [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
    "subscription": lambda client: [
        found["SubscriptionArn"] for found in client("sns").list_subscriptions()["Subscriptions"]
    ],
    "rule": lambda client: [rule["Name"] for rule in client("events").list_rules()["Rules"]],
    "alarm": lambda client: [
        alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]
    ],
}
