"""The fleet at this moment: who needs a person, who runs, who is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Need
from sync_core.health.answering import ShopifyState, shopify_state
from sync_core.health.conditions import CAP, TROUBLED, alive, capped, is_overdue, retries
from sync_core.health.needs import Group, groups
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
    counts = _counts(session, now)
    scheduler, workers = _lives(session, now)
    checks = _checks(session, now, settings)
    by_status = {status.value: counts[status.value] for status in Status}
    by_hold = {hold.value: counts[hold.value] for hold in Hold}
    return Fleet(
        at=now,
        installed=min(counts["installed"], CAP),
        capped=counts["installed"] > CAP,
        by_status={status: min(n, CAP) for status, n in by_status.items()},
        by_hold={hold: min(n, CAP) for hold, n in by_hold.items()},
        syncing=by_status[Status.IN_PROGRESS],
        waiting=by_status[Status.PENDING],
        retrying=counts["retrying"],
        retrying_next_at=counts["next_retry"],
        overdue=counts["overdue"],
        groups=groups(session, now=now, counts=counts, workers_alive=workers.alive),
        scheduler=scheduler,
        workers=workers,
        checks=checks,
        shopify=shopify_state(session, now=now),
        picture=_picture(scheduler, checks, anything_due=counts["any_due"] > 0),
    )


def _counts(session: Session, now: datetime) -> dict[str, Any]:
    """Everything that is counted, in one statement: name → capped count; next_retry is a moment."""
    asked: dict[str, ScalarSelect[Any]] = {
        "installed": capped(or_(ShopSync.hold.is_(None), ShopSync.hold != Hold.UNINSTALLED.value)),
        **{status.value: capped(ShopSync.status == status.value) for status in Status},
        **{hold.value: capped(TROUBLED, ShopSync.hold == hold.value) for hold in Hold},
        "retrying": capped(retries(now)),
        "overdue": capped(is_overdue(now)),
        "any_due": capped(ShopSync.due_at.is_not(None), ShopSync.due_at <= now, cap=0),
        "next_retry": select(func.min(ShopSync.due_at)).where(retries(now)).scalar_subquery(),
    }
    query = select(*(count.label(name) for name, count in asked.items()))
    return dict(session.execute(query).mappings().one())


def _lives(session: Session, now: datetime) -> tuple[Life, Life]:
    """The scheduler and those who run syncs (a scheduler may be both)."""
    columns = (Heartbeat.role, Heartbeat.workers, Heartbeat.running, Heartbeat.seen_at, alive(now).label("alive"))
    rows = session.execute(select(*columns)).all()
    return _life([row for row in rows if row.role == "scheduler"]), _life([row for row in rows if row.workers > 0])


def _life(rows: list[Any]) -> Life:
    seen_at = max((row.seen_at for row in rows), default=None)
    alive = [row for row in rows if row.alive]
    return Life(bool(alive), seen_at, sum(row.running for row in alive), sum(row.workers for row in alive))


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


def _picture(scheduler: Life, checks: Checks, *, anything_due: bool) -> Picture:
    if not scheduler.alive:
        return Picture.SCHEDULER_DEAD
    if checks.over_limit:
        return Picture.OVER_LIMIT
    return Picture.WORKING if anything_due else Picture.NOTHING_DUE
