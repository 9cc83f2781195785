"""Prometheus as an ECS service on Fargate, with its image, its credentials and its log."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pulumi_random as random

from components import checks, policies
from components.container_definition import (
    VOLUMES,
    Discovery,
    Secret,
    Storage,
    container_definition,
    environment_variables,
    image_tag,
    url_command,
)

UNTAGGED_IMAGE_DAYS = 14
"""Days until the rest of a broken push is removed. Tagged images, which a rollback may need, and
the parts of a tagged image index are never removed. Source:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"""

SECRET_RECOVERY_DAYS = 7
"""Days in which a deleted secret can be had back: AWS's least, and more than none."""

ECS_TASKS = "ecs-tasks.amazonaws.com"

DOCKER_PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


class PrometheusServiceArgs(TypedDict):
    """Arguments of a `PrometheusService`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC that the service runs in and discovers hosts in."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Ids of the subnets that the task may be placed in; they need a way to AWS's endpoints."""

    environment: str
    """Name of the environment: the external label `environment`."""

    prometheus_version: str
    """Version of Prometheus, such as `3.15.0`."""

    image_context: str
    """Path of the folder that the image is built from."""

    assign_public_ip: NotRequired[bool]
    """Give the task a public address: the way out of a public subnet. Default: false."""

    admin_cidrs: NotRequired[Sequence[str]]
    """Networks that may reach Prometheus's port. Default: none; the whole world is refused."""

    prometheus_port: NotRequired[int]
    """Port that Prometheus listens on, 1024 to 65535. Default: 9090."""

    node_exporter_port: NotRequired[int]
    """Port of the hosts that Prometheus scrapes, 1024 to 65535. Default: 9100."""

    discovery_tag_key: NotRequired[str]
    """Key of the tag that a host carries to be scraped. Default: `prometheus-scrape`."""

    discovery_tag_value: NotRequired[str]
    """Value of that tag. Default: `true`."""

    discovery_refresh_interval: NotRequired[str]
    """Time between two looks for hosts, 1 s to 1 h. Default: `60s`."""

    scrape_interval: NotRequired[str]
    """Time between two scrapes of a target, 1 s to 1 min. Default: `15s`."""

    retention: NotRequired[str]
    """How long samples are kept, at least `2h`. Default: `15d`."""

    storage_gib: NotRequired[int]
    """Ephemeral storage of the task in GiB, 21 to 200; four fifths are for samples. Default: 21."""

    cpu_architecture: NotRequired[str]
    """`ARM64` (cheaper) or `X86_64`. Default: `ARM64`."""

    task_cpu: NotRequired[int]
    """CPU units (1024 = one vCPU): 256 to 16384, as Fargate offers. Default: 256."""

    task_memory: NotRequired[int]
    """Memory in MiB, one that Fargate offers with the CPU. Default: 512."""

    credentials: NotRequired[str]
    """`iam-user`: discovery uses an access key of a user of its own, kept in Secrets Manager.
    `task-role`: the task's role has the same rights, and there is no key. Default: `iam-user`."""

    access_key_rotation: NotRequired[int]
    """Counter: raise it by one to get a new access key. Default: 1."""

    log_retention_days: NotRequired[int]
    """Days that the log is kept. Default: 14."""

    delete_images_on_destroy: NotRequired[bool]
    """Let `pulumi destroy` delete the repository with its images. Default: false."""


