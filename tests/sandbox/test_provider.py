"""The provider without an engine: every entry of the table, in the emulated AWS."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental import provider as protocol
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from sandbox.emulator import Emulator
from sandbox.plugin_server import RefusedError
from sandbox.properties import marked, plain, plain_properties
from sandbox.provider import SandboxProvider, serve
from sandbox.resources import RESOURCE_TYPES
from sandbox.resources.api import same
from tests.sandbox.command import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pulumi.provider.experimental.property_value import PropertyValue

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
KINDS = protocol.PropertyDiffKind


def policy(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def lifecycle(days: int) -> str:
    selection = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": days,
    }
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    return json.dumps({"rules": [rule]})


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::tried::a:b:Parent${token}::{name}"


class Resource(NamedTuple):
    token: str
    name: str
    id: str
    properties: dict[str, PropertyValue]

    def value(self, name: str) -> Any:  # noqa: ANN401 - any property
        return plain(self.properties[name])


class Plugin:
    """Calls the provider as the engine does, with plain values."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.provider = SandboxProvider(emulator, "aws")
        self.configure(
            {
                "aws:config:region": emulator.region,
                "aws:config:endpoints": json.dumps([{"ec2": emulator.endpoint}]),
                "aws:config:defaultTags": json.dumps({"tags": {"owner": "tests"}}),
                "aws:config:accessKey": emulator.access_key_id,
                "aws:config:secretKey": emulator.secret_access_key,
            }
        )

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's client
        return self.emulator.client(service)

    def configure(self, variables: dict[str, str]) -> protocol.ConfigureResponse:
        request = protocol.ConfigureRequest(
            variables, {}, accept_secrets=True, accept_resources=True
        )
        return asyncio.run(self.provider.configure(request))

    def check(
        self,
        token: str,
        name: str,
        given: Mapping[str, Any],
        old: Mapping[str, PropertyValue] | None = None,
    ) -> protocol.CheckResponse:
        request = protocol.CheckRequest(
            urn(token, name), dict(old or {}), marked(given, {}), random_seed=b""
        )
        return asyncio.run(self.provider.check(request))

    def checked(
        self,
        token: str,
        name: str,
        given: Mapping[str, Any],
        old: Mapping[str, PropertyValue] | None = None,
    ) -> dict[str, PropertyValue]:
        response = self.check(token, name, given, old)
        assert not response.failures, [failure.reason for failure in response.failures]
        assert response.inputs is not None
        return response.inputs

    def make(self, token: str, name: str, given: Mapping[str, Any]) -> Resource:
        request = protocol.CreateRequest(
            urn(token, name), self.checked(token, name, given), timeout=0, preview=False
        )
        response = asyncio.run(self.provider.create(request))
        assert response.resource_id
        return Resource(token, name, response.resource_id, response.properties)

    def diff(
        self, resource: Resource, given: Mapping[str, Any], ignore: Sequence[str] = ()
    ) -> protocol.DiffResponse:
        new = self.checked(resource.token, resource.name, given, resource.properties)
        return asyncio.run(
            self.provider.diff(
                protocol.DiffRequest(
                    urn(resource.token, resource.name),
                    resource.id,
                    resource.properties,
                    new,
                    list(ignore),
                )
            )
        )

    def update(
        self, resource: Resource, given: Mapping[str, Any], *, preview: bool = False
    ) -> Resource:
        new = self.checked(resource.token, resource.name, given, resource.properties)
        request = protocol.UpdateRequest(
            urn(resource.token, resource.name),
            resource.id,
            resource.properties,
            new,
            timeout=0,
            ignore_changes=[],
            preview=preview,
        )
        return resource._replace(properties=asyncio.run(self.provider.update(request)).properties)

    def read(self, resource: Resource) -> protocol.ReadResponse:
        inputs = {
            name: value
            for name, value in resource.properties.items()
            if name in RESOURCE_TYPES[resource.token].inputs
        }
        return asyncio.run(
            self.provider.read(
                protocol.ReadRequest(
                    urn(resource.token, resource.name), resource.id, resource.properties, inputs
                )
            )
        )

    def invoked(self, token: str) -> dict[str, Any]:
        answer = asyncio.run(self.provider.invoke(protocol.InvokeRequest(token, {})))
        return plain_properties(answer.return_value or {})

    def delete(self, resource: Resource) -> None:
        asyncio.run(
            self.provider.delete(
                protocol.DeleteRequest(
                    urn(resource.token, resource.name),
                    resource.id,
                    resource.properties,
                    timeout=0,
                )
            )
        )


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    emulator = Emulator("eu-west-1")
    emulator.start()
    yield Plugin(emulator)
    emulator.stop()


class World(NamedTuple):
    """What the resources under test hang on."""

    vpc: str
    other_vpc: str
    subnets: tuple[str, str]
    gateways: tuple[str, str]
    tables: tuple[str, str]
    allocation: str
    groups: tuple[str, str]
    user: str
    roles: tuple[str, str]
    profiles: tuple[str, str]
    secret: str
    repository: Resource
    cluster: str
    namespace: str
    tasks: tuple[str, str]
    topics: tuple[str, str]
    rules: tuple[str, str]
    ami: str
    certificates: tuple[str, str]
    zones: tuple[str, str]
    balancers: tuple[str, str]
    target_groups: tuple[str, str]
    listeners: tuple[str, str]
    bucket: str
    web_acls: tuple[str, str]
    templates: tuple[str, str]
    group: str
    provider: str
    services: tuple[str, str]


