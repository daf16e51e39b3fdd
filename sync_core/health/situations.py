"""One shop's rows as the plain values that an explanation stands on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Run, Situation, Step
from sync_core.health.coming import AHEAD, coming
from sync_core.health.conditions import alive, overdue_now
from sync_core.models import Heartbeat, ShopSync
from sync_core.slo import slot_of
from sync_core.states import Hold, Mode, Status, Trigger

MOST_AHEAD = 1_000
"""The queue before a shop is counted so far."""


class OpenAttempt(Protocol):
    """What is read of the open attempt."""

    @property
    def trigger(self) -> Trigger: ...
    @property
    def mode(self) -> str: ...
    @property
    def actor(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def claimed_at(self) -> datetime | None: ...
    @property
    def number(self) -> int: ...
    @property
    def progress(self) -> dict[str, Any]: ...


def situation(
    session: Session, row: ShopSync, *, name: str, attempt: OpenAttempt | None, now: datetime, settings: Settings
) -> Situation:
    """Where this shop is, `now`."""
    workers_alive, workers_seen_at = _alive(session, now, workers=True)
    ahead = _ahead(session, row, now)
    return Situation(
        name=name,
        now=now,
        status=Status(row.status),
        since=row.since,
        installed_at=row.installed_at,
        hold=Hold(row.hold) if row.hold else None,
        held_since=row.held_since,
        generation=row.generation,
        due_at=row.due_at,
        first_synced_at=row.first_synced_at,
        data_of=row.last_synced_at,
        failures=row.failures,
        failing_since=row.failing_since,
        attention=row.attention,
        error_class=row.error_class,
        error_message=row.error_message,
        run=None if attempt is None else run(attempt, row, now),
        skipped=tuple(resource for resource, held in row.held.items() if held.get("skipped")),
        ahead=None if ahead is None else min(ahead, MOST_AHEAD),
        ahead_capped=ahead is not None and ahead > MOST_AHEAD,
        overdue=overdue_now(row, now),
        next_at=_next(session, row, now, settings),
        prompt=settings.prompt,
        stall_seconds=settings.stall_seconds,
        scheduler_alive=_alive(session, now, workers=False)[0],
        workers_alive=workers_alive,
        workers_seen_at=workers_seen_at,
    )


def _next(session: Session, row: ShopSync, now: datetime, settings: Settings) -> datetime | None:
    """When a worker takes it, as the line stands; else, when it stands in none, when it is next due."""
    if row.status != Status.IN_PROGRESS and row.due_at is not None and row.due_at <= now + AHEAD:
        line = coming(session, now=now, settings=settings).waiting
        starts_at = next((each.starts_at for each in line if each.shop_id == row.shop_id), None)
        if starts_at is not None:
            return starts_at
    due = next_by_itself(row, settings)
    return None if due is not None and due <= now and row.status != Status.IN_PROGRESS else due


def next_by_itself(row: ShopSync, settings: Settings) -> datetime | None:
    """When the shop is next started by itself: when it wakes, else at the first check after it is due."""
    if row.wake_at is not None or row.due_at is None:
        return row.wake_at
    period = settings.sweep_period_seconds
    slot = slot_of(row.due_at, period)
    begins = datetime.fromtimestamp(slot * period, UTC)
    return begins if begins == row.due_at else begins + timedelta(seconds=period)


def run(attempt: OpenAttempt, row: ShopSync, now: datetime) -> Run:
    """The open attempt with its steps, their rates and what is left."""
    moved_at = row.progress_at if attempt.claimed_at else None
    steps = tuple(_step(name, facts) for name, facts in attempt.progress.items())
    return Run(
        trigger=attempt.trigger,
        mode=Mode(attempt.mode),
        actor=attempt.actor,
        reason=attempt.reason,
        requested_at=attempt.requested_at,
        claimed_at=attempt.claimed_at,
        number=attempt.number,
        steps=steps,
        progress_at=moved_at,
        seconds_left=_left(steps, moved_at, now),
    )


def _step(name: str, facts: dict[str, Any]) -> Step:
    """`seconds_left` as the run itself reckoned when it stored its last page."""
    done, total, left = int(facts["done"]), facts.get("total"), facts.get("seconds_left")
    rate = (total - done) / left if left and total is not None else None
    return Step(name, done, total, facts.get("skipped"), facts["ended"], rate, left)


def _left(steps: tuple[Step, ...], moved_at: datetime | None, now: datetime) -> float | None:
    """Seconds until all is stored; None while that is not known of a resource."""
    left = [step.seconds_left for step in steps if not step.ended and step.skipped is None]
    if moved_at is None or not left or None in left:
        return None
    return max(0.0, sum(seconds or 0.0 for seconds in left) - (now - moved_at).total_seconds())


def _ahead(session: Session, row: ShopSync, now: datetime) -> int | None:
    """How many shops the claim loop takes before this one, up to MOST_AHEAD + 1; None: its turn has not come yet."""
    if row.wake_at is None or row.wake_at > now or row.status == Status.IN_PROGRESS:
        return None
    mine = and_(ShopSync.priority == row.priority, ShopSync.wake_at < row.wake_at)
    before = and_(ShopSync.wake_at.is_not(None), ShopSync.wake_at <= now, or_(ShopSync.priority < row.priority, mine))
    some = select(ShopSync.shop_id).where(before, ShopSync.shop_id != row.shop_id).limit(MOST_AHEAD + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _alive(session: Session, now: datetime, *, workers: bool) -> tuple[bool, datetime | None]:
    whose = Heartbeat.workers > 0 if workers else Heartbeat.role == "scheduler"
    seen_at = session.execute(select(func.max(Heartbeat.seen_at)).where(whose)).scalar_one()
    return session.execute(select(Heartbeat.process).where(whose, alive(now)).limit(1)).first() is not None, seen_at
