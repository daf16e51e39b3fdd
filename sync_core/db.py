"""Engine and sessions: one `Database` an process, one transaction a `with`.

Facts built in, each found by trying: SQLite needs BEGIN IMMEDIATE for a transaction that will
write (an upgrade from a read lock fails at once, whatever the busy timeout); PostgreSQL connections
set TimeZone=UTC; our tables are always qualified, because a transaction pooler keeps no search_path.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.errors import BadSetting
from sync_core.models import SYNC_SCHEMA
from sync_core.prepared import as_sqlalchemy
from sync_core.time_limit import limited

BUSY_SECONDS = 30
PRISMA_PARAMETERS = frozenset({"pgbouncer", "connection_limit", "pool_timeout", "schema", "statement_cache_size"})

HostClock = Callable[[], datetime]


@dataclass(frozen=True)
class Database:
    """The engine, and the transactions on it."""

    engine: Engine
    readonly: Engine
    host_clock: HostClock
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """SQLite lets one writer in and has the others poll; threads of one process queue here instead."""

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that may write; committed at the end, rolled back by an exception."""
        if self.is_postgres:
            with self.engine.connect() as connection, _transaction(_session(connection)) as session:
                yield session
            return
        with self.turn:
            try:
                with _transaction(self._writer) as session:
                    yield session
            except BaseException:
                self._drop_writer()
                raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that only reads, all of it of one moment; on SQLite it waits for no writer.

        Figures that are counted by several statements agree: what is written meanwhile is in none of them.
        """
        with self.readonly.connect() as connection, _transaction(_session(connection)) as session:
            yield session

    @contextmanager
    def look(self, *, patience: float) -> Iterator[tuple[Session, datetime]]:
        """The same for somebody who waits, with its moment; given up after so many seconds.

        Errors: TooSlow (`time_limit`).
        """
        with self.read() as session, limited(cast(Connection, session.bind), patience):
            yield session, self.now(session)

    @cached_property
    def _writer(self) -> Session:
        """SQLite's only writer here, whoever's turn it is; the way through a pool took a third of a claim's time."""
        return _session(self.engine.connect())

    def now(self, session: Session) -> datetime:
        """This moment, UTC: the database's clock on PostgreSQL, the host's on SQLite."""
        if not self.is_postgres:
            return self.host_clock()
        moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

    def _drop_writer(self) -> None:
        """To the pool, which rolls back: SQLAlchemy does not when a COMMIT failed, and SQLite would stay locked."""
        if kept := vars(self).pop("_writer", None):
            kept.bind.close()

    def close(self) -> None:
        with self.turn:
            self._drop_writer()
        self.engine.dispose()


def _session(connection: Connection) -> Session:
    return Session(connection, expire_on_commit=False)


@contextmanager
def _transaction(session: Session) -> Iterator[Session]:
    """The session with the transaction of its connection begun."""
    with cast(Connection, session.bind).begin(), session:
        yield session
        if session.in_transaction():
            session.commit()  # only what it keeps to itself: it goes to the connection, whose commit is the commit


def is_postgres(session: Session) -> bool:
    """Which of the two engines this session is on."""
    return session.get_bind().dialect.name == "postgresql"


def insert_into(session: Session, table: Any) -> Any:
    """This engine's INSERT for a table or a mapped class: the one that knows ON CONFLICT."""
    return postgresql.insert(table) if is_postgres(session) else sqlite.insert(table)


def open_database(settings: Settings, *, host_clock: HostClock) -> Database:
    """A Database for DATABASE_URL.

    Errors: BadSetting when the URL is not understood. Nothing is connected yet.
    """
    url, app_schema = normal_url(settings.database_url)
    if url.startswith("sqlite"):
        engine = _sqlite(url)
        mapped: dict[str | None, str | None] = {SYNC_SCHEMA: None}
    else:
        engine = _postgres(url, settings)
        mapped = {SYNC_SCHEMA: settings.db_schema, None: app_schema}
    engine = engine.execution_options(schema_translate_map=mapped)
    readonly = engine.execution_options(shopsync_readonly=True)
    if engine.dialect.name == "postgresql":
        readonly = readonly.execution_options(isolation_level="REPEATABLE READ")
    return Database(engine, readonly, host_clock)


def normal_url(url: str) -> tuple[str, str]:
    """(SQLAlchemy URL, schema of the app's tables) for a URL in any form that hosts hand out.

    Errors: BadSetting, without repeating the URL (it may hold a password).
    """
    if url.startswith("sqlite:"):
        return url, ""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return _without_prisma(_read("postgresql+psycopg://" + url.removeprefix(prefix)))
    raise BadSetting("DATABASE_URL is (not shown): expected sqlite:///… or postgresql://…")


def _read(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadSetting("DATABASE_URL is (not shown): expected postgresql://user:password@host:port/name") from None
    return parts


def _without_prisma(parts: SplitResult) -> tuple[str, str]:
    asked = dict(parse_qsl(parts.query))
    kept = {name: value for name, value in asked.items() if name not in PRISMA_PARAMETERS}
    return urlunsplit(parts._replace(query=urlencode(kept))), asked.get("schema", "public")


def _sqlite(url: str) -> Engine:
    path = url.removeprefix("sqlite:///")
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours to send, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("sha256_text", 1, _sha256_text, deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("shopsync_readonly")
    words = "BEGIN" if readonly else "BEGIN IMMEDIATE"
    try:
        cast(sqlite3.Connection, connection.connection.driver_connection).execute(words)
    except sqlite3.Error as error:
        raise as_sqlalchemy(connection, words, error) from error


def _sha256_text(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _postgres(url: str, settings: Settings) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # an error's text would carry people's data into the log
        pool_size=settings.workers + 4,
        max_overflow=8,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "prepare_threshold": None},
    )
    event.listen(engine, "connect", _postgres_preparation(settings))
    return engine


def _postgres_preparation(settings: Settings) -> Callable[[Any, object], None]:
    """What each new connection is told.

    A process that stands still (or a host that vanished) inside a transaction would keep its shop locked
    for as long as it does: when its lease is over, so is its transaction.
    """
    lease_ms = int(settings.lease_seconds * 1000)

    def prepare(connection: Any, _record: object) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute(f"SET idle_in_transaction_session_timeout = {lease_ms}")
        connection.autocommit = autocommit

    return prepare
