"""Batches of rows into tables, the app's and ours: upserts, parents before children.

The caller's transaction begins with the guard (`lifecycle.checkpoint`); nothing here decides whether
this run may write. An older `updatedAt` never overwrites a newer one, and a row of another shop is
never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.orm import Session

from sync_core import table_rows
from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, SyncState, Variant
from sync_core.columns import new_id, new_ids
from sync_core.content_models import Article, Blog, Collection, CollectionProduct, Page, Policy
from sync_core.db import insert_into
from sync_core.errors import ShopsyncError
from sync_core.prepared import Prepared
from sync_core.table_rows import Cells, changed_of, key_of

Row = dict[str, Any]

PRODUCTS = cast(Table, Product.__table__)
VARIANTS = cast(Table, Variant.__table__)
CUSTOMERS = cast(Table, Customer.__table__)
ORDERS = cast(Table, Order.__table__)
LINE_ITEMS = cast(Table, OrderLineItem.__table__)
REFUNDS = cast(Table, Refund.__table__)
SYNC_STATES = cast(Table, SyncState.__table__)

COLLECTIONS = cast(Table, Collection.__table__)
MEMBERS = cast(Table, CollectionProduct.__table__)
PAGES = cast(Table, Page.__table__)
BLOGS = cast(Table, Blog.__table__)
ARTICLES = cast(Table, Article.__table__)
POLICIES = cast(Table, Policy.__table__)

KINDS: dict[str, dict[str, Table]] = {
    "products": {"products": PRODUCTS, "variants": VARIANTS},
    "customers": {"customers": CUSTOMERS},
    "orders": {"orders": ORDERS, "line_items": LINE_ITEMS, "refunds": REFUNDS},
    "collections": {"collections": COLLECTIONS, "collection_products": MEMBERS},
    "pages": {"pages": PAGES},
    "blogs": {"blogs": BLOGS},
    "articles": {"articles": ARTICLES},
    "policies": {"policies": POLICIES},
}
"""By resource, its kinds of row with their tables: its own first, then their children."""

KNOWN_TO_THE_APP = ("products", "customers", "orders")

OWNER = {PRODUCTS: "shopId", CUSTOMERS: "shopId", ORDERS: "shopId"} | {
    VARIANTS: "productId",
    LINE_ITEMS: "orderId",
    REFUNDS: "orderId",
    **dict.fromkeys((COLLECTIONS, PAGES, BLOGS, ARTICLES, POLICIES), "shop_id"),
    MEMBERS: "collection_id",
}
"""The column that says whose a row is; it never changes and is compared before a row is overwritten."""


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
    """Write a page. What is stored newer is left alone, with its children; what is the same is not rewritten.

    Errors: ForeignRow; database errors pass through.
    """
    parents = store_parents(session, shop_id, batch)
    for table, rows in batch.children.items():
        store_children(session, table, rows, parents, whole=table in batch.whole)


def portions(ids: Sequence[str], *, size: int = 500) -> Iterator[Sequence[str]]:
    """Ids by so many as one statement takes on either engine."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


@dataclass(frozen=True)
class Parents:
    """Our ids by Shopify's, of the parents on a page whose children are to be written."""

    new: dict[str, str]
    known: dict[str, str]

    @property
    def ids(self) -> dict[str, str]:
        return self.new | self.known


def store_parents(session: Session, shop_id: str, batch: Batch) -> Parents:
    """Write a batch's own rows. Errors: as `store`."""
    if not batch.rows:
        return Parents({}, {})
    linked = batch.rows
    for column, table in batch.links.items():
        linked = _linked(session, shop_id, linked, column, table)
    return _store_parents(session, shop_id, batch.table, linked)


def store_children(session: Session, table: Table, rows: list[Row], parents: Parents, *, whole: bool = False) -> None:
    """Write the children of these parents and no others. Errors: as `store`.

    Children of a parent that is new here are new too; the others are compared with what their parent has.
    """
    name, owner, ids = key_of(table), OWNER[table], parents.ids
    incoming = _unique((row for row in rows if row[owner] in ids), name)
    stored = {key for (key,) in table_rows.look_up(session, table, owner, parents.known.values(), name)}
    new, known = incoming.keys() - stored, incoming.keys() & stored
    drawn = (*zip(new, new_ids(len(new)), strict=True), *((key, "") for key in known))
    ours = {key: {**incoming[key], "id": its, owner: ids[incoming[key][owner]]} for key, its in drawn}
    _add(session, table, [ours[key] for key in new])
    _rewrite(session, table, [ours[key] for key in known])
    if whole:
        table_rows.remove(session, table, name, stored - incoming.keys())


