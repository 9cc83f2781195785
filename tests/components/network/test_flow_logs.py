"""components.network.flow_logs: what the flow log service may do."""

import json

from components import policies
from components.network.flow_logs import may_write

LOG_GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:flow-logs"


def test_it_may_write_to_one_log_group() -> None:
    actions = [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ]
    statement = policies.allow(actions, f"{LOG_GROUP}:*")
    assert json.loads(may_write(LOG_GROUP)) == json.loads(policies.document(statement))
