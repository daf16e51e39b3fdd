"""Rows of one kind: a base that is made on demand, with changes laid over it, in the orders Shopify can sort by."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from sync_core.sandbox.moments import seconds_of

Row = dict[str, Any]
CREATED, UPDATED = "createdAt", "updatedAt"


class Base(Protocol):
    """Rows that exist without being stored; position i has an id that grows with i."""

    kind: str

    def __len__(self) -> int: ...
    def id_at(self, position: int) -> int: ...
    def position_of(self, number: int) -> int | None: ...
    def row(self, position: int) -> Row: ...
    def created(self, position: int) -> int: ...
    def updated(self, position: int) -> int: ...


class Made(Sequence[Row]):
    """A sequence whose rows are made when they are looked at."""

    def __init__(self, make: Callable[[int], Row], size: int) -> None:
        self._make, self._size = make, size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self._make(position) for position in range(*at.indices(self._size))]
        return self._make(range(self._size)[at])

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, range(self._size))


@dataclass(frozen=True)
class Order:
    """Ids sorted by (key, id); `keys[i]` belongs to `ids[i]`."""

    keys: Sequence[int]
    ids: Sequence[int]

    def after(self, key: int, number: int) -> int:
        """The first position behind (key, number)."""
        low, high = bisect_left(self.keys, key), bisect_right(self.keys, key)
        return bisect_right(self.ids, number, low, high)

    def before(self, key: int, number: int) -> int:
        """How many positions lie before (key, number)."""
        low, high = bisect_left(self.keys, key), bisect_right(self.keys, key)
        return bisect_left(self.ids, number, low, high)


class Table:
    """The rows of one kind of one shop. `changed` and `gone` are what `edits` did to the base."""

    def __init__(self, base: Base) -> None:
        self.base, self.kind = base, base.kind
        self.changed: dict[int, Row] = {}
        self.gone: set[int] = set()
        self._orders: dict[str, Order] = {}

    def touch(self) -> None:
        """Forget the orders after an edit."""
        self._orders.clear()

    def __len__(self) -> int:
        added = sum(1 for number in self.changed if self.base.position_of(number) is None)
        return len(self.base) - len(self.gone) + added

    def has(self, number: int) -> bool:
        if number in self.changed:
            return True
        return number not in self.gone and self.base.position_of(number) is not None

    def get(self, number: int) -> Row | None:
        """The row with this id, or None."""
        if number in self.changed:
            return self.changed[number]
        position = None if number in self.gone else self.base.position_of(number)
        return None if position is None else self.base.row(position)

    def __getitem__(self, number: int) -> Row:
        row = self.get(number)
        if row is None:
            raise KeyError(number)
        return row

    def stamp(self, name: str, number: int) -> int:
        """createdAt or updatedAt of an existing row, in seconds."""
        if number in self.changed:
            return seconds_of(self.changed[number][name])
        position = self.base.position_of(number)
        if position is None:
            raise KeyError(number)
        return self.base.created(position) if name == CREATED else self.base.updated(position)

    def order(self, key: str) -> Order:
        """All ids by "ID", "createdAt" or "updatedAt"; kept until the next edit."""
        if key not in self._orders:
            self._orders[key] = self._sorted(key)
        return self._orders[key]

    def rows(self) -> Iterator[Row]:
        """Every row, by id."""
        for number in self.order("ID").ids:
            yield self[number]

    def _ids(self) -> array[int]:
        base, hidden = self.base, self.gone | self.changed.keys()
        ids = array("q", map(base.id_at, range(len(base))))
        if hidden:
            ids = array("q", sorted([number for number in ids if number not in hidden] + list(self.changed)))
        return ids

    def _sorted(self, key: str) -> Order:
        if key == "ID":
            ids = self._ids()
            return Order(ids, ids)
        pairs = sorted((self.stamp(key, number), number) for number in self.order("ID").ids)
        return Order(array("q", (stamp for stamp, _ in pairs)), array("q", (number for _, number in pairs)))
