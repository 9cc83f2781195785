"""What AWS returns of container definitions, where it is not what was sent.

The emulator returns what it was sent. The provider compares what AWS returns with what the program
says, and takes a difference that it does not know to be none for a change: then every `pulumi up`
replaces the task, and what it has stored.
"""

import json
from typing import Any

from sandbox.resources.base import Client, Inputs

FILLED_IN = {
    "cpu": 0,
    "environment": [],
    "mountPoints": [],
    "portMappings": [],
    "systemControls": [],
    "volumesFrom": [],
}
"""What AWS adds to a container definition that leaves it out.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html
(the example of its answer)
"""

CAPABILITIES = ("add", "drop")
"""Lists of Linux capabilities: AWS returns both, empty if need be. Other Linux parameters, such as
`initProcessEnabled`, it returns as they were sent.

Sources: https://github.com/braintrustdata/terraform-aws-braintrust-data-plane/pull/335,
https://github.com/terraform-aws-modules/terraform-aws-ecs/blob/master/modules/container-definition/main.tf
"""


def returned(definitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return container definitions as AWS does."""
    found = []
    for definition in definitions:
        container = {**FILLED_IN, **definition}
        linux = container.get("linuxParameters", {})
        if "capabilities" in linux:
            lists: dict[str, list[str]] = {name: [] for name in CAPABILITIES}
            lists |= linux["capabilities"]
            container["linuxParameters"] = {**linux, "capabilities": lists}
        found.append(container)
    return found


def normalised(definitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return container definitions without what the provider knows to be no difference.

    Source: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/task_definition_equivalency.go
    """
    return [
        {key: value for key, value in definition.items() if value not in (0, [], None)}
        for definition in definitions
    ]


def keep_what_aws_returns(_ecs: Client, _id: str, before: Inputs, after: Inputs) -> Inputs:
    """Put into the state what AWS returns, if the provider would see a difference (a `Step`)."""
    if before or not after:
        return {}
    sent = json.loads(after["containerDefinitions"])
    seen = returned(sent)
    same = normalised(seen) == normalised(sent)
    return {} if same else {"containerDefinitions": json.dumps(seen)}
