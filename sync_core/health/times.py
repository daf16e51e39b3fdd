"""Time to sync: how long from install to first data, with those still waiting counted at their present age.

Each install is watched for its first 24 h, no longer: what it took until then never changes afterwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from sync_core import slo
from sync_core.health.episodes import DAY, SYNCED, UNSYNCED, Worst, longest
from sync_core.health.hours import PATIENCE, Books, Family, Parts, Window
from sync_core.health.spans import HOUR, moment, seconds_between
from sync_core.models import Install, RollupDuration
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
    """Seconds. Percentiles and share count those still waiting at their present age, at most 24 h."""

    n: int
    finished: int
    waiting: int
    """Without data at the window's end, or 24 h after their install."""
    late: int
    """Of these: those whose 24 h are over."""
    long_waiting: int
    """Of these: those that wait for the target's time or longer."""
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
    """Whole seconds → installs: finished, still waiting, not within 24 h, and uninstalled before their data came."""

    finished: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    late: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    left: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: str, seconds: int, n: int) -> None:
        getattr(self, kind)[seconds] += n


NEGATIVE = "negative"
BACKWARDS = case(
    (
        or_(
            and_(Install.first_synced_at.is_not(None), Install.first_synced_at < Install.installed_at),
            and_(Install.withdrawn_at.is_not(None), Install.withdrawn_at < Install.installed_at),
        ),
        True,
    ),
    else_=False,
)
"""Data or uninstall before the install."""


def _on(path: str) -> ColumnElement[bool]:
    return Install.path.in_([word.value for word, its in PATH_OF.items() if its == path])


INSTALLS = Family(
    "installs",
    Install.installed_at,
    lag=DAY + PATIENCE,
    figures={
        "all": Install.installed_at.is_not(None),
        NEGATIVE: BACKWARDS,
        **{f"synced.{path}": and_(SYNCED, _on(path)) for path in ("onboarding", "sweep", "manual")},
        "synced.wake": and_(SYNCED, or_(Install.path.is_(None), Install.path.not_in(list(PATH_OF)))),
    },
)
"""Installs by the path on which their data came within a day."""


def path_of(trigger: str | None, *, finished: bool = False) -> str | None:
    """The path of an install by its first trigger; None while nobody started it."""
    if trigger is None:
        return "wake" if finished else None
    return PATH_OF.get(Trigger(trigger), "wake")


@dataclass
class Cohort:
    """The installs of a window, counted once for every figure that is about them."""

    split: Parts
    all: int = 0
    negative: int = 0
    young: int = 0
    """Their deadline is still to come."""
    synced: Counter[str] = field(default_factory=Counter)
    """Path → those with data by their deadline, as of now."""
    tally: Tally = field(default_factory=Tally)
    by_path: dict[str, Tally] = field(default_factory=lambda: {path: Tally() for path in PATH_ORDER})

    def add(self, trigger: str | None, kind: str, seconds: int, n: int) -> None:
        """`n` installs that took or wait so many seconds."""
        if kind == NEGATIVE:
            return
        self.tally.add(kind, seconds, n)
        path = path_of(trigger, finished=kind == "finished")
        if path is not None:
            self.by_path[path].add(kind, seconds, n)


def cohort(books: Books, window: Window) -> Cohort:
    """The installs of a window, by installed_at; what came after its end had not come yet."""
    split = books.parts(window, INSTALLS.name, settles=DAY)
    found = Cohort(split)
    if split.rolled:
        for figure, n in books.rolled(split, INSTALLS.name).items():
            _add_rolled(found, figure, n)
        for row in books.remembered("durations", INSTALLS.name, split, lambda: _kept(books, split)):
            found.add(*row)
    for trigger, kind, seconds, synced, young, n in books.session.execute(_open(split)):
        found.all += n
        found.negative += n if kind == NEGATIVE else 0
        found.young += n if young else 0
        if synced:
            found.synced[path_of(trigger, finished=True) or "wake"] += n
        found.add(trigger, kind, seconds, n)
    return found


def _add_rolled(found: Cohort, figure: str, n: int) -> None:
    if figure == "all":
        found.all += n
    elif figure == NEGATIVE:
        found.negative += n
    else:
        found.synced[figure.removeprefix("synced.")] += n


def _kept(books: Books, split: Parts) -> list[tuple[str | None, str, int, int]]:
    table = RollupDuration
    key = (table.path, table.kind, table.seconds)
    query = select(*key, func.sum(table.n)).where(split.hours(table.hour)).group_by(*key)
    return [(path or None, kind, seconds, int(n)) for path, kind, seconds, n in books.session.execute(query)]


