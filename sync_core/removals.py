"""Rows that are to go: deleted at Shopify, or erased because the law says so.

The caller's transaction holds the shop's lock (`lifecycle.locked`, or the guard of a run), so no run
of that shop writes meanwhile. Children go before their parents; an order outlives its customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, delete, select, update
from sqlalchemy.orm import Session

from sync_core import scattered
from sync_core.store import CUSTOMERS, KINDS, ORDERS, OWNER, SYNC_STATES, portions
from sync_core.table_rows import changed_of, key_of

ROOTS = {name: next(iter(kinds.values())) for name, kinds in KINDS.items()}
"""The table of each resource's own rows."""

CHILDREN = {root: tuple(KINDS[name].values())[1:] for name, root in ROOTS.items()}


def remove(session: Session, shop_id: str, table: Table, shopify_ids: Sequence[str]) -> int:
    """Delete these rows of the shop with their children; how many there were."""
    mine, key = _mine(table, shop_id), table.c[key_of(table)]
    return sum(_remove(session, table, mine & key.in_(some)) for some in portions(shopify_ids))


def remove_all(session: Session, shop_id: str) -> dict[str, int]:
    """Delete every row that we synced of this shop; how many, by resource of which there were any."""
    # Orders first: they name customers.
    found = {name: _remove(session, ROOTS[name], _mine(ROOTS[name], shop_id)) for name in reversed(ROOTS)}
    scattered.forget(session, shop_id)
    session.execute(delete(SYNC_STATES).where(SYNC_STATES.c.shopId == shop_id))
    return {name: n for name, n in found.items() if n}


def known(session: Session, shop_id: str, table: Table, *, created_in: tuple[datetime | None, datetime]) -> set[str]:
    """Shopify's ids of the shop's rows that were created in [first, last); first None: at any time before.

    What has no moment of its creation is judged by its last change, which is not before it.
    """
    (first, last), created = created_in, table.c[_created(table)]
    query = select(table.c[key_of(table)]).where(_mine(table, shop_id), created < last)
    if first is not None:
        query = query.where(created >= first)
    return set(session.execute(query).scalars())


def _mine(table: Table, shop_id: str) -> ColumnElement[bool]:
    return table.c[OWNER[table]] == shop_id


def _created(table: Table) -> str:
    return next((name for name in ("createdAt", "created_at") if name in table.c), changed_of(table) or "")


def _remove(session: Session, table: Table, which: ColumnElement[bool]) -> int:
    ids = select(table.c.id).where(which)
    for child in CHILDREN[table]:
        session.execute(delete(child).where(child.c[OWNER[child]].in_(ids)))
    if table is CUSTOMERS:
        session.execute(update(ORDERS).where(ORDERS.c.customerId.in_(ids)).values(customerId=None))
    done = cast(CursorResult[Any], session.execute(delete(table).where(which)))
    return done.rowcount
