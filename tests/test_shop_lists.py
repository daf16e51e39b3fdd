"""Each order of the Shops page is read from an index: what is not on the page is not read."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from sync_core import health
from sync_core.db import Database
from tests.benchmarks import crowd
from tests.plans import selects

ORDERED = {
    health.Sort.NEWEST: ["ix_shop_sync_newest"],
    health.Sort.WAITING: ["ix_shop_sync_failing", "ix_shop_sync_status"],
}


@pytest.mark.parametrize("deep", [False, True], ids=["first page", "a later page"])
@pytest.mark.parametrize("sort", ORDERED)
def test_each_order_is_read_from_its_index(database: Database, now: datetime, sort: health.Sort, deep: bool) -> None:
    crowd.finished(database, now, 3_000)
    place = json.dumps([now.isoformat(), "done-0001500"]) if deep else None

    with selects(database, "shop_sync") as sent, database.write() as session:
        health.search(session, now=now, sort=sort, after=place)

    page = sent[0].plan(database)
    assert [index for index in ORDERED[sort] if index not in page] == []


def test_the_newest_shops_of_one_moment_are_each_on_one_page(database: Database, now: datetime) -> None:
    crowd.finished(database, now, 20)

    found: list[str] = []
    place = None
    with database.read() as session:
        while place or not found:
            page = health.search(session, now=now, sort=health.Sort.NEWEST, after=place, limit=7)
            found, place = [*found, *(row.shop_id for row in page.rows)], page.next_after

    assert found == [f"done-{number:07}" for number in reversed(range(20))]
