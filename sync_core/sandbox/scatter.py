"""The order of lines in an ungrouped bulk file: each connection in its own order, nothing else promised.

Children come anywhere: between other parents' children, long after their own parent, and before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

Lines = list[bytes]
LATE, LAST = 0.25, 0.05
"""Shares of the connections that wait for the next roots, and for the end of the file."""


class Scatter:
    """Mixes the lines of one file; `grouped` puts children behind their parent instead."""

    def __init__(self, chance: Random, *, grouped: bool = False) -> None:
        self._chance, self._grouped = chance, grouped
        self._waiting: list[Lines] = []
        self._last: list[Lines] = []

    def mixed(self, roots: Sequence[tuple[bytes, list[Lines]]], *, last: bool) -> Lines:
        """The next lines of the file: these roots, and what lies below them or waited. `last`: nothing follows."""
        if self._grouped:
            return [line for root, below in roots for lines in [[root], *below] for line in lines]
        now, self._waiting = self._waiting, []
        for lines in (lines for _, below in roots for lines in below):
            drawn = self._chance.random()
            (self._last if drawn < LAST else self._waiting if drawn < LAST + LATE else now).append(lines)
        if last:
            now += [*self._waiting, *self._last]
        return self._merged([[root for root, _ in roots], *now])

    def _merged(self, sequences: list[Lines]) -> Lines:
        """All lines by chance, those of one sequence in their order."""
        places = [place for place, lines in enumerate(sequences) for _ in lines]
        self._chance.shuffle(places)
        rest = [iter(lines) for lines in sequences]
        return [next(rest[place]) for place in places]
