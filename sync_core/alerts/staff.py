"""What staff can do with an alert: say who has it, silence its cause until a moment. Rights are the caller's."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from sync_core.errors import BadInput, Forbidden
from sync_core.models import Alert, Mute

LONGEST_MUTE = timedelta(days=7)


def acknowledge(session: Session, alert_id: str, *, by: str, now: datetime) -> None:
    """`by` has it: no more reminders, and the others see who. Errors: Forbidden when it is over or somebody has it."""
    mine = update(Alert).where(Alert.id == alert_id, Alert.recovered_at.is_(None), Alert.acknowledged_at.is_(None))
    taken = mine.values(acknowledged_by=by, acknowledged_at=now).returning(Alert.id)
    if session.execute(taken, execution_options={"synchronize_session": False}).first() is None:
        raise Forbidden("This alert is over, or somebody has it already")


def mute(session: Session, key: str, *, until: datetime, by: str, reason: str, now: datetime) -> None:
    """Send nothing about this cause until then. Errors: BadInput for a missing reason or an end that is none."""
    if not reason.strip():
        raise BadInput("A reason is needed", field="reason")
    if not now < until <= now + LONGEST_MUTE:
        raise BadInput(f"A mute ends within {LONGEST_MUTE.days} days", field="until")
    session.add(Mute(key=key, until=until, by=by, reason=reason.strip(), at=now))


def unmute(session: Session, key: str, *, now: datetime) -> None:
    """End the mutes of this cause now."""
    over = update(Mute).where(Mute.key == key, Mute.until > now).values(until=now)
    session.execute(over, execution_options={"synchronize_session": False})