@pytest.fixture(scope="module")
def world(plugin: Plugin) -> World:
    def make(token: str, name: str, **given: object) -> Resource:
        return plugin.make(token, name, given)

    vpc = make("aws:ec2/vpc:Vpc", "world", cidrBlock="127.40.0.0/16").id
    other = make("aws:ec2/vpc:Vpc", "other", cidrBlock="127.41.0.0/16").id
    # Each in a zone of its own, as a load balancer wants them: moto else draws one.
    one, two = (
        make(
            "aws:ec2/subnet:Subnet",
            f"s{zone}",
            vpcId=vpc,
            cidrBlock=f"127.40.{n}.0/24",
            availabilityZone=f"eu-west-1{zone}",
        ).id
        for n, zone in enumerate("ab", 1)
    )
    gateways = [
        make("aws:ec2/internetGateway:InternetGateway", f"g-{v}", vpcId=v).id for v in (vpc, other)
    ]
    tables = [make("aws:ec2/routeTable:RouteTable", f"t{n}", vpcId=vpc).id for n in (1, 2)]
    groups = [make("aws:ec2/securityGroup:SecurityGroup", f"sg{n}", vpcId=vpc).id for n in (1, 2)]
    roles = [make("aws:iam/role:Role", f"r{n}", assumeRolePolicy=TRUST).id for n in (1, 2)]
    profiles = [
        make("aws:iam/instanceProfile:InstanceProfile", f"p{n}", role=roles[0]).id for n in (1, 2)
    ]
    task = {"containerDefinitions": json.dumps([{"name": "c", "image": "i", "memory": 64}])}
    tasks = [
        make("aws:ecs/taskDefinition:TaskDefinition", "task", family="world", **task).value("arn")
        for _ in (1, 2)
    ]
    cluster = make("aws:ecs/cluster:Cluster", "world")
    services = [
        make(
            "aws:ecs/service:Service",
            f"service{n}",
            cluster=cluster.id,
            taskDefinition=tasks[0],
            launchType="FARGATE",
            desiredCount=0,
            networkConfiguration={"subnets": [one], "securityGroups": groups},
        ).value("arn")
        for n in (1, 2)
    ]
    topics = [make("aws:sns/topic:Topic", f"topic{n}").id for n in (1, 2)]
    rule, pattern = "aws:cloudwatch/eventRule:EventRule", json.dumps({"source": ["aws.ecs"]})
    rules = [make(rule, f"rule{n}", eventPattern=pattern).id for n in (1, 2)]
    certificates = [
        make("aws:acm/certificate:Certificate", f"c{n}", domainName=f"{n}.example.com").id
        for n in (1, 2)
    ]
    zones = [
        plugin.client("route53")
        .create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
        .rpartition("/")[2]
        for name in ("example.com", "example.org")
    ]
    balancers = [
        make("aws:lb/loadBalancer:LoadBalancer", f"b{n}", subnets=[one, two]).id for n in (1, 2)
    ]
    target_groups = [
        make("aws:lb/targetGroup:TargetGroup", f"tg{n}", vpcId=vpc, port=80, protocol="HTTP").id
        for n in (1, 2)
    ]
    port = {"port": 80, "protocol": "HTTP"}
    listeners = [
        make("aws:lb/listener:Listener", it, loadBalancerArn=it, defaultActions=REFUSE, **port).id
        for it in balancers
    ]
    web_acls = [
        plugin.client("wafv2").create_web_acl(
            Name=name,
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig={
                "SampledRequestsEnabled": False,
                "CloudWatchMetricsEnabled": False,
                "MetricName": name,
            },
        )["Summary"]["ARN"]
        for name in ("one", "two")
    ]
    image = plugin.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    templates = [
        make(
            "aws:ec2/launchTemplate:LaunchTemplate",
            f"lt{n}",
            imageId=image,
            instanceType="t4g.small",
            blockDeviceMappings=[],
        ).id
        for n in (1, 2)
    ]
    group = plugin.make("aws:autoscaling/group:Group", "world", group_of_one(templates[0], one))
    return World(
        vpc=vpc,
        other_vpc=other,
        subnets=(one, two),
        gateways=(gateways[0], gateways[1]),
        tables=(tables[0], tables[1]),
        allocation=make("aws:ec2/eip:Eip", "nat", domain="vpc").id,
        groups=(groups[0], groups[1]),
        user=make("aws:iam/user:User", "world").id,
        roles=(roles[0], roles[1]),
        profiles=(profiles[0], profiles[1]),
        secret=make("aws:secretsmanager/secret:Secret", "world").id,
        repository=make("aws:ecr/repository:Repository", "world", forceDelete=True),
        cluster=cluster.id,
        namespace=plugin.make(
            "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
            "world",
            {"name": "world.internal", "vpc": other},  # moto: one in each VPC
        ).id,
        tasks=(tasks[0], tasks[1]),
        topics=(topics[0], topics[1]),
        rules=(rules[0], rules[1]),
        ami=image,
        certificates=(certificates[0], certificates[1]),
        zones=(zones[0], zones[1]),
        balancers=(balancers[0], balancers[1]),
        target_groups=(target_groups[0], target_groups[1]),
        listeners=(listeners[0], listeners[1]),
        bucket=make("aws:s3/bucket:Bucket", "world").id,
        web_acls=(web_acls[0], web_acls[1]),
        templates=(templates[0], templates[1]),
        group=group.value("arn"),
        provider=make(
            "aws:ecs/capacityProvider:CapacityProvider",
            "world",
            autoScalingGroupProvider={"autoScalingGroupArn": group.value("arn")},
        ).value("name"),
        services=(services[0], services[1]),
    )


class Case(NamedTuple):
    """A resource, a change of it, and whether that replaces."""

    inputs: dict[str, Any]
    change: dict[str, Any] | None
    """None: nothing of it can be changed in place."""

    replacing: dict[str, Any]


TAGS: dict[str, Any] = {"tags": {"colour": "red"}}
REFUSE = [
    {
        "type": "fixed-response",
        "order": 1,
        "fixedResponse": {"contentType": "text/plain", "messageBody": "no", "statusCode": "404"},
    }
]
REDIRECT = [{"type": "redirect", "order": 1, "redirect": {"port": "443", "statusCode": "HTTP_301"}}]


BLOCKED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def for_host(name: str) -> list[dict[str, Any]]:
    return [{"hostHeader": {"values": [name]}}]


def group_of_one(template: str, subnet: str) -> dict[str, Any]:
    sizes = {"minSize": 1, "maxSize": 1, "desiredCapacity": 1}
    return {
        **sizes,
        "launchTemplate": {"id": template, "version": "1"},
        "vpcZoneIdentifiers": [subnet],
        "instanceRefresh": {"strategy": "Rolling"},
        "forceDelete": True,
    }


def login(target_group: str, secret: str) -> list[dict[str, Any]]:
    endpoints = ("issuer", "authorizationEndpoint", "tokenEndpoint", "userInfoEndpoint")
    oidc = {**dict.fromkeys(endpoints, "https://login.example.com"), "clientId": "me"}
    return [
        {
            "type": "authenticate-oidc",
            "order": 1,
            "authenticateOidc": {**oidc, "clientSecret": secret, "sessionTimeout": 60},
        },
        {"type": "forward", "order": 2, "targetGroupArn": target_group},
    ]


def scaled(service_arn: str) -> dict[str, str]:
    """Which number auto-scaling changes: that of a service's tasks."""
    return {
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": service_arn.rpartition(":")[2],
    }


def tracking(percent: int) -> dict[str, Any]:
    cpu = {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}
    return {
        "predefinedMetricSpecification": cpu,
        "targetValue": percent,
        "scaleInCooldown": 300,
        "scaleOutCooldown": 60,
    }


def expiry(days: int) -> list[dict[str, Any]]:
    rule = {"id": "expire", "status": "Enabled", "filter": {"prefix": "AWSLogs/"}}
    return [{**rule, "expiration": {"days": days}}]


def encryption(algorithm: str) -> list[dict[str, Any]]:
    default = {"sseAlgorithm": algorithm}
    return [{"applyServerSideEncryptionByDefault": default, "blockedEncryptionTypes": ["SSE-C"]}]


def health(path: str) -> dict[str, Any]:
    times = {"interval": 30, "timeout": 20, "healthyThreshold": 2, "unhealthyThreshold": 10}
    return {"path": path, "matcher": "200", **times}


