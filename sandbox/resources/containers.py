"""Registry, image, cluster, task definition, service, log group, and the random ids of names."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from sandbox.resources.base import (
    Account,
    Created,
    ImageSource,
    Inputs,
    ResourceType,
    inputs,
    tag_list,
    to_api,
)


def _log_group(account: Account, given: Inputs) -> Created:
    logs = account.client("logs")
    logs.create_log_group(logGroupName=given["name"], tags=given["tags"])
    if "retentionInDays" in given:
        logs.put_retention_policy(
            logGroupName=given["name"], retentionInDays=given["retentionInDays"]
        )
    emulator = account.emulator
    arn = f"arn:aws:logs:{emulator.region}:{emulator.account_id}:log-group:{given['name']}"
    return Created(given["name"], {"arn": arn})


def _repository(account: Account, given: Inputs) -> Created:
    options: dict[str, Any] = {}
    if "imageScanningConfiguration" in given:
        options["imageScanningConfiguration"] = to_api(given["imageScanningConfiguration"])
    if given.get("encryptionConfigurations"):
        options["encryptionConfiguration"] = to_api(given["encryptionConfigurations"][0])
    made = account.client("ecr").create_repository(
        repositoryName=given["name"],
        imageTagMutability=given["imageTagMutability"],
        tags=tag_list(given["tags"]),
        **options,
    )["repository"]
    return Created(
        given["name"],
        {
            "arn": made["repositoryArn"],
            "registryId": made["registryId"],
            "repositoryUrl": made["repositoryUri"],
        },
    )


def _lifecycle_policy(account: Account, given: Inputs) -> Created:
    account.client("ecr").put_lifecycle_policy(
        repositoryName=given["repository"], lifecyclePolicyText=given["policy"]
    )
    return Created(given["repository"], {"registryId": account.emulator.account_id})


def _image(account: Account, given: Inputs) -> Created:
    """Enter the image in the emulated registry; whoever runs it builds it from its source."""
    build = given["build"]
    source = ImageSource(Path(build["context"]), Path(build["dockerfile"]), build.get("args", {}))
    url, tag = given["imageName"].rsplit(":", 1)
    repository = url.split("/", 1)[1]
    content = hashlib.sha256(given["imageName"].encode()).hexdigest()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": f"sha256:{content}",
                "size": 0,
            },
            "layers": [],
        }
    )
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    account.client("ecr").put_image(
        repositoryName=repository, imageTag=tag, imageDigest=digest, imageManifest=manifest
    )
    reference = f"{url}@{digest}"
    account.images[reference] = source
    return Created(
        given["imageName"], {"repoDigest": reference, "baseImageName": given["imageName"]}
    )


def _cluster(account: Account, given: Inputs) -> Created:
    made = account.client("ecs").create_cluster(
        clusterName=given["name"], tags=tag_list(given["tags"], "key", "value")
    )["cluster"]
    return Created(made["clusterArn"], {"arn": made["clusterArn"]})


def _task_definition(account: Account, given: Inputs) -> Created:
    options = {
        name: to_api(given[name])
        for name in (
            *("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu"),
            *("memory", "requiresCompatibilities", "runtimePlatform"),
        )
        if name in given
    }
    if "ephemeralStorage" in given:
        options["ephemeralStorage"] = {"sizeInGiB": given["ephemeralStorage"]["sizeInGib"]}
    made = account.client("ecs").register_task_definition(
        containerDefinitions=json.loads(given["containerDefinitions"]),
        tags=tag_list(given["tags"], "key", "value"),
        **options,
    )["taskDefinition"]
    arn = made["taskDefinitionArn"]
    return Created(
        given["family"],
        {
            "arn": arn,
            "arnWithoutRevision": arn.rsplit(":", 1)[0],
            "revision": made["revision"],
        },
    )


def _service(account: Account, given: Inputs) -> Created:
    if given["desiredCount"] > 1:
        raise ValueError(
            f"desiredCount is {given['desiredCount']}: the sandbox runs one task a service at most"
        )
    network = given["networkConfiguration"]
    made = account.client("ecs").create_service(
        serviceName=given["name"],
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["securityGroups"],
                "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
            }
        },
        deploymentConfiguration={
            "minimumHealthyPercent": given["deploymentMinimumHealthyPercent"],
            "maximumPercent": given["deploymentMaximumPercent"],
            "deploymentCircuitBreaker": to_api(given["deploymentCircuitBreaker"]),
        },
        availabilityZoneRebalancing=given["availabilityZoneRebalancing"],
        tags=tag_list(given["tags"], "key", "value"),
        **{
            name: given[name]
            for name in (
                *("cluster", "taskDefinition", "desiredCount", "launchType", "platformVersion"),
                *("propagateTags",),
            )
            if name in given
        },
        enableECSManagedTags=given["enableEcsManagedTags"],
    )["service"]
    return Created(made["serviceArn"], {"arn": made["serviceArn"]})


def _random_id(_account: Account, given: Inputs) -> Created:
    content = secrets.token_bytes(given["byteLength"])
    url = base64.urlsafe_b64encode(content).decode().rstrip("=")
    return Created(
        url,
        {
            "hex": content.hex(),
            "dec": str(int.from_bytes(content, "big")),
            "b64Url": url,
            "b64Std": base64.b64encode(content).decode(),
        },
    )


RESOURCE_TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        _log_group, inputs("name retentionInDays tags"), name_input="name", taggable=True
    ),
    "aws:ecr/repository:Repository": ResourceType(
        _repository,
        inputs(
            "name imageScanningConfiguration imageTagMutability encryptionConfigurations"
            " forceDelete tags"  # forceDelete: of a deletion
        ),
        defaults={"imageTagMutability": "MUTABLE"},
        name_input="name",
        taggable=True,
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(
        _lifecycle_policy, inputs("repository policy")
    ),
    "docker:index/image:Image": ResourceType(
        # The last two: what the SDK adds by itself.
        _image,
        inputs("imageName build registry buildOnPreview skipPush"),
    ),
    "aws:ecs/cluster:Cluster": ResourceType(
        _cluster, inputs("name tags"), name_input="name", taggable=True
    ),
    "aws:ecs/taskDefinition:TaskDefinition": ResourceType(
        _task_definition,
        inputs(
            "family containerDefinitions taskRoleArn executionRoleArn networkMode volumes cpu"
            " memory requiresCompatibilities runtimePlatform ephemeralStorage tags"
        ),
        taggable=True,
    ),
    "aws:ecs/service:Service": ResourceType(
        _service,
        # waitForSteadyState: the sandbox waits for the targets themselves, later.
        inputs(
            "name cluster taskDefinition desiredCount launchType platformVersion"
            " networkConfiguration deploymentMinimumHealthyPercent deploymentMaximumPercent"
            " deploymentCircuitBreaker availabilityZoneRebalancing enableEcsManagedTags"
            " propagateTags waitForSteadyState tags"
        ),
        defaults={
            "deploymentMinimumHealthyPercent": 100,
            "deploymentMaximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "availabilityZoneRebalancing": "ENABLED",
            "enableEcsManagedTags": False,
        },
        name_input="name",
        taggable=True,
    ),
    "random:index/randomId:RandomId": ResourceType(_random_id, inputs("byteLength")),
}
