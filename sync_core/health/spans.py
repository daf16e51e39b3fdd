"""Durations in SQL, exact to the millisecond on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from sync_core.columns import UtcMs


class seconds_between(FunctionElement[int]):  # noqa: N801
    """Whole seconds from one moment to a later one, rounded down; null when either is missing."""

    type = BigInteger()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _sqlite(element: seconds_between, compiler: SQLCompiler, **kw: Any) -> str:
    begin, end = (f"ROUND(julianday({compiler.process(one, **kw)}) * 86400000)" for one in element.clauses)
    return f"CAST(({end} - {begin}) / 1000 AS INTEGER)"


@compiles(seconds_between, "postgresql")
def _postgresql(element: seconds_between, compiler: SQLCompiler, **kw: Any) -> str:
    """By date_part, whose double holds milliseconds exactly; EXTRACT counts in decimals, at thrice the time."""
    begin, end = (compiler.process(one, **kw) for one in element.clauses)
    return f"CAST(FLOOR(DATE_PART('epoch', ({end}) - ({begin}))) AS BIGINT)"


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