def bucket_policy(bucket: str, action: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action}
    resource = {"Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **resource}]})


def acl_rule(number: int, port: int) -> dict[str, Any]:
    rule = {"ruleNo": number, "action": "allow", "protocol": "tcp", "cidrBlock": "0.0.0.0/0"}
    return {**rule, "fromPort": port, "toPort": port}


def cases(w: World) -> dict[str, Case]:
    url = w.repository.value("repositoryUrl")
    group = group_of_one(w.templates[0], w.subnets[0])
    build = {"context": "/c", "dockerfile": "/c/Dockerfile", "args": {"V": "1"}}
    network = {"subnets": [w.subnets[0]], "securityGroups": [w.groups[0]]}
    rule = {"securityGroupId": w.groups[0], "ipProtocol": "tcp", "fromPort": 9, "toPort": 9}
    everything = {"ruleNo": 110, "action": "deny", "protocol": "-1", "fromPort": 0, "toPort": 0}
    ping = {"ruleNo": 120, "action": "allow", "protocol": "icmp", "fromPort": 0, "toPort": 0}
    ping6 = {**ping, "ruleNo": 121, "protocol": "58", "icmpType": 2, "icmpCode": 0}
    ping6 |= {"ipv6CidrBlock": "::/0"}
    ping |= {"icmpType": 3, "icmpCode": 4, "cidrBlock": "0.0.0.0/0"}
    host = {
        "ami": w.ami,
        "instanceType": "t4g.nano",
        "subnetId": w.subnets[0],
        "vpcSecurityGroupIds": [w.groups[0]],
        "iamInstanceProfile": w.profiles[0],
        "userData": "#!/bin/sh\n",
        "userDataReplaceOnChange": True,
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 8},
    }
    return {
        "aws:ec2/vpc:Vpc": Case(
            {"cidrBlock": "127.50.0.0/16"},
            {"enableDnsHostnames": True, "assignGeneratedIpv6CidrBlock": True},
            {"cidrBlock": "127.51.0.0/16"},
        ),
        "aws:ec2/subnet:Subnet": Case(
            {"vpcId": w.vpc, "cidrBlock": "127.40.3.0/24", "availabilityZone": "eu-west-1a"},
            {"mapPublicIpOnLaunch": True, "ipv6CidrBlock": "2001:db8:0:1::/64"},
            {"availabilityZone": "eu-west-1b"},
        ),
        "aws:ec2/internetGateway:InternetGateway": Case({}, TAGS, {}),
        "aws:ec2/routeTable:RouteTable": Case({"vpcId": w.vpc}, TAGS, {"vpcId": w.other_vpc}),
        "aws:ec2/route:Route": Case(
            {
                "routeTableId": w.tables[0],
                "destinationCidrBlock": "0.0.0.0/0",
                "gatewayId": w.gateways[0],
            },
            {"gatewayId": w.gateways[1]},
            {"routeTableId": w.tables[1]},
        ),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": Case(
            {"routeTableId": w.tables[0], "subnetId": w.subnets[0]},
            None,
            {"routeTableId": w.tables[1]},
        ),
        "aws:ec2/eip:Eip": Case({"domain": "vpc"}, TAGS, {}),
        "aws:ec2/natGateway:NatGateway": Case(
            {"allocationId": w.allocation, "subnetId": w.subnets[0]},
            TAGS,
            {"subnetId": w.subnets[1]},
        ),
        "aws:ec2/vpcEndpoint:VpcEndpoint": Case(
            {
                "vpcId": w.vpc,
                "serviceName": "com.amazonaws.eu-west-1.s3",
                "routeTableIds": [w.tables[1], w.tables[0]],
            },
            {"routeTableIds": [w.tables[1]]},
            {"vpcId": w.other_vpc},
        ),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Case(
            {"vpcId": w.vpc}, TAGS, {"vpcId": w.other_vpc}
        ),
        "aws:ec2/securityGroup:SecurityGroup": Case(
            {"vpcId": w.vpc, "description": "of a test"}, TAGS, {"description": "another"}
        ),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Case(
            {**rule, "cidrIpv4": "10.0.0.0/8", "description": "before"},
            {"description": "after", "toPort": 10},
            {"securityGroupId": w.groups[1]},
        ),
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Case(
            {**rule, "referencedSecurityGroupId": w.groups[1], "description": "before"},
            {"description": "after"},
            {"referencedSecurityGroupId": w.groups[0]},
        ),
        "aws:ec2/networkAcl:NetworkAcl": Case(
            {
                "vpcId": w.vpc,
                "subnetIds": [w.subnets[1], w.subnets[0]],
                "ingress": [
                    *(acl_rule(100, 80), {**everything, "cidrBlock": "10.0.0.0/8"}),
                    *(ping, ping6),
                ],
                "egress": [acl_rule(100, 443)],
            },
            {"subnetIds": [w.subnets[0]], "ingress": [acl_rule(100, 81), acl_rule(101, 82)]},
            {"vpcId": w.other_vpc},
        ),
        "aws:ebs/volume:Volume": Case(
            {
                "availabilityZone": "eu-west-1a",
                "size": 50,
                "type": "gp3",
                "iops": 3000,
                "throughput": 125,
                "encrypted": True,
                **TAGS,
            },
            {"size": 100, "iops": 4000, "throughput": 250, "tags": {"colour": "blue"}},
            {"availabilityZone": "eu-west-1b"},
        ),
        "aws:dlm/lifecyclePolicy:LifecyclePolicy": Case(
            {
                "description": "Daily",
                "executionRoleArn": f"arn:aws:iam::123456789012:role/{w.roles[0]}",
                "state": "ENABLED",
                "policyDetails": {"resourceTypes": ["VOLUME"], "targetTags": {"a": "b"}},
            },
            {"policyDetails": {"resourceTypes": ["VOLUME"], "targetTags": {"a": "c"}}},
            {},
        ),
        "aws:ec2/launchTemplate:LaunchTemplate": Case(
            {
                "imageId": w.ami,
                "instanceType": "t4g.small",
                "iamInstanceProfile": {"name": w.profiles[0]},
                "vpcSecurityGroupIds": [w.groups[0]],
                "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
                "blockDeviceMappings": [
                    {
                        "deviceName": "/dev/xvda",
                        "ebs": {"encrypted": "true", "volumeType": "gp3", "volumeSize": 30},
                    }
                ],
                "userData": base64.b64encode(b"#!/bin/sh").decode(),
                "updateDefaultVersion": True,
                **TAGS,
            },
            {"instanceType": "t4g.medium"},  # moto keeps the tags that it was made with
            {"name": "another"},
        ),
        "aws:autoscaling/group:Group": Case(
            {
                **group,
                "tags": [{"key": "colour", "value": "red", "propagateAtLaunch": True}],
            },
            {
                "launchTemplate": {"id": w.templates[1], "version": "1"},
                "tags": [{"key": "colour", "value": "blue", "propagateAtLaunch": True}],
            },
            {"name": "another"},
        ),
        "aws:ecs/capacityProvider:CapacityProvider": Case(
            {
                "autoScalingGroupProvider": {
                    "autoScalingGroupArn": w.group,
                    "managedScaling": {"status": "DISABLED"},
                    "managedTerminationProtection": "DISABLED",
                    "managedDraining": "ENABLED",
                }
            },
            TAGS,
            {"name": "another"},
        ),
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Case(
            {"clusterName": w.cluster.rpartition("/")[2], "capacityProviders": [w.provider]},
            {"capacityProviders": ["FARGATE"]},
            {"clusterName": "another"},
        ),
        "aws:ec2/flowLog:FlowLog": Case(
            {
                "vpcId": w.vpc,
                "trafficType": "ALL",
                "logDestination": "arn:aws:logs:eu-west-1:123456789012:log-group:flow",
                "iamRoleArn": f"arn:aws:iam::123456789012:role/{w.roles[0]}",
            },
            TAGS,
            {"trafficType": "REJECT"},
        ),
        "aws:ec2/instance:Instance": Case(
            host,
            {
                "instanceType": "t4g.micro",
                "vpcSecurityGroupIds": [w.groups[1]],
                "iamInstanceProfile": w.profiles[1],
                "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
                "rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 9},
            },
            {"userData": "#!/bin/bash\n"},
        ),
        "aws:iam/user:User": Case({}, {"path": "/robots/"}, {"name": "robot"}),
        "aws:iam/userPolicy:UserPolicy": Case(
            {"user": w.user, "policy": policy("ec2:DescribeInstances")},
            {"policy": policy("ec2:DescribeVpcs")},
            {"user": "another"},
        ),
        "aws:iam/accessKey:AccessKey": Case({"user": w.user}, None, {"user": "another"}),
        "aws:iam/role:Role": Case(
            {"assumeRolePolicy": TRUST, "description": "before"},
            {"description": "after", "assumeRolePolicy": TRUST.replace("ec2.", "ecs-tasks.")},
            {"path": "/robots/"},
        ),
        "aws:iam/rolePolicy:RolePolicy": Case(
            {"role": w.roles[0], "policy": policy("ec2:DescribeInstances")},
            {"policy": policy("ec2:DescribeVpcs")},
            {"role": w.roles[1]},
        ),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Case(
            {"role": w.roles[0], "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            None,
            {"role": w.roles[1]},
        ),
        "aws:iam/instanceProfile:InstanceProfile": Case(
            {"role": w.roles[0]}, {"role": w.roles[1]}, {"name": "another"}
        ),
        "aws:secretsmanager/secret:Secret": Case(
            {"description": "before", "recoveryWindowInDays": 7},
            {"description": "after", "recoveryWindowInDays": 8},
            {"name": "another"},
        ),
        "aws:secretsmanager/secretVersion:SecretVersion": Case(
            {"secretId": w.secret, "secretString": "before"}, None, {"secretString": "after"}
        ),
        "aws:cloudwatch/logGroup:LogGroup": Case(
            {"retentionInDays": 14}, {"retentionInDays": 30}, {"name": "another"}
        ),
        "aws:ecr/repository:Repository": Case(
            {
                "imageScanningConfiguration": {"scanOnPush": True},
                "encryptionConfigurations": [{"encryptionType": "AES256"}],
            },
            {
                "imageScanningConfiguration": {"scanOnPush": False},
                "imageTagMutability": "IMMUTABLE",
            },
            {"encryptionConfigurations": [{"encryptionType": "KMS"}]},
        ),
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": Case(
            {"repository": w.repository.value("name"), "policy": lifecycle(1)},
            {"policy": lifecycle(2)},
            {"repository": "another"},
        ),
        "docker:index/image:Image": Case(
            {"imageName": f"{url}:1", "build": build}, {"imageName": f"{url}:2"}, {}
        ),
        "aws:ecs/cluster:Cluster": Case({}, TAGS, {"name": "another"}),
        "aws:ecs/taskDefinition:TaskDefinition": Case(
            {
                "family": "tried",
                "containerDefinitions": json.dumps([{"name": "c", "image": "1", "memory": 64}]),
                "ephemeralStorage": {"sizeInGib": 21},
            },
            TAGS,
            {"containerDefinitions": json.dumps([{"name": "c", "image": "2", "memory": 64}])},
        ),
        "aws:ecs/service:Service": Case(
            {
                "cluster": w.cluster,
                "taskDefinition": w.tasks[0],
                "launchType": "FARGATE",
                "desiredCount": 1,
                "networkConfiguration": network,
                "serviceRegistries": {"registryArn": "arn:aws:servicediscovery:x:1:service/srv-1"},
            },
            {
                "taskDefinition": w.tasks[1],
                "desiredCount": 0,
                "networkConfiguration": {**network, "assignPublicIp": True},
                "enableExecuteCommand": True,
            },
            {"launchType": "EC2"},
        ),
        "aws:ecs/tag:Tag": Case(
            {"resourceArn": w.services[0], "key": "prometheus-metrics", "value": "8000/metrics"},
            {"value": "8000/metrics 9102/stats"},
            {"resourceArn": w.services[1], "key": "prometheus-job"},
        ),
        "aws:appautoscaling/target:Target": Case(
            {**scaled(w.services[0]), "minCapacity": 1, "maxCapacity": 4},
            {"minCapacity": 2, "maxCapacity": 5},
            {"resourceId": scaled(w.services[1])["resourceId"]},
        ),
        "aws:appautoscaling/policy:Policy": Case(
            {
                **scaled(w.services[0]),
                "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": tracking(60),
            },
            {"targetTrackingScalingPolicyConfiguration": tracking(50)},
            {"resourceId": scaled(w.services[1])["resourceId"], "name": "another"},
        ),
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": Case(
            {"name": "one.internal", "vpc": w.vpc, "description": "of a test"},
            TAGS,
            {"name": "two.internal"},
        ),
        "aws:servicediscovery/service:Service": Case(
            {
                "name": "server",
                "dnsConfig": {
                    "namespaceId": w.namespace,
                    "dnsRecords": [{"type": "A", "ttl": 10}],
                    "routingPolicy": "MULTIVALUE",
                },
                "healthCheckCustomConfig": {"failureThreshold": 1},
                "forceDestroy": True,
            },
            TAGS,
            {"name": "another"},
        ),
        "aws:lb/loadBalancer:LoadBalancer": Case(
            {
                "internal": True,
                "subnets": list(w.subnets),
                "securityGroups": [w.groups[0]],
                "ipAddressType": "ipv4",
                "accessLogs": {"bucket": w.bucket, "enabled": True},
                "idleTimeout": 150,
            },
            {
                "ipAddressType": "dualstack",
                "securityGroups": [w.groups[1]],
                "dropInvalidHeaderFields": True,
                "idleTimeout": 60,
                "enableDeletionProtection": True,
            },
            {"internal": False},
        ),
        "aws:lb/targetGroup:TargetGroup": Case(
            {
                "vpcId": w.vpc,
                "targetType": "ip",
                "port": 80,
                "protocol": "HTTP",
                "healthCheck": health("/-/healthy"),
            },
            {
                "healthCheck": health("/api/health"),
                "deregistrationDelay": 30,
                "stickiness": {"type": "lb_cookie", "cookieDuration": 3600},
            },
            {"port": 81},
        ),
        "aws:lb/listener:Listener": Case(
            {
                "loadBalancerArn": w.balancers[0],
                "port": 443,
                "protocol": "HTTPS",
                "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
                "certificateArn": w.certificates[0],
                "defaultActions": REFUSE,
            },
            {"certificateArn": w.certificates[1], "defaultActions": REDIRECT},
            {"loadBalancerArn": w.balancers[1]},
        ),
        "aws:lb/listenerRule:ListenerRule": Case(
            {
                "listenerArn": w.listeners[0],
                "priority": 10,
                "conditions": for_host("a.example.com"),
                "actions": login(w.target_groups[0], "before"),
            },
            {
                "priority": 11,
                "conditions": for_host("b.example.com"),
                "actions": login(w.target_groups[1], "after"),
            },
            {"listenerArn": w.listeners[1]},
        ),
        "aws:acm/certificate:Certificate": Case(
            {"domainName": "*.example.com", "validationMethod": "DNS"},
            TAGS,
            {"domainName": "*.example.org"},
        ),
        "aws:acm/certificateValidation:CertificateValidation": Case(
            {"certificateArn": w.certificates[0]}, None, {"certificateArn": w.certificates[1]}
        ),
        "aws:route53/record:Record": Case(
            {
                "zoneId": w.zones[0],
                "name": "_x.example.com.",
                "type": "CNAME",
                "ttl": 60,
                "records": ["y.example.net."],
                "allowOverwrite": True,
            },
            {"ttl": 300, "records": ["z.example.net."]},
            {"zoneId": w.zones[1]},
        ),
        "aws:s3/bucket:Bucket": Case({}, {**TAGS, "forceDestroy": True}, {"bucket": "another"}),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Case(
            {"bucket": w.bucket, **dict.fromkeys(BLOCKED, True)},
            {"restrictPublicBuckets": False},
            {"bucket": "another"},
        ),
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
            Case(
                {"bucket": w.bucket, "rules": encryption("AES256")},
                {"rules": encryption("aws:kms")},
                {"bucket": "another"},
            )
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Case(
            {"bucket": w.bucket, "rules": expiry(1)}, {"rules": expiry(2)}, {"bucket": "another"}
        ),
        "aws:s3/bucketPolicy:BucketPolicy": Case(
            {"bucket": w.bucket, "policy": bucket_policy(w.bucket, "s3:PutObject")},
            {"policy": bucket_policy(w.bucket, "s3:GetObject")},
            {"bucket": "another"},
        ),
        "aws:s3/bucketVersioning:BucketVersioning": Case(
            {"bucket": w.bucket, "versioningConfiguration": {"status": "Enabled"}},
            {"versioningConfiguration": {"status": "Suspended"}},
            {"bucket": "another"},
        ),
        "aws:s3/bucketObjectv2:BucketObjectv2": Case(
            {"bucket": w.bucket, "key": "a/b", "content": "one", "contentType": "text/plain"},
            {"contentBase64": "dHdv", "contentType": "text/html", **TAGS},
            {"key": "a/c"},
        ),
        "aws:wafv2/webAclAssociation:WebAclAssociation": Case(
            {"resourceArn": w.balancers[0], "webAclArn": w.web_acls[0]},
            None,
            {"webAclArn": w.web_acls[1]},
        ),
        "random:index/randomId:RandomId": Case({"byteLength": 4}, None, {"byteLength": 5}),
        "aws:kms/key:Key": Case(
            {"description": "one", "policy": policy("kms:*"), "deletionWindowInDays": 7},
            {"description": "two", "policy": policy("kms:Decrypt"), "enableKeyRotation": True}
            | {"deletionWindowInDays": 8, **TAGS},
            {"keyUsage": "SIGN_VERIFY"},
        ),
        "aws:sns/topic:Topic": Case(
            {"displayName": "One", "kmsMasterKeyId": "alias/one"},
            {"displayName": "Two", "kmsMasterKeyId": "alias/two", **TAGS},
            {"name": "another"},
        ),
        "aws:sns/topicPolicy:TopicPolicy": Case(
            {"arn": w.topics[0], "policy": policy("sns:Publish")},
            {"policy": policy("sns:GetTopicAttributes")},
            {"arn": w.topics[1]},
        ),
        "aws:sns/topicSubscription:TopicSubscription": Case(
            {"topic": w.topics[0], "protocol": "email", "endpoint": "one@example.com"},
            None,
            {"topic": w.topics[1], "endpoint": "two@example.com", "protocol": "email-json"},
        ),
        "aws:cloudwatch/eventRule:EventRule": Case(
            {"eventPattern": json.dumps({"source": ["aws.ecs"]}), "description": "one"},
            {"eventPattern": json.dumps({"source": ["aws.ec2"]}), "description": "two", **TAGS},
            {"name": "another"},
        ),
        "aws:cloudwatch/eventTarget:EventTarget": Case(
            {"rule": w.rules[0], "targetId": "one", "arn": w.topics[0]},
            {
                "arn": w.topics[1],
                "inputTransformer": {"inputPaths": {"a": "$.time"}, "inputTemplate": '"<a>"'},
            },
            {"rule": w.rules[1], "targetId": "two"},
        ),
        "aws:cloudwatch/metricAlarm:MetricAlarm": Case(
            {
                "namespace": "AWS/ECS",
                "metricName": "CPUUtilization",
                "statistic": "SampleCount",
                "dimensions": {"ClusterName": "one", "ServiceName": "two"},
                "comparisonOperator": "LessThanThreshold",
                "threshold": 1,
                "period": 60,
                "evaluationPeriods": 10,
                "treatMissingData": "breaching",
                "alarmActions": [w.topics[0]],
            },
            {
                "dimensions": {"ClusterName": "one", "ServiceName": "three"},
                "threshold": 2,
                "okActions": [w.topics[0]],
                **TAGS,
            },
            {"name": "another"},
        ),
        "random:index/randomPassword:RandomPassword": Case(
            {"length": 32, "special": False, "keepers": {"rotation": "1"}},
            None,
            {"keepers": {"rotation": "2"}},
        ),
    }


