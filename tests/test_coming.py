"""Who is started next, and when: how long a sync is expected to take, and when the line is read at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.health.coming import _line
from sync_core.models import Heartbeat
from sync_core.states import Status
from tests.health_rows import Rows
from tests.plans import selects

GOOD, FAILED, STOLEN = "completed", "failed", "stolen"


@dataclass
class Asking:
    """Rows of one worker, which began a sync at this moment, and who asks about them."""

    rows: Rows
    settings: Settings

    def starts(self) -> dict[str, datetime | None]:
        line = health.coming(self.rows.session, now=self.rows.now, settings=self.settings)
        return {each.shop_id: each.starts_at for each in line.waiting}

    def late_by_line(self) -> health.LateStarts:
        line = health.coming(self.rows.session, now=self.rows.now, settings=self.settings)
        return line.late(courtesy=timedelta(seconds=self.settings.wake_hold_seconds))

    def late(self) -> health.LateStarts:
        return health.late_starts(self.rows.session, now=self.rows.now, settings=self.settings)


@pytest.fixture
def asking(session: Session, now: datetime, settings: Settings) -> Asking:
    rows = Rows(session, now)
    rows.beat("worker", now, workers=1)
    rows.attempt(rows.shop(status=Status.IN_PROGRESS), None, None, claimed_at=now)
    return Asking(rows, settings)


def ran(rows: Rows, *newest_first: tuple[int, str, float]) -> None:
    """So many attempts with this end after so many seconds."""
    ended = rows.now
    for n, outcome, seconds in newest_first:
        for _ in range(n):
            ended -= timedelta(minutes=1)
            begun = ended - timedelta(seconds=seconds)
            rows.attempt(rows.shop(), ended, outcome, claimed_at=begun)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], 30),
        ([(60, GOOD, 40)], 40),
        ([(2, GOOD, 10), (1, GOOD, 40)], 20),
        ([(7, GOOD, 5), (63, GOOD, 75)], 68),
        ([(8, GOOD, 5), (62, GOOD, 75)], 5),
        ([(8, GOOD, 160), (62, GOOD, 75)], 160),
        ([(8, GOOD, 40), (62, GOOD, 75)], 71),
        ([(7, FAILED, 3), (60, GOOD, 40)], 40),
        ([(8, FAILED, 3), (60, GOOD, 40)], 3),
        ([(3, FAILED, 6)], 6),
        ([(9, STOLEN, 6), (3, GOOD, 50)], 50),
    ],
)
def test_a_sync_is_expected_to_take_what_the_newest_good_ones_took(
    asking: Asking, now: datetime, history: list[Any], expected: float
) -> None:
    ran(asking.rows, *history)
    waits = asking.rows.shop(status=Status.PENDING, priority=0, wake_at=now, due_at=now)

    assert asking.starts()[waits] == now + timedelta(seconds=expected)


NEW = {"status": Status.PENDING, "priority": 0}


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (NEW, True),
        (NEW | {"status": Status.FAILED, "failures": 1}, True),
        (NEW | {"status": Status.IN_PROGRESS}, False),
        (NEW | {"hold": "frozen"}, False),
        (NEW | {"installed": 301}, False),
        (NEW | {"installed": 9}, False),
        (NEW | {"first_synced_at": datetime(2026, 11, 2, 9, 30, tzinfo=UTC)}, False),
    ],
)
def test_the_line_is_read_only_when_a_new_shop_waits(
    asking: Asking, database: Database, now: datetime, values: dict[str, Any], read: bool
) -> None:
    ran(asking.rows, (3, GOOD, 400))
    own = dict(values)
    installed_at = now - timedelta(seconds=own.pop("installed", 60))
    if own["status"] != Status.IN_PROGRESS:
        own |= {"wake_at": now, "due_at": now}
    asking.rows.install(asking.rows.shop(installed_at=installed_at, **own), installed_at)
    by_line = asking.late_by_line()

    with selects(database, "heartbeat") as sent:
        late = asking.late()

    assert late == by_line
    assert bool(late.n) is bool(sent) is read


def test_new_shops_that_nobody_would_start_will_be_late_too(asking: Asking, now: datetime) -> None:
    asking.rows.session.execute(update(Heartbeat).values(stopped_at=now))
    for _ in range(2):
        new = asking.rows.shop(installed_at=now - timedelta(minutes=2), wake_at=now, due_at=now, **NEW)
        asking.rows.install(new, now - timedelta(minutes=2))

    assert asking.late() == health.LateStarts(n=2, last_at=None, unstarted=2)


def test_a_line_longer_than_is_looked_at_says_so(
    asking: Asking, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("sync_core.health.coming"), "MOST", 3)
    _line.cache_clear()
    ran(asking.rows, (3, GOOD, 400))
    for _ in range(3):
        new = asking.rows.shop(installed_at=now - timedelta(minutes=2), wake_at=now, due_at=now, **NEW)
        asking.rows.install(new, now - timedelta(minutes=2))

    late = asking.late()
    _line.cache_clear()

    assert (late.n, late.capped, late.unstarted) == (3, True, 0)
