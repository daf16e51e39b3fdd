"""The book of alerts: what should be open against what is, written once however many processes judge.

Every change is one guarded write, and the message about it stands in the same transaction: the unique index on open
keys, the row count of the update and the unique (alert, event) each let one process win.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from sync_core.alerts.judge import judge, still_hit
from sync_core.alerts.look import look
from sync_core.alerts.snapshot import Alarm, Message, Severity
from sync_core.alerts.words import OPENED, RECOVERED, REMINDER, WORSE, as_json, from_json
from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.db import Database, insert_into, is_postgres
from sync_core.models import Alert, AlertMessage, Mute

REMIND_AFTER = {Severity.PAGE: timedelta(hours=1), Severity.TICKET: timedelta(hours=24)}
FRESH_FOR = timedelta(seconds=60)
"""An open alert's text is written again after this long; judging goes on more often."""
BOOK_LOCK = 5_468_732
"""Key of PostgreSQL's advisory lock: one process keeps the book at a time. On SQLite the transaction does that."""

NOBODY: Mapping[str, int] = {}

log = structlog.get_logger()


def keep(database: Database, settings: Settings) -> None:
    """Judge, and write what changed. A look that changes nothing writes nothing. Errors: database errors."""
    with database.read() as session:
        now = database.now(session)
        rows = _open_rows(session)
        alarms = judge(look(session, now=now, settings=settings), frozenset(row.key for row in rows))
        if not _anything_to_write(session, rows, alarms, now):
            return
    with database.write() as session:
        _lock(session)
        now = database.now(session)
        keys = frozenset(row.key for row in _open_rows(session))
        # looked at again under the lock: a process that was paused since must not write what was true before
        facts = look(session, now=now, settings=settings)
        settle(session, judge(facts, keys), still_hit(facts), now=now)


def settle(session: Session, alarms: Iterable[Alarm], still: Mapping[str, int] = NOBODY, *, now: datetime) -> None:
    """Make the open rows what `alarms` says, with one message for each change.

    `still`: key → shops that a closed alert hits still; it is not said to be over for them.
    """
    rows = {row.key: row for row in _open_rows(session)}
    wanted = {alarm.key: alarm for alarm in alarms}
    for key, alarm in wanted.items():
        if key not in rows:
            _open(session, alarm, now)
        else:
            _go_on(session, rows[key], alarm, now)
    for key, row in rows.items():
        if key not in wanted:
            _close(session, row, still.get(key, 0), now)


def _anything_to_write(session: Session, rows: list[Alert], alarms: tuple[Alarm, ...], now: datetime) -> bool:
    if {row.key for row in rows} != {alarm.key for alarm in alarms}:
        return True
    severity = {alarm.key: alarm.severity for alarm in alarms}
    return any(_is_worse(row, severity[row.key]) or _is_stale(row, now) or _reminder(session, row, now) for row in rows)


def _open_rows(session: Session) -> list[Alert]:
    query = select(Alert).where(Alert.recovered_at.is_(None)).order_by(Alert.opened_at)
    return list(session.execute(query, execution_options={"populate_existing": True}).scalars())


