"""Checks that begin and end badly, by an error or too late: the last good one, the newest bad one since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from sync_core.explain.words import span
from sync_core.health.spans import seconds_between
from sync_core.models import Sweep

IN_TIME: ColumnElement[bool] = seconds_between(Sweep.begun_at, Sweep.ended_at) <= Sweep.period_seconds
WELL = and_(Sweep.ended_at.is_not(None), Sweep.error.is_(None), IN_TIME)
"""Ended, without an error, within its period: as the objective counts it."""


@dataclass(frozen=True)
class Failed:
    """A check that ended badly: when it began, and its error, redacted."""

    at: datetime
    error: str


def failed_since(session: Session, good_at: datetime | None, *, after: datetime) -> Failed | None:
    """The newest that began after the last good one, and not before `after`: an old failure tells of no present one.

    One that its scheduler's death cut off has no end, and did not fail. Source: sweep, newest first by its index.
    """
    badly = and_(Sweep.ended_at.is_not(None), or_(Sweep.error.is_not(None), ~IN_TIME))
    newest = select(Sweep.begun_at, Sweep.ended_at, Sweep.error, Sweep.period_seconds).where(badly)
    newest = newest.where(Sweep.begun_at >= after).order_by(Sweep.begun_at.desc()).limit(1)
    if good_at is not None:
        newest = newest.where(Sweep.begun_at > good_at)
    row = session.execute(newest).first()
    if row is None:
        return None
    took = (row.ended_at - row.begun_at).total_seconds()
    late = f"it took {span(took)}, longer than its period of {span(row.period_seconds)}"
    return Failed(row.begun_at, row.error or late)
