"""Lists in messages, short enough to be read."""

from collections.abc import Sequence


def shortened(items: Sequence[str], most: int = 3) -> list[str]:
    """Return a list's first items and how many more there are: `a`, `b`, `c`, `and 297 more`.

    Args:
        items: of the list.
        most: items that are left as they are.
    """
    rest = len(items) - most
    return [*items[:most], f"and {rest} more"] if rest > 0 else list(items)