def _lock(session: Session) -> None:
    if is_postgres(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": BOOK_LOCK})


def _open(session: Session, alarm: Alarm, now: datetime) -> None:
    row = {
        "id": new_id(),
        "key": alarm.key,
        "severity": alarm.severity.value,
        "message": as_json(alarm.message),
        "opened_at": now,
        "judged_at": now,
    }
    opened = insert_into(session, Alert).values(**row).on_conflict_do_nothing().returning(Alert.id)
    if (alert_id := session.execute(opened).scalar_one_or_none()) is not None:
        _tell(session, alert_id, OPENED, alarm.severity, now=now)
        log.warning("alert.opened", key=alarm.key, severity=alarm.severity.value, shops=alarm.message.n)


def _go_on(session: Session, row: Alert, alarm: Alarm, now: datetime) -> None:
    """A ticket may become a page; a page stays one until it recovers."""
    worse = _is_worse(row, alarm.severity)
    if worse:
        _change(session, row, Alert.severity == row.severity, severity=alarm.severity.value)
        _tell(session, row.id, WORSE, alarm.severity, now=now)
        log.warning("alert.worse", key=row.key, shops=alarm.message.n)
    if worse or _is_stale(row, now):
        _change(session, row, message=as_json(_kept_since(row, alarm.message)), judged_at=now)
    if (reminder := _reminder(session, row, now)) is not None:
        _tell(session, row.id, reminder, Severity(row.severity), now=now)


def _close(session: Session, row: Alert, still: int, now: datetime) -> None:
    """A recovery follows only what somebody was told, or is to be told still."""
    last = as_json(replace(from_json(row.message), still=still))
    if not _change(session, row, recovered_at=now, message=last):
        return
    log.info("alert.recovered", key=row.key, still=still)
    if muted(session, row.key, now=now) and not _was_told(session, row.id):
        _drop(session, row.id, now)
    else:
        _tell(session, row.id, RECOVERED, Severity(row.severity), now=now)


def muted(session: Session, key: str, *, now: datetime) -> bool:
    """Whether an alert's key is silenced at the moment."""
    until = session.execute(select(func.max(Mute.until)).where(Mute.key == key)).scalar_one()
    return until is not None and until > now


def _is_worse(row: Alert, severity: Severity) -> bool:
    return severity is Severity.PAGE and row.severity == Severity.TICKET


def _is_stale(row: Alert, now: datetime) -> bool:
    return row.judged_at is None or now - row.judged_at >= FRESH_FOR


def _reminder(session: Session, row: Alert, now: datetime) -> str | None:
    """The reminder that is due and not written yet; none for an alert that somebody has, or that is muted.

    Nor before what was said last was sent, or refused: a mute may have kept it back.
    """
    every = REMIND_AFTER[Severity(row.severity)]
    if now - row.opened_at < every or row.acknowledged_at is not None or muted(session, row.key, now=now):
        return None
    told = session.execute(select(AlertMessage).where(AlertMessage.alert_id == row.id)).scalars().all()
    last = max(told, key=lambda each: each.at, default=None)
    if last is not None and (_on_its_way(last) or now - (last.sent_at or last.at) < every):
        return None
    return f"{REMINDER}-{1 + sum(each.event.startswith(REMINDER) for each in told)}"


def _on_its_way(message: AlertMessage) -> bool:
    return message.sent_at is None and message.dropped_at is None and message.error is None


def _kept_since(row: Alert, message: Message) -> Message:
    return replace(message, since=min(message.since, from_json(row.message).since))


def _change(session: Session, row: Alert, *more: Any, **values: Any) -> bool:
    """Change an open alert; False when it is open no more."""
    change = update(Alert).where(Alert.id == row.id, Alert.recovered_at.is_(None), *more).values(**values)
    changed = session.execute(change.returning(Alert.id), execution_options={"synchronize_session": False})
    return changed.first() is not None


def _tell(session: Session, alert_id: str, event: str, severity: Severity, *, now: datetime) -> None:
    row = {"alert_id": alert_id, "event": event, "severity": severity.value, "at": now, "next_at": now}
    message = insert_into(session, AlertMessage).values(id=new_id(), **row)
    session.execute(message.on_conflict_do_nothing())


def _was_told(session: Session, alert_id: str) -> bool:
    told = select(AlertMessage.id).where(AlertMessage.alert_id == alert_id, AlertMessage.tries > 0).limit(1)
    return session.execute(told).first() is not None


def _drop(session: Session, alert_id: str, now: datetime) -> None:
    pending = update(AlertMessage).where(AlertMessage.alert_id == alert_id, AlertMessage.sent_at.is_(None))
    session.execute(
        pending.values(dropped_at=now, error="muted until it had recovered"),
        execution_options={"synchronize_session": False},
    )
