"""Time as whole seconds since 1970 UTC inside, as Shopify's DateTime outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], float]
DAY_SECONDS = 86_400
EPOCH = date(1970, 1, 1)


@lru_cache(maxsize=8_192)
def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).isoformat()


def iso(seconds: int) -> str:
    """1764000000 → "2025-11-24T16:00:00Z"."""
    day, rest = divmod(seconds, DAY_SECONDS)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(day)}T{hour:02}:{minute:02}:{second:02}Z"


def seconds_of(text: str) -> int:
    """The inverse of `iso`; also takes dates alone and other offsets. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
