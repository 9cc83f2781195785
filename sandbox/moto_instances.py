"""Instances in moto as AWS has them: their security groups, their user data, their zones."""

import functools
from collections import Counter
from typing import Any


def keep_groups_on_the_interface() -> None:
    """Let an instance's security groups be those of its first network interface, and no others.

    moto keeps a list at each. An instance whose groups were given with its interface (as they must
    be to ask for a public address) then shows none; a group that is taken off at one stays at the
    other. Source:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
    ("attach and detach security groups from an existing EC2 instance")
    """
    from moto.ec2.models.instances import Instance  # noqa: PLC0415 - slow

    def groups(instance: Any) -> Any:  # noqa: ANN401 - moto's
        interface = vars(instance).get("nics", {}).get(0)
        return instance.groups_at_launch if interface is None else interface._group_set  # noqa: SLF001

    def change(instance: Any, wanted: Any) -> None:  # noqa: ANN401 - moto's
        interface = vars(instance).get("nics", {}).get(0)
        if interface is None:
            instance.groups_at_launch = wanted
        else:
            interface._group_set = wanted  # noqa: SLF001

    Instance.security_groups = property(groups, change)  # type: ignore[assignment]


def decode_user_data() -> None:
    """Let a group launch instances from every version of a launch template.

    moto decodes the user data of the first version only, and then insists on it.
    """
    from moto.ec2.models.launch_templates import LaunchTemplateVersion  # noqa: PLC0415 - slow
    from moto.ec2.utils import parse_user_data  # noqa: PLC0415 - slow

    def user_data(version: Any) -> Any:  # noqa: ANN401 - moto's
        data = version.data.get("UserData")
        return parse_user_data(data) if type(data) is str else data

    LaunchTemplateVersion.user_data = property(user_data)  # type: ignore[assignment, method-assign]


@functools.cache  # once a process
def spread_over_subnets() -> None:
    """Let a host of an auto-scaling group come up in the subnet where the group has the fewest.

    moto starts all of them in the first one. Source:
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html
    """
    from moto.autoscaling.models import FakeAutoScalingGroup  # noqa: PLC0415 - slow

    group_class: Any = FakeAutoScalingGroup
    moto_starts = group_class.replace_autoscaling_group_instances

    def start(group: Any, count: int, tags: dict[str, str]) -> None:  # noqa: ANN401 - moto's
        subnets = group.vpc_zone_identifier
        for _ in range(count):
            used = Counter(state.instance.subnet_id for state in group.instance_states)
            group.vpc_zone_identifier = min((subnets or "").split(","), key=used.__getitem__)
            try:
                moto_starts(group, 1, tags)
            finally:
                group.vpc_zone_identifier = subnets

    group_class.replace_autoscaling_group_instances = start
