"""Security groups of instances in moto, as AWS has them."""

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
