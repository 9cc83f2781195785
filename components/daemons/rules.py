"""What the daemons' arguments must comply with."""

from components.values import is_output


def a_list(value: object) -> None:
    """Check that a list is there, whatever its entries: there are rules for each of them.

    Raises:
        ValueError: it is an output, whose length nobody knows yet.
    """
    if is_output(value):
        raise ValueError("expected a list, whose entries may be outputs")


def another_port(port: int, node_exporter_port: int) -> None:
    """Check that cAdvisor does not listen where node_exporter does: both have the host's network.

    Raises:
        ValueError: it does.
    """
    if port == node_exporter_port:
        raise ValueError("node_exporter listens there; expected another port than node_exporter's")
