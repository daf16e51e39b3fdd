"""How the objectives went hour by hour or day by day: each step counted with the words of the whole window."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.config import Settings
from sync_core.errors import BadInput
from sync_core.health.checks import stepped_slots
from sync_core.health.cohort import BACKWARDS, INSTALLS, SOON, WAS_QUICK, Layers, layers
from sync_core.health.episodes import PICK_UP, SUCCESS, SYNCED
from sync_core.health.hours import Books, Family, Memory, Parts, Window, books
from sync_core.health.spans import HOUR, hour_ceil, hour_floor, hour_of, seconds_between
from sync_core.models import Install, RollupDuration


class Step(StrEnum):
    """How finely a window is told."""

    HOUR = "hour"
    DAY = "day"


HOURLY = timedelta(days=8)
"""Longer windows are told by day: an hour costs as much to ask for."""


@dataclass(frozen=True)
class Part:
    """`k` good of `n`."""

    k: int
    n: int


@dataclass(frozen=True)
class Point:
    """One step [since, until). The shares as in `objectives`; the times of the installs that are synced."""

    since: datetime
    until: datetime
    sync_success: Part
    pick_up: Part
    sweep_success: Part
    finished: int
    p50: float | None
    p95: float | None


def series(
    session: Session | Books,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    settings: Settings,
    step: Step,
    zone: ZoneInfo,
    memory: Memory | None = None,
) -> tuple[Point, ...]:
    """The steps of [since, until), oldest first; their parts add up to the window's objectives.

    A day begins at midnight in `zone` (where that is not a full hour of UTC, at the hour after it).
    Source and `memory`: as `objectives`. Errors: BadInput for hours of more than 8 days; database errors.
    """
    if step is Step.HOUR and until - since > HOURLY:
        raise BadInput(f"by=hour is for windows of at most {HOURLY.days} days", field="by")
    window, kept = Window(since, min(until, now)), books(session, memory)
    steps = _steps(window, step, zone)
    told = zip(
        steps,
        kept.stepped(window, SUCCESS, steps),
        kept.stepped(window, PICK_UP, steps),
        stepped_slots(kept, window, settings, steps),
        _times(kept, window, steps),
        strict=True,
    )
    return tuple(
        Point(
            max(each.since, window.since),
            min(each.end, window.end),
            Part(success["k"], success["n"]),
            Part(started["k"], started["n"]),
            Part(slots.good, slots.expected),
            times.total(),
            slo.percentile(times, 0.5),
            slo.percentile(times, 0.95),
        )
        for each, success, started, slots, times in told
    )


def losses_by_day(
    session: Session | Books,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    zone: ZoneInfo,
    memory: Memory | None = None,
) -> pd.DataFrame:
    """The installs without data at their deadline by day, where they are too many to name: the shape of `losses`.

    Shape: one row per day that lost any, oldest first; n int, how many; no shop_id and no domain. Source: as `series`.
    """
    window, kept = Window(since, min(until, now)), books(session, memory)
    steps = _steps(window, Step.DAY, zone)
    counts = zip(steps, kept.stepped(window, SUCCESS, steps), strict=True)
    lost = [(max(step.since, since), "", count["n"] - count["k"]) for step, count in counts]
    frame = pd.DataFrame([row for row in lost if row[-1]], columns=["deadline", "name", "n"])
    return frame.assign(deadline=pd.to_datetime(frame["deadline"], utc=True))


def _steps(window: Window, step: Step, zone: ZoneInfo) -> list[Window]:
    """Spans of whole hours that cover the window."""
    if window.since >= window.end:
        return []
    begin, end = hour_floor(window.since), hour_ceil(window.end)
    starts = [begin]
    while (following := _next(starts[-1], step, zone)) < end:
        starts.append(following)
    return [Window(*ends) for ends in zip(starts, [*starts[1:], end], strict=True)]


def _next(start: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step is Step.HOUR:
        return start + HOUR
    return hour_ceil(start.astimezone(zone).replace(hour=0, minute=0) + timedelta(days=1))


FINISHED = or_(RollupDuration.kind == "finished", WAS_QUICK)


def _times(books: Books, window: Window, steps: list[Window]) -> list[Counter[int]]:
    """Whole seconds → installs of the step that had their data so long after; those not synced yet are in none."""
    told, starts = layers(books, window), [step.since for step in steps]
    found = [
        _summed(books, INSTALLS, told.split.within(step), FINISHED)
        + _summed(books, SOON, told.soon.within(step), WAS_QUICK)
        for step in steps
    ]
    for hour, seconds, n in books.session.execute(_opened(told)) if steps else ():
        found[bisect_right(starts, hour) - 1][seconds] += n
    return found


def _summed(books: Books, family: Family, split: Parts, which: ColumnElement[bool]) -> Counter[int]:
    def ask() -> Counter[int]:
        table = RollupDuration
        query = select(table.seconds, func.sum(table.n)).where(split.hours(table.hour), which)
        return Counter({seconds: int(n) for seconds, n in books.session.execute(query.group_by(table.seconds))})

    return books.remembered("finished", family.name, split, ask) if split.rolled else Counter()


def _opened(told: Layers) -> Select[datetime, int, int]:
    """(hour, seconds, installs) of the event rows that no sum counts, as of the window's end."""
    seconds = seconds_between(Install.installed_at, Install.first_synced_at).label("seconds")
    hour = hour_of(Install.installed_at).label("hour")
    query = select(hour, seconds, func.count()).where(Install.watched, ~BACKWARDS, SYNCED)
    here = query.where(told.events(Install.installed_at), Install.first_synced_at < told.window.end)
    return here.group_by("hour", "seconds")
