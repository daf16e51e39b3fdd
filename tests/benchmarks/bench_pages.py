"""Every page's queries on the big databases of `make seed-million`: p50 and p95 of 50 runs.

Prints a table for each engine, judges nothing. BENCH_EXPLAIN=path also writes each query's plan there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from sync_core import health, rollup
from sync_core.config import Settings, load_settings
from sync_core.db import Database, open_database
from sync_core.models import ShopSync
from tests.benchmarks import seed

HERE = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("BENCH_RUNS", "50"))
EXPLAIN = os.environ.get("BENCH_EXPLAIN")

Ask = Callable[[Session, datetime], object]


def pages(settings: Settings, domain: str) -> dict[str, Ask]:
    """Page → what it asks. Overview is asked as a process does that remembers closed hours."""
    memory: dict[Any, Any] = {}

    def overview(days: int) -> Ask:
        def ask(session: Session, now: datetime) -> None:
            window: dict[str, Any] = {"since": now - timedelta(days=days), "until": now, "memory": memory}
            health.fleet(session, now=now, settings=settings)
            health.objectives(session, now=now, settings=settings, **window)
            health.failures(session, **window)

        return ask

    def shops(**asked: Any) -> Ask:
        return lambda session, now: health.search(session, now=now, **asked)

    day = timedelta(days=1)
    return {
        **{f"Overview, {days} d": overview(days) for days in (1, 7, 30, 90)},
        "Shops": shops(),
        "Shops, deep page": shops(after='["maple-paper-500000.myshopify.com", "shop-0500000"]'),
        "Shops, blocked": shops(cause="frozen"),
        "Shops, failed": shops(status="FAILED"),
        "Shops, newest": shops(sort=health.Sort.NEWEST),
        "Shops, a domain": shops(text=domain),
        "Shops, a word": shops(text="alder"),
        "Shop": lambda session, now: health.shop(session, domain=domain, now=now, settings=settings),
        "Checks": lambda session, _now: health.sweeps(session),
        "Checks, strip": lambda session, now: health.slots(
            session, since=now - day, until=now, now=now, settings=settings
        ),
        "System": lambda session, now: health.heartbeats(session, now=now),
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def big(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Database, Settings]]:
    """The seeded database of an engine, rolled up."""
    monkeypatch.chdir(HERE)
    place = seed.FOLDER / ("postgres" if request.param == "postgresql" else "shopsync.db")
    if not place.exists():
        pytest.skip("no big database: make seed-million")
    if request.param == "sqlite":
        yield from _opened(seed.sqlite_url())
        return
    with seed.postgres() as url:
        yield from _opened(url)


def _opened(url: str) -> Iterator[tuple[Database, Settings]]:
    settings = load_settings(_env_file=None, database_url=url)
    database = open_database(settings, host_clock=lambda: datetime.now(UTC))
    rollup.roll_up(database, settings)
    yield database, settings
    database.close()


@pytest.mark.timeout(3_600)
def test_pages(big: tuple[Database, Settings]) -> None:
    database, settings = big
    with database.read() as session:
        domain = session.execute(select(ShopSync.shop_domain).where(ShopSync.shop_id == "shop-0004711")).scalar_one()
    kind = "PostgreSQL, 1,000,000 shops" if database.is_postgres else "SQLite, 100,000 shops"
    table = Table("page", "queries", "p50 ms", "p95 ms", title=f"{kind}; load {os.getloadavg()[0]:.0f}")
    for name, ask in pages(settings, domain).items():
        times, statements = measured(database, ask)
        cut = quantiles(times, n=20)
        table.add_row(name, str(len(statements)), f"{cut[9]:.0f}", f"{cut[18]:.0f}")
        if EXPLAIN:
            explain(database, name, statements)
    Console().print(table)


def measured(database: Database, ask: Ask) -> tuple[list[float], list[tuple[str, Any]]]:
    """Milliseconds of each run after a first one; the statements of the last."""
    statements: list[tuple[str, Any]] = []
    times = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.readonly, "before_cursor_execute", note)
    for nth in range(RUNS + 1):
        statements.clear()
        began = time.perf_counter()
        with database.read() as session:
            ask(session, database.now(session))
        if nth:
            times.append(1000 * (time.perf_counter() - began))
    event.remove(database.readonly, "before_cursor_execute", note)
    return times, list(statements)


def explain(database: Database, page: str, statements: list[tuple[str, Any]]) -> None:
    """Append the plan of each statement of a page."""
    words = "EXPLAIN (ANALYZE, BUFFERS)" if database.is_postgres else "EXPLAIN QUERY PLAN"
    with Path(str(EXPLAIN)).open("a") as file, database.readonly.connect() as connection:
        file.write(f"\n## {page}, {database.engine.dialect.name}\n")
        for statement, parameters in statements:
            rows = connection.exec_driver_sql(f"{words} {statement}", parameters)
            file.write(f"\n```\n{' '.join(statement.split())}\n\n")
            file.write("\n".join(str(row[-1]) for row in rows) + "\n```\n")
