"""The installs of a window: on which path their data came and how long that took, counted once for every figure.

Each install is watched for its first 24 h, no longer: what it took until then never changes afterwards. Most have
their data within minutes, and an hour's quick ones are final long before its others: both are rolled up apart, so
that of a day that is still open the quick installs are read as sums and only the others one by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from sync_core.health.episodes import DAY, SYNCED
from sync_core.health.hours import PATIENCE, Books, Family, Moment, Parts, Window
from sync_core.health.spans import HOUR, hour_ceil, moment, seconds_between
from sync_core.models import Install, RollupDuration
from sync_core.states import Trigger

PATH_OF = {
    Trigger.ONBOARDING: "onboarding",
    Trigger.SWEEP: "sweep",
    Trigger.MANUAL: "manual",
    Trigger.API: "manual",
    Trigger.CLI: "manual",
}
"""Trigger of the first claimed attempt to one of four paths; every other one counts as `wake` (by itself)."""

PATH_ORDER = ("onboarding", "wake", "sweep", "manual")

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

QUICK = and_(
    Install.first_synced_at.is_not(None),
    Install.first_synced_at.between(Install.installed_at, Install.pickup_deadline),
    or_(Install.withdrawn_at.is_(None), Install.withdrawn_at >= Install.installed_at),
)
"""Had their data before even their start was late, which is within an hour (`config.LONGEST_GRACE`)."""
SLOW = or_(
    Install.first_synced_at.is_(None),
    Install.first_synced_at > Install.pickup_deadline,
    Install.first_synced_at < Install.installed_at,
    Install.withdrawn_at < Install.installed_at,
)
"""All others, in the words of ix_install_slow."""


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
"""Installs by the path on which their data came within a day. Its durations are those of the installs not quick."""

KIND_OF_QUICK = "quick"
"""How a quick install is called in `rollup_duration`; it is `finished` like others."""
WAS_QUICK = RollupDuration.kind == KIND_OF_QUICK

SOON = Family("soon", Install.installed_at, lag=HOUR + PATIENCE, figures={}, chosen=and_(Install.watched, QUICK))
"""The quick installs of an hour, of which only the durations are kept."""


def path_of(trigger: str | None, *, finished: bool = False) -> str | None:
    """The path of an install by its first trigger; None while nobody started it."""
    return path_of_synced(trigger) if finished or trigger is not None else None


def path_of_synced(trigger: str | None) -> str:
    """The same of an install that has its data: without a trigger the app itself had synced it."""
    return "wake" if trigger is None else PATH_OF.get(Trigger(trigger), "wake")


@dataclass
class Tally:
    """Whole seconds → installs: finished, still waiting, not within 24 h, and uninstalled before their data came."""

    finished: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    late: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    left: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: str, seconds: int, n: int) -> None:
        getattr(self, kind)[seconds] += n


@dataclass(frozen=True)
class Layers:
    """A window of installs: `split` has the closed hours, `soon` those after them whose quick installs are counted."""

    split: Parts
    soon: Parts

    @property
    def window(self) -> Window:
        return self.split.window

    def events(self, column: Moment) -> ColumnElement[bool]:
        """The event rows that no sum counts; each part by itself, so that each is served by its index."""
        split, soon = self.split, self.soon
        if not soon.rolled:
            return split.events(column)
        begin = split.rest.since
        parts = [Window(split.window.since, split.first), Window(begin, soon.first), Window(soon.last, self.window.end)]
        whole = (part.spans(column) for part in (parts if split.rolled else parts[1:]))
        return or_(*whole, and_(soon.hours(column), SLOW))


def layers(books: Books, window: Window) -> Layers:
    """Of a quick install all is known an hour after its own. Those in `soon` are younger than a day at the end."""
    split = books.parts(window, INSTALLS.name, SOON.name, settles=DAY)
    quick = books.parts(window, SOON.name, settles=HOUR)
    begin = max(split.last if split.rolled else split.first, hour_ceil(window.end - DAY))
    return Layers(split, Parts(window, begin, quick.last))


@dataclass
class Cohort:
    """The installs of a window."""

    layers: Layers
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
    told = layers(books, window)
    found = Cohort(told, synced=_summed(books, told))
    closed = books.rolled(told.split, INSTALLS.name)
    found.young = _quick(books, told).total()
    found.all, found.negative = closed.get("all", 0) + found.young, closed.get(NEGATIVE, 0)
    for row in _durations(books, told):
        found.add(*row)
    for trigger, kind, seconds, synced, young, n in books.session.execute(_open(told)):
        found.all += n
        found.negative += n if kind == NEGATIVE else 0
        found.young += n if young else 0
        if synced:
            found.synced[path_of_synced(trigger)] += n
        found.add(trigger, kind, seconds, n)
    return found


def synced(books: Books, window: Window) -> Counter[str]:
    """Path → the installs of a window with data by their deadline, as of now: the same as a cohort's, without times."""
    told = layers(books, window)
    found = _summed(books, told)
    query = select(Install.path, func.count()).where(Install.watched, SYNCED, told.events(Install.installed_at))
    for trigger, n in books.session.execute(query.group_by(Install.path)):
        found[path_of_synced(trigger)] += n
    return found


