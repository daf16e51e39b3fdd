"""Every page's queries on the big databases of `make seed-million`: p50 and p95 of 50 runs.

Prints a table for each engine, judges nothing. BENCH_EXPLAIN=path also writes each query's plan there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from dashboard.look import Reading, look
from sync_core import health, rollup
from sync_core.alerts import lists
from sync_core.config import Settings, load_settings
from sync_core.db import Database, open_database
from sync_core.models import Heartbeat, ShopSync
from sync_core.time_limit import limited
from tests.benchmarks import seed

HERE = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("BENCH_RUNS", "50"))
LONGEST = 230
EXPLAIN = os.environ.get("BENCH_EXPLAIN")

SAME_QUERIES = {f"Overview, {days} d" for days in (1, 7, 90)}
"""Their plans are those of 30 days."""
DAY = timedelta(days=1)

Ask = Callable[[Reading], object]
"""What a page asks, in as many transactions as the page needs."""


def pages(settings: Settings, domain: str) -> dict[str, Ask]:
    """Page → what it asks. Overview is asked as a process does that remembers closed hours."""
    return {
        **{f"Overview, {days} d": _overview(settings, days) for days in (1, 7, 30, 90)},
        **{f"Shops{', ' if name else ''}{name}": _shops(**asked) for name, asked in _lists(domain).items()},
        "Shop": _in_each(lambda session, now: health.shop(session, domain=domain, now=now, settings=settings)),
        "Checks": _in_each(
            lambda session, _now: health.sweeps(session),
            lambda session, now: health.slots(session, since=now - DAY, until=now, now=now, settings=settings),
        ),
        "Alerts": _in_each(lambda session, now: lists.alerts(session, now=now)),
        "System": _in_each(
            lambda session, now: health.heartbeats(session, now=now),
            lambda session, now: health.capacity(session, now=now),
        ),
    }


def _lists(domain: str) -> dict[str, dict[str, Any]]:
    """The lists of the Shops page: each filter, each order, texts that few, many and nearly all shops match."""
    return {
        "": {},
        "deep page": {"after": '["maple-paper-500000.myshopify.com", "shop-0500000"]'},
        "blocked": {"cause": "frozen"},
        "failed": {"status": "FAILED"},
        "up to date": {"status": "COMPLETED"},
        "newest": {"sort": health.Sort.NEWEST},
        "waiting": {"sort": health.Sort.WAITING},
        "by safety check": {"path": "sweep"},
        "a domain": {"text": domain},
        "a storefront": {"text": "https://www.shop4711.example/products"},
        "a number": {"text": "4711"},
        "a word": {"text": "alder"},
        "a word, failed": {"text": "alder", "status": "FAILED"},
        "two letters": {"text": "qz"},
        "an error": {"text": "503 on products"},
        "nothing": {"text": "no such shop anywhere"},
    }


def _overview(settings: Settings, days: int) -> Ask:
    """Who needs you, what comes next, the window with its charts, the strip of checks."""
    own: dict[str, Any] = {"settings": settings, "zone": ZoneInfo("Europe/Stockholm"), "memory": {}}
    first = _in_each(
        lambda session, now: health.fleet(session, now=now, settings=settings),
        lambda session, now: health.late_starts(session, now=now, settings=settings),
        lambda session, now: health.window(session, now=now),
        lambda session, now: health.slots(session, since=now - DAY, until=now, now=now, settings=settings),
    )

    def ask(reading: Reading) -> None:
        first(reading)
        look(reading, window=timedelta(days=days), **own)

    return ask


def _shops(**asked: Any) -> Ask:
    return _in_each(lambda session, now: health.search(session, now=now, **asked))


def _in_each(*questions: Callable[[Session, datetime], object]) -> Ask:
    """Each in a transaction of its own."""

    def ask(reading: Reading) -> None:
        for question in questions:
            with reading() as (session, now):
                question(session, now)

    return ask


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
    columns = ("page", "queries", "p50 ms", "p95 ms", "of it in the database: p50", "p95")
    table = Table(*columns, title=f"{kind}; load {os.getloadavg()[0]:.1f}; {RUNS} runs")
    for name, ask in pages(settings, domain).items():
        found = measured(database, ask)
        table.add_row(name, str(len(found.statements)), *_cut(found.times), *_cut(found.in_database))
        if EXPLAIN and name not in SAME_QUERIES:
            explain(database, name, found.statements)
    Console(width=120).print(table)


def _cut(times: list[float]) -> tuple[str, str]:
    cut = quantiles(times, n=20)
    return f"{cut[9]:.0f}", f"{cut[18]:.0f}"


@dataclass
class Measured:
    """Milliseconds of each run after a first one, whole and in the database; the statements of the last."""

    times: list[float] = field(default_factory=list)
    in_database: list[float] = field(default_factory=list)
    statements: list[tuple[str, Any]] = field(default_factory=list)


def measured(database: Database, ask: Ask) -> Measured:
    """Ask as a page does, with its patience. The first run fills caches and is not counted.

    The moment is the one of which the database was made: later its shops would all be overdue.
    """
    found, spent, began = Measured(), 0.0, 0.0
    with database.read() as session:
        now = session.execute(select(func.max(Heartbeat.seen_at))).scalar_one()

    @contextmanager
    def reading() -> Iterator[tuple[Session, datetime]]:
        with database.look(patience=60) as (session, _):
            yield session, now

    def before(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        nonlocal began
        found.statements.append((statement, parameters))
        began = time.perf_counter()

    def after(*_: Any) -> None:
        nonlocal spent
        spent += time.perf_counter() - began

    event.listen(database.readonly, "before_cursor_execute", before)
    event.listen(database.readonly, "after_cursor_execute", after)
    for nth in range(RUNS + 1):
        found.statements.clear()
        begun, spent = time.perf_counter(), 0.0
        ask(reading)
        if nth:
            found.times.append(1000 * (time.perf_counter() - begun))
            found.in_database.append(1000 * spent)
    event.remove(database.readonly, "before_cursor_execute", before)
    event.remove(database.readonly, "after_cursor_execute", after)
    return found


def explain(database: Database, page: str, statements: list[tuple[str, Any]]) -> None:
    """Append the plan of each statement of a page, without its settings' ones."""
    words = "EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF)" if database.is_postgres else "EXPLAIN QUERY PLAN"
    with Path(str(EXPLAIN)).open("a") as file, database.readonly.connect() as connection, limited(connection, 60):
        file.write(f"\n## {page}, {database.engine.dialect.name}\n")
        for statement, parameters in statements:
            if "FROM" not in statement:
                continue
            rows = connection.exec_driver_sql(f"{words} {statement}", parameters)
            file.write(f"\n```\n{_short(statement)}\n\n")
            file.write("\n".join(_short(str(row[-1])) for row in rows) + "\n```\n")


def _short(text: str) -> str:
    """One line of at most LONGEST characters, its indentation kept."""
    line = text[: len(text) - len(text.lstrip())] + " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
