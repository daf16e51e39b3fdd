"""Roll up closed hours: count them once from the event rows, and keep the counts.

No event ever adds to a shared row (that cost half the throughput when tried). An hour is closed when the
deadlines of its installs have passed; then it is counted, in one transaction with the mark that says so.
Counting an hour again replaces its rows by the same ones, so a crash, a second scheduler and a rebuild are
harmless. The reader adds the open hours itself (`health.hours`), with the same words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, delete, func, insert, select
from sqlalchemy.orm import Session

from sync_core import retention
from sync_core.columns import first_id, made_at
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.health import checks, cohort, episodes
from sync_core.health.checks import CHECKS, SlotCount
from sync_core.health.failures import FAILURES, failed_tries
from sync_core.health.hours import PATIENCE, Family, Window
from sync_core.health.spans import HOUR, hour_ceil, hour_floor, hour_of
from sync_core.models import Install, RollupDuration, RollupHour, RollupMark, Sweep, SyncAttempt

log = structlog.get_logger()

CHUNK = timedelta(days=1)
"""Hours that are counted in one transaction: on SQLite nobody else writes meanwhile."""
SKEW = timedelta(hours=1)
"""Ids carry the clock of the host that made them; an install is looked at again for so long."""

INSTALL_FAMILIES = (episodes.SUCCESS, episodes.PICK_UP, cohort.SOON, cohort.INSTALLS)


@dataclass(frozen=True)
class Book:
    """How one family is kept.

    `begin`: the first moment with anything in it. `closed`: until when nothing of it changes any more.
    `write`: count a span of whole hours. `kept`: for how long its event rows are there; None: for ever.
    """

    name: str
    begin: Callable[[Session], datetime | None]
    closed: Callable[[Session, datetime], datetime | None]
    write: Callable[[Session, Window], None]
    kept: timedelta | None = None


def books(settings: Settings) -> tuple[Book, ...]:
    """Every family of figures."""
    failed = retention.kept_failures(settings) - 2 * CHUNK
    return (
        _book(episodes.SUCCESS, kept=failed),
        _book(episodes.PICK_UP),
        _book(cohort.SOON),
        _book(cohort.INSTALLS),
        Book(
            FAILURES,
            lambda session: session.execute(select(func.min(SyncAttempt.ended_at))).scalar_one(),
            lambda _session, now: hour_floor(now - PATIENCE),
            _write_failures,
            failed,
        ),
        Book(
            CHECKS,
            lambda session: session.execute(select(func.min(Sweep.begun_at))).scalar_one(),
            lambda session, _now: checks.closed_until(session, settings),
            lambda session, window: _write_checks(session, window, settings),
            timedelta(days=settings.keep_checks_days),
        ),
    )


def _book(family: Family, *, kept: timedelta | None = None) -> Book:
    return Book(
        family.name,
        lambda session: session.execute(select(func.min(family.moment))).scalar_one(),
        lambda _session, now: hour_floor(now - family.lag),
        lambda session, window: _write(session, window, family),
        kept,
    )


Known = dict[str, frozenset[str]]
"""Family → ids of the late installs that this process has counted: they are found again for as long as SKEW."""


def roll_up(
    database: Database, settings: Settings, *, stopping: threading.Event | None = None, known: Known | None = None
) -> int:
    """Count what has closed since the last time, a day a transaction. Returns: hours that were counted.

    Ends early when told to stop. `known` is kept by who calls again. Errors: database errors pass through; what was
    counted until then stays.
    """
    done, told, known = 0, stopping or threading.Event(), {} if known is None else known
    for book in books(settings):
        done += _again(database, book, known, told)
        hours = 1
        while hours and not told.is_set():
            with database.write() as session:
                hours = _next(session, book, database.now(session))
            done += hours
    return done


def rebuild(database: Database, settings: Settings) -> int:
    """Count every hour again whose event rows are all still there. Returns: hours that were counted.

    Attempts and checks are deleted when they are old (`sync_core.retention`): hours before that keep their counts.
    """
    for book in books(settings):
        with database.write() as session:
            mark, begin, now = _locked(session, book.name), book.begin(session), database.now(session)
            if mark is None or begin is None:
                continue
            since = hour_floor(begin) if book.kept is None else max(hour_floor(begin), hour_ceil(now - book.kept))
            mark.until, mark.seen_id, mark.revision = min(mark.until, since), "", mark.revision + 1
    return roll_up(database, settings)


def _next(session: Session, book: Book, now: datetime) -> int:
    """Count the next closed hours; 0 when there are none."""
    mark = _locked(session, book.name)
    begin, closed = book.begin(session), book.closed(session, now)
    since = mark.until if mark is not None else hour_floor(begin) if begin else None
    if since is None or closed is None or since >= closed:
        return 0
    end = min(closed, since + CHUNK)
    book.write(session, Window(since, end))
    seen = _newest_id(session)
    if mark is None:
        session.add(RollupMark(family=book.name, until=end, seen_id=seen))
    else:
        mark.until, mark.seen_id = end, max(mark.seen_id, seen)
    return int((end - since) / HOUR)


def _again(database: Database, book: Book, known: Known, stopping: threading.Event) -> int:
    """Count the closed hours again in which an install was written late: one that the app had made, adopted since."""
    family = next((each for each in INSTALL_FAMILIES if each.name == book.name), None)
    if family is None:
        return 0
    with database.read() as session:
        mark, newest = session.get(RollupMark, family.name), _newest_id(session)
        late = {} if mark is None else _late(session, family, mark)
    hours = sorted({hour for its_id, hour in late.items() if its_id not in known.get(family.name, ())})
    at_once = CHUNK // HOUR
    for begin in range(0, len(hours), at_once):
        if stopping.is_set():
            return begin
        with database.write() as session:
            _write_hours(session, family, hours[begin : begin + at_once])
    if mark is not None and newest > mark.seen_id:
        with database.write() as session:
            _see(session, family, newest)
    known[family.name] = frozenset(late)
    return len(hours)


def _late(session: Session, family: Family, mark: RollupMark) -> dict[str, datetime]:
    """Installs that count and were written only after their hour had closed, as the id tells: id → hour."""
    fresh = and_(Install.id > _before(mark.seen_id), family.moment < mark.until, Install.watched)
    rows = session.execute(select(Install.id, family.moment).where(fresh))
    return {its_id: hour_floor(at) for its_id, at in rows if made_at(its_id) >= hour_floor(at) + HOUR}


def _write_hours(session: Session, family: Family, hours: list[datetime]) -> None:
    """Count again those that are still closed; whoever remembers closed hours reads them anew."""
    mark = _locked(session, family.name)
    if mark is None:
        return
    for hour in hours:
        if hour < mark.until:
            _write(session, Window(hour, hour + HOUR), family)
    mark.revision += 1


def _see(session: Session, family: Family, newest: str) -> None:
    mark = _locked(session, family.name)
    if mark is not None:
        mark.seen_id = max(mark.seen_id, newest)


def _locked(session: Session, name: str) -> RollupMark | None:
    """The family's mark; another process that rolls up the same waits here."""
    query = select(RollupMark).where(RollupMark.family == name).with_for_update()
    return session.execute(query).scalar_one_or_none()


