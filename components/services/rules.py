"""Rules for what a `MonitoredService` is made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from components import checks
from components.containers import fargate
from components.containers.server import legal_image_context
from components.ingress import rules as ingress
from components.values import is_given, is_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

LAUNCH_TYPES = ("FARGATE", "EC2")

MAX_TASKS = 5000
"""Of a service. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"""

MAX_PRIORITY = 50_000
"""Of a listener's rule. Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""

EC2_CPU = (128, 196_608)
"""CPU units of a task on a host, least and most. Source:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"""

MEMORY_MIB = (32, 122_880)
"""Memory of a task: the least that is of use to any program, and Fargate's most."""

MAX_FURTHER_GROUPS = 4
"""Security groups of a task beside its own; AWS takes 5. Source:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"""

DEFAULT_HEALTH_PATH = "/"

_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*?(:(?P<tag>[\w.-]{1,128})|@sha256:[0-9a-f]{64})", re.ASCII)


def one_image(image: str, image_context: str) -> None:
    """Check that it is said once what the tasks run.

    Raises:
        ValueError: it is said twice, or not at all.
    """
    if bool(image) is bool(image_context):
        raise ValueError(
            "expected either it or image_context, a folder that the image is built from"
        )


def legal_image(image: str) -> None:
    """Check an image that exists; empty means that it is built."""
    match = _IMAGE.fullmatch(image)
    if image and (not match or match["tag"] == "latest"):
        raise ValueError(
            "expected an image with a digest, or a tag that says the version (not latest, which"
            " says none), such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1.2"
        )


def legal_folder(path: str) -> None:
    """Check a folder that the image is built from, which must not be all of the project's."""
    legal_image_context(path)
    if path and Path(path).resolve() == Path.cwd():
        raise ValueError(
            "it is the project's own folder, whose every change would be another image; expected a"
            " folder of the service"
        )


def cpu_fits(cpu: int, launch_type: str) -> None:
    """Check that there are tasks with this CPU.

    Raises:
        ValueError: with what Fargate offers.
    """
    if launch_type == "FARGATE" and cpu not in fargate.MEMORY_MIB:
        raise ValueError(f"Fargate offers {', '.join(map(str, fargate.MEMORY_MIB))} (CPU units)")


def memory_fits(memory: int, cpu: int, launch_type: str) -> None:
    """Check that there are tasks with this memory and CPU.

    Raises:
        ValueError: with what Fargate offers.
    """
    if launch_type == "FARGATE":
        fargate.memory_fits(memory, cpu)


def on_its_capacity(launch_type: str, capacity_provider: pulumi.Input[str]) -> None:
    """Check that tasks on hosts have a capacity provider, and others none with hosts.

    Raises:
        ValueError: they do not go together.
    """
    if launch_type == "EC2" and not is_given(capacity_provider):
        raise ValueError("expected capacity_provider, too: the one that the hosts belong to")
    if is_output(capacity_provider) or not capacity_provider:
        return
    fargates = str(capacity_provider).startswith("FARGATE")
    if fargates is not (launch_type == "FARGATE"):
        raise ValueError(
            f"it does not go with the capacity provider {capacity_provider!r}; expected"
            f" {'FARGATE' if fargates else 'EC2'}"
        )


def only_on_fargate(public: bool, launch_type: str) -> None:  # noqa: FBT001 - a rule's arguments
    """Check that a task that gets a public address runs on Fargate.

    Raises:
        ValueError: it runs on a host. Source:
            https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html
    """
    if public and launch_type == "EC2":
        raise ValueError(
            "a task on a host has no public address; expected private subnets with a NAT gateway"
        )


def at_least_desired(max_count: int, desired_count: int) -> None:
    """Check the most tasks that there may be; 0 means that nothing changes their number.

    Raises:
        ValueError: there would be fewer than desired.
    """
    if 0 < max_count < desired_count:
        raise ValueError(
            f"desired_count is {desired_count}; expected at least as many, or 0 for no auto-scaling"
        )


def host_name_in_domain(host_name: str, domain: str) -> None:
    """Check a service's host name.

    Raises:
        ValueError: it is none, or outside the load balancer's domain.
    """
    if not host_name:
        return
    ingress.domain(host_name)
    if domain and host_name.partition(".")[2] != domain:
        raise ValueError(
            "the load balancer's certificate is for one name before its domain; expected a name"
            f" such as shop.{domain}"
        )


def has_a_listener(
    host_name: str, listener_arn: pulumi.Input[str], group_id: pulumi.Input[str]
) -> None:
    """Check that there is a load balancer for a host name.

    Raises:
        ValueError: there is none.
    """
    if host_name and not (is_given(listener_arn) and is_given(group_id)):
        raise ValueError(
            "expected a load balancer, too: listener_arn and load_balancer_security_group_id"
        )


