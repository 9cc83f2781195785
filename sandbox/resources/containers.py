"""Registry, image, cluster, task definition, service, its name, log group, what is random."""

import base64
import secrets
import string

from sandbox.resources import images, read_back
from sandbox.resources.base import Client, Inputs, Step
from sandbox.resources.interpreter import ResourceType


def _set_retention(logs: Client, group: str, _before: Inputs, after: Inputs) -> None:
    if after.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=after["retentionInDays"])
    else:
        logs.delete_retention_policy(logGroupName=group)


def _volumes(_ecs: Client, given: Inputs) -> Inputs:
    def host(volume: Inputs) -> Inputs:
        return {"host": {"sourcePath": volume["hostPath"]}} if volume.get("hostPath") else {}

    return {"volumes": [{"name": it["name"], **host(it)} for it in given.get("volumes", [])]}


def _make_namespace(discovery: Client, given: Inputs) -> Inputs:
    operation = discovery.create_private_dns_namespace(
        Name=given["name"],
        Vpc=given["vpc"],
        Description=given.get("description", ""),
        Tags=[{"Key": key, "Value": value} for key, value in given["tags"].items()],
    )["OperationId"]
    targets = discovery.get_operation(OperationId=operation)["Operation"]["Targets"]
    namespace: Inputs = discovery.get_namespace(Id=targets["NAMESPACE"])["Namespace"]
    return namespace


def _delete_name(discovery: Client, service: str, before: Inputs, _after: Inputs) -> None:
    if before["forceDestroy"]:
        for instance in discovery.list_instances(ServiceId=service)["Instances"]:
            discovery.deregister_instance(ServiceId=service, InstanceId=instance["Id"])
    discovery.delete_service(Id=service)


def _random_id(_client: Client, given: Inputs) -> dict[str, str]:
    content = secrets.token_bytes(given["byteLength"])
    return {
        "hex": content.hex(),
        "dec": str(int.from_bytes(content, "big")),
        "b64Url": base64.urlsafe_b64encode(content).decode().rstrip("="),
        "b64Std": base64.b64encode(content).decode(),
    }


def _random_password(_client: Client, given: Inputs) -> dict[str, str]:
    alphabet = string.ascii_letters + string.digits + ("!@#$%&*()-_=+" if given["special"] else "")
    result = "".join(secrets.choice(alphabet) for _ in range(given["length"]))
    return {"id": "none", "result": result}  # the provider calls them all so


RESOURCE_TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        "logs",
        "create_log_group",
        "{name}",
        names={"name": "logGroupName logGroupNamePrefix"},
        outputs={"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
        found="logGroups[?logGroupName=='{name}'] | [0]",
        seen={"retentionInDays": "retentionInDays"},
        update=(Step(_set_retention, "retentionInDays"),),
    ),
    "aws:ecr/repository:Repository": ResourceType(
        "ecr",
        "create_repository",
        "{name}",
        names={
            "id": "repositoryName",
            "name": "repositoryName",
            "encryptionConfigurations": "encryptionConfiguration",
            "forceDelete": "force",
        },
        defaults={"imageTagMutability": "MUTABLE"},
        outputs={
            "arn": "repository.repositoryArn",
            "registryId": "repository.registryId",
            "repositoryUrl": "repository.repositoryUri",
        },
        read="describe_repositories",
        update=("put_image_tag_mutability", "put_image_scanning_configuration"),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(
        "ecr",
        "put_lifecycle_policy",
        "{repository}",
        names={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
        outputs={"registryId": "registryId"},
        update=("put_lifecycle_policy",),
    ),
    "docker:index/image:Image": ResourceType(
        "ecr",
        images.push,
        "baseImageName",
        by_code="imageName build",
        # A login that AWS gives anew each time, and what the SDK adds by itself.
        ignored="registry buildOnPreview skipPush",
        required="imageName build",
        outputs={"repoDigest": "repoDigest", "baseImageName": "baseImageName"},
        changing_outputs=frozenset({"repoDigest", "baseImageName"}),
        read=images.read,
        update=(Step(images.push_again, "imageName build"),),
        # No deletion: the provider leaves what it pushed in the registry.
    ),
    "aws:ecs/cluster:Cluster": ResourceType(
        "ecs",
        "create_cluster",
        "cluster.clusterArn",
        names={"id": "cluster", "name": "clusterName"},
        outputs={"arn": "cluster.clusterArn"},
    ),
    "aws:ecs/taskDefinition:TaskDefinition": ResourceType(
        "ecs",
        "register_task_definition",
        "{family}",
        names={"arn": "taskDefinition"},
        arguments=_volumes,
        by_code="volumes",
        seen={"volumes": "volumes[].{name: name, hostPath: host.sourcePath}"},
        outputs={
            "arn": "taskDefinition.taskDefinitionArn",
            "arnWithoutRevision": "arn:aws:ecs:{region}:{account}:task-definition/{family}",
            "revision": "taskDefinition.revision",
        },
        update=(Step(read_back.keep_what_aws_returns),),
        delete="deregister_task_definition",
    ),
    "aws:ecs/service:Service": ResourceType(
        "ecs",
        "create_service",
        "service.serviceArn",
        names={
            "id": "service",
            "name": "serviceName",
            "capacityProviderStrategies": "capacityProviderStrategy",
            "networkConfiguration": "networkConfiguration.awsvpcConfiguration",
            "deploymentMinimumHealthyPercent": "deploymentConfiguration.minimumHealthyPercent",
            "deploymentMaximumPercent": "deploymentConfiguration.maximumPercent",
            "deploymentCircuitBreaker": "deploymentConfiguration.deploymentCircuitBreaker",
        },
        constants={"force": True},
        ignored="waitForSteadyState",  # the sandbox waits for the targets themselves, later
        required="cluster taskDefinition",
        defaults={
            "deploymentMinimumHealthyPercent": 100,
            "deploymentMaximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "availabilityZoneRebalancing": "ENABLED",
            "enableEcsManagedTags": False,
        },
        outputs={"arn": "service.serviceArn"},
        update=("update_service",),
        # From and to Fargate. Source:
        # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
        replaces=lambda name, _before, _after: name == "capacityProviderStrategies",
    ),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": ResourceType(
        "servicediscovery",
        _make_namespace,
        "Id",
        by_code="name vpc description tags",
        required="name vpc",
        outputs={"arn": "Arn", "hostedZone": "Properties.DnsProperties.HostedZoneId"},
        read="get_namespace",
        delete="delete_namespace",
    ),
    "aws:servicediscovery/service:Service": ResourceType(
        "servicediscovery",
        "create_service",
        "Service.Id",
        required="name dnsConfig",
        defaults={"forceDestroy": False},
        outputs={"arn": "Service.Arn"},
        delete=Step(_delete_name, "forceDestroy"),
    ),
    "random:index/randomId:RandomId": ResourceType(
        "",
        _random_id,
        "b64Url",
        by_code="byteLength",
        required="byteLength",
        outputs={name: name for name in ("hex", "dec", "b64Url", "b64Std")},
    ),
    "random:index/randomPassword:RandomPassword": ResourceType(
        "",
        _random_password,
        "id",
        by_code="length special keepers",
        required="length",
        defaults={"special": True},
        outputs={"result": "result"},
        secret_outputs=frozenset({"result"}),
    ),
}
