"""Declared maintenance: a time, told beforehand, in which no safety check is expected.

It cannot be declared backwards, so a figure once shown never changes; what is over stays. Syncs go on as
long as there are workers: it is an announcement, not a switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core.errors import BadInput
from sync_core.models import Audit, Maintenance

LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class Planned:
    """[since, until), by whom and why."""

    since: datetime
    until: datetime
    by: str
    reason: str

    def touches(self, begin: datetime, end: datetime) -> bool:
        """Whether a time shares a moment with it."""
        return self.since < end and begin < self.until


def declare(
    session: Session, *, since: datetime, length: timedelta, by: str, reason: str, now: datetime, origin: str
) -> Planned:
    """Announce maintenance from `since` (at the earliest now) on, with its row in the audit. Errors: BadInput."""
    since = max(since, now)
    if not timedelta(0) < length <= LONGEST:
        raise BadInput(f"a maintenance lasts for more than 0 and at most {LONGEST.days} days", field="length")
    if not reason.strip():
        raise BadInput("a maintenance needs a reason", field="reason")
    planned = Planned(since, since + length, by, reason.strip())
    session.add(Maintenance(since=planned.since, until=planned.until, by=by, reason=planned.reason, at=now))
    session.add(Audit(at=now, actor=by, act="maintenance", reason=planned.reason, origin=origin, detail=_told(planned)))
    return planned


def end(session: Session, *, by: str, now: datetime, origin: str) -> int:
    """End what is under way, and take back what has not begun; how many there were."""
    rows = session.execute(select(Maintenance).where(Maintenance.until > now)).scalars().all()
    for row in rows:
        detail = _told(Planned(row.since, row.until, row.by, row.reason))
        row.since, row.until = min(row.since, now), now
        session.add(Audit(at=now, actor=by, act="maintenance ended", origin=origin, detail=detail))
    return len(rows)


def within(session: Session, since: datetime, until: datetime) -> tuple[Planned, ...]:
    """Every maintenance that shares a moment with [since, until), oldest first. Source: maintenance, by its index."""
    query = select(Maintenance).where(Maintenance.until > since, Maintenance.since < until).order_by(Maintenance.since)
    return tuple(Planned(row.since, row.until, row.by, row.reason) for row in session.execute(query).scalars())


def heard_at(planned: tuple[Planned, ...], heard: datetime, *, patience: timedelta) -> datetime:
    """From when a silence counts that began at `heard`: maintenance excuses it that came before it was a silence."""
    for each in planned:
        if each.since - heard <= patience:
            heard = max(heard, each.until)
    return heard


def _told(planned: Planned) -> dict[str, str]:
    return {"from": planned.since.isoformat(), "to": planned.until.isoformat()}
