"""How to find a task that runs: its address is given when it starts, after Pulumi has ended."""


def url_command(region: str, cluster: str, service: str, port: int, *, public: bool) -> str:
    """Write the shell command that prints a server's URL now.

    Args:
        region: AWS region.
        cluster: name of the ECS cluster.
        service: name of the ECS service.
        port: of the server.
        public: print the task's public address; otherwise its private one.
    """
    address = "Association.PublicIp" if public else "PrivateIpAddress"
    aws = f"aws --region {region} --output text"
    details = "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value"
    return (
        f"TASK=$({aws} ecs list-tasks --cluster {cluster} --service-name {service}"
        " --query 'taskArns[0]') && "
        f'ENI=$({aws} ecs describe-tasks --cluster {cluster} --tasks "$TASK"'
        f' --query "{details}") && '
        f'ADDRESS=$({aws} ec2 describe-network-interfaces --network-interface-ids "$ENI"'
        f" --query 'NetworkInterfaces[0].{address}') && "
        f'echo "http://$ADDRESS:{port}"'
    )
