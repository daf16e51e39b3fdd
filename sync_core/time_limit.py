"""A time after which a reading transaction is given up, so that one slow question does not hold a page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import cast

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from sync_core.errors import TooSlow

STEPS = 10_000
"""SQLite's instructions between two looks at the clock: well under a millisecond."""
CANCELLED = "57014"

LIMITS = text(
    "SELECT set_config('statement_timeout', :limit, true), set_config('max_parallel_workers_per_gather', '0', true), "
    "set_config('jit', 'off', true)"
)
"""For this transaction. A page takes one core: starting helpers cost 5 ms, more than the questions it was for."""


@contextmanager
def limited(connection: Connection, seconds: float) -> Iterator[None]:
    """End what takes longer: on PostgreSQL each statement, on SQLite all of them together. Errors: TooSlow."""
    limit = _postgres if connection.dialect.name == "postgresql" else _sqlite
    try:
        with limit(connection, seconds):
            yield
    except OperationalError as error:
        if not _given_up(error):
            raise
        raise TooSlow(f"the database took longer than {seconds:g} s") from None


@contextmanager
def _postgres(connection: Connection, seconds: float) -> Iterator[None]:
    connection.execute(LIMITS, {"limit": f"{max(1, seconds * 1000):.0f}"})
    yield


@contextmanager
def _sqlite(connection: Connection, seconds: float) -> Iterator[None]:
    driver, until = cast(sqlite3.Connection, connection.connection.driver_connection), monotonic() + seconds
    driver.set_progress_handler(lambda: monotonic() > until, STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _given_up(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorcode", None)
    return code in (CANCELLED, sqlite3.SQLITE_INTERRUPT)
