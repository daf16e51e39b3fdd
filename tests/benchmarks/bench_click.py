"""From the click to the start: a request until a running worker has claimed it, under each dispatcher.

Both moments are the product's own, of one clock: the request's row and its claim.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median

import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from sync_core import dispatch, lifecycle
from sync_core.models import ShopSync, SyncAttempt
from sync_core.states import Trigger
from tests.faults.ground import Ground, lane
from tests.journeys.processes import Stage, eventually

CLICKS = 60
WAYS = {
    "pool": ("sqlite", "-m", "scheduler"),
    "pool on PostgreSQL": ("postgresql", "-m", "scheduler"),
    "procrastinate": ("postgresql", "-m", "sync_core.cli", "worker"),
}


@contextmanager
def working(engine: str, dispatcher: str, *command: str) -> Iterator[Ground]:
    """An installation whose shops are synced, and one process that waits for more."""
    own = {"DISPATCH": dispatcher, "LEASE_SECONDS": "60", "SWEEP_PERIOD_SECONDS": "300", "SWEEP_GRACE_SECONDS": "180"}
    with lane(engine) as standing, standing.ground(**own) as ground:
        ground.install(CLICKS)
        stage = Stage(ground.folder, ground.environment)
        try:
            stage.start("worker", *command)
            eventually(lambda: not ground.unfinished(), "all synced", seconds=120)
            yield ground
        finally:
            stage.end()


def click(ground: Ground, domain: str) -> None:
    """As the button does: the request and its announcement in one transaction."""
    with ground.database.write() as session:
        now = ground.database.now(session)
        shop_id = session.execute(select(ShopSync.shop_id).where(ShopSync.shop_domain == domain)).scalar_one()
        lifecycle.request(session, shop_id, trigger=Trigger.MANUAL, now=now, actor="Ada", reason="bench")
        dispatch.announce(session, shop_id, now=now, settings=ground.settings)


def waits(ground: Ground, since: datetime) -> list[float]:
    """Seconds from request to claim of what was asked for since then, shortest first."""
    query = select(SyncAttempt.requested_at, SyncAttempt.claimed_at).where(SyncAttempt.requested_at >= since)
    with ground.database.read() as session:
        found = [(claimed - asked).total_seconds() for asked, claimed in session.execute(query) if claimed]
    return sorted(found)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_click_to_start(way: str) -> None:
    engine, *command = WAYS[way]
    with working(engine, way.partition(" ")[0], *command) as ground:
        begun = datetime.now(UTC)
        for domain in ground.domains:
            click(ground, domain)
            time.sleep(random.uniform(0.2, 0.6))  # another phase of the worker's look each time
        eventually(lambda: len(waits(ground, begun)) == CLICKS, "all started")
        found = waits(ground, begun)

    table = Table("dispatcher", "database", "clicks", "median s", "p95 s", "longest s", title="click to start")
    cells = (f"{seconds:.2f}" for seconds in (median(found), found[int(CLICKS * 0.95)], found[-1]))
    table.add_row(way.partition(" ")[0], engine, str(CLICKS), *cells)
    Console().print(table)
