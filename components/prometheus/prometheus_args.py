"""What Prometheus is made from: its arguments, and with them the stack's settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired, cast

import pulumi

from components import assets, checks
from components.arguments import Knob, Rule, arguments, declared
from components.configuration import tools
from components.configuration.args import ConfiguredServerArgs
from components.configuration.tree import every_overlay
from components.containers.server import (
    in_different_subnets,
    not_with_image_context,
    together_with,
)
from components.exporters.discovery import DiscoveryTagKey, DiscoveryTagValue, NodeExporterPort
from components.prometheus import overlay
from components.prometheus.clusters import ClusterArgs
from components.prometheus.container import environment_variables
from components.prometheus.scraping import ScrapeInterval
from components.runbooks import RunbookBaseUrl
from components.storage import StorageArgs

CREDENTIALS = ("iam-user", "task-role")

MAX_REPLICAS = 8
"""As many names as docker/prometheus/scrape.d/prometheus.yml looks for replicas by."""


def legal_overlay(path: str, scrape_interval: str) -> None:
    """Check a folder of the user's own rules and jobs, with `promtool()`.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if path:
        overlay.check([Path(path)], overlay_variables(scrape_interval), promtool())


def legal_overlays(paths: Sequence[str], own: str, scrape_interval: str) -> None:
    """Check further folders together with the user's own, as `legal_overlay` does.

    Raises:
        ValueError: with what is wrong, and what is expected.
    """
    if paths:
        folders = every_overlay(paths, own)
        overlay.check(folders, overlay_variables(scrape_interval), promtool())


def promtool() -> Path | None:
    """Find promtool on PATH, in any version that knows all of the package's own configuration."""
    found = tools.on_path(overlay.SERVER)
    return found if found and overlay.suits(found, overlay_variables()) else None


def overlay_variables(scrape_interval: str = "") -> overlay.Variables:
    """Return what the container's variables may be.

    Args:
        scrape_interval: the one that other times have to fit. Default: the component's default.
    """
    known = declared(PrometheusServiceArgs)
    example = {
        **{key: argument.default for key, argument in known.items()},
        **({"scrape_interval": scrape_interval} if scrape_interval else {}),
        "vpc_id": "vpc-0123456789abcdef0",
        "environment": "example",
        "namespace_domain": "monitoring.internal",
    }

    def variables(**more: Any) -> dict[str, str]:  # noqa: ANN401 - any argument
        args = cast("PrometheusServiceArgs", {**example, **more})
        return cast("dict[str, str]", environment_variables(overlay.SERVER, args, "us-east-1", 0))

    always = assets.image_defaults(overlay.SERVER) | variables()
    given: dict[str, Any] = {
        key: "example"
        for key, argument in known.items()
        if argument.wired and not argument.required
    }
    given |= {
        "cluster_arns": ["arn:aws:ecs:us-east-1:123456789012:cluster/example"],
        "cluster_hosts": {"example": "example"},
        "expected_tasks": {"example": 1},
    }
    optional = [
        {name: it for name, it in variables(**{key: value}).items() if name not in always}
        for key, value in given.items()
    ]
    return overlay.Variables(always, [group for group in optional if group])


