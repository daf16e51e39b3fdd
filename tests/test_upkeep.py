"""Roll-ups each time, retention once a day."""

from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import func, select

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import RollupHour, SyncAttempt
from sync_core.upkeep import Upkeep
from tests.conftest import Clock
from tests.health_rows import Rows


def test_what_closed_is_counted_and_what_is_old_goes_once_a_day(
    sqlite_database: Database, settings: Settings, clock: Clock
) -> None:
    upkeep, told = Upkeep(sqlite_database, settings), threading.Event()
    with sqlite_database.write() as session:
        rows = Rows(session, clock.moment)
        rows.installed(clock.moment - timedelta(days=3), claimed=5, synced=60)
        for days, hours in ((31, 0), (29, 23), (29, 1)):
            rows.attempt("one", clock.moment - timedelta(days=days, hours=hours), "completed")

    counts = []
    for hours in (0, 2, 22):
        clock.advance(hours=hours)
        upkeep.work(told)
        with sqlite_database.read() as session:
            counts.append(session.execute(select(func.count()).select_from(SyncAttempt)).scalar_one())
            rolled = session.execute(select(func.count()).select_from(RollupHour)).scalar_one()

    assert counts == [2, 2, 0]
    assert rolled >= 6


def test_nothing_more_is_begun_once_told_to_stop(sqlite_database: Database, settings: Settings, clock: Clock) -> None:
    told = threading.Event()
    told.set()
    with sqlite_database.write() as session:
        Rows(session, clock.moment).installed(clock.moment - timedelta(days=3), claimed=5, synced=60)

    Upkeep(sqlite_database, settings).work(told)

    with sqlite_database.read() as session:
        assert session.execute(select(func.count()).select_from(RollupHour)).scalar_one() == 0
