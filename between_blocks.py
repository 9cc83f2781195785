"""The rules between the blocks of the stack's configuration: what does not go together."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from blocks import DEFAULT_TAGS, ssh_cidrs
from components import checks
from components.alertmanager.rules import CLUSTER_PORT
from components.arguments import Problem, camel
from components.daemons.rules import another_port
from components.exporters.instance_types import instance_architecture
from components.grafana.grafana_service import legal_overlays as legal_dashboards
from components.ingress.rules import MIN_SUBNETS
from components.network.acl import acl_rule
from components.network.subnets import hosts_fit
from components.prometheus.clusters import legal_tasks
from components.prometheus.prometheus_args import legal_overlays as legal_rules
from components.services import between
from components.services import rules as service_rules
from components.services.monitoring import overlays
from default_tags import STACK

HTTPS = 443

DELIVERED_TO = ("prometheus", "alertmanager")
"""The servers that it is about."""


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
    yield from _cluster_that_does_not_fit(found["cluster"], network, hosts)
    yield from _services_that_do_not_fit(found)
    yield from _ssh_that_does_not_fit(hosts, found["bastion"])
    yield from _monitoring_that_does_not_fit(found)
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


def _cluster_that_does_not_fit(
    cluster: Mapping[str, Any] | None, network: Mapping[str, Any], hosts: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    if not cluster or cluster.get("capacity") != "ec2":
        return
    if "cadvisor_port" in cluster and "node_exporter_port" in hosts:
        try:
            another_port(cluster["cadvisor_port"], hosts["node_exporter_port"])
        except ValueError as error:
            problem = Problem("cadvisorPort", str(error), cluster["cadvisor_port"])
            yield "cluster.cadvisorPort", problem
    if network.get("nat_strategy") == "none":
        message = (
            "a task on a host has no public address, and without a NAT gateway no way to AWS;"
            " expected network.natStrategy single or per-az, or fargate"
        )
        yield "cluster.capacity", Problem("capacity", message, "ec2")


def _services_that_do_not_fit(found: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
    services, cluster, ingress = found["services"], found["cluster"], found["ingress"]
    if services and cluster is None:
        message = "need a cluster; expected the block cluster, which makes one"
        yield "services", Problem("", message)
    for name, args in services.items():
        if args.get("launch_type") == "EC2":
            yield from _hosts_that_do_not_run(name, args, cluster or {})
        job = args.get("job")
        if job:
            try:
                legal_tasks({job: 1})  # by which Prometheus is told how many there are
            except ValueError as error:
                yield f"services.{name}.job", Problem("job", str(error), job)
        host_name = args.get("host_name")
        if host_name and ingress is None:
            message = "there is no load balancer; expected the block ingress, which makes one"
            yield f"services.{name}.hostName", Problem("hostName", message, host_name)
        elif host_name and "domain" in (ingress or {}):
            try:
                service_rules.host_name_in_domain(host_name, ingress["domain"])
            except ValueError as error:
                yield f"services.{name}.hostName", Problem("hostName", str(error), host_name)
    servers = ("prometheus", "alertmanager", "grafana")
    for name, problem in between.problems_between_services(
        services,
        domain=(ingress or {}).get("domain", ""),
        servers=[it for it in servers if ingress and found[it] is not None],
    ):
        key = camel(problem.key)
        where = f"services.{name}" + ("" if problem.key == "its name" else f".{key}")
        yield where, problem._replace(key=key)


def _hosts_that_do_not_run(
    name: str, args: Mapping[str, Any], cluster: Mapping[str, Any]
) -> Iterator[tuple[str, Problem]]:
    """Check that a service's tasks can run on hosts: ECS would look for a place for ever."""
    if cluster.get("capacity") == "fargate":
        message = "the cluster has no hosts; expected FARGATE, or cluster.capacity ec2"
        yield f"services.{name}.launchType", Problem("launchType", message, "EC2")
    elif cluster.get("instance_types") and "cpu_architecture" in args:
        first, given = cluster["instance_types"][0], args["cpu_architecture"]
        of_hosts = instance_architecture(first).upper()
        if given != of_hosts:
            message = (
                f"hosts of type {first} are {of_hosts}; expected that, or cluster.instanceTypes"
            )
            yield f"services.{name}.cpuArchitecture", Problem("cpuArchitecture", message, given)


def _ssh_that_does_not_fit(
    hosts: Mapping[str, Any], bastion: Mapping[str, Any] | None
) -> Iterator[tuple[str, Problem]]:
    networks = len(ssh_cidrs(hosts, bastion))
    if bastion and networks > checks.MAX_CIDRS:
        message = (
            f"with hosts.sshCidrs, these are {networks} networks; expected at most"
            f" {checks.MAX_CIDRS} together, which is what a network ACL has room for"
        )
        yield "bastion.sshCidrs", Problem("sshCidrs", message, bastion["ssh_cidrs"])


def _monitoring_that_does_not_fit(found: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
    """Check what services bring for a server together with each other and the user's own files."""
    prometheus, grafana = found["prometheus"] or {}, found["grafana"] or {}
    checked: dict[str, Callable[[list[str]], None]] = {}
    if {"overlay", "scrape_interval"} <= prometheus.keys():
        checked["prometheus"] = lambda paths: legal_rules(
            paths, prometheus["overlay"], prometheus["scrape_interval"]
        )
    if "overlay" in grafana:
        checked["grafana"] = lambda paths: legal_dashboards(paths, grafana["overlay"])
    for server, check in checked.items():
        folders = {
            name: overlays(args.get("monitoring", "")).get(server)
            for name, args in found["services"].items()
        }
        brought: list[str] = []
        try:
            check([str(folder) for folder in folders.values() if folder])
        except ValueError:
            pass
        else:
            continue
        for name, folder in folders.items():  # whose it is
            if folder is None:
                continue
            try:
                check([*brought, str(folder)])
            except ValueError as error:
                problem = Problem("monitoring", str(error), found["services"][name]["monitoring"])
                yield f"services.{name}.monitoring", problem
            else:
                brought.append(str(folder))


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
