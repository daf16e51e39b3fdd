"""The safety check's ticks: how many of the expected ran well, the strip, and the list of what each did.

A slot is expected from the first tick ever on, by the reader's clock: a dead scheduler writes no
row, and its slots count as missed. The period in force is the one that the ticks themselves carry.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.health.hours import PATIENCE, Books, Parts, Window
from sync_core.health.spans import hour_floor
from sync_core.maintenance import Planned, within
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


CHECKS = "checks"
"""The family of the roll-ups; its figures: expected, begun, good."""


Slot = tuple[datetime, bool, bool]
"""When an expected slot begins, whether it has a tick, and one that ended well."""


def slot_count(books: Books, window: Window, settings: Settings) -> SlotCount:
    """How the expected slots of a window went."""
    split = _split(books, window, settings)
    return _count([*_begun(books, split, settings), *_opened(books, split, settings)], books.rolled(split, CHECKS))


def stepped_slots(books: Books, window: Window, settings: Settings, steps: list[Window]) -> list[SlotCount]:
    """The same for each of the steps of a window, which are spans of whole hours; a slot is its beginning's."""
    split = _split(books, window, settings)
    slots = [*_begun(books, split, settings), *_opened(books, split, settings)]
    return [
        _count([slot for slot in slots if step.since <= slot[0] < step.end], books.rolled(split.within(step), CHECKS))
        for step in steps
    ]


def _count(slots: list[Slot], closed: Mapping[str, int]) -> SlotCount:
    counts = (len(slots), sum(begun for _, begun, _ in slots), sum(good for *_, good in slots))
    return SlotCount(*(closed.get(each.name, 0) + n for each, n in zip(fields(SlotCount), counts, strict=True)))


def _split(books: Books, window: Window, settings: Settings) -> Parts:
    """A slot settles within the period that is in force at the window's end."""
    period = books.once(("in force", window.end), lambda: in_force(books.session, window.end, settings))
    return books.parts(window, CHECKS, settles=period)


def _begun(books: Books, split: Parts, settings: Settings) -> list[Slot]:
    """The slots of the closed hour in which the window begins, from the window's beginning on."""
    if (hour := split.before) is None:
        return []
    span = Window(hour.first, hour.last)
    slots = books.remembered("slots", CHECKS, hour, lambda: _settled(books.session, span, settings))
    return [slot for slot in slots if slot[0] >= split.window.since]


def _opened(books: Books, split: Parts, settings: Settings) -> list[Slot]:
    """The slots after the closed hours that end before the window does."""
    rest = split.rest
    return books.once((CHECKS, rest), lambda: _slots(books.session, rest, settings, before=rest.end))


def _slots(session: Session, window: Window, settings: Settings, *, before: datetime) -> list[Slot]:
    """The expected slots that begin in a window before a moment, and end in the window, by the ticks themselves."""
    if window.since >= before:
        return []
    return [
        (datetime.fromtimestamp(slot * stretch.period, UTC), bool(ticks), any(tick.well for tick in ticks))
        for stretch in _stretches(session, window, settings, before=before)
        for slot in stretch.expected()
        for ticks in [stretch.ticks.get(slot, ())]
    ]


def settled_count(session: Session, window: Window, settings: Settings) -> SlotCount:
    """How the expected slots that begin in a window went, wherever they end: for hours that are long over."""
    return _count(_settled(session, window, settings), {})


def _settled(session: Session, window: Window, settings: Settings) -> list[Slot]:
    beyond = Window(window.since, window.end + in_force(session, window.end, settings))
    return _slots(session, beyond, settings, before=window.end)


def closed_until(session: Session, settings: Settings) -> datetime | None:
    """Until when slots are settled: later ticks are there, and no tick of them still runs. None: none ever ran."""
    newest = session.execute(select(func.max(Sweep.begun_at))).scalar_one()
    return None if newest is None else hour_floor(newest - 2 * in_force(session, newest, settings) - PATIENCE)


def in_force(session: Session, at: datetime, settings: Settings) -> timedelta:
    """The longest period that a slot around a moment may have."""
    newest = select(Sweep.period_seconds).where(Sweep.begun_at <= at).order_by(Sweep.begun_at.desc()).limit(1)
    period = session.execute(newest).scalar_one_or_none()
    return timedelta(seconds=max(period or 0, settings.sweep_period_seconds))


