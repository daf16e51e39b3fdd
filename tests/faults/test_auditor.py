"""The auditor sees each thing that must not happen: what a sound fleet does not have is put there by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from sync_core.models import SyncAttempt
from tests.conftest import Ago
from tests.faults.auditor import takeover
from tests.faults.ground import Ground, lane

UNDONE = "UPDATE shop_sync SET status = 'PENDING'"
ANOTHER_ATTEMPT = """INSERT INTO sync_attempt
  (id, shop_id, generation, fence, "trigger", requested_at, claimed_at, ended_at, outcome)
  SELECT id || '-2', shop_id, generation, fence + 1, "trigger", requested_at, claimed_at, ended_at, 'completed'
  FROM sync_attempt"""
BREAKS = {
    "a shop that waits for nobody": (UNDONE, "lost"),
    "a row that is not there": ('DELETE FROM "Customer" WHERE id = (SELECT min(id) FROM "Customer")', "lost"),
    "a row that Shopify does not have": ('UPDATE "Customer" SET "shopifyId" = \'1\' || "shopifyId"', "doubled"),
    "a row that is old": ('UPDATE "Customer" SET "firstName" = \'Former\'', "stale"),
    "a shop synced twice at once": (ANOTHER_ATTEMPT, "doubled"),
    "a run that never ended": ("UPDATE sync_attempt SET ended_at = NULL, outcome = NULL", "broken"),
    "an app that reads another status": ('UPDATE "Shop" SET "syncStatus" = \'FAILED\'', "broken"),
    "a status that no transition led to": ("DELETE FROM transition WHERE to_status = 'COMPLETED'", "broken"),
}


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """One finished shop."""
    with lane("sqlite") as standing, standing.ground() as ground:
        ground.install(1)
        ground.settle()
        yield ground


@pytest.mark.journey
def test_a_finished_shop_is_in_order(ground: Ground) -> None:
    verdict = ground.audit()

    assert (verdict.shops, verdict.faults) == (1, [])


@pytest.mark.journey
@pytest.mark.parametrize("what", BREAKS)
def test_the_auditor_sees(ground: Ground, what: str) -> None:
    statement, kind = BREAKS[what]
    with closing(sqlite3.connect(ground.folder / "shopsync.db")) as file, closing(sqlite3.connect(":memory:")) as sound:
        file.backup(sound)
        file.execute(statement)
        file.commit()

        verdict = ground.audit()
        sound.backup(file)

    assert getattr(verdict, kind)


def attempt(claimed_at: datetime, ended_at: datetime) -> SyncAttempt:
    return SyncAttempt(claimed_at=claimed_at, ended_at=ended_at)


def test_a_takeover_counts_from_the_last_request_that_shopify_saw(ago: Ago) -> None:
    orphan = attempt(ago(seconds=60), ago(seconds=10))

    seconds = takeover(orphan, [ago(seconds=70), ago(seconds=40), ago(seconds=5)], [])

    assert seconds == 30


def test_a_takeover_does_not_count_while_the_database_was_away(ago: Ago) -> None:
    orphan = attempt(ago(seconds=60), ago(seconds=10))

    seconds = takeover(orphan, [], [(ago(seconds=50), ago(seconds=20))])

    assert seconds == timedelta(seconds=20).total_seconds()
