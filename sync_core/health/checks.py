"""The safety check's ticks: the strip of slots and the list of what each did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy.orm import Session

from sync_core.config import Settings


@dataclass(frozen=True)
class Tick:
    """One tick as it was stored."""

    id: str
    slot: int | None
    period_seconds: float
    profile: str
    by: str
    begun_at: datetime
    ended_at: datetime | None
    due: int
    adopted: int
    opened: int
    joined: int
    over_limit: int
    error: str | None


@dataclass(frozen=True)
class TickPage:
    """Ticks newest first; `next_before` None: there are no older ones."""

    rows: tuple[Tick, ...]
    next_before: str | None


def slots(session: Session, *, since: datetime, until: datetime, now: datetime, settings: Settings) -> pd.DataFrame:
    """Every check that was to run.

    Shape: one row per whole slot in [since, until) since the first tick ever, oldest first; empty keeps the columns.
    Columns: at UTC, the slot's beginning · state str: ran, found, late, missed, failed, over_limit · due int ·
    opened int · by str or None.
    Source: sweep.begun_at, ended_at, error, period_seconds. Errors: database errors pass through.
    """
    raise NotImplementedError


def sweeps(session: Session, *, before: str | None = None, limit: int = 50) -> TickPage:
    """Ticks newest first, those older than the tick with the id `before`."""
    raise NotImplementedError
