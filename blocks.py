"""The blocks of the stack's configuration: what each is made of, and the rules between them.

A block is the knobs of a room's components, by their own names; defaults and rules are theirs.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from components import (
    AlertmanagerServiceArgs,
    ExporterGroupArgs,
    ExporterNodeArgs,
    GrafanaServiceArgs,
    IngressArgs,
    MonitoringNetworkArgs,
    NotificationTopicArgs,
    PrometheusServiceArgs,
    checks,
)
from components.alertmanager.rules import CLUSTER_PORT
from components.arguments import Argument, Knob, Problem, arguments, camel, declared, snake
from components.configuration import ConfigurationArgs
from components.ingress.rules import MIN_SUBNETS
from components.network.acl import acl_rule
from components.network.subnets import hosts_fit
from components.storage import STORAGE
from default_tags import STACK

ENVIRONMENT = "environment"
"""The one key that is no block: a label of every metric and a tag of every host."""

DEFAULT_TAGS = "aws:defaultTags"
"""The key by which the provider gives tags to everything."""

HTTPS = 443

MAX_HOSTS = 1000

DELIVERED = ("configuration_refresh_interval", "configuration_port")
"""Arguments of the servers that the block `configuration` says."""

DELIVERED_TO = ("prometheus", "alertmanager")
"""The servers that it is about."""


@arguments
class HostsArgs(TypedDict):
    """What the program itself adds to the hosts' arguments."""

    count: NotRequired[Annotated[int, Knob(2, checks.whole(0, MAX_HOSTS))]]
    """Number of exporter hosts, 0 to 1000."""


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
                *(ENVIRONMENT, "version", "assign_public_ip", "image_context"),
                *("node_exporter_port", "discovery_tag_key", "discovery_tag_value"),
                *("alertmanager_port", *DELIVERED),
            }
        ),
    ),
    "alertmanager": Block(
        "Alertmanager, which tells people of alerts.",
        (AlertmanagerServiceArgs,),
        frozenset({"version", "assign_public_ip", "image_context", *DELIVERED}),
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
                *("version", "assign_public_ip", "image_context"),
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
}
"""Name of a block -> what is in it."""


def paths() -> Iterator[str]:
    """Say where every knob is: block and key as the user types them."""
    for name, block in BLOCKS.items():
        for key in block.knobs:
            yield f"{name}.{key}"


