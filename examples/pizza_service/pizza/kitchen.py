"""What there is to eat, and the oven."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_PIZZAS = 20
"""Of one order."""


class Pizza(NamedTuple):
    """A dish."""

    price_euros: float
    baking_seconds: float


MENU: Mapping[str, Pizza] = {
    "margherita": Pizza(8.5, 0.02),
    "funghi": Pizza(10.0, 0.03),
    "quattro formaggi": Pizza(11.5, 0.05),
}
"""Prices are multiples of a half: sums of them are exact in a counter, which is a float."""


class OvenError(RuntimeError):
    """The pizzas are lost."""


def bake(pizza: str, *, broken: bool = False) -> None:
    """Bake what was ordered; however many, they fit into the oven together.

    Args:
        pizza: on the menu.
        broken: whether the oven is.

    Raises:
        OvenError: the oven is broken.
    """
    time.sleep(MENU[pizza].baking_seconds)
    if broken:
        raise OvenError("the oven is broken")