@arguments
class PrometheusServiceArgs(ConfiguredServerArgs, StorageArgs, ClusterArgs):
    """Arguments of a `PrometheusService`."""

    environment: Annotated[str, Rule(checks.label_value)]
    """Name of the environment: the external label `environment`."""

    overlay: NotRequired[
        Annotated[
            str,
            Knob(""),
            Rule(not_with_image_context, ("image_context",)),
            Rule(legal_overlay, ("scrape_interval",)),
        ]
    ]
    """Folder of your own rules (`rules.d/*.yml`) and scrape jobs (`scrape.d/*.yml`), laid over the
    package's (docs/own-configuration.md), a path from the project's folder. Empty: there is
    none."""

    overlays: NotRequired[
        Annotated[
            Sequence[str],
            Knob(()),
            Rule(not_with_image_context, ("image_context",)),
            Rule(legal_overlays, ("overlay", "scrape_interval")),
        ]
    ]
    """Further such folders: the rules and jobs that services bring along. Empty: there are none."""

    version: NotRequired[Annotated[str, Knob(assets.VERSIONS["prometheus"], checks.version)]]
    """Version of Prometheus."""

    replicas: NotRequired[
        Annotated[
            int,
            Knob(1, checks.whole(1, MAX_REPLICAS)),
            Rule(in_different_subnets, ("subnet_ids",)),
        ]
    ]
    """Number of Prometheus servers, 1 to 8: each scrapes and stores everything for itself, in
    another zone. From 1 to more, or back, the first one's task is replaced: alone, it may be in any
    zone. A third changes nothing of the first two."""

    port: NotRequired[Annotated[int, Knob(9090, checks.port)]]
    """Port of Prometheus, 1024 to 65535."""

    admin_cidrs: NotRequired[Annotated[Sequence[str], Knob((), checks.admin_cidrs)]]
    """Networks that may reach Prometheus, by plain HTTP. Empty: none. 0.0.0.0/0 is refused."""

    # At least one block of the TSDB, which is two hours long.
    retention: NotRequired[Annotated[str, Knob("15d", checks.duration("2h", "100y"))]]
    """How long Prometheus keeps samples, at least 2h, as long as there is room in four fifths of
    the storage."""

    scrape_interval: NotRequired[ScrapeInterval]
    """Time between two scrapes of a target, 1s to 1m."""

    sample_limit: NotRequired[Annotated[int, Knob(10_000, checks.whole(1, 1_000_000))]]
    """Samples that one target may expose. One that exposes more counts as down, so that it cannot
    fill Prometheus's memory; node_exporter has 1000 to 2000."""

    body_size_limit_mib: NotRequired[Annotated[int, Knob(10, checks.whole(1, 1024))]]
    """Size in MiB that a target's answer may have. A target with a larger one counts as down."""

    target_limit: NotRequired[Annotated[int, Knob(2_000, checks.whole(1, 100_000))]]
    """Targets that a job may have. With more, none of the job's targets is scraped."""

    # Shorter than the alert on targets that are down waits for hosts that were terminated.
    discovery_refresh_interval: NotRequired[
        Annotated[str, Knob("60s", checks.duration("1s", "5m"))]
    ]
    """Discovery refresh interval: time between two queries for hosts, 1s to 5m."""

    discovery_tag_key: NotRequired[DiscoveryTagKey]
    """Key of the tag that a host carries to be scraped."""

    discovery_tag_value: NotRequired[DiscoveryTagValue]
    """Value of that tag."""

    node_exporter_port: NotRequired[NodeExporterPort]
    """Port of the hosts that Prometheus scrapes."""

    external_url: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """URL by which people reach Prometheus, such as https://prometheus.example.com, for the links
    in notifications. Empty: they lead to the task's own name."""

    runbook_base_url: NotRequired[RunbookBaseUrl]
    """Where the runbooks are, the beginning of every alert's `runbook_url`: a URL without a slash
    at its end. A relative path is one in a checkout of this project."""

    alertmanager_dns_name: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Name that leads to the Alertmanagers, all of which get every alert. Empty: there are none."""

    alertmanager_security_group_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("alertmanager_dns_name")]
    ]
    """Id of the Alertmanagers' security group, which lets Prometheus in."""

    alertmanager_port: NotRequired[Annotated[int, Knob(9093, checks.port)]]
    """Port of the Alertmanagers."""

    credentials: NotRequired[Annotated[str, Knob("iam-user", checks.one_of(CREDENTIALS))]]
    """How Prometheus asks EC2 for hosts. `iam-user`: with the access key of a user of its own,
    kept in Secrets Manager. `task-role`: with the task's role, without a key."""

    access_key_rotation: NotRequired[Annotated[int, Knob(1, checks.whole(1, 1_000_000))]]
    """Raise it by one to get a new access key."""
