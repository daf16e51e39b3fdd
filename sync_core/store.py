"""Batches of rows into the app's tables: upserts, parents before children.

The caller's transaction begins with the guard (`lifecycle.checkpoint`); nothing here decides whether
this run may write. An older `updatedAt` never overwrites a newer one, and a row of another shop is
never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Select, Table, and_, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, SyncState, Variant
from sync_core.columns import new_id
from sync_core.errors import ShopsyncError

Row = dict[str, Any]

PRODUCTS = cast(Table, Product.__table__)
VARIANTS = cast(Table, Variant.__table__)
CUSTOMERS = cast(Table, Customer.__table__)
ORDERS = cast(Table, Order.__table__)
LINE_ITEMS = cast(Table, OrderLineItem.__table__)
REFUNDS = cast(Table, Refund.__table__)
SYNC_STATES = cast(Table, SyncState.__table__)

OWNER = {PRODUCTS: "shopId", VARIANTS: "productId", CUSTOMERS: "shopId"} | {
    ORDERS: "shopId",
    LINE_ITEMS: "orderId",
    REFUNDS: "orderId",
}
"""The column that says whose a row is; it never changes and is compared before a row is overwritten."""

KEPT_WHEN_UNKNOWN = frozenset({"customerId"})
"""Columns whose stored value stays when the new one is null: we may not read customers any more."""


class ForeignRow(ShopsyncError):
    """A row with this Shopify id belongs to another shop; it was not overwritten."""


@dataclass(frozen=True)
class Batch:
    """The rows of one page, keyed by column name, without ids of ours.

    A child's owner column holds its parent's Shopify id, a link's column the Shopify id of the row
    that it names; `store` puts our ids there.
    """

    table: Table
    rows: list[Row]
    children: dict[Table, list[Row]] = field(default_factory=dict)
    links: dict[str, Table] = field(default_factory=dict)
    whole: frozenset[Table] = frozenset()
    """Children of which the page has each one: those stored here that it has not are gone at Shopify."""


def store(session: Session, shop_id: str, batch: Batch) -> None:
    """Write a page. Children of a parent that is stored newer are left alone.

    Errors: ForeignRow; database errors pass through.
    """
    if not batch.rows:
        return
    linked = batch.rows
    for column, table in batch.links.items():
        linked = _linked(session, shop_id, linked, column, table)
    ids = _store_parents(session, shop_id, batch.table, linked)
    for table, rows in batch.children.items():
        _store_children(session, table, rows, ids)
        if table in batch.whole:
            _remove_gone(session, table, rows, ids)


def portions(ids: Sequence[str], *, size: int = 500) -> Iterator[Sequence[str]]:
    """Ids by so many as one statement takes on either engine."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _linked(session: Session, shop_id: str, rows: list[Row], column: str, table: Table) -> list[Row]:
    """The rows with our ids for Shopify's; null where the row is not known to us."""
    named = {row[column] for row in rows if row[column] is not None}
    query = select(table.c.shopifyId, table.c.id).where(table.c.shopId == shop_id, table.c.shopifyId.in_(named))
    known = {row.shopifyId: row.id for row in session.execute(query)} if named else {}
    return [{**row, column: known.get(row[column])} for row in rows]


def _store_parents(session: Session, shop_id: str, table: Table, parents: list[Row]) -> dict[str, str]:
    """Our id by Shopify id, for the rows that were written."""
    rows = _unique({**row, "id": new_id(), "shopId": shop_id} for row in parents)
    written = _write(session, table, rows)
    left = [row["shopifyId"] for row in rows if row["shopifyId"] not in written]
    if left:
        _refuse_foreign(session, table, left, shop_id)
    return written


def _refuse_foreign(session: Session, table: Table, shopify_ids: list[str], shop_id: str) -> None:
    query = select(func.count()).select_from(table)
    query = query.where(table.c.shopifyId.in_(shopify_ids), table.c.shopId != shop_id)
    if session.execute(query).scalar_one():
        raise ForeignRow(f"{table.name} rows belong to another shop")


def _store_children(session: Session, table: Table, rows: list[Row], parents: dict[str, str]) -> None:
    owner = OWNER[table]
    ours = _unique({**row, "id": new_id(), owner: parents[row[owner]]} for row in rows if row[owner] in parents)
    if not ours:
        return
    if len(_write(session, table, ours)) != len(ours):
        raise ForeignRow(f"{table.name} rows belong to another {owner.removesuffix('Id')}")


