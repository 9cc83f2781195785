"""What the sandbox starts, how it is released, and at which version."""

import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError

VERSIONS_FILE = Path(__file__).resolve().parent.parent / "versions.json"

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class BinaryError(SandboxError):
    """A binary can neither be found nor installed; the message says what to do."""


@dataclass(frozen=True)
class Product:
    """What is released as one archive."""

    name: str
    binaries: tuple[str, ...]
    """Its programs; each tells its version."""
    repository: str
    """On GitHub."""
    helpers: tuple[str, ...] = ()
    """Other files of the archive, which the programs want beside them."""
    archive: str = "{name}-{version}.{system}-{architecture}.tar.gz"
    checksums: str = "sha256sums.txt"
    """The file beside the archive that holds its SHA-256."""
    architectures: Mapping[str, str] = field(default_factory=dict)
    """How the archive's name spells an architecture, where that is not as Go does."""
    minimum: str = ""
    """Oldest version that will do where one is found. Default: the pinned version alone will."""
    packages: tuple[str, ...] = ()
    """The Go packages that it can be built from. Default: it cannot."""
    tags: str = ""
    """Go build tags."""
    pages: str = ""
    """The Go build tag that embeds its web pages, once they are built (`sandbox.pages`); its
    `--version` tells the tags that it was built with. Default: it needs none."""
    stamped: bool = True
    """Whether every build of it tells its version; a mirror's is trusted where it does not."""
    no_pages: str = ""
    """The Go build tag that marks a build without its web pages, where `pages` does not tell."""

    @property
    def files(self) -> tuple[str, ...]:
        """All that is taken from the archive."""
        return self.binaries + self.helpers

    @property
    def pinned(self) -> str:
        """The version to install: of versions.json, of Pulumi that of the installed SDK."""
        if self.name == "pulumi":
            return importlib.metadata.version("pulumi")
        return pinned(self.name)

    @property
    def archive_name(self) -> str:
        """The release's archive for this machine."""
        system, architecture = machine().split("-")
        spelt = self.architectures.get(architecture, architecture)
        return self.archive.format(
            name=self.name, version=self.pinned, system=system, architecture=spelt
        )

    @property
    def module_version(self) -> str:
        """The Go module's version: Prometheus numbers 3.15.0 as v0.315.0."""
        if self.name != "prometheus":
            return f"v{self.pinned}"
        major, minor, patch = self.pinned.split(".")
        return f"v0.{major}{int(minor):02}.{patch}"

    def accepts(self, version: str | None) -> bool:
        """Tell whether a version that was found will do."""
        if version is None or version == self.pinned or not self.minimum:
            return version == self.pinned
        return version_key(version) >= version_key(self.minimum)


def pinned(name: str) -> str:
    """Return a version of versions.json."""
    versions: dict[str, str] = json.loads(VERSIONS_FILE.read_text(encoding="utf-8"))
    return versions[name]


def version_key(version: str) -> tuple[int, ...]:
    """Return what to sort versions by; one that is not a release comes before all others."""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d+(\.\d+){2}", version) else ()


def machine() -> str:
    """Return this machine as Go names it, such as `linux-amd64`.

    Raises:
        BinaryError: nothing is released for it.
    """
    found = platform.machine().lower()
    if found not in _ARCHITECTURES:
        raise BinaryError(
            f"no pinned binaries for the architecture {found!r}: expected one of "
            f"{sorted(_ARCHITECTURES)}: put prometheus, promtool and node_exporter at the versions "
            f"of {VERSIONS_FILE.name} on PATH"
        )
    return f"{platform.system().lower()}-{_ARCHITECTURES[found]}"


PRODUCTS = (
    Product(
        "prometheus",
        ("prometheus", "promtool"),
        "prometheus/prometheus",
        packages=tuple(
            f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")
        ),
        # Of the service discoveries only those that we use: a much shorter build.
        tags="remove_all_sd,enable_aws_sd,enable_dns_sd",
        pages="builtinassets",
    ),
    Product(
        "node_exporter",
        ("node_exporter",),
        "prometheus/node_exporter",
        packages=("github.com/prometheus/node_exporter",),
    ),
    Product(
        "alertmanager",
        ("alertmanager", "amtool"),
        "prometheus/alertmanager",
        packages=tuple(
            f"github.com/prometheus/alertmanager/cmd/{name}" for name in ("alertmanager", "amtool")
        ),
        tags="netgo",  # as in its release
        no_pages="plain_page",
    ),
    Product(
        # Not from its release, which is no archive and has no checksums, nor from Go modules, where
        # its program is not: from PATH or a mirror.
        "cadvisor",
        ("cadvisor",),
        "google/cadvisor",
        stamped=False,
    ),
    Product(
        "pulumi",
        ("pulumi",),
        "pulumi/pulumi",
        helpers=tuple(
            f"pulumi-language-{name}" for name in ("python", "python-exec", "nodejs", "yaml")
        ),
        archive="{name}-v{version}-{system}-{architecture}.tar.gz",
        checksums="{name}-{version}-checksums.txt",
        architectures={"amd64": "x64"},
        minimum="3.260.0",  # tried with the SDK's 3.272.0
    ),
)