def _newest_id(session: Session) -> str:
    return session.execute(select(func.max(Install.id))).scalar_one() or ""


def _before(seen_id: str) -> str:
    """An id from SKEW before this one was made."""
    return first_id(made_at(seen_id) - SKEW) if seen_id else ""


def _write(session: Session, window: Window, family: Family) -> None:
    """Replace the counts of a span of whole hours."""
    hour = hour_of(family.moment)
    query = family.counts(hour.label("hour")).where(window.spans(family.moment)).group_by("hour")
    rows = session.execute(query).mappings()
    _replace(session, family.name, window, ((row["hour"], name, row[name]) for row in rows for name in family.figures))
    if family in (cohort.SOON, cohort.INSTALLS):
        _write_durations(session, window, family)


def _write_failures(session: Session, window: Window) -> None:
    query = failed_tries(hour_of(SyncAttempt.ended_at).label("hour")).where(window.spans(SyncAttempt.ended_at))
    _replace(session, FAILURES, window, session.execute(query))


def _write_checks(session: Session, window: Window, settings: Settings) -> None:
    hours = [window.since + HOUR * nth for nth in range(int((window.end - window.since) / HOUR))]
    found = ((hour, checks.settled_count(session, Window(hour, hour + HOUR), settings)) for hour in hours)
    figures = [(hour, each.name, getattr(count, each.name)) for hour, count in found for each in fields(SlotCount)]
    _replace(session, CHECKS, window, figures)


def _replace(session: Session, family: str, window: Window, figures: Iterable[tuple[datetime, str, int]]) -> None:
    rows = [{"family": family, "hour": hour, "figure": name, "n": n} for hour, name, n in figures if n]
    session.execute(delete(RollupHour).where(RollupHour.family == family, window.spans(RollupHour.hour)))
    if rows:
        session.execute(insert(RollupHour), rows)


def _write_durations(session: Session, window: Window, family: Family) -> None:
    """By the database itself: a day may have thousands of them."""
    its = cohort.WAS_QUICK if family is cohort.SOON else ~cohort.WAS_QUICK
    session.execute(delete(RollupDuration).where(window.spans(RollupDuration.hour), its))
    by_hour = cohort.durations(family, hour_of(Install.installed_at).label("hour"))
    found = by_hour.where(window.spans(Install.installed_at)).subquery()
    columns = (found.c.hour, func.coalesce(found.c.path, ""), found.c.kind, found.c.seconds, found.c.n)
    session.execute(insert(RollupDuration).from_select(["hour", "path", "kind", "seconds", "n"], select(*columns)))
