"""A row of the table."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, the value with its unit, and what is wanted or to be compared with."""

    what: str
    measured: str
    wanted: str = ""


def median_and_worst(seconds: Sequence[float]) -> str:
    """Say the median and the worst of some durations, in seconds."""
    return f"{statistics.median(seconds):.1f} s, {max(seconds):.1f} s"
