"""Which shops are started next, and when: the line as it stands, put before `explain.line`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from statistics import median_low
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session

from sync_core.columns import UtcMs
from sync_core.config import Settings
from sync_core.explain.line import Place, Rounds, Workers, starts
from sync_core.health.conditions import alive
from sync_core.health.times import TARGET_SECONDS
from sync_core.models import Heartbeat, Install, ShopSync, SyncAttempt
from sync_core.slo import slot_of
from sync_core.states import RESERVED_SHARE, Outcome, Priority, Status

MOST = 1_000
"""Shops of one priority that are looked at: whoever is behind them has no time that we could name."""
AHEAD = timedelta(minutes=15)
"""What is due later stands in no line yet."""
RECENT = 200
"""Syncs whose time says how long one takes."""
LATELY = 8
"""So many in a row that took less than half, or more than twice, of the middle one before them: syncs have changed."""
FIRST_GUESS = timedelta(seconds=30)
STILL = 0.25
"""A sync that takes longer than most goes on for so much of a usual one."""


@dataclass(frozen=True)
class Waiting:
    """A shop in the line. `first`: it has no data yet and we watched it being installed."""

    shop_id: str
    fence: int
    installed_at: datetime
    first: bool
    starts_at: datetime | None
    """None: nobody would start it as things stand."""

    @property
    def deadline(self) -> datetime:
        """When it has waited for as long as a first sync should take."""
        return self.installed_at + timedelta(seconds=TARGET_SECONDS)


@dataclass(frozen=True)
class LateStarts:
    """New shops that will wait longer than a first sync should take; said before it happens."""

    n: int = 0
    last_at: datetime | None = None
    """When the last of those that anybody starts is started."""
    unstarted: int = 0
    """Of these: those whom nobody would start as things stand."""
    capped: bool = False
    """There may be more behind them."""


@dataclass(frozen=True)
class Coming:
    """The line, in no order: of each priority the first thousand."""

    at: datetime
    waiting: tuple[Waiting, ...]
    capped: bool = False
    """There are more than it holds."""

    def late(self, *, courtesy: timedelta) -> LateStarts:
        """Who will have waited too long when it is started, and has not yet.

        `courtesy`: so long after an install the merchant's browser may still come.
        """
        new = [each for each in self.waiting if each.first and each.installed_at + courtesy <= self.at < each.deadline]
        late = [each.starts_at for each in new if each.starts_at is None or each.starts_at > each.deadline]
        return LateStarts(len(late), max((at for at in late if at), default=None), late.count(None), self.capped)


def coming(session: Session, *, now: datetime, settings: Settings) -> Coming:
    """Who waits, and when each is started. Source: shop_sync, heartbeat and sync_attempt by their indexes."""
    rows = session.execute(_line(), {"now": now, "soon": now + AHEAD}).all()
    if not rows:
        return Coming(now, ())
    workers, rounds = _workers(session, now), _rounds(session, now, settings)
    places = [_place(row, now) for row in rows]
    found = starts(places, workers, rounds)
    capped = max(Counter(row.part for row in rows).values()) >= MOST
    return Coming(now, tuple(_waiting(row, found.get(row.shop_id)) for row in rows), capped)


def late_starts(session: Session, *, now: datetime, settings: Settings) -> LateStarts:
    """The new shops that will have waited too long when they are started, and have not yet.

    Not those whose merchant's browser may still come. The line is read only when a new shop waits in it.
    """
    courtesy = timedelta(seconds=settings.wake_hold_seconds)
    moments = {"now": now, "since": now - timedelta(seconds=TARGET_SECONDS), "until": now - courtesy}
    if not session.execute(_new_ones(), moments).scalar_one():
        return LateStarts()
    return coming(session, now=now, settings=settings).late(courtesy=courtesy)


@cache
def _new_ones() -> Select[bool]:
    """Whether a shop of the last minutes waits for its first sync. Parameters: now, since, until."""
    now, since, until = (bindparam(name, type_=UtcMs()) for name in ("now", "since", "until"))
    fresh = and_(ShopSync.installed_at > since, ShopSync.installed_at <= until, ShopSync.first_synced_at.is_(None))
    runs = and_(ShopSync.status == Status.IN_PROGRESS.value, ShopSync.due_at > now)
    return select(select(literal_column("1")).where(fresh, ShopSync.hold.is_(None), ~runs).exists())


@cache
def _line() -> Select[Any]:
    """Whoever is awake, sleeps and is due soon, or lost its worker; one index a part. Parameters: now, soon."""
    now, soon = bindparam("now", type_=UtcMs()), bindparam("soon", type_=UtcMs())
    runs, awake = ShopSync.status == Status.IN_PROGRESS.value, ShopSync.wake_at <= soon
    parts = [
        _part(f"awake {priority}", ShopSync.priority == priority, ShopSync.wake_at.is_not(None), awake, ~runs)
        for priority in (Priority.FIRST, Priority.FAILING, Priority.LOW)
    ]
    asleep = (ShopSync.due_at.is_not(None), ShopSync.due_at <= soon, ShopSync.wake_at.is_(None), ~runs)
    parts.append(_part("asleep", *asleep, order=ShopSync.due_at.expression))
    lost = (runs, ShopSync.due_at.is_not(None), ShopSync.due_at <= now)
    parts.append(_part("lost", *lost, order=ShopSync.due_at.expression))
    return select(union_all(*parts).subquery())


def _part(name: str, *conditions: ColumnElement[bool], order: ColumnElement[Any] | None = None) -> Select[Any]:
    columns = (ShopSync.shop_id, ShopSync.fence, ShopSync.priority, ShopSync.status, ShopSync.wake_at, ShopSync.due_at)
    watched = and_(Install.shop_id == ShopSync.shop_id, Install.generation == ShopSync.generation, Install.watched)
    unsynced = and_(ShopSync.first_synced_at.is_(None), ShopSync.hold.is_(None))
    first = and_(unsynced, select(literal_column("1")).where(watched).exists()).label("first")
    query = select(*columns, ShopSync.installed_at, first, literal(name).label("part")).where(*conditions)
    some = query.order_by(ShopSync.wake_at if order is None else order, ShopSync.shop_id).limit(MOST).subquery()
    return select(some)


def _place(row: Row[Any], now: datetime) -> Place:
    """A run that lost its worker is rescued before all others."""
    if row.status == Status.IN_PROGRESS:
        return Place(row.shop_id, Priority.FIRST, min(row.due_at, now))
    return Place(row.shop_id, row.priority, row.wake_at or row.due_at, asleep=row.wake_at is None)


def _waiting(row: Row[Any], starts_at: datetime | None) -> Waiting:
    return Waiting(row.shop_id, row.fence, row.installed_at, bool(row.first), starts_at)


def _workers(session: Session, now: datetime) -> Workers:
    slots = session.execute(select(func.coalesce(func.sum(Heartbeat.workers), 0)).where(alive(now))).scalar_one()
    run, running = _run_time(session), _running(session)
    busy = sorted(max(claimed_at + run, now + STILL * run) for claimed_at in running)[: int(slots)]
    return Workers((now,) * (int(slots) - len(busy)) + tuple(busy), int(slots) // RESERVED_SHARE, run)


def _running(session: Session) -> list[datetime]:
    query = select(SyncAttempt.claimed_at).where(SyncAttempt.ended_at.is_(None), SyncAttempt.claimed_at.is_not(None))
    return [at for at in session.execute(query.limit(MOST)).scalars() if at]


def _run_time(session: Session) -> timedelta:
    """How long a sync takes: the newest good ones on average; while all fail, as long as these failures took."""
    good, failed = Outcome.COMPLETED.value, Outcome.FAILED.value
    query = select(SyncAttempt.claimed_at, SyncAttempt.ended_at, SyncAttempt.outcome)
    query = query.where(SyncAttempt.ended_at.is_not(None), SyncAttempt.outcome.in_([good, failed]))
    newest = session.execute(query.order_by(SyncAttempt.ended_at.desc()).limit(RECENT)).all()
    took = [(ended - claimed, outcome == good) for claimed, ended, outcome in newest if claimed and ended]
    synced = [seconds for seconds, well in took if well]
    if not any(well for _, well in took[:LATELY]) or not synced:
        some = [seconds for seconds, _ in took[:LATELY]]
    else:
        some = synced[:LATELY] if _changed(synced[:LATELY], synced[LATELY:]) else synced
    return sum(some, timedelta()) / len(some) if some else FIRST_GUESS


def _changed(newest: list[timedelta], earlier: list[timedelta]) -> bool:
    if not earlier:
        return False
    middle = median_low(earlier)
    return max(newest) < middle / 2 or min(newest) > 2 * middle


def _rounds(session: Session, now: datetime, settings: Settings) -> Rounds | None:
    """The checks to come, while a scheduler lives."""
    living = select(Heartbeat.process).where(Heartbeat.role == "scheduler", alive(now)).limit(1)
    if session.execute(living).first() is None:
        return None
    period = settings.sweep_period_seconds
    first = datetime.fromtimestamp((slot_of(now, period) + 1) * period, UTC)
    return Rounds(first, timedelta(seconds=period), None if settings.prompt else settings.sweep_batch)
