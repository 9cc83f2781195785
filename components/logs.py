"""How long logs are kept: the same rule and default for every log group."""

from typing import Annotated, TypeAlias

from components import checks
from components.arguments import Knob

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs accepts.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

LogRetentionDays: TypeAlias = Annotated[int, Knob(14, checks.one_of(LOG_RETENTION_DAYS))]
"""An argument: days that a log is kept."""
