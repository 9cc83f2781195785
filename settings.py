"""The stack's configuration: read once, checked as a whole, then frozen.

This is the only reader of `pulumi.Config`. Every problem is reported at once, under the key that
the user typed, before any resource is registered.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Self

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from components import checks
from components.monitoring_network import available_zone_names, zones_available

PROJECT = "prometheus-aws"
"""Namespace of the keys: the project's name in `Pulumi.yaml`."""


class SettingsError(pulumi.RunError):
    """The configuration is not legal; the message names every key, its value and what is expected.

    A `RunError`, so that Pulumi shows the message without a stack trace.
    """


def _boolean(value: object) -> object:
    """Accept what Pulumi itself takes for a boolean, not pydantic's `yes`, `on` and `1`."""
    if value not in ("true", "false", True, False):
        raise ValueError("expected true or false")
    return value


Boolean = Annotated[bool, BeforeValidator(_boolean)]
Cidrs = Annotated[tuple[str, ...], AfterValidator(checks.admin_cidrs)]


class Settings(BaseModel):
    """The stack's settings; a key is the field's name in camel case."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_default=True
    )

    environment: Annotated[str, AfterValidator(checks.label_value)] = Field(
        default="",
        description="Name of the environment: a label of every metric and a tag of every host."
        " Empty: the stack's name.",
    )
    vpc_cidr: str = Field(
        default="10.42.0.0/16",
        description="Address range of the VPC: private, from /16 to /28.",
    )
    zone_count: Annotated[int, AfterValidator(checks.zone_count)] = Field(
        default=2,
        description="Number of availability zones, each with a public and a private subnet. Subnets"
        " never move; hosts are spread over the zones, so another number moves some of them.",
    )
    nat_strategy: Annotated[str, AfterValidator(checks.nat_strategy)] = Field(
        default="none",
        description="`none`: everything runs in public subnets, behind security groups (free)."
        " `single` or `per-az`: everything runs in private subnets, with one NAT gateway or one"
        " in each zone.",
    )
    flow_logs: Boolean = Field(default=False, description="Write VPC flow logs to CloudWatch Logs.")
    host_count: Annotated[int, AfterValidator(checks.host_count)] = Field(
        default=2, description="Number of exporter hosts, 0 to 1000."
    )
    host_instance_type: Annotated[str, AfterValidator(checks.instance_type)] = Field(
        default="t4g.nano", description="EC2 instance type of the hosts."
    )
    host_root_volume_gib: Annotated[int, AfterValidator(checks.root_volume_gib)] = Field(
        default=8, description="Size of a host's encrypted root volume, in GiB."
    )
    host_ami_id: str = Field(
        default="",
        pattern=r"^(ami-[0-9a-f]{8,17})?$",
        description="Image of the hosts; another one replaces them. Empty: the newest Amazon Linux"
        " 2023 when a host is made, which then keeps it.",
    )
    ssh_key_name: str = Field(
        default="", max_length=255, description="EC2 key pair of the hosts. Empty: none."
    )
    ssh_cidrs: Cidrs = Field(
        default=(),
        description="Networks that may reach port 22 of the hosts. Empty: none (use Session"
        " Manager).",
    )
    admin_cidrs: Cidrs = Field(
        default=(),
        description="Networks that may reach Prometheus, by plain HTTP. Empty: none. 0.0.0.0/0 is"
        " refused.",
    )
    prometheus_port: Annotated[int, AfterValidator(checks.port)] = Field(
        default=9090, description="Port of Prometheus."
    )
    node_exporter_port: Annotated[int, AfterValidator(checks.port)] = Field(
        default=9100, description="Port of node_exporter on the hosts."
    )
    cpu_architecture: Annotated[str, AfterValidator(checks.cpu_architecture)] = Field(
        default="ARM64", description="Architecture of the Fargate task: `ARM64` or `X86_64`."
    )
    task_cpu: Annotated[int, AfterValidator(checks.fargate_cpu)] = Field(
        default=256, description="CPU units of the Fargate task; 1024 are one vCPU."
    )
    task_memory: int = Field(
        default=512, description="Memory of the Fargate task in MiB, one that goes with taskCpu."
    )
    storage_gib: Annotated[int, AfterValidator(checks.storage_gib)] = Field(
        default=21,
        description="Ephemeral storage of the Fargate task in GiB, 21 to 200; Prometheus uses up"
        " to 80 % of it.",
    )
    retention: Annotated[str, AfterValidator(checks.retention)] = Field(
        default="15d", description="How long Prometheus keeps samples, as long as there is room."
    )
    scrape_interval: Annotated[str, AfterValidator(checks.scrape_interval)] = Field(
        default="15s", description="Time between two scrapes of a target, 1 s to 1 min."
    )
    discovery_refresh_interval: Annotated[str, AfterValidator(checks.refresh_interval)] = Field(
        default="60s", description="Time between two looks for hosts, 1 s to 1 h."
    )
    discovery_tag_key: Annotated[str, AfterValidator(checks.host_tag_key)] = Field(
        default="prometheus-scrape", description="Key of the tag that a host carries to be scraped."
    )
    discovery_tag_value: Annotated[str, AfterValidator(checks.tag_value)] = Field(
        default="true", description="Value of that tag."
    )
    credentials: Annotated[str, AfterValidator(checks.credentials)] = Field(
        default="iam-user",
        description="How Prometheus asks EC2 for hosts. `iam-user`: with the access key of a user"
        " of its own, kept in Secrets Manager. `task-role`: with the task's role, without a key.",
    )
    access_key_rotation: Annotated[int, AfterValidator(checks.access_key_rotation)] = Field(
        default=1, description="Raise it by one to get a new access key."
    )
    log_retention_days: Annotated[int, AfterValidator(checks.log_retention_days)] = Field(
        default=14, description="Days that logs are kept."
    )
    delete_images_on_destroy: Boolean = Field(
        default=False,
        description="Let `pulumi destroy` delete the image repository although it holds images.",
    )

    @field_validator("environment", mode="before")
    @classmethod
    def _environment_is_the_stack(cls, value: object, info: ValidationInfo) -> object:
        return value or _context(info)["stack"]

    @field_validator("vpc_cidr")
    @classmethod
    def _vpc_cidr(cls, value: str, info: ValidationInfo) -> str:
        return checks.vpc_cidr(value, allow_loopback=_context(info)["emulated"])

    @field_validator("zone_count")
    @classmethod
    def _zones(cls, value: int, info: ValidationInfo) -> int:
        zones_available(value, _context(info)["available_zones"]())
        if "vpc_cidr" in info.data:
            checks.zones_fit(info.data["vpc_cidr"], value)
        return value

    @field_validator("host_count")
    @classmethod
    def _hosts(cls, value: int, info: ValidationInfo) -> int:
        if {"vpc_cidr", "zone_count"} <= info.data.keys():
            checks.hosts_fit(info.data["vpc_cidr"], info.data["zone_count"], value)
        return value

    @field_validator("task_memory")
    @classmethod
    def _memory(cls, value: int, info: ValidationInfo) -> int:
        if "task_cpu" in info.data:
            checks.fargate_memory(info.data["task_cpu"], value)
        return value

    @property
    def in_public_subnets(self) -> bool:
        """Whether there is no NAT gateway, so that public subnets are the only way out."""
        return self.nat_strategy == "none"

    @classmethod
    def parse(
        cls,
        values: Mapping[str, str],
        *,
        stack: str,
        emulated: bool = False,
        available_zones: Callable[[], Sequence[str]],
    ) -> Self:
        """Check raw configuration values.

        Args:
            values: key without namespace -> value as Pulumi hands it over: text, JSON for a list.
            stack: name of the stack, the default of `environment`.
            emulated: the AWS provider talks to an emulator, so that the VPC may be in 127.0.0.0/8.
            available_zones: gives the names of the region's availability zones; asked only when
                `zoneCount` is a legal number.

        Raises:
            SettingsError: with every problem.
        """
        context = {"stack": stack, "emulated": emulated, "available_zones": available_zones}
        raw = {key: _from_text(cls, key, value) for key, value in values.items()}
        try:
            return cls.model_validate(raw, context=context)
        except ValidationError as error:
            problems = [_problem(dict(problem), values) for problem in error.errors()]
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise SettingsError(
            f"the configuration of stack {stack!r} has {len(problems)} problem(s); nothing was"
            f" changed:{lines}\nMend it with `pulumi config set <key> <value>` or in"
            f" Pulumi.{stack}.yaml; docs/configuration.md has all the keys."
        )

    @classmethod
    def load(cls) -> Self:
        """Read and check the configuration of the stack that is being deployed.

        Raises:
            SettingsError: with every problem.
        """
        prefix = f"{PROJECT}:"
        # Pulumi has no public way to list the keys, which is what finds the misspelt ones.
        keys = {*CONFIG.get(), *get_config_env()}
        config = pulumi.Config(PROJECT)
        values = {
            key.removeprefix(prefix): config.get(key.removeprefix(prefix)) or ""
            for key in keys
            if key.startswith(prefix)
        }
        return cls.parse(
            values,
            stack=pulumi.get_stack(),
            emulated=bool(pulumi.Config("aws").get_object("endpoints")),
            available_zones=available_zone_names,
        )


EXPECTATIONS = {
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "tuple_type": "expected a list",
    "string_pattern_mismatch": "expected the id of an image, such as ami-0123456789abcdef0",
}
"""What pydantic finds wrong -> what is expected, in our words."""


def _context(info: ValidationInfo) -> dict[str, Any]:
    return info.context or {}


def _from_text(model: type[BaseModel], key: str, value: str) -> object:
    """Parse the JSON of a list; anything else stays text, for pydantic to convert."""
    field = next((f for f in model.model_fields.values() if f.alias == key), None)
    if field is not None and isinstance(field.default, tuple):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _problem(problem: Mapping[str, Any], values: Mapping[str, str]) -> str:
    key = str(problem["loc"][0])
    if key not in values:  # a default: pydantic then gives the field's own name
        key = to_camel(key)
    name = f"{PROJECT}:{key}"
    if problem["type"] == "extra_forbidden":
        known = sorted(str(field.alias) for field in Settings.model_fields.values())
        meant = get_close_matches(key, known, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"expected one of {', '.join(known)}"
        return f"{name} is unknown: {hint}"
    stack = " (the stack's name)" if key == "environment" and not values.get(key) else ""
    message = EXPECTATIONS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{name} is {values.get(key) or problem['input']!r}{stack}: {message}"
