"""How often targets are scraped, which whoever draws graphs of it has to know."""

from typing import Annotated, TypeAlias

from components import checks
from components.arguments import Knob

# The rules look at rates over 3 to 5 minutes.
ScrapeInterval: TypeAlias = Annotated[str, Knob("15s", checks.duration("1s", "1m"))]
"""An argument: time between two scrapes of a target."""