def _open(split: Parts) -> Select[Any]:
    """(path, kind, seconds, synced, young, installs) of the event rows that no closed hour counts."""
    synced, young = SYNCED.label("synced"), (Install.success_deadline >= split.window.end).label("young")
    seconds = case((BACKWARDS, 0), else_=_seconds(split.window)).label("seconds")
    kind = case((BACKWARDS, NEGATIVE), else_=_fate(split.window)[0]).label("kind")
    query = select(Install.path, kind, seconds, synced, young, func.count())
    return query.where(Install.watched, split.events(Install.installed_at)).group_by(
        Install.path, "kind", "seconds", "synced", "young"
    )


def time_to_sync(books: Books, installs: Cohort) -> TimeToSync:
    """Times of the installs of a window."""
    return TimeToSync(
        target_seconds=TARGET_SECONDS,
        all=judged(installs.tally),
        by_path={path: judged(tally) for path, tally in installs.by_path.items()},
        worst=_worst(books.session, installs.split, installs.tally),
        negative=installs.negative,
    )


def judged(tally: Tally) -> Times:
    """The figures of one tally."""
    waiting = _added(tally.waiting, tally.late)
    ages = _added(tally.finished, waiting)
    n, finished = sum(ages.values()), sum(tally.finished.values())
    restricted = slo.restricted_mean(tally.finished, _added(waiting, tally.left))
    under = slo.under(ages, target_seconds=TARGET_SECONDS)
    return Times(
        n=n,
        finished=finished,
        waiting=n - finished,
        late=sum(tally.late.values()),
        long_waiting=n - finished - slo.under(waiting, target_seconds=TARGET_SECONDS),
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


def settled(*also: ColumnElement[Any]) -> Select[Any]:
    """(path, kind, seconds, installs) of event rows whose day is over; `also` are columns before them."""
    kind, seconds = _fate(None)[0].label("kind"), _seconds(None).label("seconds")
    query = select(*also, Install.path, kind, seconds, func.count().label("n")).where(Install.watched, ~BACKWARDS)
    return query.group_by(*also, Install.path, "kind", "seconds")


def _seconds(window: Window | None) -> ColumnElement[int]:
    return seconds_between(Install.installed_at, _fate(window)[1])


def _fate(window: Window | None) -> tuple[ColumnElement[str], ColumnElement[Any]]:
    """What became of an install in its first day, as of the window's end, and the moment at which that was known."""
    finished = SYNCED
    left = and_(Install.withdrawn_at.is_not(None), Install.withdrawn_at <= Install.success_deadline)
    if window is None:
        kinds = [(finished, "finished"), (left, "left")]
        stops: list[Any] = [(finished, Install.first_synced_at), (left, Install.withdrawn_at)]
        return case(*kinds, else_="late"), case(*stops, else_=Install.success_deadline)
    end = moment(window.end)
    finished = and_(finished, Install.first_synced_at < window.end)
    left = and_(left, Install.withdrawn_at < window.end)
    over = Install.success_deadline <= window.end
    kind = case((finished, "finished"), (left, "left"), (over, "late"), else_="waiting")
    stops = [(finished, Install.first_synced_at), (left, Install.withdrawn_at), (over, Install.success_deadline)]
    return kind, case(*stops, else_=end)


def _worst(session: Session, split: Parts, tally: Tally) -> Worst | None:
    """The slowest install that is not gone: of those without data in time, else of the others."""
    here = and_(~BACKWARDS, or_(Install.withdrawn_at.is_(None), Install.first_synced_at.is_not(None)))
    window = split.window
    found = [*_longest(session, window, and_(here, UNSYNCED, Install.success_deadline >= window.since))]
    slowest = max(tally.finished, default=0)
    if not found or found[0].seconds < slowest:
        found += _longest(session, window, and_(here, SYNCED, split.events(Install.installed_at)))
        found += _slowest_of_hours(session, split, and_(here, SYNCED), slowest)
    return max(found, key=lambda each: each.seconds, default=None)


def _longest(session: Session, window: Window, chosen: ColumnElement[bool]) -> tuple[Worst, ...]:
    return longest(session, window, Install.first_synced_at, and_(window.holds(Install.installed_at), chosen), limit=1)


def _slowest_of_hours(session: Session, split: Parts, chosen: ColumnElement[bool], seconds: int) -> tuple[Worst, ...]:
    """Who took `seconds`, when that was in a closed hour: its hour is looked up, then its row."""
    table = RollupDuration
    its = and_(table.kind == "finished", table.seconds == seconds, split.hours(table.hour))
    hour = session.execute(select(table.hour).where(its).limit(1)).scalar_one_or_none() if split.rolled else None
    if hour is None:
        return ()
    inside = and_(Install.installed_at >= hour, Install.installed_at < hour + HOUR)
    return _longest(session, split.window, and_(chosen, inside))