def _summed(books: Books, told: Layers) -> Counter[str]:
    """The same of what is kept as sums."""
    closed = books.rolled(told.split, INSTALLS.name).items()
    its = {figure.removeprefix("synced."): n for figure, n in closed if figure.startswith("synced.")}
    return Counter(its) + _quick(books, told)


def _quick(books: Books, told: Layers) -> Counter[str]:
    """Path → the quick installs of `soon`."""
    found: Counter[str] = Counter()
    for trigger, _, _, n in _soon(books, told):
        found[path_of_synced(trigger)] += n
    return found


def _durations(books: Books, told: Layers) -> list[tuple[str | None, str, int, int]]:
    """(path, kind, seconds, installs) that are kept as sums."""
    split = told.split
    closed = books.remembered("durations", INSTALLS.name, split, lambda: _kept(books, split)) if split.rolled else []
    return [*closed, *_soon(books, told)]


def _soon(books: Books, told: Layers) -> list[tuple[str | None, str, int, int]]:
    soon = told.soon
    if not soon.rolled:
        return []
    return books.remembered("durations", SOON.name, soon, lambda: _kept(books, soon, WAS_QUICK))


def _kept(books: Books, split: Parts, *which: ColumnElement[bool]) -> list[tuple[str | None, str, int, int]]:
    table, finished = RollupDuration, case((WAS_QUICK, "finished"), else_=RollupDuration.kind).label("fate")
    query = select(table.path, finished, table.seconds, func.sum(table.n)).where(split.hours(table.hour), *which)
    rows = books.session.execute(query.group_by(table.path, "fate", table.seconds))
    return [(path or None, kind, seconds, int(n)) for path, kind, seconds, n in rows]


def _open(layers: Layers) -> Select[Any]:
    """(path, kind, seconds, synced, young, installs) of the event rows that no sum counts."""
    window = layers.window
    synced, young = SYNCED.label("synced"), (Install.success_deadline >= window.end).label("young")
    seconds = case((BACKWARDS, 0), else_=_seconds(window)).label("seconds")
    kind = case((BACKWARDS, NEGATIVE), else_=_fate(window)[0]).label("kind")
    query = select(Install.path, kind, seconds, synced, young, func.count())
    return query.where(Install.watched, layers.events(Install.installed_at)).group_by(
        Install.path, "kind", "seconds", "synced", "young"
    )


def durations(family: Family, *also: ColumnElement[Any]) -> Select[Any]:
    """(path, kind, seconds, installs) of the rows of a family whose hour is closed; `also` are columns before them."""
    kind = case((QUICK, KIND_OF_QUICK), else_=_fate(None)[0]).label("kind")
    seconds = _seconds(None).label("seconds")
    query = select(*also, Install.path, kind, seconds, func.count().label("n"))
    query = query.where(Install.watched, ~BACKWARDS, QUICK if family is SOON else SLOW)
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