def priority_of_a_host_name(priority: int, host_name: str) -> None:
    """Check that a host name's rule has a priority.

    Raises:
        ValueError: one is there without the other.
    """
    if host_name and not priority:
        raise ValueError(
            f"the rule for {host_name} needs one; expected 1 to {MAX_PRIORITY}, which no other rule"
            " of the listener has"
        )
    if priority and not host_name:
        raise ValueError("it is for a rule that host_name makes; expected host_name, too, or 0")


def balancer_for_alias(
    zone_id: pulumi.Input[str], dns_name: pulumi.Input[str], balancer_zone: pulumi.Input[str]
) -> None:
    """Check that a record knows what it leads to.

    Raises:
        ValueError: it does not.
    """
    if is_given(zone_id) and not (is_given(dns_name) and is_given(balancer_zone)):
        raise ValueError(
            "expected what the host name leads to, too: load_balancer_dns_name and"
            " load_balancer_zone_id"
        )


def legal_path(path: str) -> None:
    """Check a path of a URL."""
    if not re.fullmatch(r"/[!-~]{0,1023}", path):
        raise ValueError("expected a path that begins with a slash, such as /health")


def asked_by_a_load_balancer(health_path: str, host_name: str) -> None:
    """Check that somebody asks at a path of one's own; the default is no wish.

    Raises:
        ValueError: nobody does, as there is no host name.
    """
    if health_path != DEFAULT_HEALTH_PATH and not host_name:
        raise ValueError(
            "the load balancer asks there, and without host_name it does not lead to the service;"
            " expected health_command, by which ECS asks, or host_name, too"
        )


def legal_group_ids(ids: Sequence[str]) -> None:
    """Check the ids of security groups."""
    wrong = [it for it in ids if not re.fullmatch(r"sg-[0-9a-f]{8,17}", it, re.ASCII)]
    if wrong:
        raise ValueError(
            f"{wrong[0]!r}: expected the id of a security group, such as sg-0123456789abcdef0"
        )
    checks.each_once(ids, "each group")


def legal_further_groups(ids: Sequence[str]) -> None:
    """Check the ids of further security groups of a task.

    Raises:
        ValueError: one is none, or they are too many.
    """
    legal_group_ids(ids)
    if len(ids) > MAX_FURTHER_GROUPS:
        raise ValueError(
            f"a task may have {MAX_FURTHER_GROUPS} groups beside its own; expected at most so many"
        )


def legal_user(user: str) -> None:
    """Check who a container's process is; empty means that the image says it."""
    if not re.fullmatch(r"(\d{1,10}(:\d{1,10})?)?", user, re.ASCII):
        raise ValueError("expected numbers, uid or uid:gid, such as 1000:1000")


def legal_directories(paths: Sequence[str]) -> None:
    """Check the directories that a container may write to."""
    for path in paths:
        if not re.fullmatch(r"(/[\w.-]+)+", path, re.ASCII) or {".", ".."} & {*path.split("/")}:
            raise ValueError(f"{path!r}: expected a path from the root, such as /tmp")
    if len(set(paths)) < len(paths):
        raise ValueError("one is in the list more than once; expected each directory once")


def variables(entries: Sequence[str]) -> dict[str, str]:
    """Parse environment variables, each `NAME=value`.

    Raises:
        ValueError: one is not, or there are two of a name.
    """
    found: dict[str, str] = {}
    for entry in entries:
        match = _VARIABLE.fullmatch(entry)
        if not match:
            name = entry.partition("=")[0]
            raise ValueError(f"{name!r}: expected a variable, such as LOG_LEVEL=info")
        if match[1] in found:
            raise ValueError(f"{match[1]} is in the list more than once; expected it once")
        found[match[1]] = match[2]
    return found


def secret_variables(entries: Sequence[str]) -> dict[str, str]:
    """Parse environment variables that come from secrets, each `NAME=ARN`.

    Raises:
        ValueError: one is not; its value is not told.
    """
    found = variables(entries)
    for name, arn in found.items():
        try:
            ingress.arn("secretsmanager")(arn or "none")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def not_in_plain_text(secret_arns: Sequence[str], environment: Sequence[str]) -> None:
    """Check that no variable is set twice.

    Raises:
        ValueError: one is, with a value and with a secret.
    """
    both = sorted(variables(secret_arns).keys() & variables(environment).keys())
    if both:
        raise ValueError(f"environment sets {', '.join(both)}, too; expected each once")
