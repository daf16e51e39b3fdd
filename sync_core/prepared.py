"""Statements compiled once and handed straight to the driver: for the few that each sync runs.

SQLAlchemy's execution costs some 75 µs a statement beyond the database's own work, this some 20
(measured on SQLite); a claim and its completion run a dozen. Values become what the column types
would make of them: UtcMs (see `columns`), JSON text, an enum's value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from sync_core.columns import utc_ms

Row = Mapping[str, Any]


class Prepared:
    """One statement with named parameters. One is made at import; each engine compiles it at first use."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._texts: WeakKeyDictionary[Dialect, _Text] = WeakKeyDictionary()

    def run(self, session: Session, *rows: Row) -> int:
        """Execute for each row; the number of rows that were written."""
        connection = session.connection()
        text = self._text(connection)
        values = [text.values(row) for row in rows]
        return connection.exec_driver_sql(text.sql, values[0] if len(values) == 1 else values).rowcount

    def run_cells(self, session: Session, cells: Any) -> None:
        """Execute with what the driver takes as it is: a mapping, or a list of tuples in the statement's order."""
        connection = session.connection()
        connection.exec_driver_sql(self._text(connection).sql, cells)

    def fetch(self, session: Session, row: Row) -> Sequence[Any]:
        """The rows that a query finds, as the driver gives them."""
        connection = session.connection()
        text = self._text(connection)
        found: CursorResult[Any] = connection.exec_driver_sql(text.sql, text.values(row))
        return found.fetchall()

    def _text(self, connection: Connection) -> _Text:
        text = self._texts.get(connection.dialect)
        if text is None:
            text = self._texts[connection.dialect] = _Text(self._statement, connection)
        return text


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
        merged = {**self._fixed, **row}
        if self._order is None:
            return {name: self._value(value) for name, value in merged.items()}
        return tuple(self._value(merged[name]) for name in self._order)


def sqlite_moment(value: datetime) -> str:
    """A moment as SQLAlchemy's DateTime stores it there."""
    return utc_ms(value).isoformat(sep=" ", timespec="microseconds")


def _for_sqlite(value: Any) -> Any:
    return sqlite_moment(value) if isinstance(value, datetime) else _plain(value)


def _for_postgres(value: Any) -> Any:
    return utc_ms(value) if isinstance(value, datetime) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    return orjson.dumps(value).decode() if isinstance(value, dict) else value
