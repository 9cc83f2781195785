"""How to find a task that runs: its address is given when it starts, after Pulumi has ended."""


def aws_cli(region: str) -> str:
    """Begin a command of the AWS CLI that prints bare values."""
    return f"aws --region {region} --output text"


def running_task(region: str, cluster: str, service: str) -> str:
    """Write the shell command that puts the ARN of a service's running task into `TASK`.

    It fails when there is none, which the AWS CLI prints as `None`.
    """
    none = f"no task of {service} runs now: wait for it, or look at the service's events"
    return (
        f"TASK=$({aws_cli(region)} ecs list-tasks --cluster {cluster} --service-name {service}"
        " --query 'taskArns[0]') && "
        f'{{ [ "$TASK" != None ] || {{ echo "{none}" >&2; false; }}; }}'
    )


def task_address(region: str, cluster: str, service: str, *, public: bool) -> str:
    """Write the shell command that puts the address of a service's running task into `ADDRESS`.

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
        public: its public address; otherwise its private one.
    """
    address = "Association.PublicIp" if public else "PrivateIpAddress"
    aws = aws_cli(region)
    details = "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value"
    return (
        f"{running_task(region, cluster, service)} && "
        f'ENI=$({aws} ecs describe-tasks --cluster {cluster} --tasks "$TASK"'
        f' --query "{details}") && '
        f'ADDRESS=$({aws} ec2 describe-network-interfaces --network-interface-ids "$ENI"'
        f" --query 'NetworkInterfaces[0].{address}')"
    )


def url_command(region: str, cluster: str, service: str, port: int, *, public: bool) -> str:
    """Write the shell command that prints a server's URL now.

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
        port: of the server.
        public: print the task's public address; otherwise its private one.
    """
    found = task_address(region, cluster, service, public=public)
    return f'{found} && echo "http://$ADDRESS:{port}"'