def for_network(hosts: Mapping[str, Any], storage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network's arguments that other blocks say, as far as they are legal."""
    found = {}
    if "ssh_cidrs" in hosts:
        found["ssh_cidrs"] = hosts["ssh_cidrs"]
    if "instance_type" in hosts:
        types = [hosts["instance_type"]]
        if storage.get("storage_kind") == "ebs" and "storage_instance_type" in storage:
            types.append(storage["storage_instance_type"])
        found["instance_types"] = list(dict.fromkeys(types))
    return found


def for_storage(prometheus: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the storage's rules need of Prometheus's block, as far as it is legal."""
    needed = ("cpu_architecture", "task_cpu", "task_memory")
    return {key: prometheus[key] for key in needed if prometheus and key in prometheus}


def problems_between(
    found: Mapping[str, Any], default_tags: Collection[str]
) -> Iterator[tuple[str, Problem]]:
    """Check blocks against each other, as far as they are legal by themselves.

    Args:
        found: name of a block -> its legal arguments by the components' own names, or None.
        default_tags: keys of the tags that the provider gives to everything.

    Yields:
        Path of a key, and what is wrong with it.
    """
    network, hosts = found["network"], found["hosts"]
    yield from _hosts_that_do_not_fit(hosts, network)
    for name in ("prometheus", "alertmanager"):
        yield from _replicas_that_do_not_fit(name, found[name] or {}, network)
    yield from _alertmanager_that_does_not_fit(found)
    yield from _port_that_is_taken(found)
    yield from _ingress_that_does_not_fit(found["ingress"], network)
    yield from _storage_that_does_not_fit(found["storage"], network)
    yield from _tag_of_everything(hosts, default_tags)


def _hosts_that_do_not_fit(
    hosts: Mapping[str, Any], network: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    if "count" in hosts and {"vpc_cidr", "zone_count"} <= network.keys():
        try:
            hosts_fit(hosts["count"], network["vpc_cidr"], network["zone_count"])
        except ValueError as error:
            yield "hosts.count", Problem("count", str(error), hosts["count"])


def _replicas_that_do_not_fit(
    name: str, server: Mapping[str, Any], network: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    replicas, zones = server.get("replicas", 0), network.get("zone_count")
    if zones is not None and replicas > zones:
        problem = f"each is in another zone; expected at most {zones}, as network.zoneCount says"
        yield f"{name}.replicas", Problem("replicas", problem, replicas)


def _alertmanager_that_does_not_fit(
    found: Mapping[str, Mapping[str, Any] | None],
) -> Iterator[tuple[str, Problem]]:
    block = found["alertmanager"] or {}
    for key in ("page_with", "notify_with"):
        if "sns" in block.get(key, ()) and found["notifications"] is None:
            problem = "sns needs a topic; expected the block notifications, which makes it"
            yield f"alertmanager.{camel(key)}", Problem(camel(key), problem, block[key])


def _port_that_is_taken(
    found: Mapping[str, Mapping[str, Any] | None],
) -> Iterator[tuple[str, Problem]]:
    configuration = found["configuration"] or {}
    if configuration.get("delivery") != "live" or "port" not in configuration:
        return
    taken = {server: [(found[server] or {}).get("port")] for server in DELIVERED_TO}
    if found["alertmanager"] is not None:
        taken["alertmanager"].append(CLUSTER_PORT)
    for server, ports in taken.items():
        if configuration["port"] in ports:
            problem = f"{server}, in whose task it is, has this port; expected another one"
            yield "configuration.port", Problem("port", problem, configuration["port"])


def _ingress_that_does_not_fit(
    ingress: Mapping[str, Any] | None, network: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    if ingress is None:
        return
    zones = network.get("zone_count", MIN_SUBNETS)
    if zones < MIN_SUBNETS:
        message = f"a load balancer takes {MIN_SUBNETS} zones; expected at least {MIN_SUBNETS}"
        yield "network.zoneCount", Problem("zoneCount", message, zones)
    try:
        checks.ipv6_only_with_ipv6(ingress.get("cidrs", ()), network.get("ipv6", True))
    except ValueError as error:
        yield "ingress.cidrs", Problem("cidrs", str(error), ingress["cidrs"])
    closed = network.get("network_acl") and "network_acl_ingress" in network
    if closed and not ingress.get("internal", True):
        rules = [acl_rule(entry) for entry in network["network_acl_ingress"]]
        if not any(it.protocol == "tcp" and it.from_port <= HTTPS <= it.to_port for it in rules):
            yield (
                "network.networkAclIngress",
                Problem(
                    "networkAclIngress",
                    "nobody could connect to the load balancer; expected a rule for HTTPS, such as"
                    " 'tcp 443 0.0.0.0/0': its security group says who may",
                    network["network_acl_ingress"],
                ),
            )
    isolated = network.get("nat_strategy") == "none" and ingress.get("internal")
    if isolated and not ingress.get("without_authentication", True):
        yield (
            "ingress.internal",
            Problem(
                "internal",
                "without a NAT gateway, an internal load balancer cannot reach the identity"
                " provider; expected network.natStrategy single or per-az",
                ingress["internal"],
            ),
        )


def _storage_that_does_not_fit(
    storage: Mapping[str, Any], network: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    if storage.get("storage_kind") == "ebs" and network.get("nat_strategy") == "none":
        message = (
            "a task on a host has no public address, and without a NAT gateway no way to AWS;"
            " expected network.natStrategy single or per-az"
        )
        yield "storage.kind", Problem("kind", message, "ebs")


def _tag_of_everything(
    hosts: Mapping[str, Any], default_tags: Collection[str]
) -> Iterator[tuple[str, Problem]]:
    """Check that the tag for discovery is one that only hosts have."""
    key = hosts.get("discovery_tag_key")
    givers = {**dict.fromkeys(default_tags, DEFAULT_TAGS), STACK: "this program"}
    if key in givers:
        problem = (
            f"{givers[key]} gives this tag to everything, not only to hosts that are to be"
            " scraped; expected another key"
        )
        yield "hosts.discoveryTagKey", Problem("discoveryTagKey", problem, key)
