"""Which shops a question means, as conditions that the partial indexes serve, and counts that stop early."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.orm import Session

from sync_core.columns import UtcMs
from sync_core.heartbeat import SILENT_SECONDS
from sync_core.models import Heartbeat, ShopProfile, ShopSync
from sync_core.states import Hold, Priority

CAP = 10_000
"""Counts on pages stop here and are shown as `10,000+`."""

OVERDUE_AFTER = timedelta(minutes=10)

MERCHANT_SIDE = (Hold.FROZEN, Hold.LOCKED, Hold.SCOPE, Hold.REAUTHORISE, Hold.GONE)
"""Holds that the merchant or Shopify must end: they need a person, and are not counted against us."""

TROUBLED = or_(ShopSync.hold.is_not(None), ShopSync.failures > literal_column("0"))
"""The condition of ix_shop_sync_trouble, in its own words: a bound parameter would hide it from the planner."""


HELD = ShopSync.hold.is_not(None)
"""One half of TROUBLED: said beside which hold it is, it lets both engines take ix_shop_sync_trouble in its order."""


FAILING = ShopSync.failures > literal_column("0")
"""The condition of ix_shop_sync_failing, in its own words."""


def alive(now: datetime) -> ColumnElement[bool]:
    """Processes that gave a sign of life lately and did not say that they stop."""
    return and_(Heartbeat.stopped_at.is_(None), Heartbeat.seen_at >= now - timedelta(seconds=SILENT_SECONDS))


LATE = bindparam("late", type_=UtcMs())
"""Before it a shop that is due is overdue; for statements that are built once."""


def is_overdue(now: datetime | None) -> ColumnElement[bool]:
    """Due for more than 10 minutes, of the priorities that a person waits for, and not held.

    `now` None: at the moment with whose `late_at` the statement is executed.
    """
    before = LATE if now is None else now - OVERDUE_AFTER
    late = and_(ShopSync.due_at.is_not(None), ShopSync.due_at < before)
    return and_(late, ShopSync.priority < Priority.LOW, ShopSync.hold.is_(None))


def late_at(now: datetime) -> dict[str, datetime]:
    """The parameters of a statement that was built once."""
    return {"now": now, "late": now - OVERDUE_AFTER}


def overdue_now(shop: ShopSync, now: datetime) -> bool:
    """The same question of one row."""
    late = shop.due_at is not None and shop.due_at < now - OVERDUE_AFTER
    return late and shop.priority < Priority.LOW and shop.hold is None


def needs_attention(now: datetime | None) -> ColumnElement[bool]:
    """Fails again and again although somebody starts it."""
    return and_(FAILING, ShopSync.attention, ShopSync.hold.is_(None), ~is_overdue(now))


def retries(now: datetime | None) -> ColumnElement[bool]:
    """Failed and trying again by itself, nobody needed."""
    by_itself = and_(~ShopSync.attention, ShopSync.hold.is_(None), ~is_overdue(now))
    return and_(FAILING, by_itself)


def capped(*conditions: ColumnElement[bool], cap: int = CAP) -> ScalarSelect[int]:
    """How many shops meet the conditions, at most `cap` + 1: more than `cap` means that it stopped counting."""
    some = select(literal_column("1")).select_from(ShopSync).where(*conditions).limit(cap + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def capped_count(session: Session, *conditions: ColumnElement[bool], cap: int = CAP) -> int:
    """The same, asked at once."""
    return session.execute(select(capped(*conditions, cap=cap))).scalar_one()


NAME = func.coalesce(ShopProfile.name, ShopSync.shop_domain)
"""A shop's name, or its domain while its profile was not read yet."""
