"""The Shops page's newest first is read in the order of an index: what is not on the page is not read."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from sync_core import health
from sync_core.db import Database
from tests.benchmarks import crowd
from tests.plans import selects


@pytest.mark.parametrize("deep", [False, True], ids=["first page", "a later page"])
def test_the_newest_shops_are_read_in_the_order_of_their_index(database: Database, now: datetime, deep: bool) -> None:
    crowd.finished(database, now, 3_000)
    place = json.dumps([now.isoformat(), "done-0001500"]) if deep else None

    with selects(database, "shop_sync") as sent, database.write() as session:
        health.search(session, now=now, sort=health.Sort.NEWEST, after=place)

    page = sent[0].plan(database)
    assert "ix_shop_sync_newest" in page
    assert "Sort Key" not in page
    assert "TEMP B-TREE" not in page


def test_the_newest_shops_of_one_moment_are_each_on_one_page(database: Database, now: datetime) -> None:
    crowd.finished(database, now, 20)

    found: list[str] = []
    place = None
    with database.read() as session:
        while place or not found:
            page = health.search(session, now=now, sort=health.Sort.NEWEST, after=place, limit=7)
            found, place = [*found, *(row.shop_id for row in page.rows)], page.next_after

    assert found == [f"done-{number:07}" for number in reversed(range(20))]
