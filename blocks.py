"""The blocks of the stack's configuration: what each is made of.

A block is the knobs of a room's components, by their own names; defaults and rules are theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from components import (
    AlertmanagerServiceArgs,
    BastionArgs,
    ClusterDaemonsArgs,
    ExporterGroupArgs,
    ExporterNodeArgs,
    GrafanaServiceArgs,
    IngressArgs,
    MonitoredServiceArgs,
    MonitoringNetworkArgs,
    NotificationTopicArgs,
    PrometheusServiceArgs,
    ServiceClusterArgs,
    checks,
)
from components.arguments import Argument, Knob, arguments, camel, declared, snake
from components.configuration import ConfigurationArgs
from components.services.monitored_service import MAX_NAME_LENGTH
from components.services.rules import legal_further_groups
from components.storage import STORAGE

ENVIRONMENT = "environment"
"""The one key that is no block: a label of every metric and a tag of every host."""

DEFAULT_TAGS = "aws:defaultTags"
"""The key by which the provider gives tags to everything."""

MAX_HOSTS = 1000

CLUSTER, DAEMONS, SERVICE = "services", "daemons", "svc"
"""What the names of the components begin with that the blocks `cluster` and `services` make. The
rights of GitHub's roles name them (bootstrap/policies.py); a user's services have names of all
kinds."""

DELIVERED = ("configuration_refresh_interval", "configuration_port")
"""Arguments of the servers that the block `configuration` says."""


@arguments
class HostsArgs(TypedDict):
    """What the program itself adds to the hosts' arguments."""

    count: NotRequired[Annotated[int, Knob(2, checks.whole(0, MAX_HOSTS))]]
    """Number of exporter hosts, 0 to 1000."""


@arguments
class ServicesArgs(TypedDict):
    """Arguments of a service that are wired in its component, and settings here."""

    security_group_ids: NotRequired[Annotated[Sequence[str], Knob((), legal_further_groups)]]
    """Ids of up to 4 further security groups of the tasks, which exist in the stack's VPC: by its
    own group, a task connects by HTTPS only, and nobody but Prometheus and the load balancer
    connects to it (docs/monitor-your-service.md)."""


class Block(NamedTuple):
    """A block of settings: the knobs of one or more components."""

    sentence: str
    shapes: tuple[type, ...]
    given: frozenset[str]
    """Arguments that are no settings: the program gives them."""

    optional: bool = False
    """Whether it switches its capability on: by being there, even as `{}`."""

    prefix: str = ""
    """What the names of its arguments begin with, and its keys do not."""

    names: int = 0
    """Most characters of a name, where it holds any number of such blocks, each under a name of its
    own. 0: it is one."""

    def key(self, argument: str) -> str:
        """Spell an argument as the user types it."""
        return camel(argument.removeprefix(self.prefix))

    def argument(self, key: str) -> str:
        """Spell a key as the component does."""
        return self.prefix + snake(key)

    @property
    def knobs(self) -> dict[str, Argument]:
        """Key as the user types it -> what the component declares."""
        return {
            self.key(key): argument._replace(
                rules=tuple(
                    rule._replace(needs=tuple(map(self.key, rule.needs))) for rule in argument.rules
                )
            )
            for shape in self.shapes
            for key, argument in declared(shape).items()
            if not argument.wired and key not in self.given
        }


