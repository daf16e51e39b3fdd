"""The safety check's ticks: how many of the expected ran well, the strip, and the list of what each did.

A slot is expected from the first tick ever on, by the reader's clock: a dead scheduler writes no
row, and its slots count as missed. The period in force is the one that the ticks themselves carry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import and_, distinct, func, or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.health.episodes import Window
from sync_core.health.spans import epoch_ms
from sync_core.models import Sweep
from sync_core.slo import slot_of, whole_slots

LATE_SHARE = 0.2
"""A tick that begins after this share of its period is late."""

COLUMNS = ("at", "state", "due", "opened", "by")


@dataclass(frozen=True)
class Tick:
    """One tick as it was stored."""

    id: str
    slot: int | None
    period_seconds: float
    profile: str
    by: str
    begun_at: datetime
    ended_at: datetime | None
    due: int
    adopted: int
    opened: int
    joined: int
    over_limit: int
    error: str | None

    @property
    def well(self) -> bool:
        """Ended, without an exception, within its period."""
        if self.ended_at is None or self.error is not None:
            return False
        return self.ended_at - self.begun_at <= timedelta(seconds=self.period_seconds)


@dataclass(frozen=True)
class TickPage:
    """Ticks newest first; `next_before` None: there are no older ones."""

    rows: tuple[Tick, ...]
    next_before: str | None


@dataclass(frozen=True)
class SlotCount:
    """Expected slots, those with any tick, those with one that ended well."""

    expected: int
    begun: int
    good: int


def slot_count(session: Session, window: Window, settings: Settings) -> SlotCount:
    """How the expected slots of a window went."""
    counts = [_count(session, slots, period) for slots, period in _expected(session, window, settings)]
    return SlotCount(*(sum(part) for part in zip((0, 0, 0), *counts, strict=True)))


def slots(session: Session, *, since: datetime, until: datetime, now: datetime, settings: Settings) -> pd.DataFrame:
    """Every check that was to run.

    Shape: one row per whole slot in [since, until) since the first tick ever, oldest first; empty keeps the columns.
    Columns: at UTC, the slot's beginning · state str: ran, found, late, missed, failed, over_limit · due int ·
    opened int · by str or None.
    Source: sweep.begun_at, ended_at, error, period_seconds. Errors: database errors pass through.
    """
    window = Window(since, min(until, now))
    rows = [row for slots, period in _expected(session, window, settings) for row in _strip(session, slots, period)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object).astype({"due": int, "opened": int})
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True))


def sweeps(session: Session, *, before: str | None = None, limit: int = 50) -> TickPage:
    """Ticks newest first, those older than the tick with the id `before` (an unknown id: from the newest on)."""
    query = select(Sweep).order_by(Sweep.begun_at.desc(), Sweep.id.desc()).limit(limit + 1)
    last = session.get(Sweep, before) if before else None
    if last is not None:
        same = and_(Sweep.begun_at == last.begun_at, Sweep.id < last.id)
        query = query.where(or_(Sweep.begun_at < last.begun_at, same))
    rows = [_tick(row) for row in session.execute(query).scalars()]
    return TickPage(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)


def _expected(session: Session, window: Window, settings: Settings) -> Iterator[tuple[range, float]]:
    """(whole slots, period) for each stretch of the window under one period, oldest first."""
    changes = _changes(session, window.end, settings)
    ends = [*(begun for begun, _ in changes[1:]), window.end]
    for (begun, period), end in zip(changes, ends, strict=False):
        slots = whole_slots(max(begun, window.since), min(end, window.end), period_seconds=period)
        if slots:
            yield slots, period


def _changes(session: Session, end: datetime, settings: Settings) -> list[tuple[datetime, float]]:
    """(from when, period): the first tick, and each tick that came with another period than the one before."""
    before = func.lag(Sweep.period_seconds).over(order_by=(Sweep.begun_at, Sweep.id)).label("before")
    ticks = select(Sweep.begun_at, Sweep.period_seconds, before).where(Sweep.begun_at < end).subquery()
    changed = or_(ticks.c.before.is_(None), ticks.c.before != ticks.c.period_seconds)
    query = select(ticks.c.begun_at, ticks.c.period_seconds).where(changed).order_by(ticks.c.begun_at)
    changes = [(begun, period) for begun, period in session.execute(query)]
    newest = session.execute(select(func.max(Sweep.begun_at)).where(Sweep.begun_at < end)).scalar_one()
    if newest is not None and changes[-1][1] != settings.sweep_period_seconds:
        changes.append((newest, settings.sweep_period_seconds))
    return changes


def _bounds(slots: range, period: float) -> tuple[datetime, datetime]:
    return datetime.fromtimestamp(slots.start * period, UTC), datetime.fromtimestamp(slots.stop * period, UTC)


def _count(session: Session, slots: range, period: float) -> tuple[int, int, int]:
    begin, end = _bounds(slots, period)
    milliseconds = round(period * 1000)
    number = epoch_ms(Sweep.begun_at) // milliseconds
    took = epoch_ms(Sweep.ended_at) - epoch_ms(Sweep.begun_at)
    well = and_(Sweep.ended_at.is_not(None), Sweep.error.is_(None), took <= milliseconds)
    query = select(func.count(distinct(number))).where(Sweep.begun_at >= begin, Sweep.begun_at < end)
    return len(slots), session.execute(query).scalar_one(), session.execute(query.where(well)).scalar_one()


def _strip(session: Session, slots: range, period: float) -> Iterator[tuple[datetime, str, int, int, str | None]]:
    begin, end = _bounds(slots, period)
    query = select(Sweep).where(Sweep.begun_at >= begin, Sweep.begun_at < end).order_by(Sweep.begun_at)
    ticks: dict[int, list[Tick]] = defaultdict(list)
    for row in session.execute(query).scalars():
        ticks[slot_of(row.begun_at, period)].append(_tick(row))
    for slot in slots:
        at, found = datetime.fromtimestamp(slot * period, UTC), ticks[slot]
        by = next((tick.by for tick in found if tick.well), found[0].by if found else None)
        yield at, state(found, at, period), sum(t.due for t in found), sum(t.opened for t in found), by


def state(ticks: list[Tick], at: datetime, period: float) -> str:
    """How a slot that began at `at` went, by its ticks."""
    well = [tick for tick in ticks if tick.well]
    if not well:
        return "failed" if ticks else "missed"
    if any(tick.over_limit for tick in well):
        return "over_limit"
    if any(tick.opened for tick in well):
        return "found"
    return "late" if well[0].begun_at - at > timedelta(seconds=LATE_SHARE * period) else "ran"


def _tick(row: Sweep) -> Tick:
    return Tick(**{each.name: getattr(row, each.name) for each in fields(Tick)})
