"""Records of Route53 that lead to a load balancer."""

import pulumi
import pulumi_aws as aws


def alias_records(
    parent: pulumi.Resource,
    name: str,
    *,
    zone_id: pulumi.Input[str],
    host_name: str,
    balancer: tuple[pulumi.Input[str], pulumi.Input[str]],
    ipv6: bool,
) -> None:
    """Register the records of a host name.

    Args:
        parent: the component that they belong to.
        name: of the resource; that for IPv6 has `-ipv6` at its end.
        zone_id: of the hosted zone.
        host_name: which is in that zone.
        balancer: the name that AWS has given the load balancer, and the id of that name's zone.
        ipv6: whether the load balancer has IPv6.
    """
    dns_name, balancer_zone_id = balancer
    for kind, record in {"A": name, **({"AAAA": f"{name}-ipv6"} if ipv6 else {})}.items():
        aws.route53.Record(
            record,
            zone_id=zone_id,
            name=host_name,
            type=kind,
            aliases=[
                {"name": dns_name, "zone_id": balancer_zone_id, "evaluate_target_health": False}
            ],
            opts=pulumi.ResourceOptions(parent=parent),
        )
