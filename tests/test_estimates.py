"""Estimated starts: whether they come true in a simulated day, and how the book of them is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sync_core import estimates, health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import ShopSync, StartEstimate
from sync_core.states import Status
from tests.conftest import Clock, MakeSettings
from tests.health_rows import Rows
from tests.simulated_day import Day

ENOUGH = 100


@pytest.mark.parametrize("profile", ["prompt", "classic"])
def test_nineteen_of_twenty_estimates_of_a_day_come_true(
    sqlite_database: Database,
    make_settings: MakeSettings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
) -> None:
    monkeypatch.setattr(estimates, "MOST_OPEN", 1_000)  # every wait, not a sample
    random.seed(1)
    url = sqlite_database.engine.url.render_as_string()
    settings = make_settings(database_url=url, sweep_profile=profile, workers=10)
    day = Day(sqlite_database, settings, clock, seed=1)

    day.live()

    good, n = came_true(sqlite_database, clock.moment)
    with sqlite_database.read() as session:
        shown = health.accuracy(session, now=clock.moment)
    assert (shown.k, shown.n) == (good, n)
    assert n >= ENOUGH
    assert good / n >= 0.95


def came_true(database: Database, now: datetime) -> tuple[int, int]:
    """(good, all) of the waits that ended in a start by itself: counted here one by one."""
    query = select(StartEstimate).where(StartEstimate.started_at.is_not(None))
    with database.read() as session:
        found = list(session.execute(query).scalars())
    good = 0
    for each in found:
        assert each.started_at is not None
        error = abs((each.started_at - each.starts_at).total_seconds())
        good += error <= 30 or error <= 0.1 * (each.started_at - each.made_at).total_seconds()
        assert now - each.made_at <= timedelta(days=1)
    return good, len(found)


@pytest.fixture
def rows(database: Database, now: datetime) -> Iterator[Rows]:
    with database.write() as session:
        made = Rows(session, now)
        made.beat("scheduler", now, workers=4)
        yield made


def book(database: Database) -> dict[str, StartEstimate]:
    with database.read() as session:
        return {each.shop_id: each for each in session.execute(select(StartEstimate)).scalars()}


@dataclass
class Keeping:
    """The chore, at the clock's moment."""

    database: Database
    settings: Settings
    clock: Clock

    def once_more(self) -> tuple[int, int]:
        return estimates.keep_book(self.database, self.settings)


@pytest.fixture
def keeping(database: Database, settings: Settings, clock: Clock) -> Keeping:
    return Keeping(database, settings, clock)


@pytest.fixture
def waiting(database: Database, settings: Settings, clock: Clock) -> str:
    """A shop that is started in half a minute, and its estimate."""
    with database.write() as session:
        rows = Rows(session, clock.moment)
        rows.beat("scheduler", clock.moment, workers=4)
        ready = clock.moment + timedelta(seconds=30)
        shop_id = rows.shop(status=Status.FAILED, failures=1, priority=1, fence=3, due_at=ready, wake_at=ready)
    assert estimates.keep_book(database, settings) == (0, 1)
    return shop_id


def test_a_wait_is_written_down_once(database: Database, settings: Settings, clock: Clock, waiting: str) -> None:
    clock.advance(seconds=20)

    again = estimates.keep_book(database, settings)

    made = book(database)[waiting]
    assert again == (0, 0)
    assert (made.fence, made.starts_at - made.made_at, made.settled_at) == (3, timedelta(seconds=30), None)


@pytest.mark.parametrize(
    ("trigger", "asked_after", "counts"),
    [("retry", 31, True), ("sweep", 31, True), ("manual", 10, False), ("onboarding", 10, False), ("manual", -5, True)],
)
def test_a_start_settles_it_and_counts_unless_somebody_asked_meanwhile(
    keeping: Keeping, waiting: str, trigger: str, asked_after: float, counts: bool
) -> None:
    clock, database = keeping.clock, keeping.database
    asked_at, begun_at = clock.moment + timedelta(seconds=asked_after), clock.moment + timedelta(seconds=31)
    with database.write() as session:
        own = {"requested_at": asked_at, "claimed_at": begun_at, "fence": 4, "trigger": trigger}
        Rows(session, clock.moment).attempt(waiting, None, None, **own)
    clock.advance(seconds=40)

    settled, _ = keeping.once_more()

    made = book(database)[waiting]
    assert settled == 1
    assert (made.started_at, made.settled_at) == (begun_at if counts else None, clock.moment)


def test_a_wait_that_ends_without_a_start_says_nothing(
    database: Database, settings: Settings, clock: Clock, waiting: str
) -> None:
    with database.write() as session:
        session.get_one(ShopSync, waiting).due_at = None

    estimates.keep_book(database, settings)

    with database.read() as session:
        assert health.accuracy(session, now=clock.moment).n == 0
    assert book(database)[waiting].settled_at == clock.moment


def test_a_start_that_never_comes_counts_as_a_bad_estimate(
    database: Database, settings: Settings, clock: Clock, waiting: str
) -> None:
    clock.advance(minutes=61)

    estimates.keep_book(database, settings)

    with database.read() as session:
        found = health.accuracy(session, now=clock.moment)
    assert (found.k, found.n) == (0, 1)


@pytest.mark.parametrize(("late", "wait", "good"), [(30, 31, 1), (31, 32, 0), (60, 600, 1), (61, 600, 0), (-30, 5, 1)])
def test_an_estimate_is_good_within_30_s_or_a_tenth_of_the_wait(
    rows: Rows, now: datetime, late: int, wait: int, good: int
) -> None:
    made_at = now - timedelta(seconds=wait)
    starts_at = now - timedelta(seconds=late)
    rows.add(StartEstimate(shop_id="a", fence=0, made_at=made_at, starts_at=starts_at, started_at=now, settled_at=now))

    found = health.accuracy(rows.session, now=now)

    assert (found.k, found.n, found.p95) == (good, 1, abs(late))


def test_a_look_that_changes_nothing_begins_no_transaction_that_writes(
    keeping: Keeping, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "write", None)

    assert keeping.once_more() == (0, 0)
    assert waiting in book(keeping.database)


def test_only_a_sample_of_a_long_line_is_written_down(database: Database, settings: Settings, clock: Clock) -> None:
    with database.write() as session:
        rows = Rows(session, clock.moment)
        rows.beat("scheduler", clock.moment, workers=4)
        for nth in range(50):
            ready = clock.moment + timedelta(seconds=10 + nth)
            rows.shop(status=Status.FAILED, failures=1, priority=1, due_at=ready, wake_at=ready)

    written = estimates.keep_book(database, settings)

    assert written == (0, estimates.MOST_OPEN)
