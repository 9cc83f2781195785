"""Fetch the archive of a product from where it is released, check it, and unpack it."""

import hashlib
import http.client
import shutil
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sandbox.products import BinaryError, Product

_NETWORK_TIMEOUT_S = 10.0  # to connect, and between two pieces of the answer
_CHUNK = 1 << 20  # bytes


class UnavailableError(Exception):
    """A source does not have the archive; another one may."""


def fetch(base: str, archive: str, path: Path) -> str:
    """Download an archive to `path`, and return its SHA-256 in hexadecimal.

    Raises:
        UnavailableError: it cannot be downloaded.
    """
    digest = hashlib.sha256()
    try:
        with path.open("wb") as file:
            for piece in _download(f"{base}/{archive}"):
                digest.update(piece)
                file.write(piece)
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"cannot download {base}/{archive} ({error})") from error
    return digest.hexdigest()


def fetch_checksums(base: str, product: Product) -> str:
    """Return the release's file of checksums: lines of "digest  file".

    Raises:
        UnavailableError: it cannot be downloaded.
    """
    file = product.checksums.format(name=product.name, version=product.pinned)
    try:
        return b"".join(_download(f"{base}/{file}")).decode()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"cannot download {base}/{file} ({error})") from error


def verify(archive: str, digest: str, checksums: str, base: str) -> None:
    """Compare an archive's checksum.

    Raises:
        BinaryError: it is not what the checksums say, or they say nothing about it.
    """
    fields = [line.split() for line in checksums.splitlines()]
    expected = [field[0] for field in fields if field[1:] == [archive]]
    if expected != [digest]:
        raise BinaryError(
            f"{base}/{archive} has the SHA-256 {digest}, and the checksums beside it say "
            f"{' and '.join(expected) or 'nothing about this file'}: nothing was installed. The "
            "download is damaged or not the original: try again, and if it stays, do not use it"
        )


def extract(archive: Path, product: Product, output: Path) -> None:
    """Write the binaries of `product`, and nothing else of the archive, to `output`.

    Raises:
        BinaryError: one of them is not in it.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            source = tar.extractfile(member) if name in product.files else None
            if source is not None:
                with source, (output / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (output / name).chmod(0o755)
    missing = [name for name in product.files if not (output / name).is_file()]
    if missing:
        raise BinaryError(f"{archive.name} has no {', '.join(missing)}: nothing was installed")


def _download(url: str) -> Iterator[bytes]:
    with urllib.request.urlopen(url, timeout=_NETWORK_TIMEOUT_S) as response:  # noqa: S310  of the user's or our own choice
        while piece := response.read(_CHUNK):
            yield piece
