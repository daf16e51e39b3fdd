"""What shops that never succeed take of the workers, seen before others have to wait for it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from sync_core import health, heartbeat
from sync_core.health import Capacity
from tests.conftest import Ago
from tests.health_rows import Rows


@pytest.fixture
def rows(session: Session, ago: Ago) -> Rows:
    rows = Rows(session, ago())
    rows.beat("scheduler", ago(seconds=5), workers=3)
    return rows


def failing(rows: Rows, name: str, **values: Any) -> str:
    return rows.shop(name, **({"status": "FAILED", "failures": 4} | values))


def test_tries_of_shops_without_any_data_are_counted_in_workers(rows: Rows, ago: Ago, session: Session) -> None:
    poison, other = failing(rows, "poison"), failing(rows, "other")
    rows.attempt(poison, ago(minutes=30), "failed", claimed_at=ago(minutes=48))
    rows.attempt(other, ago(minutes=10), "failed", claimed_at=ago(minutes=28))

    found = health.capacity(session, now=rows.now)

    assert found == Capacity(workers=3, shops=2, lost=0.6)
    assert found.left == pytest.approx(2.4)


def test_a_try_counts_for_the_part_of_it_that_lies_in_the_hour(rows: Rows, ago: Ago, session: Session) -> None:
    rows.attempt(failing(rows, "one"), ago(minutes=57), "failed", claimed_at=ago(minutes=90))
    rows.attempt(failing(rows, "two"), None, None, claimed_at=ago(minutes=3))
    rows.attempt(failing(rows, "three"), ago(minutes=60), "failed", claimed_at=ago(minutes=90))

    assert health.capacity(session, now=rows.now) == Capacity(workers=3, shops=2, lost=0.1)


def test_who_has_data_or_never_failed_or_was_not_started_takes_nothing(rows: Rows, ago: Ago, session: Session) -> None:
    long = {"claimed_at": ago(minutes=48)}
    rows.attempt(failing(rows, "refresh", first_synced_at=ago(days=1)), ago(minutes=30), "failed", **long)
    rows.attempt(rows.shop("first"), None, None, **long)
    rows.attempt(failing(rows, "asked"), None, None, claimed_at=None, fence=None)

    assert health.capacity(session, now=rows.now) == Capacity(workers=3, shops=0, lost=0.0)


def test_a_silent_process_has_no_workers(session: Session, ago: Ago) -> None:
    rows = Rows(session, ago())
    rows.beat("scheduler", ago(minutes=10), workers=3)

    assert health.capacity(session, now=rows.now) == Capacity(workers=0, shops=0, lost=0.0)


def test_a_process_that_comes_again_under_its_name_is_seen_as_it_is_now(session: Session, ago: Ago) -> None:
    doing = heartbeat.Doing()
    for workers, at in ((16, ago(hours=9)), (64, ago())):
        process = heartbeat.Process("scheduler", workers=workers, host="pod", pid=1)
        heartbeat.beat(session, process, doing, now=at, started_at=at, clock_offset=0.0)

    (row,) = health.heartbeats(session, now=ago())

    assert (row.workers, row.started_at) == (64, ago())
    assert health.capacity(session, now=ago()).workers == 64
