"""Column types and ids that both groups of tables share."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator
from sqlalchemy.dialects.postgresql import TIMESTAMP

VARIANTS = "89ab" * 4
"""The two bits of RFC 9562's variant, by any hexadecimal digit of chance."""


def new_id() -> str:
    """A UUIDv7 as text: unique, and sorted by the millisecond in which it was made."""
    return new_ids(1)[0]


def new_ids(many: int) -> list[str]:
    """So many of them; asking the system for chance is most of what one costs, so it is asked once."""
    moment = f"{time.time_ns() // 1_000_000:012x}"
    chance = os.urandom(10 * many).hex()
    return [_uuid7(moment, chance[at : at + 20]) for at in range(0, 20 * many, 20)]


def _uuid7(moment: str, chance: str) -> str:
    variant = VARIANTS[int(chance[3], 16)]
    return f"{moment[:8]}-{moment[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"


def utc_ms(moment: datetime) -> datetime:
    """A moment as it is stored: UTC without its zone, whole milliseconds. Errors: ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.replace(tzinfo=None, microsecond=utc.microsecond // 1000 * 1000)


def first_id(moment: datetime) -> str:
    """The beginning of every id that is made at this moment: those made before it sort before it."""
    made = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{made[:8]}-{made[8:]}"


def made_at(made_id: str) -> datetime:
    """The moment in which an id was made."""
    return datetime.fromtimestamp(int(made_id.replace("-", "")[:12], 16) / 1000, UTC)


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
        return None if value is None else utc_ms(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)
