"""Finished shops cost nothing: the two questions that are asked all day are answered by the partial indexes."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import inspect

from sync_core import lifecycle, sweep
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.vault import open_vault
from tests.benchmarks import crowd
from tests.plans import selects

FINISHED = 3_000


@pytest.fixture
def crowded(database: Database, now: datetime) -> Database:
    """Thousands that are up to date, a dozen that wait."""
    crowd.finished(database, now, FINISHED)
    crowd.awake(database, now, 12, prefix="waiting")
    return database


def test_a_claim_reads_the_partial_index_of_who_is_awake(crowded: Database, now: datetime, settings: Settings) -> None:
    with selects(crowded, "shop_sync") as sent, crowded.write() as session:
        lifecycle.claim(session, owner="worker-1", limit=20, rescues=1, oldest=1, now=now, settings=settings)

    rescues, *awake = [each.plan(crowded) for each in sent]
    assert "ix_shop_sync_status" in rescues
    assert len(awake) == 6
    assert all("ix_shop_sync_wake" in plan for plan in awake), awake


def test_a_tick_reads_the_partial_index_of_what_is_due(crowded: Database, settings: Settings) -> None:
    with selects(crowded, "shop_sync") as sent:
        sweep.tick(crowded, by="test", settings=settings, vault=open_vault(settings))

    due = [each.plan(crowded) for each in sent if "due_at <=" in each.sql]
    assert len(due) >= 3
    assert all("ix_shop_sync_due" in plan for plan in due), due


def test_the_indexes_hold_only_the_shops_that_wait(crowded: Database) -> None:
    with crowded.engine.connect() as connection:
        schema = "shopsync" if crowded.is_postgres else None
        found = {
            index["name"]: index["dialect_options"] for index in inspect(connection).get_indexes("shop_sync", schema)
        }

    option = f"{crowded.engine.dialect.name}_where"
    conditions = {name: str(found[name][option]).strip("()") for name in ("ix_shop_sync_wake", "ix_shop_sync_due")}
    assert conditions == {"ix_shop_sync_wake": "wake_at IS NOT NULL", "ix_shop_sync_due": "due_at IS NOT NULL"}