STATE_ONLY = {
    "aws:dlm/lifecyclePolicy:LifecyclePolicy",
    "random:index/randomId:RandomId",
    "random:index/randomPassword:RandomPassword",
    "aws:acm/certificateValidation:CertificateValidation",
}
"""They are nowhere but in the state."""

LEFT = {
    "docker:index/image:Image",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:s3/bucketVersioning:BucketVersioning",
}
"""Their deletion leaves them where they are, as the provider's does."""

STILL_CURRENT = "aws:secretsmanager/secretVersion:SecretVersion"
"""A secret's current version stays until there is a newer one."""


@pytest.mark.parametrize("token", sorted(RESOURCE_TYPES))
def test_life_of_every_type(token: str, plugin: Plugin, world: World) -> None:
    live(plugin, token, cases(world)[token])


def test_life_of_a_cluster_that_is_measured(plugin: Plugin) -> None:
    insights = {"settings": [{"name": "containerInsights", "value": "enabled"}]}
    live(plugin, "aws:ecs/cluster:Cluster", Case(insights, TAGS, {"name": "another"}))


def test_life_of_a_daemon(plugin: Plugin, world: World) -> None:
    daemon = {
        "cluster": world.cluster,
        "taskDefinition": world.tasks[0],
        "launchType": "EC2",
        "schedulingStrategy": "DAEMON",
        "deploymentMinimumHealthyPercent": 0,
        "availabilityZoneRebalancing": "DISABLED",
    }
    case = Case(daemon, {"taskDefinition": world.tasks[1]}, {"schedulingStrategy": "REPLICA"})
    live(plugin, "aws:ecs/service:Service", case)


