"""What the daemons' arguments must comply with."""

from collections.abc import Sequence
from typing import Any

from components import checks
from components.values import is_output


def a_list(value: Sequence[Any]) -> None:
    """Check that a list of groups is there, with each once: there are rules for each of them.

    Raises:
        ValueError: it is an output, whose length nobody knows yet, or has an entry twice.
    """
    if is_output(value):
        raise ValueError("expected a list, whose entries may be outputs")
    checks.each_once([group for group in value if isinstance(group, str)], "each group")


def another_port(port: int, node_exporter_port: int) -> None:
    """Check that cAdvisor does not listen where node_exporter does: both have the host's network.

    Raises:
        ValueError: it does.
    """
    if port == node_exporter_port:
        raise ValueError("node_exporter listens there; expected another port than node_exporter's")
