"""Statements compiled once and handed straight to the driver: for the few that each sync runs.

SQLAlchemy's execution costs a statement several times the database's own work (measured on SQLite); a
claim and its completion run a dozen. Values become what the column types would make of them: UtcMs (see
`columns`), JSON text, an enum's value. Errors become what SQLAlchemy would make of them. Where somebody
listens to the engine's statements, SQLAlchemy executes them, so that they are heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync_core.columns import utc_ms

Row = Mapping[str, Any]

AS_IS = frozenset({str, int, float, bool, bytes, type(None)})
"""Types that every driver takes as they are."""


class Prepared:
    """One statement with named parameters. One is made at import; each engine compiles it at first use."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._texts: WeakKeyDictionary[Dialect, _Text] = WeakKeyDictionary()

    def run(self, session: Session, *rows: Row) -> int:
        """Execute for each row; the number of rows that were written."""
        line = _line(session)
        text = self._text(line.connection)
        values = text.values(rows[0]) if len(rows) == 1 else [text.values(row) for row in rows]
        written: int = line.execute(text.sql, values).rowcount
        return written

    def run_cells(self, session: Session, cells: Any) -> None:
        """Execute with what the driver takes as it is: a mapping, or a list of tuples in the statement's order."""
        line = _line(session)
        line.execute(self._text(line.connection).sql, cells)

    def fetch(self, session: Session, row: Row) -> Sequence[Any]:
        """The rows that a query finds, as the driver gives them."""
        line = _line(session)
        text = self._text(line.connection)
        found: Sequence[Any] = line.execute(text.sql, text.values(row)).fetchall()
        return found

    def _text(self, connection: Connection) -> _Text:
        text = self._texts.get(connection.dialect)
        if text is None:
            text = self._texts[connection.dialect] = _Text(self._statement, connection)
        return text


class _Line:
    """The way to the driver of a session's connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.to_postgres = connection.dialect.name == "postgresql"
        self._cursor = connection.connection.cursor()

    @property
    def heard(self) -> bool:
        return bool(self.connection.dispatch.before_cursor_execute)

    def execute(self, sql: str, values: Any) -> Any:
        """A cursor that has executed, good until the next call. Errors: SQLAlchemy's."""
        if self.heard:
            return self.connection.exec_driver_sql(sql, values)
        cursor = self._cursor
        try:
            (cursor.executemany if isinstance(values, list) else cursor.execute)(sql, values)
        except self.connection.dialect.loaded_dbapi.Error as error:
            raise as_sqlalchemy(self.connection, sql, error) from error
        return cursor


def at_once(session: Session) -> AbstractContextManager[object]:
    """Statements whose counts nobody asks for: PostgreSQL gets them in one message and answers once, at the end.

    Errors: SQLAlchemy's, told at the end there.
    """
    line = _line(session)
    return _pipeline(line) if line.to_postgres and not line.heard else nullcontext()


@contextmanager
def _pipeline(line: _Line) -> Iterator[None]:
    driver: Any = line.connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except line.connection.dialect.loaded_dbapi.Error as error:
        raise as_sqlalchemy(line.connection, "(several at once)", error) from error


def as_sqlalchemy(connection: Connection, sql: str, error: Any) -> Exception:
    """A driver's error as SQLAlchemy tells it, without the values; a connection that is gone is not used again."""
    dialect, driver = connection.dialect, connection.dialect.loaded_dbapi
    gone = dialect.is_disconnect(error, connection.connection.driver_connection, None)
    if gone:
        connection.invalidate(error)
    how: dict[str, Any] = {"hide_parameters": True, "connection_invalidated": gone, "dialect": dialect}
    told: Exception = DBAPIError.instance(sql, None, error, driver.Error, **how)
    return told


def _line(session: Session) -> _Line:
    """Made once a session. A nested one is asked for each time: that is what sends its SAVEPOINT."""
    if session.in_nested_transaction():
        return _Line(session.connection())
    line: _Line | None = session.info.get(_Line)
    if line is None:
        line = session.info[_Line] = _Line(cast(Connection, session.bind))
    return line


class _Text:
    """A statement's text for one engine, and how its parameters are handed over."""

    def __init__(self, statement: Executable, connection: Connection) -> None:
        schemas = connection.get_execution_options()["schema_translate_map"]
        compiled = statement.compile(  # type: ignore[attr-defined]
            dialect=connection.dialect, schema_translate_map=schemas, render_schema_translate=True
        )
        self.sql = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._order: list[str] | None = compiled.positiontup
        self._value = _for_sqlite if connection.dialect.name == "sqlite" else _for_postgres

    def values(self, row: Row) -> Any:
        merged = {**self._fixed, **row} if self._fixed else row
        convert = self._value
        if self._order is None:
            return {name: value if type(value) in AS_IS else convert(value) for name, value in merged.items()}
        inward = [merged[name] for name in self._order]
        return tuple([value if type(value) in AS_IS else convert(value) for value in inward])


@lru_cache(maxsize=64)
def sqlite_moment(value: datetime) -> str:
    """A moment as SQLAlchemy's DateTime stores it there. Kept: a transaction writes the same one many times."""
    return utc_ms(value).isoformat(sep=" ", timespec="microseconds")


def _for_sqlite(value: Any) -> Any:
    return sqlite_moment(value) if isinstance(value, datetime) else _plain(value)


def _for_postgres(value: Any) -> Any:
    return utc_ms(value) if isinstance(value, datetime) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    return orjson.dumps(value).decode() if isinstance(value, dict) else value