def mixed_instances(template: str, *types: str) -> dict[str, Any]:
    specification = {"launchTemplateId": template, "version": "1"}
    overrides = [{"instanceType": each} for each in types]
    return {
        "launchTemplate": {"launchTemplateSpecification": specification, "overrides": overrides},
        "instancesDistribution": {
            "onDemandAllocationStrategy": "prioritized",
            "onDemandBaseCapacity": 0,
            "onDemandPercentageAboveBaseCapacity": 100,
            "spotAllocationStrategy": "price-capacity-optimized",
        },
    }


def test_life_of_a_group_that_somebody_else_scales(plugin: Plugin, world: World) -> None:
    """Of several types; an update does not take back what ECS has made of the capacity."""
    token = "aws:autoscaling/group:Group"  # noqa: S105 - a type
    inputs = {
        "minSize": 1,
        "maxSize": 3,
        "desiredCapacity": 2,
        "vpcZoneIdentifiers": [*world.subnets],
        "mixedInstancesPolicy": mixed_instances(world.templates[0], "t4g.small", "t4g.medium"),
        "protectFromScaleIn": True,
        "instanceRefresh": {"strategy": "Rolling"},
        "waitForCapacityTimeout": "0",
        "forceDelete": True,
    }
    change = {"mixedInstancesPolicy": mixed_instances(world.templates[1], "t4g.medium")}
    live(plugin, token, Case(dict(inputs), change, {"name": "another"}))

    made = plugin.make(token, "scaled", inputs)
    autoscaling = plugin.client("autoscaling")

    def instances() -> list[dict[str, Any]]:
        groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[made.id])
        found: list[dict[str, Any]] = groups["AutoScalingGroups"][0]["Instances"]
        return found

    assert [it["ProtectedFromScaleIn"] for it in instances()] == [True] * 2
    autoscaling.set_desired_capacity(AutoScalingGroupName=made.id, DesiredCapacity=3)
    plugin.update(made, {**inputs, "minSize": 0})
    assert len(instances()) == 3
    plugin.delete(made)