def _remove_gone(session: Session, table: Table, rows: list[Row], parents: dict[str, str]) -> None:
    """Delete stored children of the written parents that the page does not have; seldom any, so counted first."""
    owner = table.c[OWNER[table]]
    kept = {row["shopifyId"] for row in rows if row[OWNER[table]] in parents}
    written = list(portions(list(parents.values())))
    count = select(func.count()).select_from(table)
    if sum(session.execute(count.where(owner.in_(ids))).scalar_one() for ids in written) == len(kept):
        return
    for ids in written:
        stored = session.execute(select(table.c.shopifyId).where(owner.in_(ids))).scalars()
        for gone in portions([shopify_id for shopify_id in stored if shopify_id not in kept]):
            session.execute(delete(table).where(owner.in_(ids), table.c.shopifyId.in_(gone)))


def _unique(rows: Iterable[Row]) -> list[Row]:
    # PostgreSQL refuses to update one row twice in a statement; an object that moved between two
    # pages of a nested connection is there twice.
    return list({row["shopifyId"]: row for row in rows}.values())


def _write(session: Session, table: Table, rows: list[Row]) -> dict[str, str]:
    """Our id by Shopify id, for the rows that were written; the others are stored newer, or another's."""
    if session.get_bind().dialect.name == "postgresql":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        found = session.execute(_postgres_upsert(table, tuple(columns)), columns)
    else:
        found = session.execute(_sqlite_upsert(table), rows)
    return {row.shopifyId: row.id for row in found}


@cache
def _sqlite_upsert(table: Table) -> Any:
    statement = sqlite.insert(table)
    return statement.on_conflict_do_update(**_conflict(table, statement.excluded)).returning(
        table.c.shopifyId, table.c.id
    )


@cache
def _postgres_upsert(table: Table, names: tuple[str, ...]) -> Any:
    # One array a column: three times faster there than one parameter a value.
    arrays = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in names]
    source = func.unnest(*arrays).table_valued(*names).render_derived()
    statement = postgresql.insert(table).from_select(list(names), select(*source.c))
    return statement.on_conflict_do_update(**_conflict(table, statement.excluded)).returning(
        table.c.shopifyId, table.c.id
    )


def _conflict(table: Table, new: Any) -> dict[str, Any]:
    """ON CONFLICT (shopifyId) DO UPDATE, of the same owner and not older."""
    owner = OWNER[table]
    fixed = {"id", "shopifyId", owner}
    changed = {column.name: _value(column, new) for column in table.c if column.name not in fixed}
    unless = [table.c[owner] == new[owner]]
    if "updatedAt" in table.c:
        unless.append(new.updatedAt >= table.c.updatedAt)
    return {"index_elements": ["shopifyId"], "set_": changed, "where": and_(*unless)}


def _value(column: Any, new: Any) -> Any:
    return func.coalesce(new[column.name], column) if column.name in KEPT_WHEN_UNKNOWN else new[column.name]


def held(session: Session, shop_id: str) -> dict[str, dict[str, int]]:
    """How many rows we hold of this shop: by resource, by kind of row. One indexed count a table."""

    def count(query: Select[Any]) -> int:
        return int(session.execute(query).scalar_one())

    def own(table: Table) -> int:
        return count(select(func.count()).select_from(table).where(table.c.shopId == shop_id))

    def below(table: Table, parent: Table) -> int:
        joined = table.join(parent, table.c[OWNER[table]] == parent.c.id)
        return count(select(func.count()).select_from(joined).where(parent.c.shopId == shop_id))

    return {
        "products": {"products": own(PRODUCTS), "variants": below(VARIANTS, PRODUCTS)},
        "customers": {"customers": own(CUSTOMERS)},
        "orders": {
            "orders": own(ORDERS),
            "line_items": below(LINE_ITEMS, ORDERS),
            "refunds": below(REFUNDS, ORDERS),
        },
    }


def note_synced(session: Session, shop_id: str, resources: Iterable[str], *, now: datetime) -> None:
    """Tell the app through its SyncState when each resource was last synced."""
    rows = [{"id": new_id(), "shopId": shop_id, "resource": name, "lastSyncedAt": now} for name in resources]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(SYNC_STATES)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["shopId", "resource"], set_={"lastSyncedAt": statement.excluded.lastSyncedAt}
        ),
        rows,
    )
