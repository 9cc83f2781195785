"""The arguments that every server has, and whatever else runs as tasks of ECS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict

import pulumi

from components import checks
from components.arguments import Knob, Rule
from components.containers import fargate
from components.logs import LogRetentionDays
from components.values import is_given, is_output


def legal_image_context(path: str) -> None:
    """Check a folder that an image is built from; empty means the package's own."""
    if path and not (Path(path) / "Dockerfile").is_file():
        raise ValueError("expected a folder that holds a Dockerfile")


def not_with_image_context(overlay: str | Sequence[str], image_context: str) -> None:
    """Check that there is only one way to files of one's own.

    Raises:
        ValueError: there are two.
    """
    if overlay and image_context:
        raise ValueError(
            "it is laid over the package's own folder, which image_context replaces; expected one"
            " of the two: put its files into the folder of image_context"
        )


def together_with(other: str) -> Rule:
    """Make a rule for a wired argument that is of no use without another one, nor that without it.

    Args:
        other: key of the other one.
    """

    def check(value: pulumi.Input[str], of_other: pulumi.Input[str]) -> None:
        if is_given(value) is not is_given(of_other):
            raise ValueError(f"expected both it and {other}, or neither")

    return Rule(check, (other,), presence=True)


def in_different_subnets(replicas: int, subnet_ids: Sequence[Any]) -> None:
    """Check that there is a subnet, and so a zone, for each task.

    Raises:
        ValueError: with how many there are.
    """
    if replicas > len(subnet_ids):
        raise ValueError(f"there are {len(subnet_ids)} subnets; expected at most one task in each")


def different_subnets(subnet_ids: Sequence[Any]) -> None:
    """Check that no subnet is named twice; of one that is an output, nobody knows yet.

    Raises:
        ValueError: with which is.
    """
    checks.each_once([it for it in subnet_ids if not is_output(it)], "each subnet")


class TaskArgs(TypedDict):
    """Arguments of whatever runs as tasks of an ECS service."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the service runs in."""

    subnet_ids: Annotated[pulumi.Input[Sequence[pulumi.Input[str]]], Rule(different_subnets)]
    """Ids of the subnets that a task may be placed in, each once; they need internet access, or a
    way to AWS's endpoints. Of several servers or tasks, each is in another one: have them in
    different zones."""

    namespace_id: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """Id of the Cloud Map namespace in which others find it, by the component's name.
    Empty: nobody finds it by name."""

    namespace_domain: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("namespace_id")]
    ]
    """Domain of that namespace, such as monitoring.internal."""

    assign_public_ip: NotRequired[Annotated[bool, Knob(default=False)]]
    """Give a task a public address, which it needs for internet access in a public subnet."""

    enable_execute_command: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let Session Manager into the task (ECS Exec), for those whom IAM allows it: the server's port
    on their machine without a port that is open, and commands as root in the container. Another
    value replaces the task."""

    cpu_architecture: NotRequired[
        Annotated[str, Knob("ARM64", checks.one_of(fargate.CPU_ARCHITECTURES))]
    ]
    """Architecture of the task: `ARM64` (cheaper) or `X86_64`."""

    log_retention_days: NotRequired[LogRetentionDays]
    """Days that the log is kept."""

    delete_images_on_destroy: NotRequired[Annotated[bool, Knob(default=False)]]
    """Let `pulumi destroy` delete the image repository although it holds images."""


class ServerArgs(TaskArgs):
    """Arguments of every server; a server's own come on top."""

    target_group_arn: NotRequired[Annotated[pulumi.Input[str], Knob("")]]
    """ARN of the load balancer's target group that the tasks are registered with; a listener must
    use it already. Empty: there is no load balancer."""

    load_balancer_security_group_id: NotRequired[
        Annotated[pulumi.Input[str], Knob(""), together_with("target_group_arn")]
    ]
    """Id of that load balancer's security group, which the server admits."""

    image_context: NotRequired[Annotated[str, Knob("", legal_image_context)]]
    """Folder that the image is built from, for a configuration of your own. Empty: the package's
    own."""

    overlay: NotRequired[Annotated[str, Knob("")]]
    """Folder of your own files, laid over the package's (docs/own-configuration.md), a path from
    the project's folder. Empty: there is none."""

    overlays: NotRequired[Annotated[Sequence[str], Knob(())]]
    """Further such folders, as services bring them along. Empty: there are none."""

    task_cpu: NotRequired[Annotated[int, Knob(256, checks.one_of(tuple(fargate.MEMORY_MIB)))]]
    """CPU units of the Fargate task; 1024 are one vCPU."""

    task_memory: NotRequired[Annotated[int, Knob(512), Rule(fargate.memory_fits, ("task_cpu",))]]
    """Memory of the Fargate task in MiB, one that goes with its CPU."""

    storage_gib: NotRequired[Annotated[int, Knob(21, checks.whole(*fargate.STORAGE_GIB, "GiB"))]]
    """Ephemeral storage of the Fargate task in GiB, 21 to 200."""
