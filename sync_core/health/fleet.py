"""The fleet at this moment: who needs a person, who runs, who is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Need
from sync_core.health.answering import ShopifyState, shopify_state
from sync_core.health.conditions import CAP, TROUBLED, capped_count, is_overdue, retries
from sync_core.health.needs import Group, groups
from sync_core.heartbeat import SILENT_SECONDS
from sync_core.models import Heartbeat, ShopSync, Sweep
from sync_core.slo import slot_of
from sync_core.states import Hold, Status


@dataclass(frozen=True)
class Life:
    """Whether a kind of process is alive; `seen_at` None: never seen."""

    alive: bool
    seen_at: datetime | None
    running: int = 0
    workers: int = 0


@dataclass(frozen=True)
class Checks:
    """The safety check: its last tick, its last good one, the next, whole checks missed since."""

    last_at: datetime | None
    last_good_at: datetime | None
    found: int
    over_limit: int
    next_at: datetime | None
    missed: int
    period: timedelta


class Picture(StrEnum):
    """Which kind of silence this is."""

    SCHEDULER_DEAD = "scheduler dead"
    NOTHING_DUE = "nothing due"
    OVER_LIMIT = "over the limit"
    WORKING = "working"


@dataclass(frozen=True)
class Fleet:
    """One snapshot. `installed`, `by_status` and `by_hold` stop counting at CAP (`capped`: `installed` did)."""

    at: datetime
    installed: int
    capped: bool
    by_status: dict[str, int]
    by_hold: dict[str, int]
    syncing: int
    waiting: int
    retrying: int
    retrying_next_at: datetime | None
    overdue: int
    groups: tuple[Group, ...]
    scheduler: Life
    workers: Life
    checks: Checks
    shopify: ShopifyState
    picture: Picture

    @property
    def needs(self) -> tuple[Need, ...]:
        """The listed shops of all groups, in the order of the screen."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def needs_n(self) -> int:
        return sum(group.n for group in self.groups)

    @property
    def oldest(self) -> datetime | None:
        """Since when the longest waiting shop needs a person."""
        return min((row.since for row in self.needs), default=None)


def fleet(session: Session, *, now: datetime, settings: Settings) -> Fleet:
    """The fleet as it stands. Source: shop_sync, heartbeat, sweep, sync_attempt by their indexes."""
    workers = _life(session, now, Heartbeat.workers > 0)
    scheduler = _life(session, now, Heartbeat.role == "scheduler")
    by_status = {status.value: capped_count(session, ShopSync.status == status.value) for status in Status}
    by_hold = {hold.value: capped_count(session, TROUBLED, ShopSync.hold == hold.value) for hold in Hold}
    installed = capped_count(session, or_(ShopSync.hold.is_(None), ShopSync.hold != Hold.UNINSTALLED.value))
    overdue, checks = capped_count(session, is_overdue(now)), _checks(session, now, settings)
    return Fleet(
        at=now,
        installed=min(installed, CAP),
        capped=installed > CAP,
        by_status={status: min(n, CAP) for status, n in by_status.items()},
        by_hold={hold: min(n, CAP) for hold, n in by_hold.items()},
        syncing=by_status[Status.IN_PROGRESS],
        waiting=by_status[Status.PENDING],
        retrying=capped_count(session, retries(now)),
        retrying_next_at=_next_retry(session, now),
        overdue=overdue,
        groups=groups(session, now=now, workers_alive=workers.alive),
        scheduler=scheduler,
        workers=workers,
        checks=checks,
        shopify=shopify_state(session, now=now),
        picture=_picture(scheduler, checks, anything_due=_anything_due(session, now)),
    )


def _life(session: Session, now: datetime, whose: ColumnElement[bool]) -> Life:
    alive = and_(Heartbeat.stopped_at.is_(None), Heartbeat.seen_at >= now - timedelta(seconds=SILENT_SECONDS))
    seen_at = session.execute(select(func.max(Heartbeat.seen_at)).where(whose)).scalar_one()
    sums = select(func.count(), func.sum(Heartbeat.running), func.sum(Heartbeat.workers)).where(whose, alive)
    n, running, workers = session.execute(sums).one()
    return Life(n > 0, seen_at, running or 0, workers or 0)


def _checks(session: Session, now: datetime, settings: Settings) -> Checks:
    period = settings.sweep_period_seconds
    last = session.execute(select(Sweep).order_by(Sweep.begun_at.desc()).limit(1)).scalar_one_or_none()
    good = select(func.max(Sweep.begun_at)).where(Sweep.ended_at.is_not(None), Sweep.error.is_(None))
    slot = slot_of(now, period)
    next_at = datetime.fromtimestamp((slot + 1) * period, UTC)
    if last is None:
        return Checks(None, None, 0, 0, next_at, 0, timedelta(seconds=period))
    missed = max(0, slot - slot_of(last.begun_at, period) - 1)
    last_good_at = session.execute(good).scalar_one()
    return Checks(last.begun_at, last_good_at, last.opened, last.over_limit, next_at, missed, timedelta(seconds=period))


def _next_retry(session: Session, now: datetime) -> datetime | None:
    return session.execute(select(func.min(ShopSync.due_at)).where(retries(now))).scalar_one()


def _anything_due(session: Session, now: datetime) -> bool:
    due = select(ShopSync.shop_id).where(ShopSync.due_at.is_not(None), ShopSync.due_at <= now).limit(1)
    return session.execute(due).first() is not None


def _picture(scheduler: Life, checks: Checks, *, anything_due: bool) -> Picture:
    if not scheduler.alive:
        return Picture.SCHEDULER_DEAD
    if checks.over_limit:
        return Picture.OVER_LIMIT
    return Picture.WORKING if anything_due else Picture.NOTHING_DUE
