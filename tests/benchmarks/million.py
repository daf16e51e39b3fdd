"""Millions of rows, made by the database itself: shops of 180 days, their installs, attempts and checks.

Everything is arithmetic on the shop's number, so two runs at one moment make the same rows. They are written in the
order in which they would have come. Indexes are dropped before and built after, on PostgreSQL: ten million rows in a
fifth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_core.db import Database
from sync_core.demo.names import FIRST, SECOND

DAYS = 180
EACH = 10
"""Attempts of a shop."""
PERIOD = 300
DIALS = 1_000_003
"""A prime: multiples of anything else spread over it evenly."""


@dataclass(frozen=True)
class Sql:
    """The few words in which the two engines differ."""

    postgres: bool

    @property
    def ours(self) -> str:
        return "shopsync." if self.postgres else ""

    def at(self, epoch: str) -> str:
        """A moment, from seconds since 1970."""
        if self.postgres:
            return f"(timestamp '1970-01-01' + ({epoch}) * interval '1 second')::timestamp(3)"
        return f"strftime('%Y-%m-%d %H:%M:%f000', ({epoch}), 'unixepoch')"

    def series(self, size: int) -> str:
        """A table `s` with the whole numbers `n` from 0."""
        if self.postgres:
            return f"generate_series(0::bigint, {size - 1}) AS s(n)"
        return (
            f"(WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < {size - 1}) SELECT n FROM t) s"
        )

    def padded(self, number: str, digits: int = 7) -> str:
        return f"lpad(({number})::text, {digits}, '0')" if self.postgres else f"printf('%0{digits}d', {number})"

    def new_id(self, epoch: str, number: str) -> str:
        """A UUID that sorts by the moment in which it was made."""
        ms = f"CAST(({epoch}) * 1000 AS bigint)"
        hexed = f"lpad(to_hex({ms}), 12, '0')" if self.postgres else f"printf('%012x', {ms})"
        head = f"substr({hexed}, 1, 8) || '-' || substr({hexed}, 9, 4)"
        return f"{head} || '-7000-8000-' || {self.padded(number, 12)}"


@dataclass(frozen=True)
class Rows:
    """What a SELECT finds, for some columns of a table."""

    into: str
    select: str


def dice(number: str, salt: int) -> str:
    """A number in [0, 1) that looks like chance, the same for the same number."""
    return f"(((({number}) * {7_919 * salt + 104_729}) % {DIALS}) / {DIALS}.0)"


def fill(database: Database, now: datetime, *, shops: int) -> None:
    """`shops` shops with EACH attempts each, as of `now`."""
    sql = Sql(database.is_postgres)
    at = int(now.timestamp())
    with _reader(database) as reader, _writer(database) as writer:
        for statement in _lots(sql, at, shops):
            (reader or writer).execute(statement)
        for rows in (*_tables(sql), *_rest(sql, at)):
            _fill(rows, reader, writer)
    _analyse(database)


def _fill(rows: Rows, reader: Any, writer: Any) -> None:
    """On PostgreSQL by COPY: out of one connection, into the other."""
    if reader is None:
        writer.execute(f"INSERT INTO {rows.into} {rows.select}")
        return
    with (
        reader.copy(f"COPY ({rows.select}) TO STDOUT") as made,
        writer.copy(f"COPY {rows.into} FROM STDIN") as kept,
    ):
        for block in made:
            kept.write(block)


@contextmanager
def _reader(database: Database) -> Iterator[Any]:
    """The connection that makes the rows; None on SQLite, where the writer does."""
    if not database.is_postgres:
        yield None
        return
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SET LOCAL work_mem = '1GB'")
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    yield cursor
    cursor.execute("ROLLBACK")
    connection.close()


@contextmanager
def _writer(database: Database) -> Iterator[Any]:
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SELECT 1" if database.is_postgres else "BEGIN IMMEDIATE")
    restore = _without_indexes(cursor) if database.is_postgres else []
    yield cursor
    for statement in restore:
        cursor.execute(statement)
    cursor.execute("COMMIT")
    connection.close()


def _without_indexes(cursor: Any) -> list[str]:
    """Drop what slows a load; returns the statements that bring it back."""
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    cursor.execute("SET LOCAL work_mem = '1GB'")
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype IN ('p', 'u') AND connamespace = 'shopsync'::regnamespace AND conrelid::regclass::text "
        "NOT LIKE '%alembic%' ORDER BY 1, 2"
    )
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(
        "SELECT 'shopsync.' || quote_ident(indexname), indexdef FROM pg_indexes "
        "WHERE schemaname = 'shopsync' AND tablename NOT LIKE 'alembic%'"
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    added = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}" for table, name, text in constraints]
    return [*added, *(text for _, text in indexes)]


def _analyse(database: Database) -> None:
    if not database.is_postgres:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


STATES = (
    ("held", "n % 1000 = 1"),
    ("retrying", "n % 2000 = 2"),
    ("attention", "n % 10000 = 3"),
    ("uninstalled", "n % 33 = 4"),
    ("running", "n % 20000 = 5"),
    ("waiting", "n % 20000 = 6"),
    ("overdue", "n % 200000 = 7"),
)
HOLDS = ("frozen", "locked", "scope", "reauthorise", "gone")


def _lots(sql: Sql, now: int, shops: int) -> Iterator[str]:
    """A table of what befell each shop, from which the others are made."""
    state = " ".join(f"WHEN {when} THEN '{name}'" for name, when in STATES)
    path = (
        f"CASE WHEN {dice('n', 1)} < 0.86 THEN 'onboarding' WHEN {dice('n', 1)} < 0.97 THEN 'wake' "
        f"WHEN {dice('n', 1)} < 0.99 THEN 'sweep' ELSE 'manual' END"
    )
    took = f"12 + 40 * {dice('n', 2)} + 90 * {dice('n', 3)} * {dice('n', 4)} + 600 * ({dice('n', 5)} > 0.985)"
    if sql.postgres:
        took = took.replace("> 0.985)", "> 0.985)::int")
    yield (
        f"CREATE TEMPORARY TABLE lot AS SELECT n, 'shop-' || {sql.padded('n')} AS shop_id, "
        f"{now} - 60 - {dice('n', 6)} * {DAYS * 86_400 - 60} AS installed, 1 + 11 * {dice('n', 7)} AS waited, "
        f"{took} AS took, CASE {state} ELSE 'complete' END AS state, {path} AS path, n % 25 = 0 AS failed_once, "
        f"(n % 2000 = 1001 OR n % 5000 = 12) AS never, n % 400 = 9 AS late FROM {sql.series(shops)}"
    )
    words = ", ".join(f"({nth}, '{first}')" for nth, first in enumerate(FIRST))
    yield f"CREATE TEMPORARY TABLE first_word AS SELECT column1 AS nth, column2 AS word FROM (VALUES {words}) v"
    words = ", ".join(f"({nth}, '{second}')" for nth, second in enumerate(SECOND))
    yield f"CREATE TEMPORARY TABLE second_word AS SELECT column1 AS nth, column2 AS word FROM (VALUES {words}) v"
    synced = "CASE WHEN never OR state IN ('waiting', 'overdue') THEN NULL WHEN late THEN installed + 108000 ELSE installed + waited + took END"
    yield (
        f"CREATE TEMPORARY TABLE life AS SELECT lot.*, CASE WHEN ({synced}) < {now} THEN {synced} END AS synced, "
        f"f.word || ' ' || s.word || ' ' || n AS name, "
        f"lower(replace(f.word || '-' || s.word, ' ', '-')) || '-' || n || '.myshopify.com' AS domain, "
        f"CAST({now} AS bigint) AS now FROM lot JOIN first_word f ON f.nth = n % {len(FIRST)} "
        f"JOIN second_word s ON s.nth = n / {len(FIRST)} % {len(SECOND)}"
    )
    if not sql.postgres:
        yield f"CREATE TEMPORARY TABLE first_ten AS SELECT n FROM {sql.series(EACH)}"


def _tables(sql: Sql) -> Iterator[Rows]:
    """The rows of each table, from the lives."""
    at, ours = sql.at, sql.ours
    status = (
        "CASE state WHEN 'running' THEN 'IN_PROGRESS' WHEN 'waiting' THEN 'PENDING' WHEN 'overdue' THEN 'PENDING' "
        "WHEN 'complete' THEN 'COMPLETED' WHEN 'uninstalled' THEN 'COMPLETED' ELSE 'FAILED' END"
    )
    app_status = f'({status})::"SyncStatus"' if sql.postgres else status
    yield Rows(
        '"Shop" (id, "shopDomain", "accessToken", scopes, "installedAt", "syncStatus", "lastSyncAt")',
        f"SELECT shop_id, domain, '', '', {at('installed')}, {app_status}, {at('synced')} FROM life",
    )
    hold = "(ARRAY['" + "','".join(HOLDS) + "'])[1 + n / 1000 % 5]"
    if not sql.postgres:
        hold = "CASE n / 1000 % 5 " + " ".join(f"WHEN {nth} THEN '{each}'" for nth, each in enumerate(HOLDS)) + " END"
    held = f"CASE state WHEN 'held' THEN {hold} WHEN 'uninstalled' THEN 'uninstalled' END"
    trouble = "state IN ('held', 'retrying', 'attention')"
    since = f"CASE WHEN state IN ('running', 'waiting', 'retrying') THEN now - 30 - n % 240 WHEN {trouble} THEN now - 600 - n % 90000 ELSE coalesce(synced, installed) END"
    due = "CASE state WHEN 'running' THEN now + 50 WHEN 'waiting' THEN now - 5 WHEN 'overdue' THEN now - 700 WHEN 'retrying' THEN now + n % 280 WHEN 'attention' THEN now + n % 280 WHEN 'held' THEN now + 3600 + n % 18000 END"
    yield Rows(
        f"{ours}shop_sync (shop_id, shop_domain, status, since, hold, generation, fence, failures, failing_since, "
        "error_class, error_message, attention, lease_owner, installed_at, authorised_at, first_synced_at, last_synced_at, "
        "due_at, wake_at, priority, held)",
        f"SELECT shop_id, domain, {status}, {at(since)}, {held}, 1, {EACH}, "
        "CASE state WHEN 'held' THEN 1 WHEN 'retrying' THEN 1 + n % 5 WHEN 'attention' THEN 12 + n % 20 ELSE 0 END, "
        f"CASE WHEN {trouble} THEN {at(since)} END, "
        f"CASE state WHEN 'held' THEN {hold} WHEN 'retrying' THEN 'unavailable' WHEN 'attention' THEN 'internal' END, "
        f"CASE WHEN {trouble} THEN 'Shopify answered 503 on products, page ' || n % 9 END, state = 'attention', "
        "CASE state WHEN 'running' THEN 'worker@host:1' END, "
        f"{at('installed')}, {at('installed')}, {at('synced')}, "
        f"CASE WHEN synced IS NOT NULL THEN {at('now - n % 86400')} END, {at(due)}, {at(due)}, "
        "CASE WHEN state = 'complete' THEN 2 WHEN state = 'attention' THEN 1 ELSE 0 END, "
        '\'{"products": {"rows": {"Product": 120}, "as_of": "2026-11-01T00:00:00+00:00"}}\' FROM life ORDER BY installed',
    )
    yield Rows(
        f"{ours}install (id, shop_id, generation, installed_at, pickup_deadline, success_deadline, "
        "first_claimed_at, first_synced_at, withdrawn_at, path, watched)",
        f"SELECT {sql.new_id('installed', 'n')}, shop_id, 1, {at('installed')}, {at('installed + 780')}, "
        f"{at('installed + 86400')}, CASE WHEN state NOT IN ('waiting', 'overdue') THEN "
        f"{at('installed + waited + 900 * (CASE WHEN n % 9000 = 8 THEN 1 ELSE 0 END)')} END, {at('synced')}, "
        f"CASE WHEN state = 'uninstalled' AND installed < now - 90000 THEN {at('installed + (now - installed) * 0.9')} END, "
        "CASE WHEN state NOT IN ('waiting', 'overdue') THEN path END, true FROM life ORDER BY installed",
    )
    yield Rows(
        f"{ours}shop_profile (shop_id, name, name_folded, primary_domain, contact_email, plan, updated_at)",
        f"SELECT shop_id, name, lower(name), 'www.shop' || n || '.example', 'owner' || n || '@example.com', 'Basic', {at('installed')} FROM life ORDER BY installed",
    )
    line = "chr(10)" if sql.postgres else "char(10)"
    yield Rows(
        f"{ours}shop_search (shop_id, text)",
        f"SELECT shop_id, domain || {line} || lower(name) || {line} || "
        f"'www.shop' || n || '.example' || {line} || 'owner' || n || '@example.com' FROM life ORDER BY installed",
    )
    yield from _attempts(sql)
    for nth, (event, before, after, moment) in enumerate(
        (
            ("installed", "NULL", "'PENDING'", "installed"),
            ("claimed", "'PENDING'", "'IN_PROGRESS'", "installed + waited"),
            ("completed", "'IN_PROGRESS'", "'COMPLETED'", "synced"),
        )
    ):
        yield Rows(
            f"{ours}transition (id, shop_id, generation, at, from_status, to_status, event, fence)",
            f"SELECT {sql.new_id(moment, f'n * 4 + {nth}')}, shop_id, 1, {at(moment)}, {before}, {after}, '{event}', {nth} "
            f"FROM life WHERE {moment} IS NOT NULL ORDER BY {moment}",
        )
    yield Rows(
        f"{ours}transition (id, shop_id, generation, at, from_status, to_status, to_hold, event, fence)",
        f"SELECT {sql.new_id('now', 'n * 4 + 3')}, shop_id, 1, {at('installed + 3600')}, 'IN_PROGRESS', 'FAILED', {hold}, 'failed', 2 "
        "FROM life WHERE state = 'held' AND installed < now - 3600",
    )


def _attempts(sql: Sql) -> Iterator[Rows]:
    """The first one or two at the install, the others spread over the shop's life; the last is open where one runs."""
    at, ours = sql.at, sql.ours
    number = f"(n * {EACH} + k)"
    luck = dice(number, 9)
    begun = "CASE WHEN k = 0 THEN installed + waited WHEN k = 1 AND failed_once THEN installed + waited + 20 ELSE installed + 400 + (now - installed - 500) * k / 10.0 END"
    ended = "CASE WHEN k = 0 AND failed_once THEN begun + 4 WHEN k <= 1 AND synced IS NOT NULL AND (k = 0) <> failed_once THEN synced ELSE begun + 5 + n % 50 END"
    outcome = f"CASE WHEN never OR (k = 0 AND failed_once) OR {luck} < 0.03 AND k > 1 THEN 'failed' WHEN {luck} < 0.033 AND k > 1 THEN 'orphaned' ELSE 'completed' END"
    error = "CASE WHEN outcome = 'failed' THEN CASE n % 4 WHEN 0 THEN 'unavailable' WHEN 1 THEN 'throttled' WHEN 2 THEN 'internal' ELSE 'stalled' END END"
    open_now = "(k = 9 AND state IN ('running', 'waiting'))"
    series = f"generate_series(0, {EACH - 1}) AS k(k)" if sql.postgres else "(SELECT n AS k FROM first_ten) k"
    yield Rows(
        f"{ours}sync_attempt (id, shop_id, generation, fence, number, trigger, mode, taken_by, requested_at, "
        "claimed_at, ended_at, outcome, error_class, error_message, http_status, plan, progress, requests, points, bytes)",
        f"SELECT {sql.new_id('begun', number)}, shop_id, 1, CASE WHEN {open_now} AND state = 'waiting' THEN NULL ELSE k + 1 END, 1, "
        "CASE WHEN k = 0 THEN path WHEN k = 1 AND failed_once THEN 'retry' ELSE 'refresh' END, 'changes', 'worker@host:1', "
        f"{at('begun')}, CASE WHEN NOT ({open_now} AND state = 'waiting') THEN {at('begun')} END, CASE WHEN NOT {open_now} THEN {at('ended')} END, "
        f"CASE WHEN NOT {open_now} THEN outcome END, CASE WHEN NOT {open_now} THEN {error} END, "
        "CASE WHEN outcome = 'failed' THEN 'Shopify answered 503 on products, page 4' END, CASE WHEN outcome = 'failed' THEN 503 END, "
        '\'changes since\', \'{"products": {"done": 120, "total": 120, "skipped": null, "ended": true}}\', 12, 900, 84000 '
        f"FROM (SELECT *, {ended} AS ended, {outcome} AS outcome FROM (SELECT life.*, k, {begun} AS begun FROM life CROSS JOIN {series}) a) b ORDER BY begun",
    )


