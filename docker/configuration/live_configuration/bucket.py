"""What the bucket holds for one server."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from live_configuration.outcomes import (
    ARCHIVE,
    DENIED,
    INCOMPLETE,
    POINTER,
    UNREACHABLE,
    RefusedError,
    UnavailableError,
)

MAX_ARCHIVE_BYTES = 10 * 2**20
_VERSION = re.compile("[0-9a-f]{64}")
_NOT_MODIFIED = "304"
_DENIED = ("AccessDenied", "403")
_MISSING = ("NoSuchKey", "NoSuchBucket", "404")


class Bucket:
    """One server's part of the bucket."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - botocore's
        """Take a client of S3, the bucket's name, and how the server's keys begin."""
        self._client, self._bucket, self._prefix = client, bucket, prefix
        self._etag = self._wanted = ""

    def wanted(self) -> str:
        """Return the version that the pointer names; it is fetched only when it has changed.

        Raises:
            RefusedError: it names none.
            UnavailableError: it cannot be had.
        """
        known = {"IfNoneMatch": self._etag} if self._etag else {}
        with _explained("the pointer"):
            try:
                answer = self._get("current", **known)
            except ClientError as error:
                if _code(error) != _NOT_MODIFIED:
                    raise
            else:
                self._wanted = answer["Body"].read(1024).decode(errors="replace").strip()
                self._etag = answer["ETag"]
        if not _VERSION.fullmatch(self._wanted):
            raise RefusedError(POINTER, "the pointer holds no SHA-256 of 64 hexadecimal digits")
        return self._wanted

    def archive(self, version: str) -> bytes:
        """Return a version's archive.

        Raises:
            RefusedError: it is too large.
            UnavailableError: it cannot be had, or is not what its name says.
        """
        key = f"{version}.tar.gz"
        with _explained(key, missing=(*_MISSING, *_DENIED)):
            content: bytes = self._get(key)["Body"].read(MAX_ARCHIVE_BYTES + 1)
        if len(content) > MAX_ARCHIVE_BYTES:
            raise RefusedError(ARCHIVE, f"{key} has more than {MAX_ARCHIVE_BYTES} bytes")
        if (found := hashlib.sha256(content).hexdigest()) != version:
            raise UnavailableError(INCOMPLETE, f"{key} has the SHA-256 {found}")
        return content

    def _get(self, name: str, **more: str) -> Any:  # noqa: ANN401 - as botocore has it
        return self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}", **more)


@contextmanager
def _explained(what: str, missing: tuple[str, ...] = ()) -> Iterator[None]:
    """Tell apart why an object cannot be had.

    Who may not list a bucket is told that a missing object is denied.
    """
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in missing:
            raise UnavailableError(INCOMPLETE, f"{what} is not there, or denied ({code})") from None
        result = DENIED if code in (*_DENIED, *_MISSING) else UNREACHABLE
        raise UnavailableError(result, f"asked for {what}, the bucket answers {code}") from None
    except BotoCoreError as error:
        raise UnavailableError(UNREACHABLE, f"{what} cannot be had: {error}") from None


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
