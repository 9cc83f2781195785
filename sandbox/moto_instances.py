"""Instances in moto as AWS has them: their security groups, and their user data."""

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
