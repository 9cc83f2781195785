"""Objects in buckets, and their versions."""

import base64
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from sandbox.resources.base import Client, GoneError, Inputs, Step
from sandbox.resources.interpreter import ResourceType


def _put(s3: Client, given: Inputs) -> dict[str, Any]:
    encoded = given.get("contentBase64")
    body = base64.b64decode(encoded) if encoded else given.get("content", "").encode()
    media_type = {"ContentType": given["contentType"]} if "contentType" in given else {}
    tags = urlencode(given.get("tags") or {})
    s3.put_object(Bucket=given["bucket"], Key=given["key"], Body=body, Tagging=tags, **media_type)
    return {}


def _put_again(s3: Client, _id: str, before: Inputs, after: Inputs) -> None:
    if before:
        _put(s3, after)


def _read(s3: Client, _id: str, state: Inputs) -> Inputs:
    try:
        found = s3.head_object(Bucket=state["bucket"], Key=state["key"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            raise GoneError from error
        raise
    tags = s3.get_object_tagging(Bucket=state["bucket"], Key=state["key"])["TagSet"]
    return {"ContentType": found["ContentType"], "TagSet": tags}


def _delete(s3: Client, _id: str, before: Inputs, _after: Inputs) -> None:
    delete_versions(s3, before["bucket"], before["key"])


def delete_versions(s3: Client, bucket: str, prefix: str = "") -> None:
    """Delete objects whose keys begin so, with all their versions, as the provider does."""
    found = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
    for version in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


RESOURCE_TYPES = {
    "aws:s3/bucketVersioning:BucketVersioning": ResourceType(
        "s3",
        "put_bucket_versioning",
        "{bucket}",
        names={"versioningConfiguration": "VersioningConfiguration"},
        found="@",
        seen={"versioningConfiguration": "{status: Status}"},
        update=("put_bucket_versioning",),
        delete="",
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": ResourceType(
        "s3",
        _put,
        "{bucket}/{key}",
        by_code="bucket key",
        ignored="overrideProvider",
        required="bucket key",
        read=_read,
        update=(Step(_put_again, "content contentBase64 contentType tags"),),
        delete=Step(_delete),
    ),
}