def _linked(session: Session, shop_id: str, rows: list[Row], column: str, table: Table) -> list[Row]:
    """The rows with our ids for Shopify's; null where the row is not known to us."""
    named, key = {row[column] for row in rows if row[column] is not None}, key_of(table)
    found = table_rows.look_up(session, table, key, named, key, "id", OWNER[table])
    known = {shopify_id: its for shopify_id, its, owner in found if owner == shop_id}
    return [{**row, column: known.get(row[column])} for row in rows]


def _store_parents(session: Session, shop_id: str, table: Table, rows: list[Row]) -> Parents:
    name, owner, changed = key_of(table), OWNER[table], changed_of(table)
    incoming = _unique(rows, name)
    found = table_rows.look_up(session, table, name, incoming, name, "id", owner, *([changed] if changed else []))
    if any(theirs != shop_id for _, _, theirs, *_ in found):
        raise ForeignRow(f"{table.name} rows belong to another shop")
    newer = {key for key, _, _, *at in found if changed and table_rows.moment(at[0]) > incoming[key][changed]}
    known = {key: its for key, its, *_ in found}
    unknown = incoming.keys() - known.keys()
    new = dict(zip(unknown, new_ids(len(unknown)), strict=True))
    for write, ids in ((_add, new), (_rewrite, {key: known[key] for key in known if key not in newer})):
        write(session, table, [{**incoming[key], "id": its, owner: shop_id} for key, its in ids.items()])
    return Parents(new, {key: its for key, its in known.items() if key not in newer})


def _add(session: Session, table: Table, rows: list[Row]) -> None:
    names = _names(table, rows)
    try:
        table_rows.add(session, table, names, _cells(names, rows))
    except table_rows.Taken:
        raise ForeignRow(f"{table.name} rows have another {OWNER[table]}") from None


def _rewrite(session: Session, table: Table, rows: list[Row]) -> None:
    names = _names(table, rows)
    table_rows.rewrite(session, table, names, _cells(names, rows), owner=OWNER[table])


def _names(table: Table, rows: list[Row]) -> list[str]:
    """The columns that the rows have, in the table's order."""
    return [column.name for column in table.c if column.name in rows[0]] if rows else []


def _cells(names: list[str], rows: list[Row]) -> list[Cells]:
    return list(map(itemgetter(*names), rows)) if rows else []


def _unique(rows: Iterable[Row], key: str) -> dict[str, Row]:
    # An object that moved between two pages of a nested connection is there twice.
    return {row[key]: row for row in rows}


def held(session: Session, shop_id: str, resources: Iterable[str] = KINDS) -> dict[str, dict[str, int]]:
    """How many rows we hold of this shop: by resource, by kind of row. One indexed count a table."""
    return {name: _counted(session, shop_id, KINDS[name]) for name in resources}


def _counted(session: Session, shop_id: str, kinds: dict[str, Table]) -> dict[str, int]:
    root = next(iter(kinds.values()))
    return {kind: count(session, shop_id, table, root=root) for kind, table in kinds.items()}


def count(session: Session, shop_id: str, table: Table, *, root: Table | None = None) -> int:
    """How many rows of the shop this table holds; `root`: its parent's table, where that is what has the shop."""
    found: int = _counting(table, root if root is not None else table).fetch(session, {"shop": shop_id})[0][0]
    return found


@lru_cache(maxsize=64)
def _counting(table: Table, root: Table) -> Prepared:
    rows = root if table is root else table.join(root, table.c[OWNER[table]] == root.c.id)
    return Prepared(select(func.count()).select_from(rows).where(root.c[OWNER[root]] == bindparam("shop")))


def note_synced(session: Session, shop_id: str, resources: Iterable[str], *, now: datetime) -> None:
    """Tell the app through its SyncState when each resource that it knows was last synced."""
    told = [name for name in resources if name in KNOWN_TO_THE_APP]
    rows = [{"id": new_id(), "shopId": shop_id, "resource": name, "lastSyncedAt": now} for name in told]
    if not rows:
        return
    statement = insert_into(session, SYNC_STATES)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["shopId", "resource"], set_={"lastSyncedAt": statement.excluded.lastSyncedAt}
        ),
        rows,
    )