def slots(session: Session, *, since: datetime, until: datetime, now: datetime, settings: Settings) -> pd.DataFrame:
    """Every check that was to run.

    Shape: one row per whole slot in [since, until) since the first tick ever, oldest first; empty keeps the columns.
    Columns: at UTC, the slot's beginning · state str: ran, found, late, missed, failed, over_limit, maintenance ·
    due int · opened int · by str or None.
    Source: sweep.begun_at, ended_at, error, period_seconds. Errors: database errors pass through.
    """
    window = Window(since, min(until, now))
    stretches = _stretches(session, window, settings, before=window.end)
    rows = [row for stretch in stretches for row in _strip(stretch)]
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


@dataclass(frozen=True)
class Stretch:
    """A time under one period: its slots, the ticks begun in each slot, and the maintenance that was declared."""

    period: float
    slots: range
    ticks: dict[int, list[Tick]]
    planned: tuple[Planned, ...] = ()

    def expected(self) -> Iterator[int]:
        """The slots in which a check was to run."""
        return (slot for slot in self.slots if not self.excused(slot))

    def excused(self, slot: int) -> bool:
        """Whether maintenance had been declared for some of this slot."""
        if not self.planned:
            return False
        begin, end = (datetime.fromtimestamp(number * self.period, UTC) for number in (slot, slot + 1))
        return any(each.touches(begin, end) for each in self.planned)


def _stretches(session: Session, window: Window, settings: Settings, *, before: datetime) -> Iterator[Stretch]:
    """The stretches of a window, oldest first; their whole slots that begin before a moment."""
    ticks = _ticks(session, window)
    changes = _changes(session, ticks, window, settings)
    ends = [*(begun for begun, _ in changes[1:]), window.end]
    planned = within(session, window.since, window.end) if changes else ()
    for (begun, period), end in zip(changes, ends, strict=False):
        slots = whole_slots(max(begun, window.since), min(end, window.end), period_seconds=period)
        stop = max(slots.start, min(slots.stop, math.ceil(before.timestamp() / period)))
        found: dict[int, list[Tick]] = defaultdict(list)
        for tick in ticks:
            found[slot_of(tick.begun_at, period)].append(tick)
        yield Stretch(period, range(slots.start, stop), found, planned)


def _ticks(session: Session, window: Window) -> list[Tick]:
    """The ticks begun in a window, oldest first, after the last one before it."""
    earlier = select(Sweep.id).where(Sweep.begun_at < window.since).order_by(Sweep.begun_at.desc(), Sweep.id.desc())
    its = or_(window.spans(Sweep.begun_at), Sweep.id == earlier.limit(1).scalar_subquery())
    query = select(*(getattr(Sweep, each.name) for each in fields(Tick))).where(its)
    rows = session.execute(query.order_by(Sweep.begun_at, Sweep.id))
    return [Tick(*row) for row in rows]


def _changes(session: Session, ticks: list[Tick], window: Window, settings: Settings) -> list[tuple[datetime, float]]:
    """(from when, period): what was in force at the window's beginning, and each tick of it that changed that.

    After the newest tick of all the period of the settings is in force: the next tick will carry it.
    """
    changes: list[tuple[datetime, float]] = []
    for tick in ticks:
        if not changes or changes[-1][1] != tick.period_seconds:
            changes.append((tick.begun_at, tick.period_seconds))
    if changes and changes[-1][1] != settings.sweep_period_seconds:
        later = select(Sweep.id).where(Sweep.begun_at >= window.end).limit(1)
        if session.execute(later).first() is None:
            changes.append((ticks[-1].begun_at, settings.sweep_period_seconds))
    return changes


def _strip(stretch: Stretch) -> Iterator[tuple[datetime, str, int, int, str | None]]:
    for slot in stretch.slots:
        at, found = datetime.fromtimestamp(slot * stretch.period, UTC), stretch.ticks.get(slot, [])
        by = next((tick.by for tick in found if tick.well), found[0].by if found else None)
        how = "maintenance" if not found and stretch.excused(slot) else state(found, at, stretch.period)
        yield at, how, sum(t.due for t in found), sum(t.opened for t in found), by


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