def _rest(sql: Sql, now: int) -> Iterator[Rows]:
    """The checks of all those days, one in five hundred missing; the processes; a trail of staff's acts."""
    at, ours = sql.at, sql.ours
    first = (now - DAYS * 86_400) // PERIOD
    begun = f"(({first} + n) * {PERIOD} + 0.4)"
    yield Rows(
        f"{ours}sweep (id, slot, period_seconds, profile, by, begun_at, ended_at, due, opened)",
        f"SELECT {sql.new_id(begun, 'n')}, {first} + n, {PERIOD}, 'prompt', 'scheduler@host:1', {at(begun)}, {at(begun + ' + 0.2')}, 0, 0 "
        f"FROM {sql.series(DAYS * 86_400 // PERIOD)} WHERE n % 500 <> 7",
    )
    for role in ("scheduler", "worker", "web"):
        yield Rows(
            f"{ours}heartbeat (process, role, host, pid, version, started_at, seen_at, workers, running)",
            f"SELECT '{role}@host:1', '{role}', 'host', 1, '0.1.0', {at(f'{now} - 9000')}, {at(f'{now}')}, 16, 3",
        )
    yield Rows(
        f"{ours}audit (id, at, actor, act, shop_id, origin)",
        f"SELECT {sql.new_id(f'{now} - n * 60', 'n')}, "
        f"{at(f'{now} - n * 60')}, 'Ada', 'sync', 'shop-' || {sql.padded('n * 7 % 100000')}, 'page' FROM {sql.series(100_000)}",
    )
    yield Rows(
        f"{ours}webhook_inbox (webhook_id, topic, shop_domain, received_at, body, handled_at)",
        f"SELECT 'wh-' || n, 'products/update', domain, {at('now - n % 86400')}, '{{}}', {at('now - n % 86400 + 1')} FROM life WHERE n < 300000",
    )
