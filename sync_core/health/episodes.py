"""Sync success and pick-up: installs judged at their own deadlines, counted by the database.

An install belongs to the window in which its deadline falls, and is judged only when that is past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync_core.health.conditions import MERCHANT_SIDE, NAME
from sync_core.health.spans import moment, seconds_between
from sync_core.models import Install, ShopProfile, ShopSync, SyncAttempt, Transition
from sync_core.states import Outcome

SPOILED = (Outcome.FAILED.value, Outcome.ORPHANED.value, Outcome.STOLEN.value)
"""Ends of an attempt after which a later success is no first-attempt success; a hand-over at a restart is none."""


@dataclass(frozen=True)
class Window:
    """[since, end): `end` is the window's end or now, whichever is earlier."""

    since: datetime
    end: datetime

    def holds(self, column: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
        """Watched installs whose moment lies in the window."""
        return and_(Install.watched, column >= self.since, column < self.end)


@dataclass(frozen=True)
class Worst:
    """The shop behind a figure. `seconds`: how long it took or waits."""

    shop_id: str
    domain: str
    name: str
    seconds: float


@dataclass(frozen=True)
class Count:
    """`k` good of `n`."""

    k: int
    n: int


SYNCED = and_(Install.first_synced_at.is_not(None), Install.first_synced_at <= Install.success_deadline)
LEFT_UNSYNCED = and_(
    Install.withdrawn_at.is_not(None),
    Install.withdrawn_at <= Install.success_deadline,
    or_(Install.first_synced_at.is_(None), Install.first_synced_at > Install.withdrawn_at),
)
TAKEN = and_(Install.first_claimed_at.is_not(None), Install.first_claimed_at <= Install.pickup_deadline)
LEFT_UNTAKEN = and_(
    Install.withdrawn_at.is_not(None),
    Install.withdrawn_at <= Install.pickup_deadline,
    or_(Install.first_claimed_at.is_(None), Install.first_claimed_at > Install.withdrawn_at),
)


def sync_success(session: Session, window: Window) -> Count:
    """Synced within their deadline, of those due in the window and not uninstalled before."""
    return _count(session, SYNCED, window.holds(Install.success_deadline), ~LEFT_UNSYNCED)


def pick_up(session: Session, window: Window) -> Count:
    """Taken by their deadline by anybody, of those due in the window and not uninstalled before."""
    return _count(session, TAKEN, window.holds(Install.pickup_deadline), ~LEFT_UNTAKEN)


def blocked_by_merchant(session: Session, window: Window) -> int:
    """Misses whose shop was under a merchant-side hold at the deadline, as the transitions tell."""
    missed = and_(window.holds(Install.success_deadline), ~LEFT_UNSYNCED, ~_known(SYNCED))
    held = _hold_at_deadline().in_([hold.value for hold in MERCHANT_SIDE])
    return session.execute(select(func.count()).select_from(Install).where(missed, held)).scalar_one()


def first_attempt(session: Session, window: Window) -> int:
    """Successes without a failed, orphaned or stolen attempt before them."""
    spoiled = exists().where(
        SyncAttempt.shop_id == Install.shop_id,
        SyncAttempt.generation == Install.generation,
        SyncAttempt.outcome.in_(SPOILED),
        SyncAttempt.ended_at <= Install.first_synced_at,
    )
    good = and_(window.holds(Install.success_deadline), ~LEFT_UNSYNCED, SYNCED, ~spoiled)
    return session.execute(select(func.count()).select_from(Install).where(good)).scalar_one()


def unjudged(session: Session, window: Window) -> int:
    """Installs of the window whose deadline is still to come."""
    young = and_(window.holds(Install.installed_at), Install.success_deadline >= window.end)
    return session.execute(select(func.count()).select_from(Install).where(young)).scalar_one()


def missed_syncs(session: Session, window: Window, *, limit: int) -> tuple[Worst, ...]:
    """Installs without data at their deadline, the longest first."""
    missed = and_(window.holds(Install.success_deadline), ~LEFT_UNSYNCED, ~_known(SYNCED))
    return longest(session, window, Install.first_synced_at, missed, limit=limit)


def late_pick_ups(session: Session, window: Window, *, limit: int) -> tuple[Worst, ...]:
    """Installs that nobody had taken at their deadline, the longest first."""
    missed = and_(window.holds(Install.pickup_deadline), ~LEFT_UNTAKEN, ~_known(TAKEN))
    return longest(session, window, Install.first_claimed_at, missed, limit=limit)


def longest(
    session: Session, window: Window, ended: InstrumentedAttribute[Any], chosen: ColumnElement[bool], *, limit: int
) -> tuple[Worst, ...]:
    """Installs by the time from install to `ended` (to the window's end while it has not come), longest first."""
    seconds = seconds_between(Install.installed_at, func.coalesce(ended, moment(window.end)))
    query = select(Install.shop_id, ShopSync.shop_domain, NAME, seconds)
    query = query.join(ShopSync, ShopSync.shop_id == Install.shop_id)
    query = query.outerjoin(ShopProfile, ShopProfile.shop_id == Install.shop_id)
    rows = session.execute(query.where(chosen).order_by(seconds.desc(), Install.shop_id).limit(limit))
    return tuple(Worst(shop_id, domain, name, float(took)) for shop_id, domain, name, took in rows)


def _count(session: Session, good: ColumnElement[bool], *chosen: ColumnElement[bool]) -> Count:
    query = select(func.count(), func.count(case((good, 1)))).select_from(Install).where(*chosen)
    n, k = session.execute(query).one()
    return Count(k, n)


def _known(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition as true or false: a missing moment makes it false, not unknown."""
    return case((condition, True), else_=False)


def _hold_at_deadline() -> Any:
    newest = (Transition.at.desc(), Transition.fence.desc(), Transition.id.desc())
    until = and_(Transition.shop_id == Install.shop_id, Transition.at <= Install.success_deadline)
    return select(Transition.to_hold).where(until).order_by(*newest).limit(1).correlate(Install).scalar_subquery()
