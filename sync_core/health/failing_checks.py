"""Checks that begin and end badly: the newest of them since the last good one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core.models import Sweep


@dataclass(frozen=True)
class Failed:
    """A check that ended badly: when it began, and its error, redacted."""

    at: datetime
    error: str


def failed_since(session: Session, good_at: datetime | None, *, after: datetime) -> Failed | None:
    """The newest that began after the last good one, and not before `after`: an old failure tells of no present one.

    One that its scheduler's death cut off has no end, and did not fail. Source: sweep, newest first by its index.
    """
    newest = select(Sweep.begun_at, Sweep.error).where(Sweep.ended_at.is_not(None), Sweep.error.is_not(None))
    newest = newest.where(Sweep.begun_at >= after).order_by(Sweep.begun_at.desc()).limit(1)
    if good_at is not None:
        newest = newest.where(Sweep.begun_at > good_at)
    row = session.execute(newest).first()
    return None if row is None else Failed(row.begun_at, row.error or "")
