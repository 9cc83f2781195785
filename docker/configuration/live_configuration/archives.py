"""Unpacks what was fetched, without trusting it."""

import gzip
import io
import tarfile
import zlib
from pathlib import Path

from live_configuration.outcomes import ARCHIVE, RefusedError

MAX_UNPACKED_BYTES = 100 * 2**20
MAX_FILES = 5000


def unpack(content: bytes, target: Path) -> None:
    """Unpack an archive (tar, gzip) of files and folders, all of which lie below the target.

    Raises:
        RefusedError: there is anything else in it, or too much.
    """
    size = count = 0
    target.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            for member in tar:  # what is too large is not even read
                size, count = size + member.size, count + 1
                if size > MAX_UNPACKED_BYTES or count > MAX_FILES:
                    raise RefusedError(ARCHIVE, "unpacked, it is too large or has too many files")
                leads_out = {"/", ".."} & set(Path(member.name).parts)
                if leads_out or not (member.isreg() or member.isdir()):
                    raise RefusedError(
                        ARCHIVE, f"{member.name!r} in it is no file or folder below its root"
                    )
                tar.extract(member, target, filter="data")
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise RefusedError(ARCHIVE, f"it cannot be unpacked: {error}") from error
