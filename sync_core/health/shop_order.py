"""The orders of the Shops page: each read in the order of an index, a page at a time, by keyset."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, union_all
from sqlalchemy.sql import Subquery

from sync_core.errors import BadInput
from sync_core.health.conditions import FAILING
from sync_core.health.spans import moment
from sync_core.models import ShopSync
from sync_core.states import Status


class Sort(StrEnum):
    """Order of the Shops page; each is stable (the shop's id breaks ties)."""

    DOMAIN = "domain"
    WAITING = "waiting"
    NEWEST = "newest"


LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Branch:
    """Shops that share an index: whom it holds, and the key in whose order it gives them, never null."""

    holds: ColumnElement[bool]
    key: ColumnElement[Any]


@dataclass(frozen=True)
class Order:
    """A sort: its branches share one kind of key, so that their first rows merge. `down`: the largest first."""

    branches: tuple[Branch, ...]
    down: bool = False

    def page(self, asked: list[ColumnElement[bool]], after: str | None, limit: int) -> Subquery:
        """(shop_id, key) of the next shops that meet what is asked. Errors: BadInput when `after` is not ours."""
        place = _read_place(self, after) if after else None
        parts = [self._part(branch, asked, place).limit(limit).subquery() for branch in self.branches]
        if len(parts) == 1:
            return parts[0]
        merged = union_all(*(select(part.c.shop_id, part.c.key) for part in parts)).subquery()
        return select(merged).order_by(*self.columns(merged)).limit(limit).subquery()

    def _part(
        self, branch: Branch, asked: list[ColumnElement[bool]], place: tuple[ColumnElement[Any], str] | None
    ) -> Select[Any]:
        beyond = [self._beyond(branch.key, *place)] if place else []
        query = select(ShopSync.shop_id, branch.key.label("key")).where(branch.holds, *asked, *beyond)
        both = (branch.key, ShopSync.shop_id.expression)
        return query.order_by(*(column.desc() if self.down else column.asc() for column in both))

    def _beyond(self, own: ColumnElement[Any], key: ColumnElement[Any], shop_id: str) -> ColumnElement[bool]:
        further = own < key if self.down else own > key
        not_before = own <= key if self.down else own >= key  # a range that an index serves; the OR is none
        tie = ShopSync.shop_id < shop_id if self.down else ShopSync.shop_id > shop_id
        return and_(not_before, or_(further, tie))

    def columns(self, page: Subquery) -> tuple[Any, Any]:
        """The order of a page's rows."""
        both = (page.c.key, page.c.shop_id)
        return (both[0].desc(), both[1].desc()) if self.down else (both[0].asc(), both[1].asc())


EVERY = ShopSync.shop_id.is_not(None)
"""Every shop, said so that no planner takes it for a condition."""

_WAITS = and_(ShopSync.first_synced_at.is_(None), ShopSync.status.in_([Status.PENDING.value, Status.IN_PROGRESS.value]))
_FAILS = and_(FAILING, ShopSync.failing_since.is_not(None))
_FAILS_NOT = or_(~FAILING, ShopSync.failing_since.is_(None))

ORDERS = {
    Sort.DOMAIN: Order((Branch(EVERY, ShopSync.shop_domain.expression),)),
    Sort.WAITING: Order(
        (
            Branch(_FAILS, ShopSync.failing_since.expression),
            Branch(and_(_WAITS, _FAILS_NOT), ShopSync.installed_at.expression),
            Branch(and_(~_WAITS, _FAILS_NOT), moment(LATEST)),
        )
    ),
    Sort.NEWEST: Order((Branch(EVERY, ShopSync.installed_at.expression),), down=True),
}
"""Waiting: failing, or waiting for a first sync, the longest first; then the rest."""


def place_of(key: Any, shop_id: str) -> str:
    """Where a page ended, for the address of the next one."""
    return json.dumps([key.isoformat() if isinstance(key, datetime) else key, shop_id])


def _read_place(order: Order, after: str) -> tuple[ColumnElement[Any], str]:
    try:
        key, shop_id = (_storable(part) for part in json.loads(after))
        timed = order is not ORDERS[Sort.DOMAIN]
        return (moment(_aware(key)) if timed else literal(key)), shop_id
    except (ValueError, TypeError, OverflowError):
        raise BadInput("after is not a place in this list", field="after") from None


def _storable(part: object) -> str:
    """A text that both engines take. Errors: TypeError, ValueError (NUL, half a surrogate pair)."""
    if not isinstance(part, str):
        raise TypeError("no text")
    if b"\x00" in part.encode():
        raise ValueError("NUL")
    return part


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found.astimezone(UTC)
