"""The one alert that cannot be kept in the database: that the database does not answer.

One process a host tells of it: whoever makes the file beside the others, exclusively. Whoever removes it tells of the
recovery and writes both into the book.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from sync_core.alerts import mends
from sync_core.alerts.channels import Letter, Send, channels
from sync_core.alerts.snapshot import Message, Severity
from sync_core.alerts.words import OPENED, RECOVERED, as_json, body, title
from sync_core.columns import new_id
from sync_core.config import Settings, state_folder
from sync_core.db import Database
from sync_core.models import Alert, AlertMessage

KEY = "database"
PATIENCE = timedelta(seconds=30)
"""A restart of the database is shorter than this."""
FILE = "alert-database-unreachable"
LEFT_SECONDS = 120
"""Whoever tells of it touches the file at each look; after so long another process goes on."""

log = structlog.get_logger()


@dataclass
class Note:
    """One silence, and the digests of the channels that heard of it. `alone`: there is no file of it."""

    since: datetime
    reached: set[str]
    alone: bool = False


class Outage:
    """What one process knows of the database's silence."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._since: datetime | None = None
        self._file = state_folder(settings) / FILE
        self._note: Note | None = None
        """Of the silence that this process tells of."""

    def failed(self, why: str, *, now: datetime) -> None:
        """The database did not answer; `why` is the kind of error only. Tells once it has lasted.

        A channel that refuses is tried again at the next look, the others are not rung again.
        """
        self._since = self._since or now
        if now - self._since < PATIENCE:
            return
        self._note = self._note or _made(self._file, self._since, now=now)
        if self._note is not None:
            self._tell(self._note, _message(self._since, why), at=now)
            _kept(self._file, self._note)

    def answered(self, database: Database) -> None:
        """The database answers. Books the silence, and its end for all channels. Errors: database errors."""
        self._since = None
        alone = self._note.since if self._note and self._note.alone else None
        if alone or self._file.exists():
            with database.write() as session:  # open before the file goes: without it the end would be told to nobody
                since = _removed(self._file) or alone
                if since is not None:
                    _book(session, _message(since, ""), database.now(session))
        self._note = None

    def _tell(self, note: Note, message: Message, *, at: datetime) -> None:
        """To each channel that has not heard of it yet."""
        text = body(message, OPENED, at=at, address=f"{self._settings.app_url}{message.link}")
        letter = Letter(title(message, OPENED, environment=self._settings.environment), text, "failure")
        for channel in channels(self._settings, Severity.PAGE):
            if channel.digest not in note.reached and (why := self._send(channel, letter)) is not None:
                log.warning("alert.not_delivered", key=KEY, why=why)
            else:
                note.reached.add(channel.digest)


def _message(since: datetime, why: str) -> Message:
    return Message(
        title="The database does not answer",
        act=True,
        since=since,
        shops=(),
        n=0,
        capped=False,
        cause=f"{mends.UNREACHABLE.cause}: {why}" if why else mends.UNREACHABLE.cause,
        action=mends.UNREACHABLE.action,
        link="/system",
    )


def _book(session: Session, message: Message, now: datetime) -> None:
    """It was told outside the book; here it is for those who look later, and its end is sent like any message."""
    row = Alert(
        id=new_id(),
        key=KEY,
        severity=Severity.PAGE.value,
        message=as_json(message),
        opened_at=message.since,
        judged_at=now,
        recovered_at=now,
    )
    session.add(row)
    told = {"alert_id": row.id, "severity": row.severity}
    session.add(AlertMessage(event=OPENED, at=message.since, next_at=message.since, sent_at=now, tries=1, **told))
    session.add(AlertMessage(event=RECOVERED, at=now, next_at=now, **told))


def _made(path: Path, since: datetime, *, now: datetime) -> Note | None:
    """The note of a silence that nobody tells of yet; None when another process does, and lives.

    Where no file can be made each process tells for itself: better twice than never.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("x").close()
    except FileExistsError:
        return _left(path, now=now)
    except OSError as error:
        log.warning("alert.no_file", error=type(error).__name__)
        return Note(since, set(), alone=True)
    return Note(since, set())


def _left(path: Path, *, now: datetime) -> Note | None:
    """The note of a process that has not touched its file for long: it died before it had told all channels."""
    try:
        if now.timestamp() - path.stat().st_mtime < LEFT_SECONDS:
            return None
        return _read(path)
    except OSError:
        return None


def _kept(path: Path, note: Note) -> None:
    """Write the note down, and so touch its file. A disk that takes nothing keeps an older one."""
    if note.alone:
        return
    try:
        path.write_text(json.dumps({"since": note.since.isoformat(), "reached": sorted(note.reached)}))
    except OSError as error:
        log.warning("alert.no_file", error=type(error).__name__)


def _read(path: Path) -> Note:
    """What the file says; one that was cut off says only when it was made."""
    try:
        kept = json.loads(path.read_text())
        return Note(datetime.fromisoformat(kept["since"]), set(kept["reached"]))
    except (ValueError, KeyError, TypeError):
        return Note(datetime.fromtimestamp(path.stat().st_mtime, UTC), set())


def _removed(path: Path) -> datetime | None:
    """Since when, for the one process that removes the file."""
    try:
        since = _read(path).since
        path.unlink()
    except OSError:
        return None
    return since
