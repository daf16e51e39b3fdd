"""One tick over ten thousand due shops: how long it takes, and the longest that it keeps a lock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from sync_core import sweep
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.vault import open_vault
from tests.benchmarks import crowd
from tests.conftest import TimedDatabase

SHARES = (0.5, 0.99, 0.99999)
"""The last is the longest."""
DUE = int(os.environ.get("BENCH_DUE", "10000"))


@dataclass(frozen=True)
class Watched(TimedDatabase):
    """Notes how long each of its transactions lasted, from BEGIN to the end of its COMMIT: no lock is held longer.

    Its clock goes on: a tick takes up what was due when it began, once.
    """

    lasted: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def now(self, session: Session) -> datetime:
        return self.host_clock() + timedelta(seconds=time.monotonic() - self.begun)

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            session.connection()
            begun = time.perf_counter()
            yield session
        self.lasted.append(time.perf_counter() - begun)


@pytest.mark.timeout(1_800)
def test_a_tick_over_many_due_shops(database: Database, settings: Settings, now: datetime, engine_name: str) -> None:
    watched = Watched(database.engine, database.readonly, database.host_clock)
    crowd.awake(database, now, DUE, prefix="due")
    table = Table("tick", "opened", "joined", "seconds", "transactions", "median ms", "p99 ms", "longest ms")
    table.title = f"a tick over {DUE:,} due shops, {engine_name}"
    for name in ("first", "second, all asked for before"):
        watched.lasted.clear()
        begun = time.perf_counter()
        report = sweep.tick(watched, by="bench", settings=settings, vault=open_vault(settings))
        spent, lasted = time.perf_counter() - begun, sorted(1_000 * seconds for seconds in watched.lasted)
        counts = (f"{report.opened:,}", f"{report.joined:,}", f"{spent:.1f}", f"{len(lasted):,}")
        table.add_row(name, *counts, *(f"{lasted[int(len(lasted) * share)]:.1f}" for share in SHARES))
    Console().print(table)