def live(plugin: Plugin, token: str, case: Case) -> None:
    """Make, read, change, replace and delete a resource."""
    made = plugin.make(token, "tried", case.inputs)

    same = plugin.read(made)
    assert same.resource_id == made.id
    assert plain_properties(same.properties) == plain_properties(made.properties)
    assert plugin.diff(made, case.inputs).diffs == []

    if case.change is not None:
        after = {**case.inputs, **case.change}
        changes = plugin.diff(made, after)
        assert sorted(changes.diffs) == sorted(case.change)
        assert changes.replaces == []
        made = plugin.update(made, after)
        seen = plugin.read(made)
        assert plain_properties(seen.properties) == plain_properties(made.properties)
        assert plugin.diff(made._replace(properties=seen.properties), after).diffs == []
        case.inputs.update(case.change)

    replaced = plugin.diff(made, {**case.inputs, **case.replacing})
    assert sorted(replaced.replaces) == sorted(case.replacing)

    plugin.delete(made)
    if token == STILL_CURRENT:
        assert plugin.read(made).resource_id == made.id
        plugin.make(token, "newer", {**case.inputs, "secretString": "newer"})
        plugin.delete(made)
    if token in STATE_ONLY | LEFT:
        assert plugin.read(made).resource_id == made.id
    else:
        assert plugin.read(made).resource_id is None
    plugin.delete(made)  # gone already: no error


def test_routes_and_rules_for_ipv6(plugin: Plugin, world: World) -> None:
    rule = {"securityGroupId": world.groups[0], "ipProtocol": "tcp", "fromPort": 9, "toPort": 9}
    given: dict[str, dict[str, Any]] = {
        "aws:ec2/route:Route": {
            "routeTableId": world.tables[1],
            "destinationIpv6CidrBlock": "::/0",
            "gatewayId": world.gateways[0],
        },
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
            **rule,
            "cidrIpv6": "2001:db8::/32",
        },
    }
    for token, inputs in given.items():
        made = plugin.make(token, "by-ipv6", inputs)
        seen = plugin.read(made)
        assert plain_properties(seen.properties) == plain_properties(made.properties)
        assert plugin.diff(made, inputs).diffs == []
        plugin.delete(made)
        assert plugin.read(made).resource_id is None


def test_a_vpc_keeps_its_ipv6_range(plugin: Plugin) -> None:
    made = plugin.make(VPC, "dual", {"cidrBlock": "127.62.0.0/16"})
    assert "ipv6CidrBlock" not in plain_properties(made.properties)
    dual = plugin.update(made, {"cidrBlock": "127.62.0.0/16", "assignGeneratedIpv6CidrBlock": True})
    assert str(dual.value("ipv6CidrBlock")).endswith("::/56")
    born = plugin.make(
        VPC, "born", {"cidrBlock": "127.63.0.0/16", "assignGeneratedIpv6CidrBlock": True}
    )
    assert str(born.value("ipv6CidrBlock")).endswith("::/56")
    with pytest.raises(RefusedError, match="takes no IPv6 range from a VPC"):
        plugin.update(dual, {"cidrBlock": "127.62.0.0/16"})
    for vpc in (dual, born):
        plugin.delete(vpc)


VPC = "aws:ec2/vpc:Vpc"
KEY = "aws:iam/accessKey:AccessKey"
USER = "aws:iam/user:User"


def test_check_refuses_unknown_and_missing_inputs(plugin: Plugin) -> None:
    response = plugin.check(VPC, "net", {"cidrblock": "10.0.0.0/16"})
    assert response.failures is not None
    assert [failure.property for failure in response.failures] == ["cidrblock", "cidrBlock"]
    unknown, missing = (failure.reason for failure in response.failures)
    assert unknown.startswith(f"{VPC} 'net': the sandbox does not know its input 'cidrblock'")
    expected = unknown.partition("expected some of ")[2].partition(". ")[0].split(", ")
    assert expected == sorted(expected)
    assert {"cidrBlock", "enableDnsHostnames", "enableDnsSupport", "tags"} < set(expected)
    assert missing.startswith(f"{VPC} 'net': its input 'cidrBlock' is missing: expected a value")


def test_check_refuses_a_vpc_outside_this_machine(plugin: Plugin) -> None:
    response = plugin.check(VPC, "net", {"cidrBlock": "10.0.0.0/16"})
    assert response.failures is not None
    (failure,) = response.failures
    assert failure.property == "cidrBlock"
    assert "'10.0.0.0/16': expected one inside 127.0.0.0/8" in failure.reason


def test_check_completes_what_is_not_given(plugin: Plugin) -> None:
    filled = plain_properties(plugin.checked(VPC, "net", {"cidrBlock": UNKNOWN}))
    assert filled == {
        "cidrBlock": UNKNOWN,
        "enableDnsSupport": True,
        "enableDnsHostnames": False,
        "tags": {"owner": "tests"},
    }
    assert (
        plain(plugin.checked(VPC, "net", {"cidrBlock": "127.50.0.0/16", "tags": UNKNOWN})["tags"])
        == UNKNOWN
    )


