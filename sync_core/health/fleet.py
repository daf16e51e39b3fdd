"""The fleet at this moment: who needs a person, who runs, who is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from sync_core.columns import UtcMs
from sync_core.config import Settings
from sync_core.explain import Need, count, needs_first
from sync_core.explain.words import OVERDUE
from sync_core.health.answering import ShopifyState, shopify_state
from sync_core.health.conditions import CAP, HELD, alive, capped, is_overdue, late_at, retries
from sync_core.health.failing_checks import WELL, Failed, failed_since
from sync_core.health.needs import Group, attention, groups
from sync_core.maintenance import Planned, heard_at, within
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
    excused_until: datetime | None = None
    """No check was expected before: maintenance that came while the checks still ran."""
    maintenance: Planned | None = None
    """What is under way now."""
    failed: Failed | None = None
    """The newest check since the last good one that ended badly, of the last two periods."""


class Picture(StrEnum):
    """Which kind of silence this is."""

    SCHEDULER_DEAD = "scheduler dead"
    CHECKS_FAIL = "checks fail"
    NO_WORKER = "no worker"
    NOTHING_DUE = "nothing due"
    OVER_LIMIT = "over the limit"
    WORKING = "working"


@dataclass(frozen=True)
class Fleet:
    """One snapshot. What is counted stops at CAP; `capped` are the counts that did."""

    at: datetime
    installed: int
    capped: frozenset[str]
    prompt: bool
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
    def needy(self) -> str:
        """How many shops need a person, as text."""
        return count(self.needs_n, "shop", capped=any(group.capped for group in self.groups))

    def counted(self, name: str) -> str:
        """A count as text: `10,000+` where it stopped."""
        n: int = getattr(self, name)
        return f"{n:,}{'+' if name in self.capped else ''}"

    @property
    def needs_n(self) -> int:
        return sum(group.n for group in self.groups)

    @property
    def needs_first(self) -> str | None:
        """Who must run before anything starts by itself, or None."""
        wakes = self.prompt or self.scheduler.alive
        return needs_first(workers_alive=self.workers.alive, scheduler_alive=self.scheduler.alive, wakes=wakes)

    @property
    def oldest(self) -> datetime | None:
        """Since when the longest waiting shop needs a person."""
        return min((row.since for row in self.needs), default=None)


COUNTED = ("installed", "syncing", "waiting", "retrying", OVERDUE)
HOLDS = tuple(hold for hold in Hold if hold is not Hold.UNINSTALLED)


def fleet(session: Session, *, now: datetime, settings: Settings) -> Fleet:
    """The fleet as it stands. Source: shop_sync, heartbeat, sweep, sync_attempt by their indexes."""
    counts = _counts(session, now)
    scheduler, workers = _lives(session, now)
    checks = _checks(session, now, settings)
    by_hold = {hold.value: min(counts[hold.value], CAP) for hold in HOLDS}
    return Fleet(
        at=now,
        installed=min(counts["installed"], CAP),
        capped=frozenset(name for name in COUNTED if counts[name] > CAP),
        prompt=settings.prompt,
        by_hold=by_hold,
        syncing=min(counts["syncing"], CAP),
        waiting=min(counts["waiting"], CAP),
        retrying=min(counts["retrying"], CAP),
        retrying_next_at=counts["next_retry"],
        overdue=min(counts[OVERDUE], CAP),
        groups=groups(session, now=now, counts=counts, workers_alive=workers.alive),
        scheduler=scheduler,
        workers=workers,
        checks=checks,
        shopify=shopify_state(session, now=now),
        picture=_picture(scheduler, workers, checks, anything_due=counts["any_due"] > 0),
    )


def _counts(session: Session, now: datetime) -> dict[str, Any]:
    """Everything that is counted, in one statement: name → capped count; next_retry is a moment."""
    return dict(session.execute(_counting(), late_at(now)).mappings().one())


@cache
def _counting() -> Select[Any]:
    due = and_(ShopSync.due_at.is_not(None), ShopSync.due_at <= bindparam("now", type_=UtcMs()))
    asked: dict[str, ScalarSelect[Any]] = {
        "installed": capped(or_(ShopSync.hold.is_(None), ShopSync.hold != Hold.UNINSTALLED.value)),
        "syncing": capped(ShopSync.status == Status.IN_PROGRESS.value),
        "waiting": capped(ShopSync.status == Status.PENDING.value),
        **{hold.value: capped(HELD, ShopSync.hold == hold.value) for hold in HOLDS},
        "retrying": capped(retries(None)),
        **{name: capped(condition) for name, condition in attention().items()},
        OVERDUE: capped(is_overdue(None)),
        "any_due": capped(due, cap=0),
        "next_retry": select(func.min(ShopSync.due_at)).where(retries(None)).scalar_subquery(),
    }
    return select(*(count.label(name) for name, count in asked.items()))


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
    good = select(Sweep.begun_at).where(WELL).order_by(Sweep.begun_at.desc()).limit(1).scalar_subquery()
    newest = select(Sweep.begun_at, Sweep.opened, Sweep.over_limit, good).order_by(Sweep.begun_at.desc()).limit(1)
    last = session.execute(newest).one_or_none()
    slot = slot_of(now, period)
    next_at = datetime.fromtimestamp((slot + 1) * period, UTC)
    if last is None:
        return Checks(None, None, 0, 0, next_at, 0, timedelta(seconds=period))
    begun_at, opened, over_limit, good_at = last
    patience, heard = 2 * timedelta(seconds=period), good_at or begun_at
    planned = within(session, heard, now + patience)
    present = next((each for each in planned if each.since <= now < each.until), None)
    excused = heard_at(tuple(each for each in planned if each.since <= now), heard, patience=patience)
    missed = max(0, slot - slot_of(max(begun_at, excused), period) - 1)
    times = (begun_at, good_at, opened, over_limit, next_at, missed, timedelta(seconds=period))
    failed = None if good_at == begun_at else failed_since(session, good_at, after=now - patience)
    return Checks(*times, excused_until=excused, maintenance=present, failed=failed)


def _picture(scheduler: Life, workers: Life, checks: Checks, *, anything_due: bool) -> Picture:
    if not scheduler.alive:
        return Picture.SCHEDULER_DEAD
    if checks.failed:
        return Picture.CHECKS_FAIL
    if anything_due and not workers.alive:
        return Picture.NO_WORKER
    if checks.over_limit:
        return Picture.OVER_LIMIT
    return Picture.WORKING if anything_due else Picture.NOTHING_DUE