class PrometheusService(pulumi.ComponentResource):
    """One Prometheus server that discovers EC2 hosts by tag.

    There is one task at most: a TSDB has a single writer. So a new version stops the old task
    first (minimum 0 %, maximum 100 %), and a task that does not become healthy is rolled back.
    """

    security_group_id: pulumi.Output[str]
    """Id of Prometheus's security group: what exporters admit."""

    cluster_name: pulumi.Output[str]
    """Name of the ECS cluster."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group_name: pulumi.Output[str]
    """Name of the log group."""

    repository_url: pulumi.Output[str]
    """URL of the ECR repository."""

    credentials_secret_arn: pulumi.Output[str]
    """ARN of the secret that holds the access key; empty with `task-role`."""

    url_command: pulumi.Output[str]
    """Shell command that prints Prometheus's URL (it needs the AWS CLI)."""

    def __init__(
        self,
        name: str,
        args: PrometheusServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service.

        Raises:
            ArgumentError: illegal arguments; nothing is registered then.
        """
        cpu = args.get("task_cpu", 256)

        def check_memory(memory: int) -> None:
            if checks.is_legal(checks.fargate_cpu, cpu):
                checks.fargate_memory(cpu, memory)

        checks.check_args(
            "PrometheusService",
            name,
            {"task_memory": 512, **args},
            PrometheusServiceArgs,
            {
                "environment": checks.label_value,
                "prometheus_version": checks.version,
                "image_context": _folder,
                "admin_cidrs": checks.admin_cidrs,
                "prometheus_port": checks.port,
                "node_exporter_port": checks.port,
                "discovery_tag_key": checks.tag_key,
                "discovery_tag_value": checks.tag_value,
                "discovery_refresh_interval": checks.refresh_interval,
                "scrape_interval": checks.scrape_interval,
                "retention": checks.retention,
                "storage_gib": checks.storage_gib,
                "cpu_architecture": checks.cpu_architecture,
                "task_cpu": checks.fargate_cpu,
                "task_memory": check_memory,
                "credentials": checks.credentials,
                "access_key_rotation": checks.access_key_rotation,
                "log_retention_days": checks.log_retention_days,
            },
        )
        super().__init__("prometheus-aws:index:PrometheusService", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        invoke = pulumi.InvokeOptions(parent=self)
        region = aws.get_region_output(opts=invoke).region
        port = int(args.get("prometheus_port", 9090))
        architecture = args.get("cpu_architecture", "ARM64")
        with_user = args.get("credentials", "iam-user") == "iam-user"
        public = args.get("assign_public_ip", False)

        security_group, rules = self._security_group(
            args["vpc_id"], port, args.get("admin_cidrs", [])
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            retention_in_days=int(args.get("log_retention_days", 14)),
            opts=self._child,
        )
        repository, image = self._image(
            Path(args["image_context"]),
            args["prometheus_version"],
            architecture,
            delete_images_on_destroy=args.get("delete_images_on_destroy", False),
        )
        discovery_policy = region.apply(lambda r: json.dumps(policies.discovery(r)))
        secret: aws.secretsmanager.Secret | None = None
        version: aws.secretsmanager.SecretVersion | None = None
        task_role: aws.iam.Role | None = None
        before_service: list[pulumi.Resource] = list(rules)
        if with_user:
            secret, version, user_policy = self._user_credentials(
                discovery_policy, int(args.get("access_key_rotation", 1))
            )
            before_service.append(user_policy)
        else:
            task_role, role_policy = self._role(
                "task",
                "Prometheus's own rights: EC2 discovery",
                self._task_trust(region),
                discovery_policy,
            )
            before_service.append(role_policy)
        # No conditions: AWS documents them for the task's role only. Source:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        execution_role, execution_policy = self._role(
            "execution",
            "Lets ECS pull the image, write the log and read the secret",
            json.dumps(policies.trust(ECS_TASKS)),
            pulumi.Output.all(repository.arn, log_group.arn, [secret.arn] if secret else []).apply(
                lambda arns: json.dumps(policies.execution(*arns))
            ),
        )
        before_service.append(execution_policy)

        memory = int(args.get("task_memory", 512))
        storage = Storage(args.get("retention", "15d"), int(args.get("storage_gib", 21)))

        def definitions(values: dict[str, Any]) -> str:
            variables = environment_variables(
                args["environment"],
                args.get("scrape_interval", "15s"),
                port,
                Discovery(
                    region=values["region"],
                    vpc_id=values["vpc_id"],
                    tag_key=args.get("discovery_tag_key", "prometheus-scrape"),
                    tag_value=args.get("discovery_tag_value", "true"),
                    refresh_interval=args.get("discovery_refresh_interval", "60s"),
                    node_exporter_port=int(args.get("node_exporter_port", 9100)),
                ),
                storage,
            )
            pinned = Secret(values["secret"], values["version"]) if with_user else None
            definition = container_definition(
                values["image"], memory, variables, pinned, values["log_group"]
            )
            return json.dumps([definition])

        # Task definition families are per account and region, and not named by Pulumi.
        suffix = random.RandomId(f"{name}-family-suffix", byte_length=4, opts=self._child)
        task_definition = aws.ecs.TaskDefinition(
            f"{name}-task",
            family=suffix.hex.apply(lambda unique: f"{name}-{unique}"),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(int(cpu)),
            memory=str(memory),
            runtime_platform={
                "operating_system_family": "LINUX",
                "cpu_architecture": architecture,
            },
            ephemeral_storage={"size_in_gib": storage.storage_gib},
            volumes=[{"name": volume} for volume in VOLUMES],
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn if task_role else None,
            container_definitions=pulumi.Output.all(
                region=region,
                vpc_id=args["vpc_id"],
                image=image.repo_digest,
                log_group=log_group.name,
                secret=secret.arn if secret else "",
                version=version.version_id if version else "",
            ).apply(definitions),
            opts=self._child,
        )
        cluster = aws.ecs.Cluster(f"{name}-cluster", opts=self._child)
        service = aws.ecs.Service(
            f"{name}-service",
            cluster=cluster.arn,
            task_definition=task_definition.arn,
            launch_type="FARGATE",
            platform_version="LATEST",
            desired_count=1,
            deployment_minimum_healthy_percent=0,
            deployment_maximum_percent=100,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            availability_zone_rebalancing="DISABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            # What is replaced, the old access key above all, is deleted after this update: so it
            # must not end before the new task is healthy. After a rollback the service is steady
            # as well, hence `_unless_rolled_back`.
            wait_for_steady_state=True,
            network_configuration={
                "subnets": args["subnet_ids"],
                "security_groups": [security_group.id],
                "assign_public_ip": public,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=before_service),
        )

        self.security_group_id = security_group.id
        self.cluster_name = cluster.name
        self.service_name = pulumi.Output.all(
            service.name, service.task_definition, task_definition.arn
        ).apply(lambda values: _unless_rolled_back(*values))
        self.log_group_name = log_group.name
        self.repository_url = repository.repository_url
        self.credentials_secret_arn = secret.arn if secret else pulumi.Output.from_input("")
        self.url_command = pulumi.Output.all(region, cluster.name, service.name).apply(
            lambda names: url_command(names[0], names[1], names[2], port, public=public)
        )
        self.register_outputs(
            {
                "security_group_id": self.security_group_id,
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "repository_url": self.repository_url,
                "credentials_secret_arn": self.credentials_secret_arn,
                "url_command": self.url_command,
            }
        )

    def _security_group(
        self, vpc_id: pulumi.Input[str], port: int, admin_cidrs: Sequence[str]
    ) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
        name = f"{self._name}-security-group"
        group = aws.ec2.SecurityGroup(
            name,
            vpc_id=vpc_id,
            description="Prometheus: reached by administrators only",
            tags={"Name": self._name},
            opts=self._child,
        )
        rules: list[pulumi.Resource] = [
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-admin-{cidr}",
                security_group_id=group.id,
                description="Web interface and API of Prometheus, for administrators",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=cidr,
                opts=self._child,
            )
            for cidr in admin_cidrs
        ]
        rules.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-aws",
                security_group_id=group.id,
                description="AWS endpoints: image, secret, log, EC2 discovery",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                cidr_ipv4="0.0.0.0/0",
                opts=self._child,
            )
        )
        return group, rules

    def _image(
        self, context: Path, version: str, architecture: str, *, delete_images_on_destroy: bool
    ) -> tuple[aws.ecr.Repository, docker.Image]:
        name = f"{self._name}-image"
        repository = aws.ecr.Repository(
            f"{name}s",
            image_scanning_configuration={"scan_on_push": True},
            image_tag_mutability="IMMUTABLE",
            encryption_configurations=[{"encryption_type": "AES256"}],
            force_delete=delete_images_on_destroy,
            # Without it, a destroy would take everything else and then stop at the images.
            opts=pulumi.ResourceOptions(parent=self, protect=not delete_images_on_destroy),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}s-lifecycle",
            repository=repository.name,
            policy=json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "description": "Remove what broken pushes left; keep what has a tag",
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": UNTAGGED_IMAGE_DAYS,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
            opts=self._child,
        )
        login = aws.ecr.get_authorization_token_output(
            registry_id=repository.registry_id, opts=pulumi.InvokeOptions(parent=self)
        )
        content = image_tag(context, version, architecture)
        # Tags are immutable, so an image is pushed once: another content is another resource, and
        # one that comes back (a rollback) gets another tag.
        push = random.RandomId(f"{name}-push-{content}", byte_length=4, opts=self._child)
        image = docker.Image(
            f"{name}-{content}",
            image_name=pulumi.Output.concat(repository.repository_url, ":", content, "-", push.hex),
            build={
                "context": str(context),
                "dockerfile": str(context / "Dockerfile"),
                "platform": DOCKER_PLATFORMS[architecture],
                "args": {"PROMETHEUS_VERSION": version},
            },
            registry={
                "server": login.proxy_endpoint,
                "username": login.user_name,
                "password": pulumi.Output.secret(login.password),
            },
            # The folder's place differs from checkout to checkout; its content is in the name.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["build"]),
        )
        return repository, image

    def _user_credentials(
        self, policy: pulumi.Input[str], rotation: int
    ) -> tuple[aws.secretsmanager.Secret, aws.secretsmanager.SecretVersion, aws.iam.UserPolicy]:
        name = f"{self._name}-discovery"
        user = aws.iam.User(f"{name}-user", path="/prometheus-aws/", opts=self._child)
        user_policy = aws.iam.UserPolicy(
            f"{name}-user-policy", user=user.name, policy=policy, opts=self._child
        )
        # The counter is part of the name: Pulumi makes the new key, moves everything over to it,
        # and deletes the old one at the very end of the update.
        key = aws.iam.AccessKey(f"{name}-key-{rotation}", user=user.name, opts=self._child)
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            description="Access key of Prometheus's EC2 discovery",
            recovery_window_in_days=SECRET_RECOVERY_DAYS,
            opts=self._child,
        )
        halves: pulumi.Output[str] = pulumi.Output.json_dumps(
            {"access_key_id": key.id, "secret_access_key": key.secret}
        )
        secret_string: pulumi.Output[str] = pulumi.Output.secret(halves)
        version = aws.secretsmanager.SecretVersion(
            f"{name}-secret-version",
            secret_id=secret.id,
            secret_string=secret_string,
            opts=self._child,
        )
        return secret, version, user_policy

    def _task_trust(self, region: pulumi.Output[str]) -> pulumi.Output[str]:
        invoke = pulumi.InvokeOptions(parent=self)
        return pulumi.Output.all(
            aws.get_partition_output(opts=invoke).partition,
            region,
            aws.get_caller_identity_output(opts=invoke).account_id,
        ).apply(
            lambda ids: json.dumps(
                policies.trust(
                    ECS_TASKS,
                    policies.source_account(ids[2], f"arn:{ids[0]}:ecs:{ids[1]}:{ids[2]}:*"),
                )
            )
        )

    def _role(
        self,
        purpose: str,
        description: str,
        trust: pulumi.Input[str],
        policy: pulumi.Input[str],
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name = f"{self._name}-{purpose}-role"
        role = aws.iam.Role(
            name, description=description, assume_role_policy=trust, opts=self._child
        )
        return role, aws.iam.RolePolicy(
            f"{name}-policy", role=role.id, policy=policy, opts=self._child
        )


def _unless_rolled_back(service_name: str, task_definition: str, wanted: str) -> str:
    """Return the service's name, unless ECS has rolled the service back.

    Raises:
        RunError: it has. Pulumi then deletes nothing: the old task still needs the old access key.
    """
    if task_definition != wanted:
        raise pulumi.RunError(
            f"the ECS service {service_name} runs {task_definition}, not {wanted}: the new task did"
            " not become healthy, and ECS has rolled back. Look at the service's log group and"
            " events, mend what they say, then run `pulumi up` again"
        )
    return service_name


def _folder(path: str) -> None:
    if not (Path(path) / "Dockerfile").is_file():
        raise ValueError("expected a folder that holds a Dockerfile")
