"""The four objectives of a window, from append-only rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.config import Settings
from sync_core.health import episodes
from sync_core.health.checks import slot_count
from sync_core.health.cohort import cohort
from sync_core.health.conditions import capped_count, is_overdue
from sync_core.health.episodes import PICK_UP, SUCCESS, Worst
from sync_core.health.hours import Books, Memory, Window, books
from sync_core.health.ledger import Ledger, ledger
from sync_core.health.times import TimeToSync, time_to_sync

SUCCESS_TARGET, PICK_UP_TARGET, SWEEP_TARGET = 0.99, 1.0, 0.95
QUARTER = timedelta(days=90)
NAMED = 20
"""Misses of a pick-up that are named."""


@dataclass(frozen=True)
class Budget:
    """Over the 90 days before the window's end: how many of `n` may fail, and how many did."""

    n: int
    allowed: int
    spent: int

    @property
    def left(self) -> int:
        return self.allowed - self.spent


@dataclass(frozen=True)
class Share:
    """`k` good of `n`. `value`, `low`, `high` are shares in 0..1, None when n is 0."""

    target: float
    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    verdict: str
    needed: int | None
    """With no further failure: at how many judged ones the target is promised; None when it never is."""
    budget: Budget | None = None
    worst: Worst | None = None


@dataclass(frozen=True)
class SyncSuccess:
    all: Share
    addressable: Share
    first_attempt: Share
    unjudged: int
    """Installs of the window younger than their deadline."""


@dataclass(frozen=True)
class PickUp:
    all: Share
    overdue_now: int
    late: tuple[Worst, ...]
    """Each miss named, worst first, at most 20."""


@dataclass(frozen=True)
class SweepSuccess:
    all: Share
    missed: int
    failed: int


@dataclass(frozen=True)
class Objectives:
    since: datetime
    until: datetime
    sync_success: SyncSuccess
    pick_up: PickUp
    time_to_sync: TimeToSync
    sweep_success: SweepSuccess
    ledger: Ledger


def objectives(
    session: Session | Books,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    settings: Settings,
    memory: Memory | None = None,
) -> Objectives:
    """The four objectives and the ledger of [since, until), judged as of `now`.

    Source: roll-ups of closed hours, event rows of the others. `memory`: what a process remembers of closed hours.
    Errors: database errors pass through. A window without installs has no data, not 0 %.
    """
    window, kept = Window(since, min(until, now)), books(session, memory)
    installs = cohort(kept, window)
    return Objectives(
        since=since,
        until=until,
        sync_success=_sync_success(kept, window, unjudged=installs.young),
        pick_up=_pick_up(kept, window, now),
        time_to_sync=time_to_sync(kept, installs),
        sweep_success=_sweep_success(kept, window, settings),
        ledger=ledger(kept.session, installs, now=now),
    )


def _sync_success(books: Books, window: Window, *, unjudged: int) -> SyncSuccess:
    count, quarter = (books.counted(each, SUCCESS) for each in (window, _quarter(window)))
    k, n = count["k"], count["n"]
    worst = episodes.missed_syncs(books.session, window, limit=1) if k < n else ()
    return SyncSuccess(
        all=share(k, n, SUCCESS_TARGET, budget=_budget(quarter["k"], quarter["n"], SUCCESS_TARGET), worst=worst),
        addressable=share(k, n - count["blocked"], SUCCESS_TARGET),
        first_attempt=share(count["first"], n, SUCCESS_TARGET),
        unjudged=unjudged,
    )


def _quarter(window: Window) -> Window:
    return Window(window.end - QUARTER, window.end)


def _pick_up(books: Books, window: Window, now: datetime) -> PickUp:
    count = books.counted(window, PICK_UP)
    late = episodes.late_pick_ups(books.session, window, limit=NAMED) if count["k"] < count["n"] else ()
    overdue = capped_count(books.session, is_overdue(now))
    return PickUp(all=share(count["k"], count["n"], PICK_UP_TARGET, worst=late), overdue_now=overdue, late=late)


def _sweep_success(books: Books, window: Window, settings: Settings) -> SweepSuccess:
    slots, quarter = (slot_count(books, each, settings) for each in (window, _quarter(window)))
    budget = _budget(quarter.good, quarter.expected, SWEEP_TARGET)
    judged = share(slots.good, slots.expected, SWEEP_TARGET, budget=budget)
    return SweepSuccess(all=judged, missed=slots.expected - slots.begun, failed=slots.begun - slots.good)


def share(k: int, n: int, target: float, *, budget: Budget | None = None, worst: tuple[Worst, ...] = ()) -> Share:
    """A share with its interval and verdict."""
    judged = slo.judge(k, n, target=target)
    figures = (judged.value, judged.low, judged.high, judged.verdict, judged.needed)
    return Share(target, k, n, *figures, budget=budget, worst=worst[0] if worst else None)


def _budget(k: int, n: int, target: float) -> Budget:
    return Budget(n=n, allowed=slo.budget(n, target=target), spent=n - k)
