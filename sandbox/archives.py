"""Fetch the archive of a product from where it is released, check it, and unpack it."""

import hashlib
import http.client
import io
import shutil
import tarfile
import urllib.request
from pathlib import Path, PurePosixPath

from sandbox.products import BinaryError, Product

_NETWORK_TIMEOUT_S = 10.0  # to connect, and between two packets of the answer


class UnavailableError(Exception):
    """A source does not have the archive; another one may."""


def fetch(base: str, file: str) -> bytes:
    """Download a file.

    Raises:
        UnavailableError: it cannot be downloaded.
    """
    try:
        with urllib.request.urlopen(f"{base}/{file}", timeout=_NETWORK_TIMEOUT_S) as response:  # noqa: S310 - of the user's or our own choice
            content: bytes = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"cannot download {base}/{file} ({error})") from error
    return content


def checksums(base: str, product: Product) -> str:
    """Return the release's file of checksums: lines of "digest  file".

    Raises:
        UnavailableError: it cannot be downloaded.
    """
    file = product.checksums.format(name=product.name, version=product.pinned)
    return fetch(base, file).decode()


def verify(archive: str, content: bytes, sums: str, base: str) -> None:
    """Compare an archive's checksum.

    Raises:
        BinaryError: it is not what the checksums say, or they say nothing about it.
    """
    digest = hashlib.sha256(content).hexdigest()
    fields = [line.split() for line in sums.splitlines()]
    expected = [field[0] for field in fields if field[1:] == [archive]]
    if expected != [digest]:
        raise BinaryError(
            f"{base}/{archive} has the SHA-256 {digest}, and the checksums beside it say "
            f"{' and '.join(expected) or 'nothing about this file'}: nothing was installed. The "
            "download is damaged or not the original: try again, and if it stays, do not use it"
        )


def extract(archive: str, content: bytes, product: Product, output: Path) -> None:
    """Write the binaries of `product`, and nothing else of the archive, to `output`.

    Raises:
        BinaryError: one of them is not in it.
    """
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            source = tar.extractfile(member) if name in product.files else None
            if source is not None:
                with source, (output / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (output / name).chmod(0o755)
    missing = [name for name in product.files if not (output / name).is_file()]
    if missing:
        raise BinaryError(f"{archive} has no {', '.join(missing)}: nothing was installed")
