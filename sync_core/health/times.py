"""Time to sync: how long from install to first data, with those still waiting counted at their present age."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.health.episodes import Window, Worst, longest
from sync_core.health.spans import moment, seconds_between
from sync_core.models import Install
from sync_core.states import Trigger

TARGET_SECONDS = 300

PATH_OF = {
    Trigger.ONBOARDING: "onboarding",
    Trigger.SWEEP: "sweep",
    Trigger.MANUAL: "manual",
    Trigger.API: "manual",
    Trigger.CLI: "manual",
}
"""Trigger of the first claimed attempt to one of four paths; every other one counts as `wake` (by itself)."""

PATH_ORDER = ("onboarding", "wake", "sweep", "manual")


@dataclass(frozen=True)
class Times:
    """Seconds. Percentiles and share count those still waiting at their present age."""

    n: int
    finished: int
    waiting: int
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


@dataclass
class Tally:
    """Whole seconds → installs: finished, still waiting, and uninstalled before their data came."""

    finished: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    left: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: str, seconds: int, n: int) -> None:
        getattr(self, kind)[seconds] += n


def path_of(trigger: str | None, *, finished: bool = False) -> str | None:
    """The path of an install by its first trigger; None while nobody started it."""
    if trigger is None:
        return "wake" if finished else None
    return PATH_OF.get(Trigger(trigger), "wake")


def time_to_sync(session: Session, window: Window) -> TimeToSync:
    """Times of the installs of a window, by installed_at; what came after its end had not come yet."""
    everything, paths = Tally(), {path: Tally() for path in PATH_ORDER}
    for trigger, kind, seconds, n in _rows(session, window):
        everything.add(kind, seconds, n)
        path = path_of(trigger, finished=kind == "finished")
        if path is not None:
            paths[path].add(kind, seconds, n)
    return TimeToSync(
        target_seconds=TARGET_SECONDS,
        all=judged(everything),
        by_path={path: judged(tally) for path, tally in paths.items()},
        worst=_worst(session, window),
        negative=_negative(session, window),
    )


def judged(tally: Tally) -> Times:
    """The figures of one tally."""
    ages = _added(tally.finished, tally.waiting)
    n, finished = sum(ages.values()), sum(tally.finished.values())
    restricted = slo.restricted_mean(tally.finished, _added(tally.waiting, tally.left))
    under = slo.under(ages, target_seconds=TARGET_SECONDS)
    return Times(
        n=n,
        finished=finished,
        waiting=n - finished,
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


def _rows(session: Session, window: Window) -> Iterable[Any]:
    """(trigger, kind, whole seconds, installs)."""
    finished = and_(Install.first_synced_at.is_not(None), Install.first_synced_at < window.end)
    left = and_(Install.withdrawn_at.is_not(None), Install.withdrawn_at < window.end)
    kind = case((finished, "finished"), (left, "left"), else_="waiting").label("kind")
    stop = case((finished, Install.first_synced_at), (left, Install.withdrawn_at), else_=moment(window.end))
    seconds = seconds_between(Install.installed_at, stop).label("seconds")
    query = select(Install.path, kind, seconds, func.count())
    query = query.where(window.holds(Install.installed_at), ~_backwards())
    return session.execute(query.group_by(Install.path, "kind", "seconds"))


def _backwards() -> Any:
    """Data or uninstall before the install."""
    synced = and_(Install.first_synced_at.is_not(None), Install.first_synced_at < Install.installed_at)
    left = and_(Install.withdrawn_at.is_not(None), Install.withdrawn_at < Install.installed_at)
    return case((or_(synced, left), True), else_=False)


def _negative(session: Session, window: Window) -> int:
    backwards = and_(window.holds(Install.installed_at), _backwards())
    return session.execute(select(func.count()).select_from(Install).where(backwards)).scalar_one()


def _worst(session: Session, window: Window) -> Worst | None:
    """The slowest install that is not gone."""
    counted = and_(window.holds(Install.installed_at), ~_backwards())
    here = or_(Install.withdrawn_at.is_(None), Install.first_synced_at.is_not(None))
    return next(iter(longest(session, window, Install.first_synced_at, and_(counted, here), limit=1)), None)
