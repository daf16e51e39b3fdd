"""A window as whole hours that are rolled up and what is left of it at its two ends.

A figure of a window is the sum of its closed hours, kept by `sync_core.rollup`, and of a count over the
event rows of the rest. Each figure is said once, in a Family: the roll-up and the count use the same words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync_core.health.spans import HOUR, hour_ceil, hour_floor, hour_of
from sync_core.models import Install, RollupHour, RollupMark

Found = TypeVar("Found")

Moment = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

PATIENCE = timedelta(minutes=10)
"""A transaction that began in an hour has ended so long after it."""


@dataclass(frozen=True)
class Window:
    """[since, end): `end` is the window's end or now, whichever is earlier."""

    since: datetime
    end: datetime

    def spans(self, column: Moment) -> ColumnElement[bool]:
        """Rows whose moment lies in the window."""
        return and_(column >= self.since, column < self.end)

    def holds(self, column: Moment) -> ColumnElement[bool]:
        """Watched installs whose moment lies in the window."""
        return and_(Install.watched, self.spans(column))


@dataclass(frozen=True)
class Parts:
    """A window in two: closed hours [first, last), and the event rows before and after them."""

    window: Window
    first: datetime
    last: datetime

    @property
    def rolled(self) -> bool:
        """Whether any hour of the window is rolled up."""
        return self.first < self.last

    @property
    def before(self) -> Parts | None:
        """The closed hour in which the window begins; None where it begins with an hour, or in an open one."""
        if not self.rolled or self.window.since == self.first:
            return None
        return Parts(self.window, self.first - HOUR, self.first)

    @property
    def rest(self) -> Window:
        """What comes after the closed hours."""
        return Window(self.last if self.rolled else self.window.since, self.window.end)

    def within(self, step: Window) -> Parts:
        """The part of it that lies in a span of whole hours."""
        inside = Window(max(self.window.since, step.since), min(self.window.end, step.end))
        return Parts(inside, max(self.first, step.since), min(self.last, step.end))

    def hours(self, column: Moment) -> ColumnElement[bool]:
        """The closed hours of a roll-up."""
        return and_(column >= self.first, column < self.last)

    def events(self, column: Moment) -> ColumnElement[bool]:
        """The event rows that no closed hour counts."""
        since, end = self.window.since, self.window.end
        if not self.rolled:
            return and_(column >= since, column < end)
        return or_(and_(column >= since, column < self.first), and_(column >= self.last, column < end))


@dataclass(frozen=True)
class Family:
    """Figures that share their event rows. `lag`: how long after an hour's end a fact of it may still come."""

    name: str
    moment: InstrumentedAttribute[datetime]
    lag: timedelta
    figures: Mapping[str, ColumnElement[bool]]
    chosen: ColumnElement[bool] = field(default_factory=lambda: Install.watched.expression)

    def counts(self, *also: Any) -> Select[Any]:
        """How often each figure counts among the chosen rows; `also` are columns before the counts."""
        counts = [func.count(case((condition, 1))).label(figure) for figure, condition in self.figures.items()]
        return select(*also, *counts).where(self.chosen)


Memory = MutableMapping[Hashable, Any]
"""Sums of closed hours that a process remembers; what is remembered never changes, so it may be lost at any time."""


REMEMBERED = 2_000
"""Answers that a process keeps: those of four windows and of each day of a quarter, for a few hours."""


