"""Time to sync: how long from install to first data, with those still waiting counted at their present age."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.health.cohort import BACKWARDS, WAS_QUICK, Cohort, Tally
from sync_core.health.episodes import SYNCED, UNSYNCED, Sought, Worst, longest
from sync_core.health.hours import Books, Parts, Window
from sync_core.health.spans import HOUR
from sync_core.models import Install, RollupDuration

TARGET_SECONDS = 300


@dataclass(frozen=True)
class Times:
    """Seconds. Percentiles and share count those still waiting at their present age, at most 24 h."""

    n: int
    finished: int
    waiting: int
    """Without data at the window's end, within 24 h of their install."""
    late: int
    """Without data 24 h after their install; with the finished and the waiting ones they are all."""
    long_waiting: int
    """Of the waiting ones: those that wait for the target's time or longer."""
    mean: float | None
    restricted_mean: float | None
    low: float | None
    high: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    under_target: int
    share_under_target: float | None
    verdict: str


@dataclass(frozen=True)
class TimeToSync:
    target_seconds: int
    all: Times
    by_path: dict[str, Times]
    worst: Worst | None
    negative: int
    """Installs whose data arrived before they were installed: a clock or data error, in no figure."""


def time_to_sync(books: Books, installs: Cohort, unsynced: tuple[Worst, ...]) -> TimeToSync:
    """Times of the installs of a window. `unsynced`: what was found of `slowest_unsynced`."""
    return TimeToSync(
        target_seconds=TARGET_SECONDS,
        all=judged(installs.tally),
        by_path={path: judged(tally) for path, tally in installs.by_path.items()},
        worst=_worst(books.session, installs.layers.split, installs.tally, unsynced),
        negative=installs.negative,
    )


def judged(tally: Tally) -> Times:
    """The figures of one tally."""
    unsynced = _added(tally.waiting, tally.late)
    ages = _added(tally.finished, unsynced)
    n, finished, waiting = (sum(some.values()) for some in (ages, tally.finished, tally.waiting))
    restricted = slo.restricted_mean(tally.finished, _added(unsynced, tally.left))
    under = slo.under(ages, target_seconds=TARGET_SECONDS)
    return Times(
        n=n,
        finished=finished,
        waiting=waiting,
        late=sum(tally.late.values()),
        long_waiting=waiting - slo.under(tally.waiting, target_seconds=TARGET_SECONDS),
        mean=sum(at * times for at, times in tally.finished.items()) / finished if finished else None,
        restricted_mean=restricted.mean,
        low=restricted.low,
        high=restricted.high,
        p50=slo.percentile(ages, 0.5),
        p95=slo.percentile(ages, 0.95),
        p99=slo.percentile(ages, 0.99),
        under_target=under,
        share_under_target=under / n if n else None,
        verdict=slo.judge_mean(restricted, target_seconds=TARGET_SECONDS),
    )


def _added(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {at: one.get(at, 0) + other.get(at, 0) for at in one.keys() | other.keys()}


HERE = and_(~BACKWARDS, or_(Install.withdrawn_at.is_(None), Install.first_synced_at.is_not(None)))


def slowest_unsynced(window: Window) -> Sought:
    """The install that waits or waited longest of those without data in time that are not gone."""
    inside = and_(window.holds(Install.installed_at), HERE)
    return Sought(Install.first_synced_at, and_(inside, UNSYNCED, Install.success_deadline >= window.since))


def _worst(session: Session, split: Parts, tally: Tally, unsynced: tuple[Worst, ...]) -> Worst | None:
    """The slowest install that is not gone: of those without data in time, else of the others."""
    slowest = max(tally.finished, default=0)
    found = [*unsynced]
    if not found or found[0].seconds < slowest:
        here = and_(HERE, SYNCED)
        found += _slowest(session, split.window, and_(here, split.events(Install.installed_at)))
        found += _slowest_of_hours(session, split, here, slowest)
    return max(found, key=lambda each: each.seconds, default=None)


def _slowest(session: Session, window: Window, chosen: ColumnElement[bool]) -> tuple[Worst, ...]:
    sought = Sought(Install.first_synced_at, and_(window.holds(Install.installed_at), chosen))
    return longest(session, window, {"slowest": sought})["slowest"]


def _slowest_of_hours(session: Session, split: Parts, chosen: ColumnElement[bool], seconds: int) -> tuple[Worst, ...]:
    """Who took `seconds`, when that was in a closed hour: its hour is looked up, then its row."""
    table = RollupDuration
    its = and_(or_(table.kind == "finished", WAS_QUICK), table.seconds == seconds, split.hours(table.hour))
    hour = session.execute(select(table.hour).where(its).limit(1)).scalar_one_or_none() if split.rolled else None
    if hour is None:
        return ()
    inside = and_(Install.installed_at >= hour, Install.installed_at < hour + HOUR)
    return _slowest(session, split.window, and_(chosen, inside))
