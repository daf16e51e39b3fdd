"""What a selection costs: 1 an object, 0 a scalar, a connection 2 + child x floor(2 ln max(2, size)).

The law is an estimate made by Shopify's staff and checked against observed numbers, not in its documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import floor, log

FREE = {"address", "billingAddress", "currencyFormats", "measurement", "unitCost", "pageInfo"}
MUTATION_POINTS = 10


@lru_cache(maxsize=512)
def multiplier(size: int) -> int:
    """1 → 1, 10 → 4, 50 → 7, 100 → 9, 250 → 11."""
    return floor(2 * log(max(2, size)))


@dataclass
class Price:
    """A selection's points: `fixed`, and connections by slot whose size is known when it runs."""

    fixed: int = 0
    pages: list[tuple[int, Price]] = field(default_factory=list)
    either: list[list[Price]] = field(default_factory=list)

    def add(self, other: Price) -> None:
        self.fixed += other.fixed
        self.pages += other.pages
        self.either += other.either

    def points(self, size: Callable[[int], int]) -> int:
        """Points when the connection of slot s has size(s) rows."""
        total = self.fixed
        for slot, child in self.pages:
            total += 2 + child.points(size) * multiplier(size(slot))
        for options in self.either:
            total += max(option.points(size) for option in options)
        return total