BLOCKS: Mapping[str, Block] = {
    "network": Block(
        "The VPC and its subnets.",
        (MonitoringNetworkArgs,),
        frozenset({"allow_loopback_cidr", "ssh_cidrs", "instance_types"}),
    ),
    "hosts": Block(
        "The EC2 hosts that run node_exporter, and how Prometheus finds them.",
        (HostsArgs, ExporterGroupArgs, ExporterNodeArgs),
        frozenset(
            {"node_exporter_version", "replace_on_new_ami", "associate_public_ip", ENVIRONMENT}
        ),
    ),
    "storage": Block(
        "Where Prometheus's samples are: on Fargate, or on a volume that outlives its task.",
        (PrometheusServiceArgs,),
        frozenset(declared(PrometheusServiceArgs).keys() - STORAGE),
        prefix="storage_",
    ),
    "prometheus": Block(
        "The Prometheus server.",
        (PrometheusServiceArgs,),
        frozenset(
            {
                *STORAGE,
                *(ENVIRONMENT, "version", "assign_public_ip", "image_context", "overlays"),
                *("node_exporter_port", "discovery_tag_key", "discovery_tag_value"),
                *("alertmanager_port", *DELIVERED),
                *("expected_tasks", "cadvisor_port"),
            }
        ),
    ),
    "alertmanager": Block(
        "Alertmanager, which tells people of alerts.",
        (AlertmanagerServiceArgs,),
        frozenset({"version", "assign_public_ip", "image_context", "overlays", *DELIVERED}),
        optional=True,
    ),
    "notifications": Block(
        "Who is told by AWS itself when a server is in trouble.",
        (NotificationTopicArgs,),
        frozenset(),
        optional=True,
    ),
    "grafana": Block(
        "Grafana, with dashboards of what Prometheus stores.",
        (GrafanaServiceArgs,),
        frozenset(
            {
                *("version", "assign_public_ip", "image_context", "overlays"),
                *("prometheus_port", "alertmanager_port", "scrape_interval", "runbook_base_url"),
                "prometheus_replicas",
            }
        ),
        optional=True,
    ),
    "ingress": Block(
        "The way in: a load balancer with TLS and a login, and host names.",
        (IngressArgs,),
        frozenset({"servers", "sticky_servers", "ipv6"}),
        optional=True,
    ),
    "configuration": Block(
        "How rules, jobs, routes and templates get to Prometheus and Alertmanager.",
        (ConfigurationArgs,),
        frozenset(),
    ),
    "cluster": Block(
        "The ECS cluster that services run in, and what measures its hosts and containers.",
        (ServiceClusterArgs, ClusterDaemonsArgs),
        frozenset(
            {"node_exporter_version", "node_exporter_port", "cadvisor_version", "cpu_architecture"}
        ),
        optional=True,
    ),
    "services": Block(
        "Your own services, each under its name, which is the label `job` of its metrics.",
        (ServicesArgs, MonitoredServiceArgs),
        frozenset({"assign_public_ip", "domain", "ipv6"}),
        names=MAX_NAME_LENGTH - len(f"{SERVICE}-"),
    ),
    "bastion": Block(
        "A host to reach servers through, by Session Manager or SSH (docs/access.md).",
        (BastionArgs,),
        frozenset({"associate_public_ip", "prometheus_port", "alertmanager_port", "grafana_port"}),
        optional=True,
    ),
}
"""Name of a block -> what is in it."""


def paths() -> Iterator[str]:
    """Say where every knob is: block and key as the user types them."""
    for name, block in BLOCKS.items():
        for key in block.knobs:
            yield f"{name}.<name>.{key}" if block.names else f"{name}.{key}"


def for_network(
    hosts: Mapping[str, Any], storage: Mapping[str, Any], bastion: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the network's arguments that other blocks say, as far as they are legal."""
    found: dict[str, Any] = {}
    if "ssh_cidrs" in hosts:
        found["ssh_cidrs"] = ssh_cidrs(hosts, bastion)[: checks.MAX_CIDRS]
    if "instance_type" in hosts:
        types = [hosts["instance_type"]]
        if storage.get("storage_kind") == "ebs" and "storage_instance_type" in storage:
            types.append(storage["storage_instance_type"])
        if bastion and "instance_type" in bastion:
            types.append(bastion["instance_type"])
        found["instance_types"] = list(dict.fromkeys(types))
    return found


def ssh_cidrs(hosts: Mapping[str, Any], bastion: Mapping[str, Any] | None) -> Sequence[str]:
    """Networks whose SSH is let in, to hosts or to the bastion."""
    return list(dict.fromkeys([*hosts.get("ssh_cidrs", ()), *(bastion or {}).get("ssh_cidrs", ())]))


def for_storage(prometheus: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the storage's rules need of Prometheus's block, as far as it is legal."""
    needed = ("cpu_architecture", "task_cpu", "task_memory")
    return {key: prometheus[key] for key in needed if prometheus and key in prometheus}
