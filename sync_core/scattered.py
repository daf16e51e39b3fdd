"""Storing a bulk file in portions: children whose parent is in another portion, earlier or later.

Nothing is kept in memory between portions. A child that comes before its parent waits in `bulk_item`.
When rows of the resource were held before, each stored row leaves a mark there, so that children that
left their parent can be told from those that stayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import orjson
from sqlalchemy import ColumnElement, Numeric, Table, delete, exists, select, update
from sqlalchemy.orm import Session

from sync_core.columns import UtcMs
from sync_core.db import insert_into
from sync_core.models import BulkItem
from sync_core.store import OWNER, Batch, Parents, Row, portions, store_children, store_parents

ITEMS = cast(Table, BulkItem.__table__)
AT_ONCE = 1_000


@dataclass(frozen=True)
class Scattered:
    """One resource of a shop within one transaction. `above` is the table of its roots.

    `marked`: leave marks, and give children only to parents that have one. Database errors pass through.
    """

    session: Session
    shop_id: str
    above: Table
    marked: bool

    def store(self, batch: Batch) -> None:
        """Write a portion. Errors: ForeignRow."""
        parents = store_parents(self.session, self.shop_id, batch)
        if self.marked:
            self._keep(self.above, ({"shopify_id": shopify_id} for shopify_id in parents.ids))
        for table, rows in batch.children.items():
            known = self._store_children(table, rows, parents)
            if self.marked and table in batch.whole:
                self._keep(table, ({"shopify_id": row["shopifyId"]} for row in rows if row[OWNER[table]] in known))

    def settle(self, table: Table) -> bool:
        """Store some of the children that waited; True when more may. One whose parent never came is left out."""
        waits = self._of(table) & ITEMS.c.body.is_not(None)
        query = select(ITEMS.c.shopify_id, ITEMS.c.body).where(waits).order_by(ITEMS.c.shopify_id).limit(AT_ONCE)
        found = self.session.execute(query).all()
        rows = [_unpacked(table, one.body) for one in found]
        store_children(self.session, table, rows, Parents({}, self._parents({row[OWNER[table]] for row in rows})))
        for some in portions([one.shopify_id for one in found]):
            self.session.execute(update(ITEMS).where(waits, ITEMS.c.shopify_id.in_(some)).values(body=None))
        return len(found) == AT_ONCE

    def remove_gone(self, table: Table, *, after: str) -> str | None:
        """Delete what has no mark below some marked parents, those behind `after`; the last of these parents."""
        marks = select(ITEMS.c.shopify_id).where(self._of(self.above), ITEMS.c.shopify_id > after)
        parents = list(self.session.execute(marks.order_by(ITEMS.c.shopify_id).limit(AT_ONCE // 2)).scalars())
        if not parents:
            return None
        owners = select(self.above.c.id).where(self._mine(), self.above.c.shopifyId.in_(parents))
        mark = exists().where(self._of(table), ITEMS.c.shopify_id == table.c.shopifyId)
        self.session.execute(delete(table).where(table.c[OWNER[table]].in_(owners), ~mark))
        return str(parents[-1])

    def _store_children(self, table: Table, rows: list[Row], parents: Parents) -> dict[str, str]:
        """The parents that are known; children of the others wait."""
        owner = OWNER[table]
        elsewhere = self._parents({row[owner] for row in rows} - parents.ids.keys())
        # What is new in this portion has no child stored; the others may have some.
        store_children(self.session, table, rows, Parents(parents.new, parents.known | elsewhere))
        known = parents.ids | elsewhere
        early = (row for row in rows if row[owner] not in known)
        self._keep(table, ({"shopify_id": row["shopifyId"], "body": _packed(row)} for row in early))
        return known

    def _parents(self, wanted: set[str]) -> dict[str, str]:
        """Our id by Shopify id, of parents that are stored; with marks: in this pass."""
        found: dict[str, str] = {}
        for some in portions(sorted(wanted)):
            query = select(self.above.c.shopifyId, self.above.c.id).where(
                self._mine(), self.above.c.shopifyId.in_(some)
            )
            if self.marked:
                query = query.where(exists().where(self._of(self.above), ITEMS.c.shopify_id == self.above.c.shopifyId))
            found |= {row.shopifyId: row.id for row in self.session.execute(query)}
        return found

    def _keep(self, table: Table, items: Iterable[dict[str, str]]) -> None:
        rows = [{"shop_id": self.shop_id, "kind": table.name, "body": None, **item} for item in items]
        if rows:
            self.session.execute(insert_into(self.session, ITEMS).on_conflict_do_nothing(), rows)

    def _mine(self) -> ColumnElement[bool]:
        return self.above.c.shopId == self.shop_id

    def _of(self, table: Table) -> ColumnElement[bool]:
        return (ITEMS.c.shop_id == self.shop_id) & (ITEMS.c.kind == table.name)


def forget(session: Session, shop_id: str, tables: Iterable[Table] | None = None) -> None:
    """Drop what waits or is marked: of these tables, or of the whole shop."""
    mine = ITEMS.c.shop_id == shop_id
    kinds = None if tables is None else [table.name for table in tables]
    session.execute(delete(ITEMS).where(mine if kinds is None else mine & ITEMS.c.kind.in_(kinds)))


def _packed(row: Row) -> str:
    return orjson.dumps(row, default=str).decode()


def _unpacked(table: Table, text: str) -> Row:
    return {name: _value(table.c[name].type, value) for name, value in orjson.loads(text).items()}


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, Numeric):
        return Decimal(value)
    return datetime.fromisoformat(value) if isinstance(kind, UtcMs) else value
