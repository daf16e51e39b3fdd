"""Claim and complete: ours against a bare SQL loop that writes the same rows, in one run.

Prints a table (the best of ROUNDS rounds in turn, ours and bare: what else runs on the machine only ever
adds) and the plans of the claim's queries with all the finished shops there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from rich.console import Console
from rich.table import Table

from sync_core import lifecycle
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.lifecycle import Usage
from tests.benchmarks import crowd
from tests.benchmarks.bare import Bare
from tests.plans import selects

ROUNDS = 25
SHOPS = 60
CROWDS = (1_000, int(os.environ.get("BENCH_SHOPS", "1000000")))


def ours(database: Database, settings: Settings, now: datetime, batch: int) -> None:
    """Claim and complete SHOPS shops."""
    done = 0
    while done < SHOPS:
        with database.write() as session:
            claims = lifecycle.claim(session, owner="bench", limit=batch, now=now, settings=settings)
        for claim in claims:
            with database.write() as session:
                lifecycle.complete(
                    session, claim, cursor={}, progress={}, held={}, usage=Usage(1, 1, 1), now=now, settings=settings
                )
        done += len(claims)


def bare(loop: Bare, now: datetime, batch: int) -> None:
    done = 0
    while done < SHOPS:
        for shop_id, fence, attempt in (taken := loop.claim(now, batch)):
            loop.complete(now, shop_id, fence, attempt)
        done += len(taken)


def rate(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return SHOPS / (time.perf_counter() - begun)


def best(database: Database, settings: Settings, now: datetime, *, batch: int, name: str) -> tuple[float, float]:
    """Shops a second, ours and bare, in turn."""
    crowd.awake(database, now, 2 * ROUNDS * SHOPS, prefix=name)
    loop = Bare(database)
    turns = [
        (rate(lambda: ours(database, settings, now, batch)), rate(lambda: bare(loop, now, batch)))
        for _ in range(ROUNDS)
    ]
    loop.close()
    return max(mine for mine, _ in turns), max(floor for _, floor in turns)


@pytest.mark.timeout(3_600)
def test_claim_rates(database: Database, settings: Settings, now: datetime, engine_name: str) -> None:
    title = f"claim and complete, {engine_name}"
    table = Table("finished shops", "claimed by", "ours /s", "bare /s", "ours / bare", title=title)
    for first, size in zip((0, *CROWDS), CROWDS, strict=False):
        crowd.finished(database, now, size - first, prefix=f"done-{size}")
        for batch in (1, 10):
            mine, floor = best(database, settings, now, batch=batch, name=f"{size}-{batch}")
            table.add_row(f"{size:,}", str(batch), f"{mine:,.0f}", f"{floor:,.0f}", f"{mine / floor:.2f}")
    Console().print(table)
    crowd.awake(database, now, SHOPS, prefix="planned")
    with selects(database, "shop_sync") as sent, database.write() as session:
        lifecycle.claim(session, owner="bench", limit=1, now=now, settings=settings)
    for each in sent:
        Console().print(f"plan, {engine_name}:\n{each.plan(database)}", markup=False)
