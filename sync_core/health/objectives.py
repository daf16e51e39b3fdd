"""The four objectives of a window, from append-only rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.config import Settings
from sync_core.health.checks import slot_count
from sync_core.health.cohort import cohort
from sync_core.health.conditions import CAP, capped_count, is_overdue
from sync_core.health.episodes import PICK_UP, SUCCESS, Worst, late_pick_ups, longest, missed_syncs
from sync_core.health.hours import Books, Memory, Window, books
from sync_core.health.ledger import Ledger, ledger
from sync_core.health.times import TimeToSync, slowest_unsynced, time_to_sync

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
    """Up to CAP."""
    overdue_capped: bool
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
    installs, success = cohort(kept, window), kept.counted(window, SUCCESS)
    started = kept.counted(window, PICK_UP)
    sought = {"slow": slowest_unsynced(window)}
    sought |= {"missed": missed_syncs(window)} if success["k"] < success["n"] else {}
    sought |= {"late": late_pick_ups(window, limit=NAMED)} if started["k"] < started["n"] else {}
    worst = longest(kept.session, window, sought)
    return Objectives(
        since=since,
        until=until,
        sync_success=_sync_success(kept, window, success, worst.get("missed", ()), unjudged=installs.young),
        pick_up=_pick_up(kept, started, worst.get("late", ()), now),
        time_to_sync=time_to_sync(kept, installs, worst["slow"]),
        sweep_success=_sweep_success(kept, window, settings),
        ledger=ledger(kept.session, installs, now=now),
    )


def _sync_success(
    books: Books, window: Window, count: Counter[str], worst: tuple[Worst, ...], *, unjudged: int
) -> SyncSuccess:
    k, n, quarter = count["k"], count["n"], books.counted(_quarter(window), SUCCESS)
    return SyncSuccess(
        all=share(k, n, SUCCESS_TARGET, budget=_budget(quarter["k"], quarter["n"], SUCCESS_TARGET), worst=worst),
        addressable=share(k, n - count["blocked"], SUCCESS_TARGET),
        first_attempt=share(count["first"], n, SUCCESS_TARGET),
        unjudged=unjudged,
    )


def _quarter(window: Window) -> Window:
    return Window(window.end - QUARTER, window.end)


def _pick_up(books: Books, count: Counter[str], late: tuple[Worst, ...], now: datetime) -> PickUp:
    overdue = capped_count(books.session, is_overdue(now))
    judged = share(count["k"], count["n"], PICK_UP_TARGET, worst=late)
    return PickUp(judged, overdue_now=min(overdue, CAP), overdue_capped=overdue > CAP, late=late)


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
