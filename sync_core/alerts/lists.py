"""The alerts as pages show them: open ones, recent ones, one of them with its messages. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from sync_core.alerts.snapshot import Message, Severity
from sync_core.alerts.words import from_json
from sync_core.health.shop import copied
from sync_core.models import Alert, AlertMessage, Mute

RECENT = 30


@dataclass(frozen=True)
class Delivery:
    """One message: sent, dropped (then `error` says why), or on its way (`error`: what the last try met)."""

    event: str
    severity: Severity
    at: datetime
    sent_at: datetime | None
    dropped_at: datetime | None
    next_at: datetime
    tries: int
    error: str | None


@dataclass(frozen=True)
class Seen:
    """One alert as it stands."""

    id: str
    key: str
    severity: Severity
    message: Message
    opened_at: datetime
    recovered_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    muted_until: datetime | None
    muted_by: str | None
    muted_because: str | None
    deliveries: tuple[Delivery, ...]
    """Oldest first."""


@dataclass(frozen=True)
class Alerts:
    """Open ones, pages first; recovered ones, newest first, at most RECENT."""

    open: tuple[Seen, ...]
    recent: tuple[Seen, ...]


def alerts(session: Session, *, now: datetime) -> Alerts:
    """Both lists."""
    still = _seen(session, now, Alert.recovered_at.is_(None), limit=None)
    over = _seen(session, now, Alert.recovered_at.is_not(None), limit=RECENT)
    return Alerts(tuple(sorted(still, key=lambda alert: alert.severity is not Severity.PAGE)), tuple(over))


def alert(session: Session, alert_id: str, *, now: datetime) -> Seen | None:
    """One alert, however old; None: no such alert."""
    return next(iter(_seen(session, now, Alert.id == alert_id, limit=1)), None)


def open_by_severity(session: Session) -> dict[str, int]:
    """How many are open of each severity."""
    query = select(Alert.severity, func.count()).where(Alert.recovered_at.is_(None)).group_by(Alert.severity)
    counted = {row[0]: int(row[1]) for row in session.execute(query)}
    return {severity.value: counted.get(severity.value, 0) for severity in Severity}


def undelivered(session: Session, *, now: datetime) -> int:
    """Messages on their way whose last try failed."""
    pending = select(func.count()).where(AlertMessage.sent_at.is_(None), AlertMessage.dropped_at.is_(None))
    return session.execute(pending.where(AlertMessage.error.is_not(None), AlertMessage.at <= now)).scalar_one()


def _seen(session: Session, now: datetime, which: ColumnElement[bool], *, limit: int | None) -> list[Seen]:
    query = select(Alert).where(which).order_by(Alert.opened_at.desc(), Alert.id).limit(limit)
    rows = session.execute(query).scalars().all()
    return [_one(session, row, now) for row in rows]


def _one(session: Session, row: Alert, now: datetime) -> Seen:
    muted = select(Mute).where(Mute.key == row.key, Mute.until > now).order_by(Mute.until.desc()).limit(1)
    mute = session.execute(muted).scalar_one_or_none()
    return Seen(
        id=row.id,
        key=row.key,
        severity=Severity(row.severity),
        message=from_json(row.message),
        opened_at=row.opened_at,
        recovered_at=row.recovered_at,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        muted_until=mute.until if mute else None,
        muted_by=mute.by if mute else None,
        muted_because=mute.reason if mute else None,
        deliveries=_deliveries(session, row.id),
    )


def _deliveries(session: Session, alert_id: str) -> tuple[Delivery, ...]:
    query = select(AlertMessage).where(AlertMessage.alert_id == alert_id).order_by(AlertMessage.at, AlertMessage.id)
    return tuple(copied(Delivery, row, severity=Severity(row.severity)) for row in session.execute(query).scalars())