@dataclass(frozen=True)
class Books:
    """What is rolled up, as of one transaction, what this process remembers of it, and what was asked since."""

    session: Session
    marks: Mapping[str, tuple[datetime, int]]
    memory: Memory
    answers: dict[Hashable, Any] = field(default_factory=dict)

    def parts(self, window: Window, *families: str, settles: timedelta = timedelta(0)) -> Parts:
        """The window in two. `settles`: how long before the window's end its rows may still change."""
        until = min(self.marks.get(family, (window.since, 0))[0] for family in families)
        return Parts(window, hour_ceil(window.since), min(hour_floor(window.end - settles), until))

    def remembered(self, what: str, family: str, split: Parts, ask: Callable[[], Found]) -> Found:
        """The answer over the closed hours, asked once as long as they are not counted again."""
        key = (what, family, split.first, split.last, self.marks[family][1])
        if key in self.memory:
            kept: Found = self.memory[key]
            return kept
        found = self.memory[key] = ask()
        for oldest in list(self.memory)[:-REMEMBERED]:
            self.memory.pop(oldest, None)
        return found

    def once(self, key: Hashable, ask: Callable[[], Found]) -> Found:
        """The answer in this transaction: windows share their ends."""
        if key not in self.answers:
            self.answers[key] = ask()
        found: Found = self.answers[key]
        return found

    def rolled(self, split: Parts, family: str) -> Mapping[str, int]:
        """Figure → sum of the closed hours."""
        return self.remembered("sum", family, split, lambda: self._sums(split, family)) if split.rolled else {}

    def _sums(self, split: Parts, family: str) -> dict[str, int]:
        query = select(RollupHour.figure, func.sum(RollupHour.n)).where(RollupHour.family == family)
        rows = self.session.execute(query.where(split.hours(RollupHour.hour)).group_by(RollupHour.figure))
        return {figure: int(n) for figure, n in rows}

    def counted(self, window: Window, family: Family) -> Counter[str]:
        """Figure → how often it counts in the window."""
        split = self.parts(window, family.name)
        ends = [self._begun(split, family), *(counts for _, counts in self._opened(split, family))]
        return sum(ends, Counter(self.rolled(split, family.name)))

    def stepped(self, window: Window, family: Family, steps: list[Window]) -> list[Counter[str]]:
        """The same for each of the steps of a window, which are spans of whole hours."""
        if not steps:
            return []
        split, starts = self.parts(window, family.name), [step.since for step in steps]
        found = [Counter(self.rolled(split.within(step), family.name)) for step in steps]
        found[0] += self._begun(split, family)
        for hour, counts in self._opened(split, family):
            found[bisect_right(starts, hour) - 1] += counts
        return found

    def _begun(self, split: Parts, family: Family) -> Counter[str]:
        """The rows of the closed hour in which the window begins: kept one by one, for the window moves on in it."""
        if (hour := split.before) is None:
            return Counter()
        rows = self.remembered("rows", family.name, hour, lambda: self._rows(hour, family))
        here = [figures for at, *figures in rows if at >= split.window.since]
        return Counter(dict(zip(family.figures, map(sum, zip(*here, strict=True)), strict=False)))

    def _rows(self, hour: Parts, family: Family) -> list[tuple[Any, ...]]:
        figures = (case((condition, 1), else_=0) for condition in family.figures.values())
        query = select(family.moment, *figures).where(family.chosen, hour.hours(family.moment))
        return [tuple(row) for row in self.session.execute(query)]

    def _opened(self, split: Parts, family: Family) -> list[tuple[datetime, Counter[str]]]:
        """(hour, counts) of the rows after the closed hours."""
        rest = split.rest

        def ask() -> list[tuple[datetime, Counter[str]]]:
            query = family.counts(hour_of(family.moment).label("hour"))
            rows = self.session.execute(query.where(rest.spans(family.moment)).group_by("hour"))
            return [(hour, Counter(dict(zip(family.figures, counts, strict=True)))) for hour, *counts in rows]

        return self.once((family.name, rest), ask)


def books(session: Session | Books, memory: Memory | None = None) -> Books:
    """The roll-ups as they stand in this transaction; whoever hands on books shares what was asked since."""
    if isinstance(session, Books):
        return session
    query = select(RollupMark.family, RollupMark.until, RollupMark.revision)
    marks = {family: (until, revision) for family, until, revision in session.execute(query)}
    return Books(session, marks, {} if memory is None else memory)
