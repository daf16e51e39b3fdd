"""Sending what the book says, once across all processes: claimed by a conditional update, sent outside any transaction.

A process that dies between its claim and its note leaves the message to another one after CLAIM_SECONDS, which may
then tell a channel twice; a channel that answered and was noted is never told again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from sync_core.alerts.channels import Channel, Letter, Send, channels
from sync_core.alerts.snapshot import Message, Severity
from sync_core.alerts.words import RECOVERED, REMINDER, body, from_json, title
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Alert, AlertMessage, Mute

CLAIM_SECONDS = 180.0
WAITS_SECONDS = (30.0, 60.0, 300.0)
"""Between two tries of one message; the last repeats."""
GIVE_UP_AFTER = timedelta(hours=24)
NO_CHANNEL = "no channel is set"

log = structlog.get_logger()


@dataclass(frozen=True)
class Claimed:
    """One message that this process sends now."""

    id: str
    alert_id: str
    event: str
    severity: Severity
    at: datetime
    tries: int
    reached: tuple[str, ...]
    key: str
    message: Message


def deliver(database: Database, settings: Settings, *, send: Send) -> int:
    """Send all that is due; how many messages were tried. Errors: database errors."""
    _drop_overtaken(database)
    n = 0
    while (claimed := _claim(database)) is not None:
        n += 1
        _send(database, settings, claimed, send)
    return n


def _send(database: Database, settings: Settings, claimed: Claimed, send: Send) -> None:
    to = channels(settings, claimed.severity)
    letter = _letter(claimed, settings)
    failed, reached = [], list(claimed.reached)
    for channel in to:
        if channel.digest in reached:
            continue
        refused = send(channel, letter)
        if refused is None:
            reached.append(channel.digest)
        else:
            failed.append(refused)
            log.warning("alert.not_delivered", key=claimed.key, why=refused, tries=claimed.tries)
    _note(database, claimed, to, reached=reached, error="; ".join(failed) or None)


def _letter(claimed: Claimed, settings: Settings) -> Letter:
    message, event = claimed.message, claimed.event
    path = f"/alerts?id={claimed.alert_id}" if event.startswith(REMINDER) or event == RECOVERED else message.link
    text = body(message, event, at=claimed.at, address=f"{settings.app_url}{path}")
    bad = "failure" if claimed.severity is Severity.PAGE else "warning"
    kind = "success" if event == RECOVERED else bad
    return Letter(title(message, event, environment=settings.environment), text, kind)


def _claim(database: Database) -> Claimed | None:
    """Take the oldest due message, so that no other process sends it; None when there is none."""
    with database.read() as session:
        if _next(session, database.now(session)) is None:
            return None
    with database.write() as session:
        now = database.now(session)
        while (found := _next(session, now)) is not None:
            message, alert = found
            # the moment that was read is the ticket: whoever moves it on first has the message
            mine = and_(AlertMessage.id == message.id, AlertMessage.next_at == message.next_at, PENDING)
            values = {"next_at": now + timedelta(seconds=CLAIM_SECONDS), "tries": AlertMessage.tries + 1}
            if _write(session, mine, **values):
                return _claimed(message, alert)
    return None


OVERTAKEN = "overtaken by a later message: "
PENDING = and_(AlertMessage.sent_at.is_(None), AlertMessage.dropped_at.is_(None))


def _drop_overtaken(database: Database) -> None:
    """What a channel refused is not tried again when there is something newer to say to the same channels.

    So a channel that is dead for hours holds up no other, and is not told at last what is long over.
    """
    later = aliased(AlertMessage)
    newer = exists().where(
        later.alert_id == AlertMessage.alert_id,
        later.at > AlertMessage.at,
        or_(later.severity == AlertMessage.severity, later.event == RECOVERED),
    )
    overtaken = and_(PENDING, AlertMessage.error.is_not(None), newer)
    with database.read() as session:
        if session.execute(select(AlertMessage.id).where(overtaken).limit(1)).first() is None:
            return
    with database.write() as session:
        reason = literal(OVERTAKEN).concat(AlertMessage.error)
        _write(session, overtaken, dropped_at=database.now(session), error=reason)


def _next(session: Session, now: datetime) -> tuple[AlertMessage, Alert] | None:
    """The oldest that is due, not muted, and not before an earlier one of its alert to the same channels."""
    earlier, muted = aliased(AlertMessage), aliased(Mute)
    waits = exists().where(
        earlier.alert_id == AlertMessage.alert_id,
        earlier.severity == AlertMessage.severity,
        earlier.at < AlertMessage.at,
        earlier.sent_at.is_(None),
        earlier.dropped_at.is_(None),
    )
    silenced = exists().where(muted.key == Alert.key, muted.until > now)
    query = select(AlertMessage, Alert).join(Alert, Alert.id == AlertMessage.alert_id)
    query = query.where(PENDING, AlertMessage.next_at <= now, ~waits)
    query = (
        query.where((AlertMessage.event == RECOVERED) | ~silenced).order_by(AlertMessage.at, AlertMessage.id).limit(1)
    )
    row = session.execute(query, execution_options={"populate_existing": True}).first()
    return None if row is None else (row[0], row[1])


def _claimed(message: AlertMessage, alert: Alert) -> Claimed:
    return Claimed(
        id=message.id,
        alert_id=alert.id,
        event=message.event,
        severity=Severity(message.severity),
        at=message.at,
        tries=message.tries + 1,
        reached=tuple(message.reached),
        key=alert.key,
        message=from_json(alert.message),
    )


def _note(
    database: Database, claimed: Claimed, to: tuple[Channel, ...], *, reached: list[str], error: str | None
) -> None:
    """What came of it; a message without any channel is dropped with the reason."""
    with database.write() as session:
        now = database.now(session)
        mine = and_(AlertMessage.id == claimed.id, PENDING)
        if not to:
            _write(session, mine, dropped_at=now, error=NO_CHANNEL)
        elif error is None:
            _write(session, mine, sent_at=now, reached=reached, error=None)
        elif now - claimed.at >= GIVE_UP_AFTER:
            _write(session, mine, dropped_at=now, reached=reached, error=f"given up after a day: {error}")
        else:
            wait = WAITS_SECONDS[min(claimed.tries, len(WAITS_SECONDS)) - 1]
            _write(session, mine, next_at=now + timedelta(seconds=wait), reached=reached, error=error)


def _write(session: Session, which: ColumnElement[bool], **values: object) -> bool:
    """Whether there was such a message."""
    change = update(AlertMessage).where(which).values(**values).returning(AlertMessage.id)
    return session.execute(change, execution_options={"synchronize_session": False}).first() is not None
