"""Durations in SQL, exact to the millisecond on both engines."""

from __future__ import annotations

from datetime import datetime
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


def moment(value: datetime) -> ColumnElement[datetime]:
    """A moment as a value in a query."""
    return literal(value, UtcMs())


def seconds_between(begin: Any, end: Any) -> ColumnElement[int]:
    """Whole seconds from one moment to a later one, rounded down; None when either is missing."""
    return (epoch_ms(end) - epoch_ms(begin)) // 1000
