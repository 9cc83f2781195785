"""What a stack costs: its resources, times the list prices in `docs/prices.py`.

Each type of resource is in exactly one of `PRICED`, `BY_USE` and `FREE`; one that is in none is an
error, so that a new type cannot be forgotten.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from components.exporters.instance_types import HOURS_A_MONTH
from docs import prices
from docs.prices import Price, Use
from mocks.recording import Deployment, Registered

ALARMS_OF_TARGET_TRACKING = 2
"""One to start tasks, one to end them. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html"""

Items = Iterable[tuple[Price, float]]


def _host(host: Registered, _: Deployment) -> Items:
    yield prices.instance(host.inputs["instanceType"]), 1
    disk = host.inputs["rootBlockDevice"]
    yield prices.VOLUMES[disk["volumeType"]], disk["volumeSize"]
    if host.inputs.get("associatePublicIpAddress"):
        yield prices.IPV4, 1


def _service(service: Registered, deployment: Deployment) -> Items:
    needed = service.options.propertyDependencies["taskDefinition"].urns
    (task,) = [r.inputs for r in deployment.of_type(":TaskDefinition") if r.urn in needed]
    vcpu, memory = prices.FARGATE[task["runtimePlatform"]["cpuArchitecture"]]
    if "EC2" in task["requiresCompatibilities"]:
        return  # the host costs
    count = service.inputs["desiredCount"]
    storage = task.get("ephemeralStorage", {"sizeInGib": prices.INCLUDED_GIB})["sizeInGib"]
    yield vcpu, count * int(task["cpu"]) / 1024
    yield memory, count * int(task["memory"]) / 1024
    yield prices.FARGATE_STORAGE, count * max(0, storage - prices.INCLUDED_GIB)
    if service.inputs["networkConfiguration"].get("assignPublicIp"):
        yield prices.IPV4, count


def _volume(volume: Registered, _: Deployment) -> Items:
    given = volume.inputs
    yield prices.VOLUMES[given["type"]], given["size"]
    yield prices.IOPS, given["iops"] - prices.INCLUDED_IOPS
    yield prices.THROUGHPUT, given["throughput"] - prices.INCLUDED_THROUGHPUT_MIB


def _group(group: Registered, deployment: Deployment) -> Items:
    given = "mixedInstancesPolicy" if "mixedInstancesPolicy" in group.inputs else "launchTemplate"
    needed = group.options.propertyDependencies[given].urns
    (template,) = [r.inputs for r in deployment.of_type(":LaunchTemplate") if r.urn in needed]
    count = group.inputs["desiredCapacity"]
    # Of several types the preferred one, on demand: the price of Spot instances is the market's.
    yield prices.instance(template["instanceType"]), count
    for device in template["blockDeviceMappings"]:
        disk = device["ebs"]
        yield prices.VOLUMES[disk["volumeType"]], count * disk["volumeSize"]


def _alarms_of_scaling(policy: Registered, _: Deployment) -> Items:
    if policy.inputs["policyType"] != "TargetTrackingScaling":
        raise ValueError(f"no price for {policy.name}: only target tracking has alarms of its own")
    yield prices.ALARM, ALARMS_OF_TARGET_TRACKING


def _load_balancer(balancer: Registered, _: Deployment) -> Items:
    if balancer.inputs["loadBalancerType"] != "application":
        raise ValueError(f"no price for {balancer.name}, which is no application load balancer")
    yield prices.LOAD_BALANCER, 1
    if not balancer.inputs.get("internal"):
        yield prices.IPV4, len(balancer.inputs["subnets"])


def _endpoint(endpoint: Registered, _: Deployment) -> Items:
    if endpoint.inputs["vpcEndpointType"] != "Gateway":
        raise ValueError(f"no price for {endpoint.name}: only gateway endpoints are free")
    return ()


def _one(price: Price) -> Callable[[Registered, Deployment], Items]:
    return lambda _resource, _deployment: [(price, 1)]


PRICED: Mapping[str, Callable[[Registered, Deployment], Items]] = {
    "aws:appautoscaling/policy:Policy": _alarms_of_scaling,
    "aws:autoscaling/group:Group": _group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _one(prices.ALARM),
    "aws:ebs/volume:Volume": _volume,
    "aws:ec2/eip:Eip": _one(prices.IPV4),
    "aws:ec2/instance:Instance": _host,
    "aws:ec2/natGateway:NatGateway": _one(prices.NAT_GATEWAY),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecs/service:Service": _service,
    "aws:kms/key:Key": _one(prices.KEY),
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:secretsmanager/secret:Secret": _one(prices.SECRET),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": _one(prices.ZONE),
}
"""Type -> what a resource of it costs as long as it is there."""

BY_USE: Mapping[str, Use] = {
    "aws:cloudwatch/logGroup:LogGroup": prices.LOGS,
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": prices.SNAPSHOTS,
    "aws:ec2/flowLog:FlowLog": prices.LOGS,
    "aws:ecr/repository:Repository": prices.IMAGES,
    "aws:ecs/cluster:Cluster": prices.INSIGHTS,
    "aws:lb/targetGroup:TargetGroup": prices.LOAD,
    "aws:route53/record:Record": prices.QUERIES,
    "aws:s3/bucket:Bucket": prices.BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": prices.REQUESTS,
    "aws:servicediscovery/service:Service": prices.QUERIES,
    "aws:sns/topic:Topic": prices.MESSAGES,
    "aws:sns/topicSubscription:TopicSubscription": prices.MESSAGES,
}
"""Type -> what costs as much as it is used."""

FREE = frozenset(
    {
        "aws:appautoscaling/target:Target",  # its policy's alarms cost, and the tasks
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:cloudwatch/eventRule:EventRule",  # for events of AWS's own services
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/launchTemplate:LaunchTemplate",  # its instances cost
        "aws:ec2/networkAcl:NetworkAcl",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecs/capacityProvider:CapacityProvider",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:ecs/tag:Tag",
        "aws:ecs/taskDefinition:TaskDefinition",  # its services cost
        "aws:iam/accessKey:AccessKey",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:iam/user:User",
        "aws:iam/userPolicy:UserPolicy",
        "aws:lb/listener:Listener",
        "aws:lb/listenerRule:ListenerRule",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:wafv2/webAclAssociation:WebAclAssociation",  # the ACL costs, and is the user's
    }
)
"""Types that cost nothing themselves."""

_NOT_AWS = ("prometheus-aws:", "docker:", "random:")


class Line(NamedTuple):
    """What the components of a class pay for a thing."""

    component: str
    price: Price
    quantity: float
    usd: float
    """US dollars a month, in whole cents, so that what is shown adds up."""


def lines(deployment: Deployment) -> list[Line]:
    """What a program's resources cost, by component.

    Raises:
        ValueError: a type of resource that is in none of the tables, or a variety without a price.
    """
    by_urn = {resource.urn: resource for resource in deployment.resources}
    found: defaultdict[tuple[str, Price], float] = defaultdict(float)
    for resource in deployment.resources:
        if resource.type.startswith(_NOT_AWS):
            continue
        for price, quantity in _items(resource, deployment):
            found[by_urn[resource.options.parent].type.rpartition(":")[2], price] += quantity
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1].what))
    return [
        Line(component, price, n, round(n * price.usd_a_month, 2))
        for (component, price), n in ordered
        if n
    ]


def _items(resource: Registered, deployment: Deployment) -> Items:
    if resource.type in PRICED:
        return PRICED[resource.type](resource, deployment)
    if resource.type in BY_USE or resource.type in FREE:
        return ()
    raise ValueError(
        f"what does {resource.type} cost ({resource.name})? Expected it in PRICED, BY_USE or FREE"
        " of docs/costs.py"
    )


def total(deployment: Deployment) -> float:
    """US dollars a month, without what is paid by use."""
    return sum(line.usd for line in lines(deployment))


def page(stacks: Mapping[str, Deployment]) -> str:
    """`docs/costs.md`, for stacks by their names."""
    return "\n".join(
        [
            "# What it costs",
            "",
            "Generated by `make docs` from the resources that each stack file registers, and the",
            f"prices in `docs/prices.py`: AWS's list prices on demand for {prices.REGION},",
            f"most of them of {prices.AS_OF}, the others of the date that is said below. US",
            f"dollars for a month of {HOURS_A_MONTH} hours in which all of it runs, without tax,",
            "discounts and free allowances. **Prices change, and other regions have others**:",
            "before you rely on a sum, look at AWS's page of each, or ask the",
            "[AWS Pricing Calculator](https://calculator.aws/).",
            "",
            *(line for name, stack in stacks.items() for line in _section(name, stack)),
            *_uses(),
            *_prices(),
        ]
    )


def summary(stacks: Mapping[str, Deployment]) -> str:
    """One line for each stack, for the README."""
    return "\n".join(
        f"- `Pulumi.{name}.yaml`: about USD {total(stack):.0f} a month"
        for name, stack in stacks.items()
    )


def _section(name: str, deployment: Deployment) -> Iterator[str]:
    yield from (f"## `Pulumi.{name}.yaml`: USD {total(deployment):.2f} a month", "")
    yield "| component | what | how many | USD for one | USD a month |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for component, price, quantity, usd in lines(deployment):
        yield f"| {component} | {price.what} | {quantity:g} | {_number(price)} | {usd:.2f} |"
    yield f"| **sum** | | | | **{total(deployment):.2f}** |"
    yield ""


def _uses() -> Iterator[str]:
    yield from ("## By use, in no sum", "", "| what | USD | as of |", "| --- | --- | --- |")
    for use in dict.fromkeys([prices.TRAFFIC, prices.NAT_TRAFFIC, *BY_USE.values()]):
        usd = use.usd or "none found for the region"
        yield f"| [{use.what}]({use.page}) | {usd} | {use.as_of or '-'} |"
    yield ""


def _prices() -> Iterator[str]:
    yield from (
        "## Prices assumed",
        "",
        "What one more of each costs. The price of an EC2 type that is not here is taken from its",
        "size alone, as for the warning about expensive hosts.",
        "",
        "| what | USD | USD a month | as of | note |",
        "| --- | ---: | ---: | --- | --- |",
    )
    for price in prices.PRICES:
        yield (
            f"| [{price.what}]({price.page}) | {_number(price)} |"
            f" {price.usd_a_month:.2f} | {price.as_of} | {price.note} |"
        )
    yield ""


def _number(price: Price) -> str:
    """All digits of a price, two of them at least after the point, and for how long that is."""
    digits = f"{price.usd:.6f}".rstrip("0")
    shown = digits if len(digits.partition(".")[2]) > 1 else f"{price.usd:.2f}"
    return f"{shown} {'an' if price.per == 'hour' else 'a'} {price.per}"
