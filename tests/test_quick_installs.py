"""Quick installs are rolled up an hour after their own: no figure shows that they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from sqlalchemy import delete, select

from sync_core import health, rollup
from sync_core.columns import first_id
from sync_core.config import Settings
from sync_core.db import Database, open_database
from sync_core.health import Step
from sync_core.health.spans import hour_floor
from sync_core.models import RollupDuration, RollupHour, RollupMark
from sync_core.schema import prepare
from tests.conftest import Clock, MakeSettings
from tests.health_rows import Rows

HOUR = timedelta(hours=1)
upgrade = command.upgrade


@dataclass
class Past:
    """Installs, and what is said of the hours before a moment once they are rolled up."""

    database: Database
    settings: Settings
    clock: Clock
    numbers: Any = field(default_factory=count)

    def install(self, *, ago: timedelta, synced: float | None = None) -> None:
        """An install of then, written then."""
        with self.database.write() as session:
            rows = Rows(session, self.clock.moment)
            rows.numbers = self.numbers
            own: dict[str, Any] = {} if synced is None else {"synced": synced, "claimed": 1, "path": "onboarding"}
            at = self.clock.moment - ago
            rows.installed(at, id=first_id(at + timedelta(seconds=next(self.numbers))), **own)

    def said(self, *, until: timedelta = timedelta(0), length: timedelta = timedelta(hours=24)) -> health.Objectives:
        rollup.roll_up(self.database, self.settings)
        now = self.clock.moment
        with self.database.read() as session:
            window = {"since": now - until - length, "until": now - until}
            return health.objectives(session, now=now, settings=self.settings, **window)


@pytest.fixture
def past(database: Database, settings: Settings, clock: Clock) -> Past:
    return Past(database, settings, clock)


def kinds(past: Past) -> dict[str, int]:
    with past.database.read() as session:
        rows = session.execute(select(RollupDuration.kind, RollupDuration.n)).all()
    return {kind: sum(n for its, n in rows if its == kind) for kind, _ in rows}


def test_a_quick_install_is_counted_once_on_its_way_from_open_to_closed(past: Past) -> None:
    past.install(ago=timedelta(0), synced=70)
    past.install(ago=timedelta(0))
    begun, seen = past.clock.moment, {}
    for hours in (1, 2, 3, 24, 26, 27):
        past.clock.moment = begun + hours * HOUR
        said = past.said(length=timedelta(days=2))
        assert (said.time_to_sync.all.finished, said.time_to_sync.all.p50, said.ledger.installs) == (1, 70, 2)
        seen[hours] = kinds(past)

    assert (seen[1], seen[3], seen[24]) == ({}, {"quick": 1}, {"quick": 1})
    assert seen[27] == {"quick": 1, "late": 1}


def test_what_came_after_a_windows_end_had_not_come_yet(past: Past) -> None:
    past.install(ago=timedelta(minutes=92), synced=300)  # the window ended 2 min after it, at 08:00

    times = past.said(until=timedelta(minutes=90)).time_to_sync.all

    assert (times.n, times.finished, times.waiting) == (1, 0, 1)


def test_the_slowest_may_be_a_quick_one_of_long_ago(past: Past) -> None:
    past.install(ago=timedelta(days=3), synced=20)
    past.install(ago=timedelta(days=4), synced=400)

    worst = past.said(length=timedelta(days=7)).time_to_sync.worst

    assert worst is not None
    assert worst.seconds == 400


def test_quick_ones_that_are_not_rolled_up_yet_are_read_from_their_rows(past: Past) -> None:
    past.install(ago=timedelta(days=3), synced=20)
    past.install(ago=timedelta(days=2), synced=40_000)
    past.said()
    with past.database.write() as session:
        session.execute(delete(RollupMark).where(RollupMark.family == "soon"))
        session.execute(delete(RollupDuration).where(RollupDuration.kind == "quick"))
    now = past.clock.moment

    with past.database.read() as session:
        window: dict[str, Any] = {"since": now - timedelta(days=7), "until": now, "now": now, "settings": past.settings}
        said = health.objectives(session, **window)
        points = health.series(session, step=Step.DAY, zone=ZoneInfo("UTC"), **window)

    assert (said.time_to_sync.all.finished, said.ledger.installs) == (2, 2)
    assert sum(point.finished for point in points) == 2


def test_what_an_older_version_had_rolled_up_is_counted_again(
    bare_url: str, make_settings: MakeSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(database_url=bare_url)
    with monkeypatch.context() as older:
        older.setattr(command, "upgrade", lambda config, _head: upgrade(config, "0013"))
        prepare(settings)
    past = Past(open_database(settings, host_clock=clock), settings, clock)
    past.clock.moment = datetime.now(UTC)  # the database's own clock tells what is closed
    with past.database.write() as session:  # the shops' own rows have columns now that they had not then
        for nth, seconds in enumerate((20, 4_000)):
            own = {"synced": seconds, "claimed": 1, "path": "onboarding"}
            Rows(session, past.clock.moment).install(f"id-{nth}", past.clock.moment - timedelta(days=3), **own)
    hour = hour_floor(past.clock.moment - timedelta(days=3))
    with past.database.write() as session:
        session.add(RollupMark(family="installs", until=hour + 24 * HOUR, seen_id=first_id(past.clock.moment)))
        session.add(RollupHour(family="installs", hour=hour, figure="all", n=2))
        session.add(RollupHour(family="installs", hour=hour, figure="synced.onboarding", n=2))
        for seconds in (20, 4_000):
            session.add(RollupDuration(hour=hour, path="onboarding", kind="finished", seconds=seconds, n=1))

    applied = prepare(settings)
    said = past.said(length=timedelta(days=7))
    past.database.close()

    assert applied == ["0014", "0015"]
    assert (said.time_to_sync.all.finished, said.ledger.installs) == (2, 2)
    assert said.ledger.classes["onboarding"] == 2


def hours_counted(past: Past, monkeypatch: pytest.MonkeyPatch, known: rollup.Known) -> int:
    """Hours of late installs that a pass counts again."""
    counted: list[int] = []
    write = rollup._write_hours
    with monkeypatch.context() as watching:
        watching.setattr(rollup, "_write_hours", lambda s, f, hours: (counted.append(len(hours)), write(s, f, hours)))
        rollup.roll_up(past.database, past.settings, known=known)
    return sum(counted)


def test_what_was_adopted_late_is_counted_once_and_what_we_did_not_watch_not_at_all(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.install(ago=timedelta(days=9), synced=60)
    rollup.roll_up(past.database, past.settings)
    with past.database.write() as session:
        rows = Rows(session, past.clock.moment, past.numbers)
        for days in range(2, 8):
            at, id_ = past.clock.moment - timedelta(days=days), first_id(past.clock.moment + timedelta(seconds=days))
            rows.installed(at, id=id_, synced=4_000, watched=days % 2 == 0)
    known: rollup.Known = {}

    first, second = (hours_counted(past, monkeypatch, known) for _ in range(2))

    assert (first, second) == (4 * 3, 0)  # of the three that we watched, in each of four families
    assert past.said(length=timedelta(days=10)).ledger.installs == 4
