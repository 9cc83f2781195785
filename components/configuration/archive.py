"""A version of a server's configuration as one file: pure functions."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """A version; the same files make the same one, whoever packs them, and when."""

    content: bytes
    """A tar, compressed by gzip."""

    @property
    def version(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def pack(files: Mapping[str, bytes]) -> Archive:
    """Pack files: path, with slashes, below the configuration's folder -> content."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)  # of nobody, as old as can be
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return Archive(gzip.compress(raw.getvalue(), mtime=0))
