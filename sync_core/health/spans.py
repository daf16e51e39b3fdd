"""Durations in SQL, exact to the millisecond on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from sync_core.columns import UtcMs


class epoch_ms(FunctionElement[int]):  # noqa: N801
    """Whole milliseconds since the epoch of a moment."""

    type = BigInteger()
    inherit_cache = True


@compiles(epoch_ms, "sqlite")
def _sqlite(element: epoch_ms, compiler: SQLCompiler, **kw: Any) -> str:
    moment = compiler.process(element.clauses, **kw)
    return f"CAST(ROUND((julianday({moment}) - 2440587.5) * 86400000) AS INTEGER)"


@compiles(epoch_ms, "postgresql")
def _postgresql(element: epoch_ms, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **kw)}) * 1000 AS BIGINT)"


class hour_of(FunctionElement[datetime]):  # noqa: N801
    """The beginning of the hour, UTC, in which a moment lies."""

    type = UtcMs()
    inherit_cache = True


@compiles(hour_of, "sqlite")
def _sqlite_hour(element: hour_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d %H:00:00.000000', {compiler.process(element.clauses, **kw)})"


@compiles(hour_of, "postgresql")
def _postgresql_hour(element: hour_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date_trunc('hour', {compiler.process(element.clauses, **kw)})"


HOUR = timedelta(hours=1)


def hour_floor(value: datetime) -> datetime:
    """The beginning of the hour in which a moment lies, UTC."""
    return value.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_ceil(value: datetime) -> datetime:
    """The first full hour that is not before a moment, UTC."""
    floor = hour_floor(value)
    return floor if floor == value else floor + HOUR


def moment(value: datetime) -> ColumnElement[datetime]:
    """A moment as a value in a query."""
    return literal(value, UtcMs())


def seconds_between(begin: Any, end: Any) -> ColumnElement[int]:
    """Whole seconds from one moment to a later one, rounded down; None when either is missing."""
    return (epoch_ms(end) - epoch_ms(begin)) // 1000
