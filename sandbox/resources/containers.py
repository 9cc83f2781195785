"""Registry, image, cluster, task definition, service, log group, and the random ids of names."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from sandbox.resources import tagging
from sandbox.resources.base import (
    Account,
    Created,
    GoneError,
    ImageSource,
    Inputs,
    ResourceType,
    as_document,
    as_recorded_set,
    inputs,
    only,
    to_api,
    undone_on_failure,
)
from sandbox.resources.tagging import tag_list


def _set_retention(account: Account, name: str, given: Inputs) -> None:
    logs = account.client("logs")
    if given.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=given["retentionInDays"])
    else:
        logs.delete_retention_policy(logGroupName=name)


def _log_group(account: Account, given: Inputs) -> Created:
    logs = account.client("logs")
    logs.create_log_group(logGroupName=given["name"], tags=given["tags"])
    with undone_on_failure(lambda: logs.delete_log_group(logGroupName=given["name"])):
        _set_retention(account, given["name"], given)
    emulator = account.emulator
    arn = f"arn:aws:logs:{emulator.region}:{emulator.account_id}:log-group:{given['name']}"
    return Created(given["name"], {"arn": arn})


def _read_log_group(account: Account, name: str, _state: Inputs) -> Inputs:
    found = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group = only([group for group in found if group["logGroupName"] == name])
    return {"retentionInDays": group.get("retentionInDays")}


def _update_log_group(account: Account, name: str, _state: Inputs, given: Inputs) -> Inputs:
    _set_retention(account, name, given)
    return {}


def _delete_log_group(account: Account, name: str, _state: Inputs) -> None:
    account.client("logs").delete_log_group(logGroupName=name)


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


def _read_repository(account: Account, name: str, state: Inputs) -> Inputs:
    found = account.client("ecr").describe_repositories(repositoryNames=[name])
    repository = only(found["repositories"])
    seen: dict[str, Any] = {"imageTagMutability": repository["imageTagMutability"]}
    if "imageScanningConfiguration" in state:
        seen["imageScanningConfiguration"] = repository["imageScanningConfiguration"]
    return seen


def _update_repository(account: Account, name: str, _state: Inputs, given: Inputs) -> Inputs:
    ecr = account.client("ecr")
    ecr.put_image_tag_mutability(
        repositoryName=name, imageTagMutability=given["imageTagMutability"]
    )
    ecr.put_image_scanning_configuration(
        repositoryName=name,
        imageScanningConfiguration=to_api(
            given.get("imageScanningConfiguration", {"scanOnPush": False})
        ),
    )
    return {}


def _delete_repository(account: Account, name: str, state: Inputs) -> None:
    account.client("ecr").delete_repository(
        repositoryName=name, force=bool(state.get("forceDelete"))
    )


def _put_lifecycle_policy(account: Account, given: Inputs) -> None:
    account.client("ecr").put_lifecycle_policy(
        repositoryName=given["repository"], lifecyclePolicyText=given["policy"]
    )


def _lifecycle_policy(account: Account, given: Inputs) -> Created:
    _put_lifecycle_policy(account, given)
    return Created(given["repository"], {"registryId": account.emulator.account_id})


def _read_lifecycle_policy(account: Account, repository: str, state: Inputs) -> Inputs:
    found = account.client("ecr").get_lifecycle_policy(repositoryName=repository)
    return {"policy": as_document(json.loads(found["lifecyclePolicyText"]), state["policy"])}


def _update_lifecycle_policy(
    account: Account, _repository: str, _state: Inputs, given: Inputs
) -> Inputs:
    _put_lifecycle_policy(account, given)
    return {}


def _delete_lifecycle_policy(account: Account, repository: str, _state: Inputs) -> None:
    account.client("ecr").delete_lifecycle_policy(repositoryName=repository)


def image_source(state: Inputs) -> ImageSource:
    """Return what an image is built from, of the properties of a `docker.Image`."""
    build = state["build"]
    return ImageSource(Path(build["context"]), Path(build["dockerfile"]), build.get("args", {}))


def _image(account: Account, given: Inputs) -> Created:
    """Enter the image in the emulated registry; whoever runs it builds it from its source."""
    url, tag = given["imageName"].rsplit(":", 1)
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
        repositoryName=_repository_name(url),
        imageTag=tag,
        imageDigest=digest,
        imageManifest=manifest,
    )
    reference = f"{url}@{digest}"
    account.images[reference] = image_source(given)
    return Created(
        given["imageName"], {"repoDigest": reference, "baseImageName": given["imageName"]}
    )


def _repository_name(url: str) -> str:
    return url.split("/", 1)[1]


def _read_image(account: Account, _identifier: str, state: Inputs) -> Inputs:
    url, digest = state["repoDigest"].split("@")
    account.client("ecr").describe_images(
        repositoryName=_repository_name(url), imageIds=[{"imageDigest": digest}]
    )
    return {}


def _update_image(account: Account, _identifier: str, state: Inputs, given: Inputs) -> Inputs:
    if given["imageName"] == state["imageName"]:  # in the registry it has no content
        account.images[state["repoDigest"]] = image_source(given)
        return {}
    return _image(account, given).outputs


def _cluster(account: Account, given: Inputs) -> Created:
    made = account.client("ecs").create_cluster(
        clusterName=given["name"], tags=tag_list(given["tags"], "key", "value")
    )["cluster"]
    return Created(made["clusterArn"], {"arn": made["clusterArn"]})


def _read_cluster(account: Account, arn: str, _state: Inputs) -> Inputs:
    found = account.client("ecs").describe_clusters(clusters=[arn])["clusters"]
    return {"name": only([it for it in found if it["status"] != "INACTIVE"])["clusterName"]}


def _delete_cluster(account: Account, arn: str, _state: Inputs) -> None:
    account.client("ecs").delete_cluster(cluster=arn)


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


def _read_task_definition(account: Account, _family: str, state: Inputs) -> Inputs:
    # AWS never changes a revision: it is there, or it is not.
    arns: list[str] = []
    pages = account.client("ecs").get_paginator("list_task_definitions")
    for page in pages.paginate(familyPrefix=state["family"], status="ACTIVE"):
        arns += page["taskDefinitionArns"]
    if state["arn"] not in arns:
        raise GoneError
    return {}


def _delete_task_definition(account: Account, family: str, state: Inputs) -> None:
    _read_task_definition(account, family, state)
    account.client("ecs").deregister_task_definition(taskDefinition=state["arn"])


def _service_settings(given: Inputs) -> dict[str, Any]:
    """Return what both the making and the update of a service take."""
    if given["desiredCount"] > 1:
        raise ValueError(
            f"desiredCount is {given['desiredCount']}: the sandbox runs one task a service at most"
        )
    network = given["networkConfiguration"]
    return {
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["securityGroups"],
                "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
            }
        },
        "deploymentConfiguration": {
            "minimumHealthyPercent": given["deploymentMinimumHealthyPercent"],
            "maximumPercent": given["deploymentMaximumPercent"],
            "deploymentCircuitBreaker": to_api(given["deploymentCircuitBreaker"]),
        },
        "availabilityZoneRebalancing": given["availabilityZoneRebalancing"],
        "enableECSManagedTags": given["enableEcsManagedTags"],
        **{
            name: given[name]
            for name in (
                *("cluster", "taskDefinition", "desiredCount", "platformVersion"),
                "propagateTags",
            )
            if name in given
        },
    }


def _service(account: Account, given: Inputs) -> Created:
    launch = {"launchType": given["launchType"]} if "launchType" in given else {}
    made = account.client("ecs").create_service(
        serviceName=given["name"],
        tags=tag_list(given["tags"], "key", "value"),
        **launch,
        **_service_settings(given),
    )["service"]
    return Created(made["serviceArn"], {"arn": made["serviceArn"]})


def _read_service(account: Account, arn: str, state: Inputs) -> Inputs:
    # moto does not return the settings of deployments.
    found = account.client("ecs").describe_services(cluster=state["cluster"], services=[arn])
    service = only([it for it in found["services"] if it["status"] != "INACTIVE"])
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    recorded = state["networkConfiguration"]
    seen = {
        **recorded,
        "subnets": as_recorded_set(network["subnets"], recorded["subnets"]),
        "securityGroups": as_recorded_set(network["securityGroups"], recorded["securityGroups"]),
    }
    public = network.get("assignPublicIp") == "ENABLED"
    if public != bool(recorded.get("assignPublicIp")):
        seen["assignPublicIp"] = public
    return {
        "taskDefinition": service["taskDefinition"],
        "desiredCount": service["desiredCount"],
        "networkConfiguration": seen,
    }


def _update_service(account: Account, arn: str, _state: Inputs, given: Inputs) -> Inputs:
    account.client("ecs").update_service(service=arn, **_service_settings(given))
    return {}


def _delete_service(account: Account, arn: str, state: Inputs) -> None:
    account.client("ecs").delete_service(cluster=state["cluster"], service=arn, force=True)


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
        _log_group,
        inputs("name retentionInDays tags"),
        _read_log_group,
        _delete_log_group,
        updatable=inputs("retentionInDays"),
        update=_update_log_group,
        name_input="name",
        taggable=True,
        tagger=tagging.LOGS,
    ),
    "aws:ecr/repository:Repository": ResourceType(
        _repository,
        inputs(
            "name imageScanningConfiguration imageTagMutability encryptionConfigurations"
            " forceDelete tags"  # forceDelete: of a deletion
        ),
        _read_repository,
        _delete_repository,
        updatable=inputs("imageScanningConfiguration imageTagMutability forceDelete"),
        update=_update_repository,
        defaults={"imageTagMutability": "MUTABLE"},
        name_input="name",
        taggable=True,
        tagger=tagging.ECR,
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(
        _lifecycle_policy,
        inputs("repository policy"),
        _read_lifecycle_policy,
        _delete_lifecycle_policy,
        required=inputs("repository policy"),
        updatable=inputs("policy"),
        update=_update_lifecycle_policy,
    ),
    "docker:index/image:Image": ResourceType(
        _image,
        # The last two: what the SDK adds by itself.
        inputs("imageName build registry buildOnPreview skipPush"),
        _read_image,
        # No deletion: the provider leaves what it pushed in the registry.
        required=inputs("imageName build"),
        updatable=inputs("imageName build registry buildOnPreview skipPush"),
        update=_update_image,
        changing_outputs=inputs("repoDigest baseImageName"),
        not_compared=inputs("registry"),  # a login that AWS gives anew each time
    ),
    "aws:ecs/cluster:Cluster": ResourceType(
        _cluster,
        inputs("name tags"),
        _read_cluster,
        _delete_cluster,
        name_input="name",
        taggable=True,
        tagger=tagging.ECS,
    ),
    "aws:ecs/taskDefinition:TaskDefinition": ResourceType(
        _task_definition,
        inputs(
            "family containerDefinitions taskRoleArn executionRoleArn networkMode volumes cpu"
            " memory requiresCompatibilities runtimePlatform ephemeralStorage tags"
        ),
        _read_task_definition,
        _delete_task_definition,
        required=inputs("family containerDefinitions"),
        taggable=True,
        tagger=tagging.ECS,
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
        _read_service,
        _delete_service,
        required=inputs("cluster taskDefinition desiredCount networkConfiguration"),
        updatable=inputs(
            "taskDefinition desiredCount platformVersion networkConfiguration"
            " deploymentMinimumHealthyPercent deploymentMaximumPercent deploymentCircuitBreaker"
            " availabilityZoneRebalancing enableEcsManagedTags propagateTags waitForSteadyState"
        ),
        update=_update_service,
        defaults={
            "deploymentMinimumHealthyPercent": 100,
            "deploymentMaximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "availabilityZoneRebalancing": "ENABLED",
            "enableEcsManagedTags": False,
        },
        name_input="name",
        taggable=True,
        tagger=tagging.ECS,
    ),
    "random:index/randomId:RandomId": ResourceType(
        # It is in the state only.
        _random_id,
        inputs("byteLength"),
        required=inputs("byteLength"),
    ),
}