def test_automatic_name_stays_and_a_given_one_wins(plugin: Plugin) -> None:
    first = plugin.checked(USER, "robot", {})
    assert plugin.checked(USER, "robot", {}, first) == first
    assert plain(plugin.checked(USER, "robot", {"name": "mine"}, first)["name"]) == "mine"
    # A name that somebody chose, and has taken out of the program, is not kept.
    chosen = plugin.checked(USER, "robot", {"name": "mine"})
    assert plain(plugin.checked(USER, "robot", {}, chosen)["name"]).startswith("robot-")
    assert plugin.checked(USER, "robot", {})["name"] != first["name"]  # a replacement's


def test_check_keeps_secrets_secret(plugin: Plugin) -> None:
    token = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 - a type
    given = marked({"secretId": "s", "secretString": "hidden"}, {}, frozenset({"secretString"}))
    request = protocol.CheckRequest(urn(token, "v"), {}, given, random_seed=b"")
    filled = asyncio.run(plugin.provider.check(request)).inputs
    assert filled is not None
    assert filled["secretString"].is_secret
    assert not filled["secretId"].is_secret


def test_diff_tells_kinds(plugin: Plugin, world: World) -> None:
    token = "aws:ec2/subnet:Subnet"  # noqa: S105 - a type
    given = {"vpcId": world.vpc, "cidrBlock": "127.40.7.0/24"}
    subnet = plugin.make(token, "kinds", given)
    # The zone is AWS's choice as long as nobody gives one.
    assert "availabilityZone" in subnet.properties
    assert not plugin.diff(subnet, given).changes
    tagged = plugin.diff(subnet, {**given, "tags": {"a": "b"}})
    assert {k: v.kind for k, v in tagged.detailed_diff.items()} == {"tags": KINDS.UPDATE}
    moved = plugin.diff(subnet, {**given, "cidrBlock": UNKNOWN, "mapPublicIpOnLaunch": True})
    assert {k: v.kind for k, v in moved.detailed_diff.items()} == {
        "cidrBlock": KINDS.UPDATE_REPLACE,
        "mapPublicIpOnLaunch": KINDS.ADD,
    }
    assert moved.replaces == ["cidrBlock"]
    assert not moved.delete_before_replace
    ignored = plugin.diff(subnet, {**given, "cidrBlock": "127.40.8.0/24"}, ["cidrBlock"])
    assert not ignored.changes
    plugin.delete(subnet)


def test_replacement_with_a_chosen_name_deletes_first(plugin: Plugin) -> None:
    token = "aws:iam/role:Role"  # noqa: S105 - a type
    before = {"assumeRolePolicy": TRUST}
    after = {**before, "path": "/other/"}
    automatic = plugin.make(token, "role", before)
    assert not plugin.diff(automatic, after).delete_before_replace
    chosen = plugin.make(token, "role", {**before, "name": "chosen"})
    assert plugin.diff(chosen, {**after, "name": "chosen"}).delete_before_replace
    assert not plugin.diff(chosen, {**before, "name": "new"}).delete_before_replace
    for role in (automatic, chosen):
        plugin.delete(role)


def test_user_data_changes_in_place_unless_told_to_replace(plugin: Plugin, world: World) -> None:
    token = "aws:ec2/instance:Instance"  # noqa: S105 - a type
    host = {"ami": world.ami, "instanceType": "t4g.nano", "subnetId": world.subnets[0]}
    made = plugin.make(token, "host", {**host, "userData": "before"})
    assert plain_properties(plugin.read(made).properties) == plain_properties(made.properties)
    after = {**host, "userData": "after"}
    assert plugin.diff(made, after).replaces == []
    assert plugin.diff(made, {**after, "userDataReplaceOnChange": True}).replaces == ["userData"]
    made = plugin.update(made, after)
    found = plugin.client("ec2").describe_instance_attribute(
        InstanceId=made.id, Attribute="userData"
    )
    assert base64.b64decode(found["UserData"]["Value"]) == b"after"
    assert made.value("instanceState") == "running"
    bare = {"rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 8}}
    assert plugin.diff(made, {**after, **bare}).replaces == ["rootBlockDevice"]
    plugin.delete(made)


def test_drift_is_seen_and_fixed(plugin: Plugin, world: World) -> None:
    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"  # noqa: S105 - a type
    group = plugin.make(token, "default", {"vpcId": world.other_vpc, "tags": {"a": "b"}})
    ec2 = plugin.client("ec2")
    opened = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "9.9.9.9/32"}],
    }
    ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=[opened])
    ec2.create_tags(Resources=[group.id], Tags=[{"Key": "a", "Value": "changed"}])
    ec2.create_tags(Resources=[group.id], Tags=[{"Key": "added", "Value": "x"}])
    seen = plugin.read(group)
    drifted = group._replace(properties=seen.properties)
    assert plain(seen.inputs["tags"]) == {"a": "changed", "added": "x", "owner": "tests"}
    given = {"vpcId": world.other_vpc, "tags": {"a": "b"}}
    assert plugin.diff(drifted, given).diffs == ["ingress", "tags"]
    fixed = plugin.update(drifted, given)
    assert plain_properties(plugin.read(fixed).properties)["ingress"] == []
    assert plain(plugin.read(fixed).properties["tags"]) == {"a": "b", "owner": "tests"}


@pytest.mark.parametrize(
    ("token", "given"),
    [
        (VPC, {"cidrBlock": "127.61.0.0/16"}),
        ("aws:iam/role:Role", {"assumeRolePolicy": TRUST, "description": "of a test"}),
        ("aws:iam/userPolicy:UserPolicy", {"policy": policy("ec2:DescribeVpcs")}),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 14}),
    ],
)
def test_what_is_there_is_imported(
    token: str, given: dict[str, Any], plugin: Plugin, world: World
) -> None:
    inputs = {**given, **({"user": world.user} if "userPolicy" in token else {})}
    made = plugin.make(token, "there", inputs)
    found = plugin.read(made._replace(properties={}))
    assert found.resource_id == made.id
    assert all(same(value, plain(found.inputs[name])) for name, value in given.items())
    for name in ("arn", "name", "user"):
        assert found.properties.get(name) == made.properties.get(name)
    imported = made._replace(properties=found.properties)
    assert plugin.diff(imported, plain_properties(found.inputs)).diffs == []
    plugin.delete(imported)


def test_access_key_secret_is_secret_and_stays(plugin: Plugin, world: World) -> None:
    key = plugin.make(KEY, "key", {"user": world.user})
    assert key.properties["secret"].is_secret
    assert plugin.read(key).properties["secret"] == key.properties["secret"]
    plugin.delete(key)


