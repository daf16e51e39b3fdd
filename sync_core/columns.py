"""Column types and ids that both groups of tables share."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, TypeDecorator
from sqlalchemy.dialects.postgresql import TIMESTAMP


def new_id() -> str:
    """A UUIDv7 as text: unique, and sorted by the millisecond in which it was made."""
    moment = time.time_ns() // 1_000_000
    bits = int.from_bytes(os.urandom(10), "big")
    high, low = bits >> 68, bits & ((1 << 62) - 1)
    return str(UUID(int=(moment << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low))


class UtcMs(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database, whole milliseconds, no zone stored.

    Errors: ValueError for a naive value, at binding.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return TIMESTAMP(precision=3)  # type_descriptor would drop the precision
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.replace(microsecond=utc.microsecond // 1000 * 1000)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)
