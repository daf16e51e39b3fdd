"""A thousand shops that always fail among ten thousand: how long the others wait to be started.

Simulated on a clock of its own, so the figures do not depend on the machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from rich.console import Console
from rich.table import Table

from sync_core.config import Settings
from sync_core.db import Database
from tests.benchmarks.town import BAD, SYNC_SECONDS, Town

WORKERS = 50
GOOD, FAILING = int(os.environ.get("BENCH_GOOD", "9000")), int(os.environ.get("BENCH_BAD", "1000"))
WARM_UP_SECONDS = 1_500
A_SECOND = WORKERS / SYNC_SECONDS / 2
"""Installs a second at half of what the workers can do."""


def half_load() -> Iterator[list[str]]:
    """Who arrives in each second, evenly."""
    arrived = 0
    for second in range(1, int(GOOD / A_SECOND) + 1):
        due = min(GOOD, int(second * A_SECOND))
        yield [f"good-{number}.myshopify.com" for number in range(arrived, due)]
        arrived = due


def burst() -> Iterator[list[str]]:
    """All within a minute, then time enough for everybody."""
    a_second = GOOD // 60 + 1
    for second in range(60):
        yield [f"good-{n}.myshopify.com" for n in range(second * a_second, min(GOOD, (second + 1) * a_second))]
    for _ in range(int(GOOD / WORKERS * SYNC_SECONDS * 1.5)):
        yield []


def p99(town: Town, arrivals: Iterator[list[str]], failing: int) -> float:
    """The 99th percentile of the others' wait, beside so many that fail since a while."""
    town.pass_second(f"{BAD}{number}.myshopify.com" for number in range(failing))
    for _ in range(WARM_UP_SECONDS):
        town.pass_second()
    for arriving in arrivals:
        town.pass_second(arriving)
    waits = town.waits()
    assert len(waits) == GOOD
    return waits[int(len(waits) * 0.99)]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("arrivals", [half_load, burst])
@pytest.mark.parametrize("failing", [0, FAILING])
def test_waits_beside_shops_that_fail(
    sqlite_database: Database,
    settings: Settings,
    now: datetime,
    arrivals: Callable[[], Iterator[list[str]]],
    failing: int,
) -> None:
    found = p99(Town(sqlite_database, settings, now, WORKERS), arrivals(), failing)

    title = f"{GOOD:,} shops, {arrivals.__name__}, {WORKERS} workers, syncs of {SYNC_SECONDS} s"
    table = Table("always failing beside them", "p99 from request to start", title=title)
    table.add_row(f"{failing:,}", f"{found:.0f} s")
    Console().print(table)