def test_preview_makes_nothing_and_knows_what_stays(plugin: Plugin, world: World) -> None:
    inputs = plugin.checked(VPC, "net", {"cidrBlock": "127.60.0.0/16"})
    request = protocol.CreateRequest(urn(VPC, "net"), inputs, timeout=0, preview=True)
    response = asyncio.run(plugin.provider.create(request))
    assert (response.resource_id, response.properties) == (None, inputs)

    url = world.repository.value("repositoryUrl")
    given = {
        "imageName": f"{url}:preview",
        "build": {"context": "/c", "dockerfile": "/c/Dockerfile"},
        "registry": {"password": "old"},
    }
    image = plugin.make("docker:index/image:Image", "image", given)
    # The login to the registry is always a new one.
    assert not plugin.diff(image, {**given, "registry": {"password": "new"}}).changes
    planned = plugin.update(image, {**given, "imageName": f"{url}:next"}, preview=True)
    assert planned.value("repoDigest") == UNKNOWN
    assert planned.value("imageName") == f"{url}:next"
    tags = plugin.client("ecr").list_images(repositoryName=world.repository.id)["imageIds"]
    assert "next" not in {tag.get("imageTag") for tag in tags}


def test_repository_with_images_is_only_deleted_by_force(plugin: Plugin) -> None:
    repository = plugin.make("aws:ecr/repository:Repository", "full", {})
    name = f"{repository.value('repositoryUrl')}:1"
    build = {"context": "/c", "dockerfile": "/c/Dockerfile"}
    plugin.make("docker:index/image:Image", "full", {"imageName": name, "build": build})
    with pytest.raises(RefusedError, match=r"Repository 'full': .*RepositoryNotEmptyException"):
        plugin.delete(repository)
    forced = plugin.update(repository, {"forceDelete": True})
    plugin.delete(forced)
    assert plugin.read(repository).resource_id is None


def test_secret_is_deleted_with_its_recovery_window(plugin: Plugin) -> None:
    token = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type
    kept = plugin.make(token, "kept", {"recoveryWindowInDays": 7})
    at_once = plugin.make(token, "at-once", {"recoveryWindowInDays": 0})
    plugin.delete(kept)
    plugin.delete(at_once)
    client = plugin.client("secretsmanager")
    assert "DeletedDate" in client.describe_secret(SecretId=kept.id)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.describe_secret(SecretId=at_once.id)


def test_half_made_resource_is_taken_back(plugin: Plugin) -> None:
    profiles = plugin.client("iam").list_instance_profiles
    before = profiles()["InstanceProfiles"]
    with pytest.raises(RefusedError, match="NoSuchEntity"):
        plugin.make("aws:iam/instanceProfile:InstanceProfile", "half", {"role": "nobody"})
    assert profiles()["InstanceProfiles"] == before


def test_refusal_names_the_resource(plugin: Plugin) -> None:
    with pytest.raises(RefusedError, match=r"^aws:ec2/vpc:Vpc 'bad': .*InvalidVpc"):
        plugin.make(VPC, "bad", {"cidrBlock": "127.9.0.0/8"})
    with pytest.raises(RefusedError, match="no entry for the type aws:sqs/queue:Queue"):
        plugin.check("aws:sqs/queue:Queue", "q", {})


def test_functions(plugin: Plugin) -> None:
    assert plugin.invoked("aws:index/getRegion:getRegion")["region"] == "eu-west-1"
    with pytest.raises(RefusedError, match="no entry for the function aws:index/getBanana"):
        plugin.invoked("aws:index/getBanana:getBanana")


@pytest.mark.parametrize(
    "urls",
    [
        ["http://127.0.0.1:1"],
        ["https://ec2.eu-west-1.amazonaws.com"],
        ["", "https://iam.amazonaws.com"],  # the emulator's own for one service only
    ],
)
def test_only_the_emulator_is_spoken_to(urls: list[str], plugin: Plugin) -> None:
    services = [{f"service{n}": url or plugin.emulator.endpoint} for n, url in enumerate(urls)]
    variables = {"aws:config:endpoints": json.dumps(services)}
    with pytest.raises(RefusedError, match=f"{urls[-1]}.*: expected {plugin.emulator.endpoint}"):
        plugin.configure(variables)


def test_another_region_and_key_are_the_programs_choice(plugin: Plugin) -> None:
    iam = plugin.client("iam")
    iam.create_user(UserName="other")
    key = iam.create_access_key(UserName="other")["AccessKey"]
    another = Plugin(plugin.emulator)
    another.configure(
        {
            "aws:config:region": "us-west-2",
            "aws:config:accessKey": key["AccessKeyId"],
            "aws:config:secretKey": key["SecretAccessKey"],
        }
    )
    assert another.invoked("aws:index/getRegion:getRegion")["region"] == "us-west-2"
    caller = another.invoked("aws:index/getCallerIdentity:getCallerIdentity")
    assert str(caller["arn"]).endswith(":user/other")


@contextlib.contextmanager
def _connection(address: str) -> Iterator[Any]:
    # Without the option, connections to the same address are one.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def _tags(stub: Any, name: str) -> dict[str, str]:  # noqa: ANN401 - gRPC's
    given = struct_pb2.Struct()
    given.update({"cidrBlock": "127.50.0.0/16"})
    filled = stub.Check(proto.CheckRequest(urn=urn(VPC, name), news=given)).inputs
    return dict(filled["tags"])


def test_engines_attach_to_what_is_served(plugin: Plugin) -> None:
    emulator = plugin.emulator
    with serve(emulator) as variables:
        served = dict(it.split(":") for it in variables["PULUMI_DEBUG_PROVIDERS"].split(","))
        assert served.keys() == {"aws", "docker", "random"}
        address = f"127.0.0.1:{served['docker']}"
        with _connection(address) as stub, _connection(address) as other:
            stub.Attach(proto.PluginAttach(address="127.0.0.1:1"))
            version = stub.GetPluginInfo(empty_pb2.Empty()).version
            assert f"pulumi-docker=={version}" in (ROOT / "requirements.txt").read_text()
            # Two providers of a program, or two programs: each keeps its own configuration.
            for each, owner in ((stub, "one"), (other, "two")):
                tags = {"aws:defaultTags": json.dumps({"tags": {"owner": owner}})}
                each.Configure(proto.ConfigureRequest(variables=tags, acceptSecrets=True))
            assert [_tags(each, "net") for each in (stub, other)] == [
                {"owner": "one"},
                {"owner": "two"},
            ]
            with pytest.raises(grpc.RpcError) as refused:
                stub.Create(proto.CreateRequest(urn=urn(VPC, "bad"), properties={}))
            assert refused.value.details().startswith(f"{VPC} 'bad': ")
            assert "File " not in refused.value.details()
            given = struct_pb2.Struct()
            given.update({"user": emulator.client("iam").get_user()["User"]["UserName"]})
            made = stub.Create(proto.CreateRequest(urn=urn(KEY, "k"), properties=given))
            listed = emulator.client("iam").list_access_keys(UserName=given["user"])
            assert made.id in {key["AccessKeyId"] for key in listed["AccessKeyMetadata"]}
            assert made.properties["secret"]["value"]  # a secret, marked as one
            stub.Delete(
                proto.DeleteRequest(urn=urn(KEY, "k"), id=made.id, properties=made.properties)
            )
    with _connection(address) as stub, pytest.raises(grpc.RpcError) as gone:
        stub.GetPluginInfo(empty_pb2.Empty())
    assert gone.value.code() is grpc.StatusCode.UNAVAILABLE
